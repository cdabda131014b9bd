"""Proves the rules of `fixtures/display/README.md`: rebuilds every recorded text from them, without PyTorch.

Run:       python scripts/check_display_rules.py
Versions:  Python 3.11, numpy 2.4; no torch.
"""

import json
import math
import pathlib

import numpy as np

FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "display" / "display.json"
LINE, EDGE, THRESHOLD, PREFIX = 80, 3, 1000, "tensor("


class NumberFormat:
    """How every element of one tensor is written: mode and width."""

    def __init__(self, shown):
        if shown.dtype.kind != "f":
            self.mode, looked_at = "plain", shown.reshape(-1).tolist()
        else:
            looked_at = [v for v in shown.reshape(-1).tolist() if math.isfinite(v) and v != 0]
            self.mode = self.float_mode(looked_at)
        self.width = max([1] + [len(self.text(v)) for v in looked_at])

    @staticmethod
    def float_mode(values):
        if not values:
            return "whole"
        small, large = min(map(abs, values)), max(map(abs, values))
        if large / small > 1000 or large > 1e8 or small < 1e-4:
            return "scientific"
        return "whole" if all(v == math.ceil(v) for v in values) else "fixed"

    def text(self, value):
        if self.mode == "plain":
            return str(value)
        if self.mode == "scientific":
            return f"{value:.4e}"
        if self.mode == "fixed":
            return f"{value:.4f}"
        return f"{value:.0f}" + ("." if math.isfinite(value) else "")

    def padded(self, value):
        return self.text(value).rjust(self.width)


def edges(array):
    """The elements that a summary shows."""
    for axis, size in enumerate(array.shape):
        if size > 2 * EDGE:
            array = np.take(array, [*range(EDGE), *range(size - EDGE, size)], axis)
    return array


def with_gap(items, summarize, gap):
    return items[:EDGE] + [gap] + items[-EDGE:] if summarize and len(items) > 2 * EDGE else items


def row(array, indent, summarize, form):
    items = with_gap([form.padded(v) for v in array.tolist()], summarize, " ...")
    a_line = max(1, (LINE - indent) // (form.width + 2))
    lines = [", ".join(items[i : i + a_line]) for i in range(0, len(items), a_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def body(array, indent, summarize, form):
    if array.ndim == 0:
        return form.padded(array.item())
    if array.ndim == 1:
        return row(array, indent, summarize, form)
    picked = [*range(len(array))]
    if summarize and len(array) > 2 * EDGE:
        picked = picked[:EDGE] + picked[-EDGE:]
    parts = [body(array[i], indent + 1, summarize, form) for i in picked]
    if summarize and len(array) > 2 * EDGE:
        parts.insert(EDGE, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def suffixes(array, dtype):
    if array.size == 0:
        size = [f"size=({', '.join(map(str, array.shape))})"] if array.ndim != 1 else []
        return size + ([f"dtype=torch.{dtype}"] if dtype != "float32" else [])
    return [] if dtype in ("float32", "int64", "bool") else [f"dtype=torch.{dtype}"]


def display(array, dtype):
    summarize = array.size > THRESHOLD
    form = NumberFormat(edges(array) if summarize else array)
    text = PREFIX + (body(array, len(PREFIX), summarize, form) if array.size else "[]")
    used = len(text.rsplit("\n", 1)[-1]) + 2
    for suffix in suffixes(array, dtype):
        if used + len(suffix) + 2 > LINE:
            text += ",\n" + " " * len(PREFIX) + suffix
            used = len(PREFIX) + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def main():
    cases = json.loads(FIXTURE.read_text())
    for case in cases:
        values = [float(v) if isinstance(v, str) else v for v in case["values"]]
        array = np.array(values, case["dtype"]).reshape(case["shape"])
        assert display(array, case["dtype"]) == case["text"], case["label"]
    print(f"{len(cases)} texts rebuilt")


if __name__ == "__main__":
    main()
