"""Records the first 100 training steps of a small classifier of handwritten digits in PyTorch.

Writes `fixtures/digits_mlp/`: `run.json` (losses, permutations, checksums) and `weights.safetensors` (weights before the
first and after the last recorded step). `fixtures/digits_mlp/README.md` describes run and files.

Run:       python scripts/record_digits_mlp.py
Versions:  recorded with Python 3.11, torch 2.15.0 (CPU, one thread), numpy 2.4, safetensors 0.8.
The output is deterministic: a second run on the same kind of machine writes the same bytes.
"""

import gzip
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "fixtures" / "digits_mlp"
SEED, TRAIN, BATCH, STEPS, LR = 0, 1437, 64, 100, 1e-3


def digits():
    with gzip.open(ROOT / "data" / "digits" / "digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    return torch.tensor(table[:, :64], dtype=torch.float32) / 16, torch.tensor(table[:, 64])


def build():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def checksum(tensor):
    """h = 31 h + bits, modulo 2**64, from h = 0, over the elements' bit patterns."""
    h = 0
    for bits in tensor.detach().contiguous().numpy().reshape(-1).view(np.uint32):
        h = (h * 31 + int(bits)) % 2**64
    return h


def snapshot(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def accuracy(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).double().mean().item()


def train(dtype):
    """The run in one dtype. Everything random is drawn in f32 or i64, so both dtypes see the same weights and batches."""
    torch.manual_seed(SEED)
    model = build()
    split = torch.randperm(1797)
    model.to(dtype)
    x, y = digits()
    x = x.to(dtype)
    train_x, train_y = x[split[:TRAIN]], y[split[:TRAIN]]
    first = snapshot(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    losses, epochs = [], []
    while len(losses) < STEPS:
        order = torch.randperm(TRAIN)
        epochs.append(order.tolist())
        for start in range(0, TRAIN, BATCH):
            rows = order[start : start + BATCH]
            loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == STEPS:
                break
    held_out = accuracy(model, x[split[TRAIN:]], y[split[TRAIN:]])
    return {"split": split.tolist(), "epochs": epochs, "losses": losses, "held_out": held_out}, first, snapshot(model)


def main():
    torch.set_num_threads(1)
    run, first, last = train(torch.float32)
    exact, _, last_f64 = train(torch.float64)
    assert run["split"] == exact["split"] and run["epochs"] == exact["epochs"]
    result = {
        "torch": torch.__version__.split("+")[0],
        "seed": SEED,
        "train_rows": TRAIN,
        "batch": BATCH,
        "steps": STEPS,
        "lr": LR,
        "initial_checksum": {name: checksum(value) for name, value in first.items()},
        "initial_head": {name: value.reshape(-1)[:8].tolist() for name, value in first.items()},
        "losses_f32": run["losses"],
        "losses_f64": exact["losses"],
        "held_out_accuracy_f32": run["held_out"],
        "held_out_accuracy_f64": exact["held_out"],
        "split": run["split"],
        "epochs": run["epochs"],
    }
    OUT.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in result.items())
    (OUT / "run.json").write_text("{\n" + lines + "\n}\n")
    tensors = {f"initial.{name}": value for name, value in first.items()}
    tensors |= {f"final.{name}": value for name, value in last.items()}
    tensors |= {f"final_f64.{name}": value for name, value in last_f64.items()}
    save_file(tensors, OUT / "weights.safetensors")


if __name__ == "__main__":
    main()
