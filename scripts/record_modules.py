"""Records outputs and gradients of PyTorch's modules, losses and attention in f64.

Writes `fixtures/modules/NAME.json` and `NAME.safetensors`, one pair a module; `fixtures/modules/README.md` describes
the format.

Run:       python scripts/record_modules.py
Versions:  recorded with Python 3.11, torch 2.15.0 (CPU, one thread), safetensors 0.8.
The output is deterministic: inputs come from a generator with a fixed seed for each module.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "modules"


class Recorder:
    """Collects the cases of one module and writes its two files."""

    def __init__(self, name):
        self.name, self.cases, self.tensors = name, [], {}
        torch.manual_seed(0)

    def keep(self, role, values):
        """Stores the tensors of one role; gives name → key in the safetensors file."""
        keys = {}
        for name, value in values.items():
            keys[name] = f"{len(self.cases)}.{role}.{name}"
            self.tensors[keys[name]] = value.detach().clone().contiguous()
        return keys

    def case(self, label, config, function, inputs, parameters=None, buffers=None, training=None):
        """One call: `function` of the named inputs. Gradients of the floating inputs and of the parameters are taken
        with a random cotangent. `buffers` is a function that gives the buffers as they are at the moment."""
        parameters = parameters or {}
        entry = {"label": label, "config": config}
        if training is not None:
            entry["training"] = training
        inputs = {k: v.detach().clone().requires_grad_(v.is_floating_point()) for k, v in inputs.items()}
        entry["inputs"] = self.keep("input", inputs)
        entry["parameters"] = self.keep("parameter", parameters)
        if buffers:
            entry["buffers"] = self.keep("buffer", buffers())
        output = function(**inputs)
        cotangent = torch.randn_like(output)
        sources = {k: v for k, v in {**inputs, **parameters}.items() if v.requires_grad}
        grads = torch.autograd.grad(output, list(sources.values()), cotangent, allow_unused=True)
        entry["output"] = self.keep("output", {"output": output})["output"]
        entry["cotangent"] = self.keep("cotangent", {"output": cotangent})["output"]
        entry["grads"] = self.keep("grad", {k: g for k, g in zip(sources, grads) if g is not None})
        if buffers:
            entry["buffers_after"] = self.keep("buffer_after", buffers())
        self.cases.append(entry)

    def module(self, label, config, build, *shape, value=None):
        """One call of a module built with `config`, on a normal input of the shape or on `value`."""
        module = build(**config)
        x = torch.randn(*shape) if value is None else value
        self.case(label, config, lambda input: module(input), {"input": x}, dict(module.named_parameters()))

    def write(self):
        lines = ",\n".join(json.dumps(case) for case in self.cases)
        (OUT / f"{self.name}.json").write_text(f"[\n{lines}\n]\n")
        save_file(self.tensors, OUT / f"{self.name}.safetensors")


def linear(r):
    r.module("batch", {"in_features": 4, "out_features": 3}, nn.Linear, 5, 4)
    r.module("no bias", {"in_features": 4, "out_features": 3, "bias": False}, nn.Linear, 5, 4)
    r.module("one vector", {"in_features": 4, "out_features": 3}, nn.Linear, 4)
    r.module("two leading dimensions", {"in_features": 4, "out_features": 3}, nn.Linear, 2, 3, 4)
    r.module("empty batch", {"in_features": 4, "out_features": 3}, nn.Linear, 0, 4)
    r.module("one to one", {"in_features": 1, "out_features": 1}, nn.Linear, 3, 1)
    r.module("larger", {"in_features": 33, "out_features": 17}, nn.Linear, 9, 33)


def conv2d(r):
    base = {"in_channels": 2, "out_channels": 3, "kernel_size": 3}
    for label, more in {
        "plain": {},
        "no bias": {"bias": False},
        "stride 2": {"stride": 2},
        "padding 1": {"padding": 1},
        "stride 2, padding 1": {"stride": 2, "padding": 1},
        "dilation 2": {"dilation": 2},
        "dilation 2, stride 2, padding 2": {"dilation": 2, "stride": 2, "padding": 2},
        "uneven": {"kernel_size": [3, 2], "stride": [2, 1], "padding": [0, 2], "dilation": [1, 3]},
        "kernel 1": {"kernel_size": 1},
        "kernel 1, stride 2": {"kernel_size": 1, "stride": 2},
        "padding same": {"padding": "same"},
        "padding same, kernel 4, dilation 2": {"padding": "same", "kernel_size": 4, "dilation": 2},
        "padding valid": {"padding": "valid"},
        "padding wider than the kernel": {"kernel_size": 2, "padding": 3},
    }.items():
        r.module(label, base | more, nn.Conv2d, 2, 2, 7, 6)
    grouped = {"in_channels": 4, "out_channels": 6, "kernel_size": 3}
    r.module("groups 2", grouped | {"groups": 2}, nn.Conv2d, 2, 4, 6, 5)
    r.module("groups 2, stride 2, padding 1", grouped | {"groups": 2, "stride": 2, "padding": 1}, nn.Conv2d, 2, 4, 6, 5)
    r.module("depthwise", grouped | {"out_channels": 8, "groups": 4}, nn.Conv2d, 2, 4, 6, 5)
    r.module("no batch dimension", base, nn.Conv2d, 2, 6, 5)
    r.module("empty batch", base, nn.Conv2d, 0, 2, 6, 5)
    r.module("kernel as large as the input", base, nn.Conv2d, 2, 2, 3, 3)


def maxpool2d(r):
    for label, config in {
        "kernel 2, stride 2": {"kernel_size": 2, "stride": 2},
        "stride defaults to the kernel": {"kernel_size": 3},
        "kernel 3, stride 2, padding 1": {"kernel_size": 3, "stride": 2, "padding": 1},
        "overlapping": {"kernel_size": 3, "stride": 1},
        "dilation 2": {"kernel_size": 2, "stride": 1, "dilation": 2},
        "ceil_mode": {"kernel_size": 2, "stride": 2, "ceil_mode": True},
        "ceil_mode, padding": {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        "ceil_mode, stride 3": {"kernel_size": 2, "stride": 3, "ceil_mode": True},
        "uneven": {"kernel_size": [3, 2], "stride": [2, 1], "padding": [1, 0], "dilation": [1, 2]},
    }.items():
        r.module(label, config, nn.MaxPool2d, 2, 3, 7, 6)
    kernel2 = {"kernel_size": 2}
    r.module("no batch dimension", kernel2, nn.MaxPool2d, 3, 6, 5)
    r.module("ties", kernel2, nn.MaxPool2d, value=torch.ones(1, 1, 4, 4))
    nan = torch.randn(1, 1, 4, 4)
    nan[0, 0, 0, 1] = float("nan")
    nan[0, 0, 2, 2] = float("-inf")
    r.module("NaN and -inf", kernel2, nn.MaxPool2d, value=nan)
    r.module("all -inf", kernel2, nn.MaxPool2d, value=torch.full((1, 1, 2, 2), float("-inf")))


def randomize(module):
    """Affine parameters start as ones and zeros, which would hide mistakes."""
    for p in module.parameters():
        p.data = torch.randn_like(p)


def batchnorm2d(r):
    for label, config in {
        "default": {"num_features": 3},
        "momentum 0.3, eps 0.01": {"num_features": 3, "momentum": 0.3, "eps": 0.01},
        "momentum None (cumulative average)": {"num_features": 3, "momentum": None},
        "not affine": {"num_features": 3, "affine": False},
        "no running statistics": {"num_features": 3, "track_running_stats": False},
    }.items():
        module = nn.BatchNorm2d(**config)
        randomize(module)
        for step, training in enumerate([True, True, True, False]):
            module.train(training)
            name = f"{label}: " + (f"training step {step + 1}" if training else "evaluation")
            x = {"input": torch.randn(4, 3, 2, 5) * 2 + 0.5}
            parameters, buffers = dict(module.named_parameters()), lambda: dict(module.named_buffers())
            r.case(name, config, lambda input: module(input), x, parameters, buffers, training)


def layernorm(r):
    for label, config, shape in [
        ("last dimension", {"normalized_shape": [5]}, (4, 5)),
        ("two dimensions", {"normalized_shape": [3, 5]}, (2, 3, 5)),
        ("three leading dimensions", {"normalized_shape": [4]}, (2, 3, 2, 4)),
        ("no bias", {"normalized_shape": [5], "bias": False}, (4, 5)),
        ("not affine", {"normalized_shape": [5], "elementwise_affine": False}, (4, 5)),
        ("eps 0.1", {"normalized_shape": [5], "eps": 0.1}, (4, 5)),
        ("width 67", {"normalized_shape": [67]}, (3, 67)),
        ("width 1", {"normalized_shape": [1]}, (3, 1)),
        ("empty batch", {"normalized_shape": [5]}, (0, 5)),
    ]:
        module = nn.LayerNorm(**config)
        randomize(module)
        x, parameters = {"input": torch.randn(*shape) * 3 + 1}, dict(module.named_parameters())
        r.case(label, config, lambda input: module(input), x, parameters)


def embedding(r):
    sizes = {"num_embeddings": 7, "embedding_dim": 3}
    r.module("vector", sizes, nn.Embedding, value=torch.tensor([1, 6, 0, 1, 1]))
    r.module("matrix", sizes, nn.Embedding, value=torch.tensor([[1, 2, 3], [3, 3, 5]]))
    r.module("one index", sizes, nn.Embedding, value=torch.tensor(4))
    r.module("empty", sizes, nn.Embedding, value=torch.empty(0, 2, dtype=torch.int64))
    r.module("padding_idx", sizes | {"padding_idx": 2}, nn.Embedding, value=torch.tensor([2, 1, 2, 5]))
    r.module("negative padding_idx", sizes | {"padding_idx": -1}, nn.Embedding, value=torch.tensor([6, 1, 6, 5]))


def gelu(r):
    grid = torch.linspace(-8, 8, 65)
    extreme = torch.tensor([-float("inf"), float("inf"), float("nan"), -40.0, 40.0, -0.0, 1e-300, -1e-12])
    for approximate in ("none", "tanh"):
        r.module(f"{approximate}: grid", {"approximate": approximate}, nn.GELU, value=grid)
        r.module(f"{approximate}: extremes", {"approximate": approximate}, nn.GELU, value=extreme)


def softmax(r):
    for build, name in ((nn.Softmax, "softmax"), (nn.LogSoftmax, "log_softmax")):
        for dim, shape in [(-1, (4, 5)), (0, (4, 5)), (1, (2, 3, 4)), (0, (6,)), (-1, (0, 3)), (-1, (2, 37))]:
            r.module(f"{name} of {list(shape)}", {"dim": dim, "log": build is nn.LogSoftmax}, plain(build), *shape)
        extremes = torch.tensor([[1e4, -1e4, 0.0], [-float("inf"), 0.0, 1.0], [1e308, 1e308, -1e308]])
        r.module(f"{name}: extremes", {"dim": -1, "log": build is nn.LogSoftmax}, plain(build), value=extremes)


def plain(build):
    return lambda dim, log: build(dim=dim)


def crossentropyloss(r):
    def loss(label, config, x, target, weight=None):
        module = nn.CrossEntropyLoss(weight=weight, **config)
        inputs = {"input": x, "target": target}
        call = lambda input, target: module(input, target)  # noqa: E731
        r.case(label, config, call, inputs, {} if weight is None else {"weight": weight})

    weight = torch.rand(4) + 0.2
    target = torch.tensor([1, 0, 3, 1, 2])
    for reduction in ("mean", "sum", "none"):
        c = {"reduction": reduction}
        loss(f"{reduction}: classes", c, torch.randn(5, 4), target)
        loss(f"{reduction}: weight", c, torch.randn(5, 4), target, weight)
        loss(f"{reduction}: ignore_index 1", c | {"ignore_index": 1}, torch.randn(5, 4), target)
        loss(f"{reduction}: ignored -100", c, torch.randn(5, 4), torch.tensor([1, -100, 3, -100, 2]), weight)
        loss(f"{reduction}: label_smoothing", c | {"label_smoothing": 0.1}, torch.randn(5, 4), target)
        everything = c | {"label_smoothing": 0.2, "ignore_index": 3}
        loss(f"{reduction}: label_smoothing, weight, ignore_index", everything, torch.randn(5, 4), target, weight)
        probabilities = torch.rand(5, 4).softmax(1)
        loss(f"{reduction}: probabilities", c, torch.randn(5, 4), probabilities)
        smooth = c | {"label_smoothing": 0.1}
        loss(f"{reduction}: probabilities, weight, label_smoothing", smooth, torch.randn(5, 4), probabilities, weight)
        loss(f"{reduction}: input [N, C, d]", c, torch.randn(2, 4, 3), torch.tensor([[0, 1, 3], [2, 2, 1]]), weight)
        planes = torch.tensor([[[0, 1], [3, -100]], [[2, 2], [1, 0]]])
        loss(f"{reduction}: input [N, C, h, w]", c, torch.randn(2, 4, 2, 2), planes)
        loss(f"{reduction}: probabilities [N, C, d]", c, torch.randn(2, 4, 3), torch.rand(2, 4, 3).softmax(1), weight)
        loss(f"{reduction}: one sample [C]", c, torch.randn(4), torch.tensor(2))
        loss(f"{reduction}: all ignored", c, torch.randn(2, 4), torch.tensor([-100, -100]))
        loss(f"{reduction}: empty batch", c, torch.randn(0, 4), torch.empty(0, dtype=torch.int64))
    extremes = torch.tensor([[1e4, -1e4, 0.0, 0.0], [0.0, 1e308, 1e308, 0.0], [-float("inf"), 0.0, 1.0, 2.0]])
    loss("extremes", {}, extremes, torch.tensor([1, 2, 3]))


def mseloss(r):
    for reduction in ("mean", "sum", "none"):
        module = nn.MSELoss(reduction=reduction)
        for shape in [(4, 3), (), (0, 3)]:
            inputs = {"input": torch.randn(shape), "target": torch.randn(shape)}
            call = lambda input, target: module(input, target)  # noqa: E731
            r.case(f"{reduction}: {list(shape)}", {"reduction": reduction}, call, inputs)


def scaled_dot_product_attention(r):
    def attend(label, config, shapes, mask=None):
        q, k, v = (torch.randn(*shape) for shape in shapes)
        inputs = {"query": q, "key": k, "value": v} | ({} if mask is None else {"attn_mask": mask})
        r.case(label, config, lambda **kw: nn.functional.scaled_dot_product_attention(**kw, **config), inputs)

    same = [(2, 3, 5, 4)] * 3
    cross = [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)]
    attend("plain", {}, same)
    attend("plain, other key length and value width", {}, cross)
    attend("scale", {"scale": 0.3}, same)
    attend("causal", {"is_causal": True}, same)
    attend("causal, longer keys", {"is_causal": True}, cross)
    attend("causal, longer queries", {"is_causal": True}, [(2, 3, 7, 4), (2, 3, 5, 4), (2, 3, 5, 4)])
    attend("causal, length 1", {"is_causal": True}, [(2, 3, 1, 4)] * 3)
    keep = torch.rand(5, 7) > 0.4
    keep[:, 0] = True
    attend("boolean mask", {}, cross, keep)
    attend("boolean mask, one for each head", {}, cross, (torch.rand(2, 3, 5, 7) > 0.4).index_fill_(3, torch.tensor(1), True))
    attend("boolean mask, a row without keys", {}, cross, keep.clone().index_fill_(0, torch.tensor(2), False))
    attend("additive mask", {}, cross, torch.randn(5, 7))
    attend("additive mask with -inf", {}, cross, torch.where(keep, torch.randn(5, 7), float("-inf")))
    attend("three dimensions", {"is_causal": True}, [(2, 5, 4)] * 3)
    attend("two dimensions", {}, [(5, 4)] * 3)
    attend("enable_gqa", {"enable_gqa": True, "is_causal": True}, [(2, 4, 5, 4), (2, 2, 5, 4), (2, 2, 5, 4)])


MODULES = {
    "Linear": linear,
    "Conv2d": conv2d,
    "MaxPool2d": maxpool2d,
    "BatchNorm2d": batchnorm2d,
    "LayerNorm": layernorm,
    "Embedding": embedding,
    "GELU": gelu,
    "Softmax": softmax,
    "CrossEntropyLoss": crossentropyloss,
    "MSELoss": mseloss,
    "scaled_dot_product_attention": scaled_dot_product_attention,
}


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    for name, record in MODULES.items():
        recorder = Recorder(name)
        record(recorder)
        recorder.write()


if __name__ == "__main__":
    main()
