"""Records the order in which PyTorch's loaders visit a data set.

Writes `fixtures/loader/orders.json`; `fixtures/loader/README.md` describes it.

Run:       python scripts/record_loader.py
Versions:  recorded with Python 3.11, torch 2.15.0 (CPU).
"""

import json
import pathlib

import torch
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset, random_split

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "loader" / "orders.json"
EPOCHS = 3


def batches(loader):
    return [batch[0].tolist() for batch in loader]


def stream(n, batch, drop_last, seed):
    """DataLoader(shuffle=True) without a generator of its own; dropout between the epochs draws from the same stream."""
    torch.manual_seed(seed)
    loader = DataLoader(TensorDataset(torch.arange(n)), batch_size=batch, shuffle=True, drop_last=drop_last)
    epochs, between = [], []
    for _ in range(EPOCHS):
        epochs.append(batches(loader))
        between.append(torch.randint(1000, (1,)).item())
    return {"n": n, "batch": batch, "drop_last": drop_last, "seed": seed, "epochs": epochs, "between": between}


def seeded(n, batch, drop_last, seed):
    """DistributedSampler with one replica, told the epoch."""
    data = TensorDataset(torch.arange(n))
    sampler = DistributedSampler(data, num_replicas=1, rank=0, seed=seed)
    loader = DataLoader(data, batch_size=batch, sampler=sampler, drop_last=drop_last)
    epochs = []
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        epochs.append(batches(loader))
    return {"n": n, "batch": batch, "drop_last": drop_last, "seed": seed, "epochs": epochs}


def split(lengths, seed):
    data = TensorDataset(torch.arange(sum(lengths)))
    parts = random_split(data, lengths, generator=torch.Generator().manual_seed(seed))
    return {"lengths": lengths, "seed": seed, "parts": [list(part.indices) for part in parts]}


def main():
    sizes = [(10, 4, False, 0), (10, 4, True, 1), (12, 3, False, 42), (1, 2, False, 7), (33, 5, True, 2**40 + 7)]
    record = {
        "torch": torch.__version__.split("+")[0],
        "stream": [stream(*size) for size in sizes],
        "seeded": [seeded(*size) for size in sizes],
        "split": [split([7, 3], 0), split([20, 0, 5], 42)],
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
