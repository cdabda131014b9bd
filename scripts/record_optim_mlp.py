"""Records `fixtures/optim_mlp`: each optimizer of PyTorch on a small network with cross-entropy, with its state halfway.

Run:       python scripts/record_optim_mlp.py
Versions:  Python 3.11, torch 2.15.0, safetensors 0.8.
"""

import inspect
import json
import pathlib

import torch
from safetensors.torch import save_file
from torch.optim import _muon

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "optim_mlp"

# Optimizer, keyword arguments, learning rate of the weights (the biases have half of it), steps.
RUNS = [
    ("SGD", {}, 0.5, 100),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, 0.1, 100),
    ("Adam", {}, 0.01, 100),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01, "betas": (0.8, 0.95)}, 0.01, 100),
    ("AdamW", {}, 0.01, 100),
    ("RMSprop", {"centered": True, "momentum": 0.5}, 0.01, 100),
    ("Adagrad", {"initial_accumulator_value": 0.1, "lr_decay": 0.01}, 0.1, 100),
    ("Adadelta", {"weight_decay": 0.01}, 1.0, 100),
    ("Adamax", {}, 0.01, 100),
    ("NAdam", {"weight_decay": 0.01, "decoupled_weight_decay": True}, 0.01, 100),
    ("RAdam", {}, 0.01, 100),
    ("ASGD", {"t0": 20.0}, 0.1, 100),
    ("Rprop", {}, 0.01, 100),
    ("Adafactor", {"weight_decay": 0.01}, 0.005, 100),
    ("Muon", {}, 0.02, 100),
    ("Muon", {"adjust_lr_fn": "match_rms_adamw", "nesterov": False}, 0.02, 100),
    ("LBFGS", {}, 0.1, 10),
    ("LBFGS", {"line_search_fn": "strong_wolfe", "history_size": 5}, 1.0, 10),
]


def without_bf16():
    """Muon's iteration in the dtype of the gradient, so that runs can be compared beyond bf16's digits."""
    source = inspect.getsource(_muon._zeropower_via_newtonschulz).replace("torch.bfloat16", "grad.dtype")
    exec(source, _muon.__dict__)


def groups(name, parameters, lr):
    weights, biases = dict(list(parameters.items())[:2]), dict(list(parameters.items())[2:])
    if name == "LBFGS":
        return list(parameters.items())
    if name == "Muon":
        return list(weights.items())
    return [
        {"params": list(weights.items()), "lr": lr},
        {"params": list(biases.items()), "lr": lr / 2},
    ]


def plain(value, name, tensors):
    """JSON for a state: a tensor is {"tensor": NAME} and goes to `tensors`."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {str(key): plain(item, f"{name}.{key}", tensors) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{name}.{i}", tensors) for i, item in enumerate(value)]
    return value


def record(tag, name, kw, lr, steps, data, tensors):
    x, y, start = data
    parameters = {key: value.clone().requires_grad_() for key, value in start.items()}
    optimizer = getattr(torch.optim, name)(groups(name, parameters, lr), **{"lr": lr, **kw})

    def closure():
        optimizer.zero_grad()
        hidden = torch.tanh(x @ parameters["0.weight"].T + parameters["0.bias"])
        loss = torch.nn.functional.cross_entropy(hidden @ parameters["2.weight"].T + parameters["2.bias"], y)
        loss.backward()
        return loss

    losses, halfway = [], None
    for step in range(1, steps + 1):
        losses.append(optimizer.step(closure).item())
        if step == steps // 2:
            halfway = plain(optimizer.state_dict(), f"{tag}.halfway", tensors)
        if step in (steps // 2, steps):
            flat = torch.cat([parameter.detach().reshape(-1) for parameter in parameters.values()])
            tensors[f"{tag}.params.{step}"] = flat
    tensors[f"{tag}.loss"] = torch.tensor(losses)
    return {"tag": tag, "opt": name, "kw": kw, "lr": lr, "steps": steps, "halfway": halfway}


def main():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    x, y = torch.randn(24, 4), torch.randint(3, (24,))
    shapes = {"0.weight": (8, 4), "2.weight": (3, 8), "0.bias": (8,), "2.bias": (3,)}
    start = {name: torch.randn(shape) * 0.5 for name, shape in shapes.items()}
    tensors = {"x": x, "y": y, **{f"start.{name}": value for name, value in start.items()}}
    runs = []
    for exact in (False, True):
        if exact:
            without_bf16()
        for i, (name, kw, lr, steps) in enumerate(RUNS):
            if exact or name == "Muon":
                tag = f"{name}.{i}" + ("" if exact else ".bf16")
                runs.append(record(tag, name, kw, lr, steps, (x, y, start), tensors))
    FIXTURES.mkdir(exist_ok=True)
    save_file(tensors, FIXTURES / "runs.safetensors")
    (FIXTURES / "runs.json").write_text(json.dumps(runs, indent=1) + "\n")
    print(f"{len(runs)} runs")


if __name__ == "__main__":
    main()
