"""Records `fixtures/schedulers/compositions.json`: learning rates of PyTorch's schedulers behind and upon one another.

Run:       python scripts/record_schedules.py
Versions:  Python 3.11, torch 2.15.0.
"""

import json
import pathlib

import torch
from torch.optim.lr_scheduler import *
from torch.optim.swa_utils import SWALR

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "schedulers" / "compositions.json"
STEPS = 40

COMPOSITIONS = {
    "warmup_cosine": lambda o: SequentialLR(o, [LinearLR(o, 0.2, 1.0, 5), CosineAnnealingLR(o, 25)], [5]),
    "multiplicative behind constant": lambda o: SequentialLR(
        o, [ConstantLR(o, 0.5, 3), MultiplicativeLR(o, lambda epoch: 1 - 0.01 * (epoch + 1))], [6]
    ),
    "restarts behind linear": lambda o: SequentialLR(o, [LinearLR(o), CosineAnnealingWarmRestarts(o, 4, 2)], [5]),
    "restarts first": lambda o: SequentialLR(o, [CosineAnnealingWarmRestarts(o, 4), ExponentialLR(o, 0.9)], [9]),
    "three": lambda o: SequentialLR(
        o, [StepLR(o, 2, 0.5), PolynomialLR(o, 6, 2.0), MultiStepLR(o, [2, 5, 5], 0.1)], [5, 14]
    ),
    "chain of three": lambda o: ChainedScheduler(
        [LinearLR(o, 0.5, 1.0, 4), CosineAnnealingLR(o, 10, 0.001), StepLR(o, 7, 0.3)]
    ),
    "averaging behind exponential": lambda o: SequentialLR(
        o, [ExponentialLR(o, 0.95), SWALR(o, 0.02, anneal_epochs=5)], [8]
    ),
    "lambda behind lambda": lambda o: SequentialLR(
        o, [LambdaLR(o, lambda epoch: 1 / (1 + epoch)), LambdaLR(o, lambda epoch: 0.5**epoch)], [8]
    ),
}


def rates(compose):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = compose(optimizer)
    lr = [optimizer.param_groups[0]["lr"]]
    for _ in range(STEPS):
        optimizer.step()
        scheduler.step()
        lr.append(optimizer.param_groups[0]["lr"])
    return lr


def main():
    runs = {name: rates(compose) for name, compose in COMPOSITIONS.items()}
    OUT.write_text(json.dumps(runs, indent=1) + "\n")
    print(f"{len(runs)} compositions")


if __name__ == "__main__":
    main()
