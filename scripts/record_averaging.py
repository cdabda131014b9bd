"""Records `fixtures/averaging/runs.json`: PyTorch's AveragedModel with buffers, and update_bn.

Run:       python scripts/record_averaging.py
Versions:  Python 3.11, torch 2.15.0 (CPU).
"""

import json
import pathlib

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "averaging" / "runs.json"


def lists(state):
    return {name: value.reshape(-1).tolist() for name, value in state.items()}


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 4),
        torch.nn.BatchNorm1d(4, momentum=0.3),
        torch.nn.ReLU(),
        torch.nn.BatchNorm1d(4, momentum=None),
    )


def averaged(**options):
    """Three updates of the average, a forward and a change of all weights by a known factor before each."""
    net = model()
    average = AveragedModel(net, use_buffers=True, **options)
    torch.manual_seed(1)
    for factor in [1.0, 1.5, -0.5, 0.25]:
        net(torch.randn(16, 3))
        with torch.no_grad():
            for p in net.parameters():
                p.mul_(factor)
        average.update_parameters(net)
    return lists(average.module.state_dict())


def main():
    net = model()
    net[3].eval()
    torch.manual_seed(1)
    batches = [torch.randn(n, 3) for n in (16, 16, 8)]
    net(batches[0])
    update_bn(batches, net)
    record = {
        "torch": torch.__version__.split("+")[0],
        "update_bn": lists(net.state_dict()),
        "momenta": [net[1].momentum, net[3].momentum],
        "swa": averaged(),
        "ema": averaged(multi_avg_fn=get_ema_multi_avg_fn(0.9)),
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
