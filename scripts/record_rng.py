"""Records what PyTorch's CPU generator draws after `torch.manual_seed(seed)`.

Writes `fixtures/rng/seed_<seed>.json` for the seeds in SEEDS; `fixtures/rng/README.md` describes the format
and the algorithm behind every value, `scripts/check_rng_rules.py` proves that description.

Run:       python scripts/record_rng.py
Versions:  recorded with Python 3.11, torch 2.15.0 (CPU path, x86-64 with AVX2 and FMA, not Intel: on Intel
           machines `bernoulli_` with a scalar p takes another path, see the README), numpy 2.4.
The output is deterministic: a second run writes the same bytes.
"""

import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

SEEDS = [0, 1, 42, 2**40 + 7]
OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "rng"
MASK64 = 2**64 - 1
FULL = 1024  # longer values are recorded whole only where `full` is set, else their first 64 elements
HEAD = 64


def words(count):
    """The generator's raw 32-bit words, two from each full-range 64-bit draw: high first, then low."""
    draws = torch.empty(count // 2, dtype=torch.int64).random_(-(2**63), None).tolist()
    return [half for draw in draws for half in ((draw & MASK64) >> 32, draw & 0xFFFFFFFF)]


def bits_of(tensor):
    """Elements as integers: bit patterns of floats, plain values of integers and booleans."""
    array = tensor.detach().contiguous().numpy().reshape(-1)
    view = {"float32": np.uint32, "float64": np.uint64}.get(str(array.dtype))
    return [int(v) for v in (array.view(view) if view else array)]


def checksum(elements):
    """h = 31 h + element, modulo 2**64, from h = 0, over all elements as integers."""
    h = 0
    for element in elements:
        h = (h * 31 + element) & MASK64
    return h


def describe(call, tensor, full=False):
    elements = bits_of(tensor)
    entry = {
        "call": call,
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "checksum": checksum(elements),
    }
    kept = elements if full or len(elements) <= FULL else elements[:HEAD]
    entry["bits" if tensor.is_floating_point() else "values"] = kept
    if tensor.is_floating_point():
        entry["readable"] = [float(v) for v in tensor.detach().reshape(-1)[:4]]
    return entry


def state_entry():
    """The fields of `torch.get_rng_state()`; see the README for the byte layout."""
    raw = torch.get_rng_state().numpy().tobytes()
    state = np.frombuffer(raw, np.uint64, 624, 24)
    return {
        "bytes": len(raw),
        "seed": int(np.frombuffer(raw, np.uint64, 1, 0)[0]),
        "left": int(np.frombuffer(raw, np.int32, 1, 8)[0]),
        "seeded": int(np.frombuffer(raw, np.int32, 1, 12)[0]),
        "next": int(np.frombuffer(raw, np.uint64, 1, 16)[0]),
        "state_checksum": checksum(int(v) for v in state),
        "state_head": [int(v) for v in state[:4]],
        "normal_y_bits": int(np.frombuffer(raw, np.uint64, 1, 24 + 624 * 8 + 8)[0]),
        "normal_is_valid": int(np.frombuffer(raw, np.int32, 1, 24 + 624 * 8 + 24)[0]),
    }


def f64(*shape):
    return torch.empty(*shape, dtype=torch.float64)


# Each is drawn from a freshly seeded generator.
SINGLE = {
    "torch.rand(50)": lambda: torch.rand(50),
    "torch.rand(50, dtype=torch.float64)": lambda: torch.rand(50, dtype=torch.float64),
    "torch.randint(0, 1000, (50,))": lambda: torch.randint(0, 1000, (50,)),
    "torch.randint(-7, 9, (20,), dtype=torch.int32)": lambda: torch.randint(-7, 9, (20,), dtype=torch.int32),
    "torch.randint(0, 2, (20,), dtype=torch.bool)": lambda: torch.randint(0, 2, (20,), dtype=torch.bool),
    "torch.randint(0, 256, (20,), dtype=torch.uint8)": lambda: torch.randint(0, 256, (20,), dtype=torch.uint8),
    "torch.randint(0, 10, (20,), dtype=torch.float32)": lambda: torch.randint(0, 10, (20,), dtype=torch.float32),
    "torch.randint(0, 2**28 - 1, (20,))": lambda: torch.randint(0, 2**28 - 1, (20,)),
    "torch.randint(0, 2**28, (20,))": lambda: torch.randint(0, 2**28, (20,)),
    "torch.randint(0, 2**32, (20,))": lambda: torch.randint(0, 2**32, (20,)),
    "torch.randint(-2**62, 2**62 + 12345, (20,))": lambda: torch.randint(-(2**62), 2**62 + 12345, (20,)),
    "torch.empty(10, dtype=torch.int64).random_()": lambda: torch.empty(10, dtype=torch.int64).random_(),
    "torch.randperm(0)": lambda: torch.randperm(0),
    "torch.randperm(1)": lambda: torch.randperm(1),
    "torch.randperm(10)": lambda: torch.randperm(10),
    "torch.randperm(1797)": lambda: torch.randperm(1797),
    "torch.randn(7)": lambda: torch.randn(7),
    "torch.randn(15)": lambda: torch.randn(15),
    "torch.randn(16)": lambda: torch.randn(16),
    "torch.randn(17)": lambda: torch.randn(17),
    "torch.randn(100)": lambda: torch.randn(100),
    "torch.randn(1000)": lambda: torch.randn(1000),
    "torch.randn(7, dtype=torch.float64)": lambda: torch.randn(7, dtype=torch.float64),
    "torch.randn(100, dtype=torch.float64)": lambda: torch.randn(100, dtype=torch.float64),
    "torch.empty(7).normal_(1.5, 0.02)": lambda: torch.empty(7).normal_(1.5, 0.02),
    "torch.empty(100).normal_(1.5, 0.02)": lambda: torch.empty(100).normal_(1.5, 0.02),
    "torch.empty(7, dtype=torch.float64).normal_(1.5, 0.02)": lambda: f64(7).normal_(1.5, 0.02),
    "torch.empty(100, dtype=torch.float64).normal_(1.5, 0.02)": lambda: f64(100).normal_(1.5, 0.02),
    "torch.empty(100).uniform_(-0.5, 0.5)": lambda: torch.empty(100).uniform_(-0.5, 0.5),
    "torch.empty(100).uniform_(-0.1, 0.3)": lambda: torch.empty(100).uniform_(-0.1, 0.3),
    "torch.empty(100, dtype=torch.float64).uniform_(-0.5, 0.5)": lambda: f64(100).uniform_(-0.5, 0.5),
    "torch.empty(100, dtype=torch.float64).uniform_(-0.1, 0.3)": lambda: f64(100).uniform_(-0.1, 0.3),
    "torch.empty(100).bernoulli_(0.3)": lambda: torch.empty(100).bernoulli_(0.3),
    "torch.bernoulli(torch.full((100,), 0.3))": lambda: torch.bernoulli(torch.full((100,), 0.3)),
    "torch.bernoulli(torch.full((100,), 0.3, dtype=torch.float64))": lambda: torch.bernoulli(
        torch.full((100,), 0.3, dtype=torch.float64)
    ),
    "torch.empty(50).exponential_(1.5)": lambda: torch.empty(50).exponential_(1.5),
    "torch.empty(50, dtype=torch.float64).exponential_(1.5)": lambda: f64(50).exponential_(1.5),
    "torch.multinomial(torch.tensor([0.1, 0.2, 0.3, 0.4]), 1)": lambda: torch.multinomial(
        torch.tensor([0.1, 0.2, 0.3, 0.4]), 1
    ),
    "torch.multinomial(torch.linspace(0, 1, 60).reshape(3, 20), 7)": lambda: torch.multinomial(
        torch.linspace(0, 1, 60).reshape(3, 20), 7
    ),
    "torch.multinomial(torch.linspace(0, 1, 60, dtype=torch.float64).reshape(3, 20), 7)": lambda: torch.multinomial(
        torch.linspace(0, 1, 60, dtype=torch.float64).reshape(3, 20), 7
    ),
    "torch.multinomial(torch.linspace(0, 1, 60).reshape(3, 20), 50, replacement=True)": lambda: torch.multinomial(
        torch.linspace(0, 1, 60).reshape(3, 20), 50, replacement=True
    ),
    "F.dropout(torch.ones(100), 0.3)": lambda: nn.functional.dropout(torch.ones(100), 0.3),
    "torch.cat(list(DataLoader(torch.arange(100), shuffle=True)))": lambda: torch.cat(
        list(DataLoader(torch.arange(100), shuffle=True))
    ),
}

# Parameters of modules built from a freshly seeded generator, in the order in which they are drawn.
MODULES = {
    "nn.Linear(64, 128)": lambda: nn.Linear(64, 128),
    "nn.Linear(3, 4)": lambda: nn.Linear(3, 4),
    "nn.Conv2d(1, 32, 3)": lambda: nn.Conv2d(1, 32, 3),
    "nn.Conv2d(4, 6, 3, groups=2)": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "nn.Embedding(10, 16)": lambda: nn.Embedding(10, 16),
    "nn.Embedding(3, 4)": lambda: nn.Embedding(3, 4),
    "nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))": lambda: nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)
    ),
}

# Drawn one after the other from one generator: pins the cached second normal and what each call consumes.
SEQUENCE = [
    ("torch.rand(3)", lambda: torch.rand(3)),
    ("torch.randn(5)", lambda: torch.randn(5)),
    ("torch.randperm(7)", lambda: torch.randperm(7)),
    ("torch.rand(2)", lambda: torch.rand(2)),
    ("torch.randn(20)", lambda: torch.randn(20)),
    ("torch.randn(5)", lambda: torch.randn(5)),
    ("torch.randn(3, dtype=torch.float64)", lambda: torch.randn(3, dtype=torch.float64)),
    ("torch.randint(0, 10, (4,))", lambda: torch.randint(0, 10, (4,))),
    ("torch.randn(1)", lambda: torch.randn(1)),
    ("torch.empty(3).normal_(2.0, 3.0)", lambda: torch.empty(3).normal_(2.0, 3.0)),
    ("torch.rand(2, dtype=torch.float64)", lambda: torch.rand(2, dtype=torch.float64)),
]


def record(seed):
    torch.manual_seed(seed)
    result = {"torch": torch.__version__.split("+")[0], "seed": seed, "words": words(1300)}

    result["single"] = []
    for call, draw in SINGLE.items():
        torch.manual_seed(seed)
        result["single"].append(describe(call, draw(), full="randperm" in call))

    result["modules"] = []
    for call, build in MODULES.items():
        torch.manual_seed(seed)
        parameters = {
            name: describe(name, value, full=seed == 0 and call == "nn.Linear(64, 128)")
            for name, value in build().named_parameters()
        }
        result["modules"].append({"call": call, "parameters": parameters})

    torch.manual_seed(seed)
    result["sequence"] = []
    result["states"] = [{"after": 0, **state_entry()}]
    for index, (call, draw) in enumerate(SEQUENCE):
        result["sequence"].append(describe(call, draw()))
        result["states"].append({"after": index + 1, **state_entry()})
    return result


def dump(result, path):
    """JSON with one entry a line, so that a change shows as a small difference."""
    lines = []
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n  ".join(json.dumps(v) for v in value)
            lines.append(f"{json.dumps(key)}: [\n  {inner}\n]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS:
        dump(record(seed), OUT / f"seed_{seed}.json")


if __name__ == "__main__":
    main()
