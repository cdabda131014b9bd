"""Records how PyTorch promotes a number beside a tensor, and what it computes in half precision.

Writes `fixtures/dtypes/scalars.json`, `half.json` and `random.json`; `fixtures/dtypes/README.md` describes them.

Run:       python scripts/record_dtypes.py
Versions:  recorded with Python 3.11, torch 2.15.0 (CPU, one thread).
The output is deterministic.
"""

import json
import math
import pathlib

import torch
from torch.nn import functional as F

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "dtypes"
DTYPES = {
    "f32": torch.float32,
    "f64": torch.float64,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "u8": torch.uint8,
    "bool": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
HALVES = ["f16", "bf16"]

torch.manual_seed(0)
MASK = torch.tensor([True, False, True, False])
SCALAR_OPS = {
    "add": lambda x, s: x + s,
    "sub": lambda x, s: x - s,
    "mul": lambda x, s: x * s,
    "div": lambda x, s: x / s,
    "pow": lambda x, s: x**s,
    "eq": lambda x, s: x == s,
    "ne": lambda x, s: x != s,
    "lt": lambda x, s: x < s,
    "le": lambda x, s: x <= s,
    "gt": lambda x, s: x > s,
    "ge": lambda x, s: x >= s,
    "masked_fill": lambda x, s: x.masked_fill(MASK, s),
    "clamp_min": lambda x, s: x.clamp(min=s),
    "clamp_max": lambda x, s: x.clamp(max=s),
}
SCALARS = [2, -1, 0, 300, 1.5, 0.1, -2.5, 1e9, math.inf, True, False]


def plain(value):
    return value if isinstance(value, (bool, int)) or math.isfinite(value) else str(value)


def scalars():
    lines = []
    for name, dtype in DTYPES.items():
        x = torch.tensor([0, 1, 3, 0.1], dtype=torch.float64).to(dtype)
        for op, call in SCALAR_OPS.items():
            for scalar in SCALARS:
                try:
                    y = call(x, scalar)
                    result = {"dtype": NAMES[y.dtype], "values": [plain(v) for v in y.tolist()]}
                except RuntimeError:
                    result = None
                entry = {"dtype": name, "op": op, "scalar": plain(scalar), "kind": type(scalar).__name__}
                lines.append(json.dumps(entry | {"result": result}, allow_nan=False))
    write("scalars", lines)


def write(name, lines):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{name}: {len(lines)} cases")


def stored(x):
    if x.dtype in (torch.float16, torch.bfloat16):
        values = x.detach().contiguous().view(torch.int16).reshape(-1).tolist()
        return {"dtype": NAMES[x.dtype], "shape": list(x.shape), "bits": [v & 0xFFFF for v in values]}
    return {"dtype": NAMES[x.dtype], "shape": list(x.shape), "values": x.reshape(-1).tolist()}


def normal(*shape):
    return torch.randn(*shape)


def positive(*shape):
    return torch.rand(*shape) * 3 + 0.05


CLASSES = torch.tensor([2, 0, 4, 1, 3, 3])
INDEX = torch.tensor([3, 0, 0, 5])
# Name → inputs in f32 (rounded to the dtype) and the call. Tensors of i64 and bool are constants.
HALF_OPS = {
    "add": ([normal(4, 6), normal(6)], torch.add),
    "sub": ([normal(4, 6), normal(4, 1)], torch.sub),
    "mul": ([normal(4, 6), normal(6)], torch.mul),
    "div": ([normal(4, 6), positive(6)], torch.div),
    "maximum": ([normal(4, 6), normal(6)], torch.maximum),
    "minimum": ([normal(4, 6), normal(6)], torch.minimum),
    "neg": ([normal(24)], torch.neg),
    "abs": ([normal(24)], torch.abs),
    "exp": ([normal(24)], torch.exp),
    "expm1": ([normal(24)], torch.expm1),
    "log": ([positive(24)], torch.log),
    "log1p": ([positive(24)], torch.log1p),
    "sqrt": ([positive(24)], torch.sqrt),
    "tanh": ([normal(24)], torch.tanh),
    "sigmoid": ([normal(24)], torch.sigmoid),
    "erf": ([normal(24)], torch.erf),
    "relu": ([normal(24)], torch.relu),
    "gelu": ([normal(24)], F.gelu),
    "gelu_tanh": ([normal(24)], lambda x: F.gelu(x, approximate="tanh")),
    "silu": ([normal(24)], F.silu),
    "clamp": ([normal(24)], lambda x: x.clamp(-0.3, 0.7)),
    "add_scalar": ([normal(24)], lambda x: x + 0.1),
    "mul_scalar": ([normal(24)], lambda x: x * 0.3),
    "div_scalar": ([normal(24)], lambda x: x / 0.3),
    "pow_scalar": ([positive(24)], lambda x: x**1.7),
    "square": ([normal(24)], lambda x: x**2),
    "sum": ([normal(40, 20)], torch.sum),
    "sum_dim": ([normal(40, 20)], lambda x: x.sum(0)),
    "mean": ([normal(40, 20)], torch.mean),
    "mean_dim": ([normal(40, 20)], lambda x: x.mean(1)),
    "amax": ([normal(5, 9)], lambda x: x.amax(1)),
    "max_dim": ([normal(5, 9)], lambda x: x.max(1).values),
    "cumsum": ([normal(5, 9)], lambda x: x.cumsum(1)),
    "softmax": ([normal(5, 9)], lambda x: x.softmax(-1)),
    "log_softmax": ([normal(5, 9)], lambda x: x.log_softmax(-1)),
    "layer_norm": ([normal(5, 8), normal(8), normal(8)], lambda x, w, b: F.layer_norm(x, (8,), w, b)),
    "rms_norm": ([normal(5, 8), normal(8)], lambda x, w: F.rms_norm(x, (8,), w, 1e-6)),
    "batch_norm": ([normal(6, 3, 4), normal(3), normal(3)], lambda x, w, b: F.batch_norm(x, None, None, w, b, True)),
    "cross_entropy": ([normal(6, 5), CLASSES], F.cross_entropy),
    "mse_loss": ([normal(6, 5), normal(6, 5)], F.mse_loss),
    "matmul": ([normal(4, 70), normal(70, 3)], torch.matmul),
    "bmm": ([normal(2, 3, 5), normal(2, 5, 4)], torch.bmm),
    "linear": ([normal(4, 7), normal(3, 7), normal(3)], F.linear),
    "conv2d": ([normal(2, 3, 6, 5), normal(4, 3, 3, 3), normal(4)], lambda x, w, b: F.conv2d(x, w, b, padding=1)),
    "max_pool2d": ([normal(2, 3, 6, 4)], lambda x: F.max_pool2d(x, 2)),
    "avg_pool2d": ([normal(2, 3, 6, 4)], lambda x: F.avg_pool2d(x, 2)),
    "index_select": ([normal(6, 4), INDEX], lambda x, i: x.index_select(0, i)),
    "embedding": ([normal(6, 4), INDEX], lambda x, i: F.embedding(i, x)),
    "cat": ([normal(3, 4), normal(2, 4)], lambda a, b: torch.cat([a, b])),
    "where": ([normal(24), normal(24)], lambda a, b: torch.where(a > b, a, b)),
    "transpose": ([normal(4, 6)], lambda x: x.t()),
    "to_f32": ([normal(24)], lambda x: x.to(torch.float32)),
    "to_i64": ([normal(24) * 100], lambda x: x.to(torch.int64)),
    "gt": ([normal(24), normal(24)], torch.gt),
}


def half():
    lines = []
    for op, (inputs, call) in HALF_OPS.items():
        for name in HALVES:
            dtype = DTYPES[name]
            leaves = [x.to(dtype).requires_grad_() if x.is_floating_point() else x for x in inputs]
            y = call(*leaves)
            entry = {"op": op, "dtype": name, "inputs": [stored(x) for x in leaves], "output": stored(y.detach())}
            if y.requires_grad:
                g = torch.randn(y.shape, generator=torch.Generator().manual_seed(7)).to(y.dtype)
                y.backward(g)
                entry["cotangent"] = stored(g)
                entry["grads"] = [stored(x.grad) for x in leaves if x.requires_grad]
            lines.append(json.dumps(entry))
    write("half", lines)


RANDOM = {
    "rand": lambda x, g: x.uniform_(generator=g),
    "uniform": lambda x, g: x.uniform_(-0.1, 0.3, generator=g),
    "randn": lambda x, g: x.normal_(generator=g),
    "normal": lambda x, g: x.normal_(1.5, 0.3, generator=g),
    "exponential": lambda x, g: x.exponential_(1.5, generator=g),
    "bernoulli": lambda x, g: x.bernoulli_(0.3, generator=g),
}


def random():
    """Each call from a fresh generator, and the f32 uniform that the generator gives next, times 2²⁴."""
    lines = []
    for op, call in RANDOM.items():
        for name in HALVES:
            for n in [5, 16, 37, 400]:
                generator = torch.Generator().manual_seed(3)
                x = call(torch.empty(n, dtype=DTYPES[name]), generator)
                after = int(torch.rand(1, generator=generator).item() * 2**24)
                lines.append(json.dumps({"op": op} | stored(x) | {"next": after}))
    write("random", lines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    scalars()
    half()
    random()
