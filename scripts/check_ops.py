"""Replays `fixtures/ops` with PyTorch: values and gradients of every recorded call, and how a call is to be read.

Run:       python scripts/check_ops.py
Versions:  Python 3.11, torch 2.15.0, safetensors 0.8.
"""

import json
import pathlib
import warnings

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "ops"

# Names that are no function of torch, torch.linalg, torch.nn.functional or Tensor with these very arguments.
SPECIAL = {
    "__getitem__": lambda x, index: x[as_index(index)],
    "div_floor_rounding": torch.div,
    "div_no_rounding_mode": torch.div,
    "div_trunc_rounding": torch.div,
    "einsum": lambda operands, equation: torch.einsum(equation, *operands),
    "max_binary": torch.max,
    "max_reduction_no_dim": torch.max,
    "max_reduction_with_dim": torch.max,
    "meshgrid_list_of_tensors": lambda tensors, **kw: torch.meshgrid(*tensors, **kw),
    "min_binary": torch.min,
    "min_reduction_no_dim": torch.min,
    "min_reduction_with_dim": torch.min,
    "nn_functional_embedding": lambda weight, index, **kw: F.embedding(index, weight, **kw),
    "slice": lambda x, *args: torch.ops.aten.slice(x, *args),
    "where": lambda x, condition, other: torch.where(condition, x, other),
}


def as_index(index):
    """A list is a tuple of indices, one a dimension, unless it holds plain integers only: then it is one index."""
    if isinstance(index, list) and not all(isinstance(part, int) for part in index):
        return tuple(index)
    return index


def function_of(name):
    if name in SPECIAL:
        return SPECIAL[name]
    if name.startswith("scatter_reduce_"):
        return torch.scatter_reduce
    if name.startswith("nn_functional_pad_"):
        return F.pad
    if name.startswith("nn_functional_interpolate_"):
        return F.interpolate
    if name.startswith("nn_functional_"):
        return getattr(F, name.removeprefix("nn_functional_"))
    if name.startswith("linalg_"):
        return getattr(torch.linalg, name.removeprefix("linalg_"))
    return getattr(torch, name, None) or getattr(torch.Tensor, name)


def with_stride(values, stride):
    """The values in the recorded layout; a dimension of stride 0 holds one value, repeated."""
    if values.numel() == 0:
        return values
    shape = values.shape
    for dim, (size, step) in enumerate(zip(shape, stride)):
        if step == 0 and size > 1:
            values = values.narrow(dim, 0, 1)
    return torch.empty_strided(values.shape, stride, dtype=values.dtype).copy_(values).expand(shape)


class Reader:
    """Turns the JSON of a call into arguments; `leaves` collects the tensors with `rg: true` in order."""

    def __init__(self, tensors):
        self.tensors, self.leaves = tensors, []

    def read(self, node, inputs=False):
        if isinstance(node, list):
            return [self.read(part, inputs) for part in node]
        if not isinstance(node, dict):
            return node
        if "t" in node:
            return self.tensor(node, inputs)
        if set(node) == {"f"}:
            return float(node["f"])
        if set(node) == {"dtype"} and isinstance(node["dtype"], str):
            return getattr(torch, node["dtype"])
        if set(node) == {"slice"}:
            return slice(*node["slice"])
        return {key: self.read(part, inputs) for key, part in node.items()}

    def tensor(self, node, inputs):
        value = self.tensors[node["t"]]
        if not inputs:
            return value
        value = with_stride(value, node["stride"])
        if node["rg"]:
            value = value.detach().requires_grad_()
            self.leaves.append(value)
        return value


def flat(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for part in value for t in flat(part)] if isinstance(value, (list, tuple)) else []


def same(a, b):
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-8, atol=1e-8, equal_nan=True)


def check(name, call, tensors):
    reader = Reader(tensors)
    first, args, kwargs = (reader.read(call[key], inputs=True) for key in ("input", "args", "kwargs"))
    outputs = flat(function_of(name)(first, *args, **kwargs))
    recorded = flat(reader.read(call["out"]))
    assert len(outputs) == len(recorded) and all(map(same, outputs, recorded)), f"{name}: value"
    if "grad" not in call:
        return 0
    tracked = [output for output in outputs if output.requires_grad]
    cotangents = reader.read(call["cot"])
    gradients = torch.autograd.grad(tracked, reader.leaves, cotangents, allow_unused=True)
    for gradient, want in zip(gradients, reader.read(call["grad"]), strict=True):
        assert (gradient is None) == (want is None), f"{name}: null gradient"
        assert gradient is None or same(gradient, want), f"{name}: gradient"
    return 1


def main():
    warnings.simplefilter("ignore")
    calls = graded = random = 0
    for name in json.loads((FIXTURES / "_index.json").read_text()):
        path = FIXTURES / f"{name}.json"
        tensors = load_file(path.with_suffix(".safetensors"))
        for call in json.loads(path.read_text()):
            if call["kwargs"].get("dropout_p"):
                random += 1
                continue
            graded += check(name, call, tensors)
            calls += 1
    print(f"{calls} calls replayed, {graded} with gradients; {random} with dropout left out")


if __name__ == "__main__":
    main()
