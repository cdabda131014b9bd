"""Records `fixtures/tensorboard/events.bin`: a file as the package `tensorboard` writes it, with fixed times.

Run:       python scripts/record_tensorboard.py
Versions:  needs the package `tensorboard`; recorded with 2.21.
"""

import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "tensorboard" / "events.bin"


def main():
    scalar = summary_pb2.Summary.Value(tag="loss", simple_value=0.5)
    text = summary_pb2.Summary.Value(
        tag="note",
        tensor=TensorProto(
            dtype=7,
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
            string_val=["é".encode()],
        ),
        metadata=summary_pb2.SummaryMetadata(
            plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text")
        ),
    )
    events = [
        event_pb2.Event(wall_time=1.5, file_version="brain.Event:2"),
        event_pb2.Event(wall_time=2.5, step=1, summary=summary_pb2.Summary(value=[scalar])),
        event_pb2.Event(wall_time=3.5, step=300, summary=summary_pb2.Summary(value=[text])),
    ]
    OUT.parent.mkdir(exist_ok=True)
    with open(OUT, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


if __name__ == "__main__":
    main()
