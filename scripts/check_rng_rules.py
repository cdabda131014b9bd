"""Proves the rules of `fixtures/rng/README.md`: rebuilds every recorded value from them, without PyTorch.

A small mt19937 and the rules as the README states them, compared with `fixtures/rng/seed_*.json`. Everything is
compared bit for bit but normals of 16 elements and more in f32, where PyTorch's vector log, sin and cos are
within 1e-6 (absolute) of the correctly rounded ones.

Run:       python scripts/check_rng_rules.py
Versions:  Python 3.11, numpy 2.4; no torch.
"""

import json
import math
import pathlib
import re
from fractions import Fraction

import numpy as np

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "rng"
MASK64 = 2**64 - 1
DTYPES = {"float32": np.float32, "float64": np.float64}


def fma(a, b, c, dtype):
    """a * b + c with one rounding; f32 is rounded from the exact sum too, not through f64 (that would round twice)."""
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    if dtype is np.float64:
        return np.float64(float(exact))
    near = np.float32(float(exact))
    candidates = [np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))]
    return min(candidates, key=lambda v: (abs(Fraction(float(v)) - exact), int(v.view(np.uint32)) & 1))


class Generator:
    """mt19937 with 32-bit seeding, and the one cached normal."""

    def __init__(self, seed):
        self.seed = seed
        self.state = [seed & 0xFFFFFFFF]
        for j in range(1, 624):
            previous = self.state[-1]
            self.state.append((1812433253 * (previous ^ (previous >> 30)) + j) & 0xFFFFFFFF)
        self.left, self.next = 1, 0
        self.cached_normal = None

    def random(self):
        self.left -= 1
        if self.left == 0:
            self.refill()
        y = self.state[self.next]
        self.next += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C5680
        y ^= (y << 15) & 0xEFC60000
        return y ^ (y >> 18)

    def refill(self):
        s = self.state
        for k in range(624):
            mixed = (s[k] & 0x80000000) | (s[(k + 1) % 624] & 0x7FFFFFFF)
            s[k] = s[(k + 397) % 624] ^ (mixed >> 1) ^ (0x9908B0DF if s[(k + 1) % 624] & 1 else 0)
        self.left, self.next = 624, 0

    def random64(self):
        high = self.random()
        return (high << 32) | self.random()

    def unit(self, dtype):
        """A uniform of [0, 1): 24 bits of one word, or 53 bits of two."""
        if dtype is np.float32:
            return np.float32(self.random() & 0xFFFFFF) * np.float32(2.0**-24)
        return np.float64(self.random64() & (2**53 - 1)) * np.float64(2.0**-53)

    def uniform(self, count, dtype, low, high):
        low, high = dtype(low), dtype(high)
        values = [fma(self.unit(dtype), high - low, low, dtype) for _ in range(count)]
        return [low if v == high else v for v in values]

    def normal(self, count, dtype, mean, std):
        if count < 16:
            return [dtype(fma(self.one_normal(), std, mean, np.float64)) for _ in range(count)]
        values = [self.unit(dtype) for _ in range(count)]
        for start in range(0, count - 15, 16):
            values[start : start + 16] = box_muller(values[start : start + 16], dtype, mean, std)
        if count % 16:
            values[-16:] = box_muller([self.unit(dtype) for _ in range(16)], dtype, mean, std)
        return values

    def one_normal(self):
        """Always in f64; the sine half of a pair waits for the next call."""
        if self.cached_normal is not None:
            value, self.cached_normal = self.cached_normal, None
            return value
        u1, u2 = float(self.unit(np.float64)), float(self.unit(np.float64))
        radius = math.sqrt(-2.0 * math.log1p(-u2))
        theta = 2.0 * math.pi * u1
        self.cached_normal = radius * math.sin(theta)
        return radius * math.cos(theta)

    def integers(self, count, low, high):
        span = high - low
        draw = self.random64 if span >= 2**28 else self.random
        return [low + draw() % span for _ in range(count)]

    def permutation(self, n):
        values = list(range(n))
        for i in range(n - 1):
            j = i + self.random() % (n - i)
            values[i], values[j] = values[j], values[i]
        return values

    def exponential(self, count, dtype, rate):
        return [dtype(-1.0 / rate * math.log1p(-float(self.unit(np.float64)))) for _ in range(count)]


def box_muller(uniforms, dtype, mean, std):
    """Sixteen uniforms to sixteen normals: 0..8 give the radius, 8..16 the angle."""
    out = [None] * 16
    for j in range(8):
        u1, u2 = dtype(1) - uniforms[j], uniforms[j + 8]
        if dtype is np.float64:
            radius, theta = math.sqrt(-2.0 * math.log(u1)), 2.0 * math.pi * float(u2)
            cosine, sine = math.cos(theta), math.sin(theta)
        else:
            radius, theta = np.sqrt(np.float32(-2) * np.log(u1)), np.float32(2 * math.pi) * u2
            cosine, sine = np.cos(theta), np.sin(theta)
        out[j] = fma(dtype(radius * cosine), dtype(std), dtype(mean), dtype)
        out[j + 8] = fma(dtype(radius * sine), dtype(std), dtype(mean), dtype)
    return out


def multinomial_one(g, probabilities):
    """The first largest p / e with e exponential, all in f32."""
    waits = g.exponential(len(probabilities), np.float32, 1.0)
    return [int(np.argmax([np.float32(p) / w for p, w in zip(probabilities, waits)]))]


def loader_order(g, count):
    """A shuffling DataLoader draws a base seed for its workers, then a seed for a permutation of its own."""
    g.random64()
    return Generator(g.random64() % 2**63).permutation(count)


def number(text):
    """A literal, or a sum or difference of integers and powers of two as the recorded calls write them."""
    if "**" not in text:
        return float(text) if "." in text else int(text)
    total = 0
    for sign, base, exponent in re.findall(r"([+-]?) ?(\d+)(?:\*\*(\d+))?", text):
        total += (-1 if sign == "-" else 1) * int(base) ** int(exponent or 1)
    return total


def rebuild(g, entry):
    """The value of a recorded call, from the rules."""
    call = entry["call"]
    count = math.prod(entry["shape"])
    dtype = DTYPES.get(entry["dtype"])
    if call.startswith("torch.randperm"):
        return g.permutation(count)
    if call.endswith(".random_()"):
        return [g.random64() % 2**63 for _ in range(count)]
    if call.startswith("torch.cat(list(DataLoader("):
        return loader_order(g, count)
    if call.startswith("F.dropout("):
        return [dtype(g.unit(np.float64) < 1 - 0.3) / dtype(1 - 0.3) for _ in range(count)]
    if m := re.match(r"torch.randint\((.+?), (.+?), \(", call):
        return g.integers(count, number(m[1]), number(m[2]))
    if call.startswith("torch.randn"):
        return g.normal(count, dtype, 0.0, 1.0)
    if call.startswith("torch.rand"):
        return g.uniform(count, dtype, 0.0, 1.0)
    if m := re.search(r"\.(normal|uniform)_\((.+), (.+)\)", call):
        return getattr(g, m[1])(count, dtype, number(m[2]), number(m[3]))
    if m := re.search(r"\.exponential_\((.+)\)", call):
        return g.exponential(count, dtype, number(m[1]))
    if m := re.search(r"\.bernoulli_\((.+)\)", call):
        return [dtype(g.unit(np.float64) < number(m[1])) for _ in range(count)]
    if m := re.match(r"torch.bernoulli\(torch.full\(\(100,\), ([0-9.]+)", call):
        return [dtype(g.unit(dtype) < dtype(number(m[1]))) for _ in range(count)]
    if call.startswith("torch.multinomial"):
        return multinomial_one(g, [0.1, 0.2, 0.3, 0.4])
    raise ValueError(f"no rule for {call}")


def rebuild_module(g, entry):
    """Parameters in the order drawn: weight, then bias, layer by layer."""
    built = {}
    for name, parameter in entry["parameters"].items():
        shape, count = parameter["shape"], math.prod(parameter["shape"])
        if "Embedding" in entry["call"]:
            built[name] = g.normal(count, np.float32, 0.0, 1.0)
            continue
        if name.endswith("weight"):
            fan_in = math.prod(shape[1:])
            gain = math.sqrt(2.0 / (1 + math.sqrt(5) ** 2))
            bound = math.sqrt(3.0) * (gain / math.sqrt(fan_in))
        else:
            bound = 1 / math.sqrt(fan_in)
        built[name] = g.uniform(count, np.float32, -bound, bound)
    return built


def compare(entry, values, where):
    dtype = DTYPES.get(entry["dtype"])
    if dtype is None:
        want, got = entry["values"], [int(v) for v in values]
        assert got[: len(want)] == want, where
        return 0.0
    unsigned = np.uint32 if dtype is np.float32 else np.uint64
    got = np.array(values, dtype)
    want = np.array(entry["bits"], unsigned).view(dtype)
    inexact = dtype is np.float32 and len(got) >= 16 and re.search("randn|normal_|Embedding", where)
    if inexact:
        difference = float(np.max(np.abs(got[: len(want)].astype(np.float64) - want)))
        assert difference < 1e-6, (where, difference)
        return difference
    assert np.array_equal(got[: len(want)].view(unsigned), want.view(unsigned)), where
    h = 0
    for bits in got.view(unsigned):
        h = (h * 31 + int(bits)) & MASK64
    assert h == entry["checksum"], where
    return 0.0


def compare_state(g, state, where):
    assert (g.seed, g.left, g.next) == (state["seed"], state["left"], state["next"]), where
    assert g.state[:4] == state["state_head"], where
    assert (g.cached_normal is not None) == bool(state["normal_is_valid"]), where
    if g.cached_normal is not None:
        assert np.float64(g.cached_normal).view(np.uint64) == state["normal_y_bits"], where


def check(path):
    recorded = json.loads(path.read_text())
    seed = recorded["seed"]
    worst, compared = 0.0, 0
    g = Generator(seed)
    assert [g.random() for _ in recorded["words"]] == recorded["words"]
    for entry in recorded["single"]:
        worst = max(worst, compare(entry, rebuild(Generator(seed), entry), entry["call"]))
        compared += 1
    for entry in recorded["modules"]:
        for name, values in rebuild_module(Generator(seed), entry).items():
            worst = max(worst, compare(entry["parameters"][name], values, f"{entry['call']} {name}"))
            compared += 1
    g = Generator(seed)
    compare_state(g, recorded["states"][0], "start")
    for entry, state in zip(recorded["sequence"], recorded["states"][1:]):
        worst = max(worst, compare(entry, rebuild(g, entry), entry["call"]))
        compare_state(g, state, f"after {entry['call']}")
        compared += 1
    print(f"{path.name}: {compared} values rebuilt, largest difference of f32 normals {worst:.1e}")


if __name__ == "__main__":
    for path in sorted(FIXTURES.glob("seed_*.json")):
        check(path)
