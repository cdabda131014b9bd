"""PyTorch's side of `crates/nn/tests/pytorch.rs`: a model in safetensors, saved here and loaded there, and the way back.

Run:       python scripts/safetensors_model.py save|load FOLDER
`save` writes `theirs.safetensors` (the model), `input.safetensors` and `output.safetensors`; `load` reads
`ours.safetensors` and writes `again.safetensors`, the output of that model for the same input.
"""

import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU())
        self.embedding = nn.Embedding(10, 16)
        self.lstm = nn.LSTM(16, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2, enable_nested_tensor=False)
        self.head = nn.Linear(4 * 3 * 3 + 16, 5)

    def forward(self, images, tokens):
        sequence = self.encoder(self.lstm(self.embedding(tokens))[0]).mean(1)
        return self.head(torch.cat([self.conv(images).flatten(1), sequence], 1))


def main(what, folder):
    torch.manual_seed(0)
    folder, model = pathlib.Path(folder), Model()
    if what == "save":
        inputs = {"images": torch.randn(6, 1, 8, 8), "tokens": torch.randint(0, 10, (6, 7))}
        model(**inputs)  # running statistics that are not the first ones
        save_file(inputs, folder / "input.safetensors")
        save_file(model.state_dict(), folder / "theirs.safetensors")
        name = "output"
    else:
        inputs, name = load_file(folder / "input.safetensors"), "again"
        model.load_state_dict(load_file(folder / "ours.safetensors"))
    with torch.no_grad():
        output = model.eval()(**inputs)
    save_file({"output": output.contiguous()}, folder / f"{name}.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
