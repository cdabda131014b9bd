"""Replays `fixtures/optim` with PyTorch: the recorded runs are what torch.optim does, and this is how they were run.

Run:       python scripts/check_optim.py
Versions:  Python 3.11, torch 2.15.0, safetensors 0.8.
"""

import json
import pathlib

import torch
from safetensors.torch import load_file

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "optim"
KEPT_STEPS = (1, 2, 5, 10, 20, 50, 100)


def problem(name, tensors):
    """Parameters and loss of a recorded problem, in f64."""
    if name == "rosenbrock":
        p = torch.tensor([1.5, 1.5], requires_grad=True)
        return [p], lambda: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
    w = tensors["linreg.w0"].clone().requires_grad_()
    b = torch.zeros(1, requires_grad=True)
    return [w, b], lambda: ((tensors["linreg.X"] @ w + b - tensors["linreg.y"]) ** 2).mean()


def replay(run, tensors):
    parameters, loss = problem(run["problem"], tensors)
    optimizer = getattr(torch.optim, run["opt"])(parameters, **run["kw"])

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    losses, kept = [], []
    for step in range(1, 101):
        losses.append(optimizer.step(closure).item())
        if step in KEPT_STEPS:
            kept.append(torch.cat([p.detach().reshape(-1) for p in parameters]))
    return torch.tensor(losses), torch.stack(kept)


def main():
    torch.set_default_dtype(torch.float64)
    tensors = load_file(FIXTURES / "traj.safetensors")
    runs = json.loads((FIXTURES / "traj.json").read_text())
    for run in runs:
        for name, value in zip(("loss", "params"), replay(run, tensors)):
            recorded = tensors[f"{run['tag']}.{name}"]
            assert torch.allclose(value, recorded, rtol=1e-9, atol=1e-12, equal_nan=True), (run["tag"], name)
    print(f"{len(runs)} runs replayed")


if __name__ == "__main__":
    main()
