"""Records how PyTorch prints tensors: `str(tensor)` with the default print options.

Writes `fixtures/display/display.json`: a list of {label, dtype, shape, values, text}; `fixtures/display/README.md`
describes the rules that the texts follow.

Run:       python scripts/record_display.py
Versions:  recorded with Python 3.11, torch 2.15.0.
"""

import json
import math
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "display"
INF, NAN = math.inf, math.nan


def ramp(*shape, step=1.0, start=0.0, dtype=torch.float32):
    count = math.prod(shape)
    return (torch.arange(count, dtype=torch.float64) * step + start).to(dtype).reshape(shape)


CASES = {
    # integers and booleans
    "integers": torch.tensor([1, 2, 3]),
    "negative integers": torch.tensor([-1, 20, -300]),
    "large integers": torch.tensor([2**62, -(2**40), 0]),
    "integer, 0-d": torch.tensor(7),
    "negative integer, 0-d": torch.tensor(-7),
    "int32": torch.tensor([1, 2, 3], dtype=torch.int32),
    "int32, 0-d": torch.tensor(5, dtype=torch.int32),
    "uint8": torch.tensor([0, 128, 255], dtype=torch.uint8),
    "booleans": torch.tensor([True, False, True]),
    "boolean, 0-d": torch.tensor(True),
    "boolean matrix": torch.tensor([[True, False], [False, False]]),
    "integer matrix": torch.tensor([[1, -2], [30, 400]]),
    "integers, three dimensions": torch.arange(12).reshape(2, 3, 2),
    # floats of one kind
    "float, 0-d": torch.tensor(1.5),
    "whole float, 0-d": torch.tensor(3.0),
    "small float, 0-d": torch.tensor(1e-6),
    "large float, 0-d": torch.tensor(123456789.0),
    "NaN, 0-d": torch.tensor(NAN),
    "-inf, 0-d": torch.tensor(-INF),
    "floats": torch.tensor([1.5, 2.25, -3.125]),
    "rounded at four digits": torch.tensor([0.12345678, 2.0 / 3.0, 0.99999]),
    "whole floats": torch.tensor([1.0, 2.0, 3.0]),
    "whole floats, negative": torch.tensor([-1.0, 0.0, 10.0]),
    "negative zero": torch.tensor([-0.0, 0.0, 1.0]),
    "negative zero with fractions": torch.tensor([-0.0, 0.5]),
    "all zero": torch.zeros(3),
    "one": torch.tensor([1.0]),
    # scientific notation
    "ratio above 1000": torch.tensor([0.001, 2.5]),
    "ratio of 1000 exactly": torch.tensor([0.25, 250.0]),
    "wide ratio": torch.tensor([1e-5, 1.0, 1e5]),
    "tiny": torch.tensor([1e-10, 2e-10]),
    "small below 1e-4": torch.tensor([0.00009, 0.00005]),
    "huge": torch.tensor([1.5e10, 2.5e10]),
    "above 1e8": torch.tensor([123456789.0, 1.5]),
    "whole, above 1e8": torch.tensor([123456789.0, 1.0]),
    "whole, below 1e8": torch.tensor([12345678.0, 1.0]),
    "whole, ratio above 1000": torch.tensor([10000.0, 1.0]),
    "three digits of exponent": torch.tensor([1e-300, 1e300], dtype=torch.float64),
    "scientific with zero": torch.tensor([0.0, 1e-8]),
    "scientific with negatives": torch.tensor([-1e-7, 1e7]),
    "subnormal": torch.tensor([1e-42, 1.0]),
    # not finite
    "NaN and numbers": torch.tensor([NAN, 1.5, -2.0]),
    "inf and numbers": torch.tensor([INF, 1.5, -INF]),
    "NaN, inf and whole numbers": torch.tensor([NAN, 1.0, INF]),
    "inf and whole numbers": torch.tensor([-INF, 100.0]),
    "only NaN": torch.tensor([NAN, NAN]),
    "only inf": torch.tensor([INF, -INF]),
    "NaN in scientific": torch.tensor([NAN, 1e-9, 1e9]),
    # dtype
    "float64": torch.tensor([1.5, 2.5], dtype=torch.float64),
    "float64, 0-d": torch.tensor(0.1, dtype=torch.float64),
    "whole float64": torch.tensor([1.0, 2.0], dtype=torch.float64),
    "float64, suffix on its own line": ramp(12, step=123.456, dtype=torch.float64),
    "suffix just fits the line": torch.arange(10, 23, dtype=torch.int32),
    "suffix just does not fit the line": torch.arange(10, 24, dtype=torch.int32),
    "float16": torch.tensor([1.5, 0.1, -2.5], dtype=torch.float16),
    "float16, wide ratio": torch.tensor([1.5, 65504.0, 6e-8], dtype=torch.float16),
    "float16, not finite": torch.tensor([INF, NAN, 3.0], dtype=torch.float16),
    "bfloat16": torch.tensor([1.5, 0.1, -2.5], dtype=torch.bfloat16),
    "bfloat16, 0-d": torch.tensor(0.3, dtype=torch.bfloat16),
    "whole bfloat16": torch.tensor([1.0, 300.0], dtype=torch.bfloat16),
    "bfloat16, huge": torch.tensor([1.0, 3e38], dtype=torch.bfloat16),
    "empty float16": torch.empty(0, dtype=torch.float16),
    # empty
    "empty": torch.empty(0),
    "empty integers": torch.empty(0, dtype=torch.int64),
    "empty matrix": torch.empty(0, 3),
    "empty matrix, other side": torch.empty(2, 0),
    "empty float64": torch.empty(2, 0, 3, dtype=torch.float64),
    "empty booleans": torch.empty(0, dtype=torch.bool),
    # lines
    "wraps at 80 columns": ramp(30, step=0.37),
    "integers wrap": torch.arange(40),
    "negative wrap": ramp(25, step=-1.37),
    "integer line of 80 columns and more": torch.arange(100, 121),
    "matrix": ramp(2, 3, step=0.5),
    "matrix with negative": torch.tensor([[1.0, -2.5], [0.25, 100.0]]),
    "matrix that wraps": ramp(2, 25, step=0.125),
    "column": ramp(3, 1, step=0.5),
    "three dimensions": ramp(2, 2, 3, step=0.25),
    "four dimensions": ramp(2, 1, 2, 2),
    "three dimensions, float64": ramp(2, 1, 2, step=0.25, dtype=torch.float64),
    "ones of size 1": torch.ones(1, 1, 1),
    # summarised: more than 1000 elements
    "1000 elements, whole": torch.arange(1000) % 10,
    "1001 elements": torch.arange(1001),
    "1001 floats": ramp(1001, step=0.5),
    "2000 float64": ramp(2000, step=0.001, dtype=torch.float64),
    "large matrix": ramp(40, 50),
    "long matrix": ramp(300, 4, step=0.25),
    "wide matrix": ramp(2, 600, step=0.25),
    "three dimensions, summarised": torch.arange(8 * 12 * 12).reshape(8, 12, 12),
    "short dimensions stay whole": torch.arange(6 * 6 * 40).reshape(6, 6, 40),
    "seven and six": torch.arange(7 * 6 * 30).reshape(7, 6, 30),
    "summary ignores the middle": torch.cat([torch.ones(600), torch.tensor([1e-9]), torch.ones(600)]),
    "booleans, summarised": (torch.arange(1200) % 2 == 0).reshape(30, 40),
}


def plain(value):
    return value if isinstance(value, (bool, int)) or math.isfinite(value) else str(value)


def main():
    lines = []
    for label, tensor in CASES.items():
        case = {
            "label": label,
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "values": [plain(v) for v in tensor.reshape(-1).tolist()],
            "text": str(tensor),
        }
        lines.append(json.dumps(case, allow_nan=False))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "display.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(lines)} cases")


if __name__ == "__main__":
    main()
