"""Records the order in which PyTorch's loaders visit a data set.

Writes `fixtures/loader/orders.json`; `fixtures/loader/README.md` describes it.

Run:       python scripts/record_loader.py
Versions:  recorded with Python 3.11, torch 2.15.0 (CPU).
"""

import json
import pathlib

import torch
from torch.utils.data import (
    DataLoader,
    DistributedSampler,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

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


SAMPLERS = {
    "random": lambda data: RandomSampler(data),
    "random 7": lambda data: RandomSampler(data, num_samples=7),
    "random 25": lambda data: RandomSampler(data, num_samples=25),
    "replacement": lambda data: RandomSampler(data, replacement=True),
    "replacement 70": lambda data: RandomSampler(data, replacement=True, num_samples=70),
    "subset": lambda data: SubsetRandomSampler([3, 1, 8, 9, 0]),
    "weighted": lambda data: WeightedRandomSampler(WEIGHTS, 20),
    "weighted 1": lambda data: WeightedRandomSampler(WEIGHTS, 1),
    "weighted once": lambda data: WeightedRandomSampler(WEIGHTS, 6, replacement=False),
}
WEIGHTS = [0.5, 0, 2, 1, 1, 3.5, 0.25, 0, 1, 4]


def sampled(make):
    """A loader over 10 samples with a sampler; both draw from the global generator."""
    torch.manual_seed(3)
    data = TensorDataset(torch.arange(10))
    loader = DataLoader(data, batch_size=4, sampler=make(data))
    return [batches(loader) for _ in range(EPOCHS)] + [torch.randint(1000, (1,)).item()]


def distributed(n, replicas, shuffle, drop_last):
    data = TensorDataset(torch.arange(n))
    shares = []
    for rank in range(replicas):
        sampler = DistributedSampler(data, replicas, rank, shuffle=shuffle, seed=5, drop_last=drop_last)
        sampler.set_epoch(2)
        shares.append(list(sampler))
    return {"n": n, "shuffle": shuffle, "drop_last": drop_last, "shares": shares}


def main():
    sizes = [(10, 4, False, 0), (10, 4, True, 1), (12, 3, False, 42), (1, 2, False, 7), (33, 5, True, 2**40 + 7)]
    record = {
        "torch": torch.__version__.split("+")[0],
        "stream": [stream(*size) for size in sizes],
        "seeded": [seeded(*size) for size in sizes],
        "samplers": {name: sampled(make) for name, make in SAMPLERS.items()},
        "weights": WEIGHTS,
        "distributed": [
            distributed(n, replicas, shuffle, drop_last)
            for n, replicas in [(10, 3), (12, 4), (2, 5)]
            for shuffle in (False, True)
            for drop_last in (False, True)
        ],
        "split": [split([7, 3], 0), split([20, 0, 5], 42)],
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
