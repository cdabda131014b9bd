"""Records sample calls of operations from PyTorch's own list of samples (OpInfo), in float64 with gradients.

    python scripts/record_ops.py FOLDER [--seed S] [--most N] [NAME...]

writes NAME.json and NAME.safetensors for each operation, in the format of fixtures/ops (see its README). Without
names: those of fixtures/ops_more. The samples' values come from the seed, so that another seed gives other calls of
the same operations, to be replayed with `cargo xtask replay FOLDER`.
"""

import argparse
import json
import math
import random
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.testing._internal.common_methods_invocations import op_db

# Operations that fixtures/ops does not have.
NAMES = [
    "bincount",
    "digamma",
    "linalg_solve_triangular",
    "linalg_svdvals",
    "nn_functional_adaptive_avg_pool3d",
    "nn_functional_adaptive_max_pool1d",
    "nn_functional_avg_pool3d",
    "nn_functional_channel_shuffle",
    "nn_functional_embedding_bag",
    "nn_functional_grid_sample",
    "nn_functional_interpolate_area",
    "nn_functional_interpolate_bicubic",
    "nn_functional_interpolate_nearest-exact",
    "nn_functional_interpolate_trilinear",
    "nn_functional_local_response_norm",
    "nn_functional_max_pool3d",
    "std_mean",
    "var_mean",
]
# A call of more elements is left out.
LARGEST = 20_000


class Unrecordable(Exception):
    """A value that the format has no form for."""


class Recorder:
    """The calls of one operation and their tensors."""

    def __init__(self):
        self.calls, self.tensors = [], {}

    def value(self, value, leaves):
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.is_complex() or value.is_quantized:
                raise Unrecordable(value.dtype)
            key = str(len(self.tensors))
            self.tensors[key] = value.detach().clone().contiguous()
            if value.requires_grad:
                leaves.append(value)
            return {
                "t": key,
                "shape": list(value.shape),
                "stride": list(value.stride()),
                "dtype": str(value.dtype).removeprefix("torch."),
                "rg": value.requires_grad,
            }
        if isinstance(value, float) and not math.isfinite(value):
            return {"f": "nan" if value != value else "inf" if value > 0 else "-inf"}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, torch.dtype):
            return {"dtype": str(value)}
        if isinstance(value, slice):
            return {"slice": [value.start, value.stop, value.step]}
        if isinstance(value, (list, tuple)):
            return [self.value(item, leaves) for item in value]
        raise Unrecordable(type(value))

    def call(self, op, sample, seed):
        before = len(self.tensors)
        leaves = []
        call = {
            "input": self.value(sample.input, leaves),
            "args": self.value(list(sample.args), leaves),
            "kwargs": {name: self.value(value, leaves) for name, value in sample.kwargs.items()},
        }
        if sum(x.numel() for x in list(self.tensors.values())[before:]) > LARGEST:
            raise Unrecordable("too large")
        torch.manual_seed(seed)
        result = op(sample.input, *sample.args, **sample.kwargs)
        outputs = [result] if isinstance(result, torch.Tensor) else list(result)
        values = [self.value(output.detach(), []) for output in outputs]
        call["out"] = values[0] if isinstance(result, torch.Tensor) else values
        differentiable = [output for output in outputs if output.requires_grad]
        if leaves and differentiable:
            cotangents = [torch.randn_like(output) for output in differentiable]
            gradients = torch.autograd.grad(differentiable, leaves, cotangents, allow_unused=True)
            call["cot"] = [self.value(cotangent, []) for cotangent in cotangents]
            call["grad"] = [None if g is None else self.value(g.detach(), []) for g in gradients]
        self.calls.append(call)


def record(op, name, folder, seed, most):
    torch.manual_seed(seed)
    samples = list(op.sample_inputs("cpu", torch.float64, requires_grad=op.supports_autograd))
    if len(samples) > most:
        samples = [samples[i] for i in sorted(random.Random(seed).sample(range(len(samples)), most))]
    recorder = Recorder()
    for sample in samples:
        tensors = dict(recorder.tensors)
        try:
            recorder.call(op, sample, seed)
        except (Unrecordable, RuntimeError, TypeError):
            recorder.tensors = tensors
    if recorder.calls:
        save_file(recorder.tensors, folder / f"{name}.safetensors")
        (folder / f"{name}.json").write_text(json.dumps(recorder.calls))
    print(name, len(recorder.calls), "of", len(samples))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=8)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    args.folder.mkdir(parents=True, exist_ok=True)
    operations = {}
    for op in op_db:
        variant = f"_{op.variant_test_name}" if op.variant_test_name else ""
        operations.setdefault(op.name.replace(".", "_") + variant, op)
    for name in args.names:
        record(operations[name], name, args.folder, args.seed, args.most)


if __name__ == "__main__":
    main()
