"""PyTorch's part of a training that crates/train/tests/pt.rs takes turns in; that test runs it.

python scripts/take_turns.py first FOLDER: 50 steps, saved as first.pt; the 100 after them alone, saved as alone.pt.
python scripts/take_turns.py third FOLDER: 50 steps from second.pt, compared with alone.pt.
"""

import pathlib
import sys

import torch
from record_pt import states, steps, training


def main():
    turn, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    torch.set_num_threads(1)
    model, optimizer, scheduler, data = training(total_steps=150)
    if turn == "first":
        steps(50, model, optimizer, scheduler, data)
        torch.save(states(model, optimizer, scheduler, data), folder / "first.pt")
        steps(100, model, optimizer, scheduler, data)
        torch.save(states(model, optimizer, scheduler, data), folder / "alone.pt")
        return
    second = torch.load(folder / "second.pt", weights_only=True)
    model.load_state_dict(second["model"])
    optimizer.load_state_dict(second["optimizer"])
    scheduler.load_state_dict(second["scheduler"])
    steps(50, model, optimizer, scheduler, second["data"])
    alone = torch.load(folder / "alone.pt", weights_only=True)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, alone["model"][name], rtol=1e-5, atol=1e-5)
    assert optimizer.state_dict()["param_groups"] == alone["optimizer"]["param_groups"]


if __name__ == "__main__":
    main()
