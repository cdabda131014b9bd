"""Writes fixtures/pt: files of torch.save, and what PyTorch makes of them.

python scripts/record_pt.py
"""

import collections
import pathlib

import torch
from torch import nn

OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "pt"


def values():
    """One of everything that the reader knows; tests/pt.rs spells out what it must be."""
    base = torch.arange(12, dtype=torch.float32)
    return {
        "f32": base.reshape(3, 4),
        "f64": torch.tensor([1.5, -2.5], dtype=torch.float64),
        "f16": torch.tensor([1.5, -2.5], dtype=torch.float16),
        "bf16": torch.tensor([1.5, -2.5], dtype=torch.bfloat16),
        "i64": torch.tensor([[1, -(2**40)]]),
        "i32": torch.tensor([7, -8], dtype=torch.int32),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(3.25),
        "empty": torch.empty(0, 3),
        "transposed": base.reshape(3, 4).t(),
        "part": base[5:11:2],
        "expanded": torch.tensor([4.0]).expand(2, 3),
        "parameter": nn.Parameter(torch.tensor([9.0])),
        "numbers": [0, 255, 256, 65536, -1, 2**40, -(2**63), 1e-300, float("inf"), float("-inf")],
        "nested": {"none": None, "flags": (True, False), "one": (1,), "empty": [], "text": "η ≤ 1", "deep": [[[()]]]},
        "places": {0: "zero", -3: "minus three"},
        "counter": collections.Counter({30: 1, 80: 2}),
        "ordered": collections.OrderedDict(b=1, a=2),
    }


def training(total_steps):
    torch.manual_seed(0)
    data = torch.randn(32, 3), torch.randn(32, 2)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.BatchNorm1d(8), nn.Linear(8, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=total_steps)
    return model, optimizer, scheduler, data


def steps(count, model, optimizer, scheduler, data):
    for _ in range(count):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(data[0]), data[1]).backward()
        optimizer.step()
        scheduler.step()


def states(model, optimizer, scheduler, data):
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    return {key: part.state_dict() for key, part in parts.items()} | {"data": data, "rng": torch.get_rng_state()}


def checkpoints():
    """50 steps of AdamW under OneCycleLR, and 50 more."""
    run = training(total_steps=100)
    for name in ("steps_50", "steps_100"):
        steps(50, *run)
        torch.save(states(*run), OUT / f"{name}.pt")


def main():
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    torch.save(values(), OUT / "values.pt")
    checkpoints()
    torch.save({"f": torch.nn.functional.relu}, OUT / "code.pt")
    torch.save(torch.zeros(2, dtype=torch.complex64), OUT / "complex.pt")


if __name__ == "__main__":
    main()
