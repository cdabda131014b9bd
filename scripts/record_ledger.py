"""Records the parity ledger: every module and loss in several configurations, in f64.

Writes `fixtures/ledger/NAME.json` and `NAME.safetensors` for each family; `fixtures/ledger/README.md` describes them.

Run:       python scripts/record_ledger.py [FAMILY ..]
Versions:  recorded with Python 3.11, torch 2.15.0 (CPU, one thread), safetensors 0.8.
The output is deterministic: each module is made after `torch.manual_seed(0)`, inputs come from a fixed seed for each case.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch import nn

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "ledger"


class Recorder:
    """Collects the cases of one family."""

    def __init__(self):
        self.cases, self.tensors = [], {}

    def keep(self, role, values):
        prefix = f"{len(self.cases)}.{role}"
        self.tensors |= {f"{prefix}.{name}": value.detach().clone().contiguous() for name, value in values.items()}

    def case(self, name, config, inputs, positional=(), call=None, bad=None, fixed=(), build=None, training=True, buffers=None):
        """One call of the module `nn.NAME(*positional, **config)`, or of what `build` makes of these arguments. Constant
        initial values are replaced by random ones, which hide no mistakes, and buffers by those given. `bad` is an input
        that must be refused, by the name of the input."""
        torch.manual_seed(0)
        tensors = {k: v for k, v in config.items() if isinstance(v, torch.Tensor)}
        module = (build or getattr(nn, name))(*positional, **config)
        torch.manual_seed(len(self.cases) + 1)
        self.keep("initial", module.state_dict())
        changed = {}
        for key, value in module.named_parameters():
            if value.numel() < 2 or bool((value == value.flatten()[0]).all()):
                value.data = torch.randn_like(value)
                changed[key] = value
        for key, value in (buffers or {}).items():
            module.get_buffer(key).copy_(value)
            changed[key] = value
        self.keep("changed", changed)
        self.keep("config", tensors)
        module.train(training)
        inputs = {k: make(v, k not in fixed) for k, v in inputs.items()}
        outputs = call(module, **inputs) if call else module(*inputs.values())
        outputs = {str(i): x for i, x in enumerate(flat(outputs))}
        cotangents = {i: torch.randn_like(x) for i, x in outputs.items()}
        sources = {k: v for k, v in (inputs | dict(module.named_parameters())).items() if v.requires_grad}
        total = sum((x * cotangents[i]).sum() for i, x in outputs.items())
        grads = torch.autograd.grad(total, list(sources.values()), allow_unused=True)
        self.keep("input", inputs)
        self.keep("output", outputs)
        self.keep("cotangent", cotangents)
        self.keep("grad", {k: g for k, g in zip(sources, grads) if g is not None})
        self.keep("after", dict(module.named_buffers()))
        plain = {k: v for k, v in config.items() if not isinstance(v, torch.Tensor)}
        self.cases.append({"module": name, "config": plain, "arguments": list(positional), "bad": bad or {}})
        self.cases[-1] |= ({"fixed": fixed} if fixed else {}) | ({} if training else {"training": False})

    def write(self, family):
        lines = ",\n".join(json.dumps(case) for case in self.cases)
        (OUT / f"{family}.json").write_text(f"[\n{lines}\n]\n")
        path = OUT / f"{family}.safetensors"
        save_file(self.tensors, path)
        path.chmod(0o644)


def make(value, grad):
    """A tensor, or a normal one of a shape; floats take gradients unless they are fixed."""
    value = value if isinstance(value, torch.Tensor) else torch.randn(value)
    return value.detach().requires_grad_(grad and value.is_floating_point())


def flat(outputs):
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    return [x for part in outputs if part is not None for x in flat(part)]


def recurrent(r):
    def states(count, batch, *sizes):
        return [(count, *batch, size) for size in sizes]

    def run(name, config, sizes=(4,), steps=5, batch=(3,), state=True, first=False):
        layers = config.get("num_layers", 1) * (2 if config.get("bidirectional") else 1)
        lead = (*batch, steps) if first else (steps, *batch)
        inputs = {"input": (*lead, 3)}
        if state:
            inputs |= dict(zip(("h", "c"), states(layers, batch, *sizes)))
        call = lambda m, input, h=None, c=None: m(input, h if c is None else (h, c))  # noqa: E731
        r.case(name, config, inputs, (3, 4), call, {"input": [*lead, 7]})

    both = {"num_layers": 2, "bidirectional": True}
    for name, sizes in (("LSTM", (4, 4)), ("GRU", (4,)), ("RNN", (4,))):
        run(name, {}, sizes)
        run(name, {}, sizes, state=False)
        run(name, {"bias": False}, sizes)
        run(name, both, sizes)
        run(name, both | {"batch_first": True}, sizes, first=True)
        run(name, {"num_layers": 3}, sizes, steps=1)
        run(name, both, sizes, batch=())
    run("LSTM", {"proj_size": 2}, (2, 4))
    run("LSTM", both | {"proj_size": 2}, (2, 4))
    run("RNN", both | {"nonlinearity": "relu"})
    for name, count in (("LSTMCell", 2), ("GRUCell", 1), ("RNNCell", 1)):
        for config, batch, given in [({}, (2,), True), ({"bias": False}, (2,), True), ({}, (), True), ({}, (2,), False)]:
            inputs = {"input": (*batch, 3)} | {k: (*batch, 4) for k in "hc"[:count] if given}
            call = lambda m, input, h=None, c=None: m(input, h if c is None else (h, c))  # noqa: E731
            r.case(name, config, inputs, (3, 4), call, {"input": [*batch, 7]})


def causal(length):
    return torch.triu(torch.ones(length, length, dtype=torch.bool), 1)


def attention(r):
    def attend(config, inputs, weights=True, average=True):
        settings = {"need_weights": weights, "average_attn_weights": average}
        call = lambda m, **kw: m(**kw, **settings)  # noqa: E731
        bad = {"query": [*inputs["query"][:-1], 3]} if "query" in inputs else {}
        r.case("MultiheadAttention", config, inputs, (6, 2), call, bad)
        r.cases[-1] |= settings

    cross = {"query": (3, 2, 6), "key": (4, 2, 6), "value": (4, 2, 6)}
    padding = torch.tensor([[False, False, True, True], [False, False, False, True]])
    additive = torch.randn(3, 4, generator=torch.Generator().manual_seed(3))
    some = torch.tensor([[False, True, False, True], [True, False, False, False], [False] * 4])
    for weights, average in ((True, True), (True, False), (False, True)):
        attend({}, cross, weights, average)
    attend({"bias": False}, cross)
    attend({"batch_first": True}, {"query": (2, 3, 6), "key": (2, 4, 6), "value": (2, 4, 6)})
    attend({"kdim": 5, "vdim": 3}, {"query": (3, 2, 6), "key": (4, 2, 5), "value": (4, 2, 3)})
    attend({}, {"query": (3, 6), "key": (4, 6), "value": (4, 6)})
    for weights in (True, False):
        attend({}, cross | {"key_padding_mask": padding}, weights)
        attend({}, cross | {"attn_mask": some}, weights)
        attend({}, cross | {"attn_mask": additive.clone()}, weights)
        attend({}, cross | {"attn_mask": some, "key_padding_mask": padding.roll(1, 1)}, weights)
        attend({}, cross | {"attn_mask": torch.stack([some, some.flip(1)] * 2)}, weights)
        attend({"add_bias_kv": True}, cross | {"attn_mask": some}, weights)
        attend({"add_zero_attn": True}, cross | {"key_padding_mask": padding}, weights)
        attend({"add_bias_kv": True, "add_zero_attn": True}, cross, weights)


def transformer(r):
    named = lambda m, **kw: m(**kw)  # noqa: E731
    small = {"dim_feedforward": 8, "dropout": 0.0}
    for more in ({}, {"norm_first": True}, {"activation": "gelu", "bias": False}, {"layer_norm_eps": 0.1}):
        src = {"src": (3, 2, 6), "src_mask": causal(3)}
        r.case("TransformerEncoderLayer", small | more, src, (6, 2), named, {"src": [3, 2, 5]})
        tgt = {"tgt": (3, 2, 6), "memory": (4, 2, 6), "tgt_mask": causal(3)}
        r.case("TransformerDecoderLayer", small | more, tgt, (6, 2), named, {"memory": [4, 2, 5]})
    first = small | {"batch_first": True}
    padding = torch.tensor([[False, False, True], [False, False, False]])
    r.case("TransformerEncoderLayer", first, {"src": (2, 3, 6), "src_key_padding_mask": padding}, (6, 2), named)
    tgt = {"tgt": (2, 3, 6), "memory": (2, 4, 6), "tgt_key_padding_mask": padding}
    r.case("TransformerDecoderLayer", first, tgt, (6, 2), named)


def normal(*shape):
    return torch.randn(*shape)


def losses(r):
    def loss(name, config, inputs, **more):
        for reduction in more.pop("reductions", ("mean", "sum", "none")):
            made = {k: v() if callable(v) else v for k, v in inputs.items()}
            r.case(name, config | {"reduction": reduction}, made, **more)

    torch.manual_seed(7)
    pair = {"input": (4, 3), "target": (4, 3)}
    bad = {"target": [4, 5]}
    probability, share = lambda: torch.rand(4, 3) * 0.98 + 0.01, lambda: torch.rand(4, 3)  # noqa: E731
    signs = lambda: torch.where(torch.rand(4, 3) > 0.5, 1.0, -1.0)  # noqa: E731
    sign = lambda: torch.where(torch.rand(4) > 0.5, 1.0, -1.0).detach()  # noqa: E731
    loss("L1Loss", {}, pair, bad=bad)
    loss("MSELoss", {}, pair, bad=bad)
    loss("SmoothL1Loss", {}, pair, bad=bad)
    loss("SmoothL1Loss", {"beta": 0.3}, pair)
    loss("SmoothL1Loss", {"beta": 0.0}, pair)
    loss("HuberLoss", {}, pair, bad=bad)
    loss("HuberLoss", {"delta": 0.4}, pair)
    loss("BCELoss", {}, {"input": probability, "target": share}, bad=bad)
    loss("BCELoss", {"weight": torch.rand(3)}, {"input": probability, "target": share})
    loss("BCEWithLogitsLoss", {}, {"input": (4, 3), "target": share}, bad=bad)
    loss("BCEWithLogitsLoss", {"weight": torch.rand(3)}, {"input": (4, 3), "target": share})
    loss("BCEWithLogitsLoss", {"pos_weight": torch.rand(3) * 3}, {"input": (4, 3), "target": share})
    loss("SoftMarginLoss", {}, {"input": (4, 3), "target": signs}, bad=bad, fixed=("target",))
    every = ("mean", "sum", "none", "batchmean")
    logs = lambda: torch.randn(4, 3).log_softmax(1)  # noqa: E731
    shares = lambda: torch.rand(4, 3).softmax(1)  # noqa: E731
    loss("KLDivLoss", {}, {"input": logs, "target": shares}, reductions=every, bad=bad)
    loss("KLDivLoss", {"log_target": True}, {"input": logs, "target": logs}, reductions=every)
    classes = torch.tensor([0, 2, 1, 2])
    for config in ({}, {"weight": torch.rand(3)}, {"ignore_index": 2}):
        loss("NLLLoss", config, {"input": logs, "target": classes}, bad={"input": [5, 3]})
        loss("CrossEntropyLoss", config, {"input": (4, 3), "target": classes}, bad={"input": [5, 3]})
    loss("CrossEntropyLoss", {"label_smoothing": 0.2}, {"input": (4, 3), "target": shares})
    variance = lambda: torch.rand(4, 3) + 0.1  # noqa: E731
    for config in ({}, {"full": True, "eps": 0.3}):
        loss("GaussianNLLLoss", config, pair | {"var": variance}, bad={"var": [4, 5]})
    rates = lambda: torch.rand(4, 3) * 3 + 0.1  # noqa: E731
    for config, input in (({}, (4, 3)), ({"full": True}, (4, 3)), ({"log_input": False, "eps": 0.1}, rates)):
        loss("PoissonNLLLoss", config, {"input": input, "target": rates}, bad=bad)
    fixed = lambda make: lambda: make().long()  # noqa: E731
    for config in ({}, {"margin": 0.4}):
        loss("HingeEmbeddingLoss", config, {"input": (4, 3), "target": fixed(signs)}, bad=bad)
        two = {"input1": (4,), "input2": (4,), "target": fixed(sign)}
        loss("MarginRankingLoss", config, two, bad={"input2": [5]})
        vectors = {"input1": (4, 3), "input2": (4, 3), "target": fixed(sign)}
        loss("CosineEmbeddingLoss", config, vectors, bad={"input2": [4, 5]})
    triple = {"anchor": (4, 3), "positive": (4, 3), "negative": (4, 3)}
    for config in ({}, {"margin": 0.5, "p": 3.0}, {"swap": True}):
        loss("TripletMarginLoss", config, triple, bad={"negative": [4, 5]})
    for config in ({}, {"p": 2, "margin": 0.5}, {"weight": torch.rand(3)}):
        loss("MultiMarginLoss", config, {"input": (4, 3), "target": classes}, bad={"input": [5, 3]})


def convolution(r):
    sizes = {1: (9,), 2: (7, 6), 3: (5, 4, 6)}
    for n, size in sizes.items():
        for config in (
            {},
            {"bias": False, "stride": 2},
            {"padding": 1, "dilation": 2},
            {"groups": 2},
            {"padding": "same", "dilation": 1},
            {"padding": 1, "padding_mode": "reflect"},
            {"padding": 1, "padding_mode": "replicate"},
            {"padding": 1, "padding_mode": "circular"},
        ):
            kernel = 4 if config.get("padding") == "same" else 3
            r.case(f"Conv{n}d", config, {"input": (2, 4, *size)}, (4, 6, kernel), bad={"input": [2, 5, *size]})
        for config in ({}, {"stride": 2, "output_padding": 1}, {"padding": 1, "dilation": 2}, {"groups": 2, "bias": False}):
            small = tuple(s // 2 + 1 for s in size)
            r.case(f"ConvTranspose{n}d", config, {"input": (2, 4, *small)}, (4, 6, 3), bad={"input": [2, 5, *small]})


def simple(r):
    for name, config, shape in [
        ("ReLU", {}, (4, 3)),
        ("Sigmoid", {}, (4, 3)),
        ("Tanh", {}, (4, 3)),
        ("SiLU", {}, (4, 3)),
        ("GELU", {}, (4, 3)),
        ("Identity", {}, (4, 3)),
        ("Flatten", {}, (4, 3, 2)),
        ("LogSoftmax", {"dim": 1}, (4, 3)),
        ("Dropout", {"p": 0.0}, (4, 3)),
    ]:
        r.case(name, config, {"input": shape})
    r.case("RMSNorm", {}, {"input": (4, 3)}, ([3],), bad={"input": [4, 5]})
    r.case("RMSNorm", {"eps": 0.1}, {"input": (2, 4, 3)}, ([4, 3],))
    r.case("RMSNorm", {"elementwise_affine": False}, {"input": (4, 3)}, ([3],))
    for name, shape in (("BatchNorm1d", (5, 3)), ("BatchNorm1d", (4, 3, 2)), ("BatchNorm3d", (2, 3, 2, 2, 2))):
        wrong = {"input": [shape[0], 4, *shape[2:]]}
        r.case(name, {}, {"input": shape}, (3,), bad=wrong)
        r.case(name, {"momentum": None, "eps": 0.1}, {"input": shape}, (3,), bad=wrong)
    for config in ({}, {"stride": 1, "padding": 1}, {"ceil_mode": True}, {"padding": 1, "count_include_pad": False}):
        r.case("AvgPool2d", config, {"input": (2, 3, 7, 6)}, (3,), bad={"input": [7, 6]})


def activation(r):
    for name, *configs in [
        ("CELU", {}, {"alpha": 0.5}),
        ("ELU", {}, {"alpha": 0.5}),
        ("GLU", {}, {"dim": 0}),
        ("Hardshrink", {}, {"lambd": 0.2}),
        ("Hardsigmoid", {}),
        ("Hardswish", {}),
        ("Hardtanh", {}, {"min_val": -0.4, "max_val": 0.2}),
        ("LeakyReLU", {}, {"negative_slope": 0.3}),
        ("LogSigmoid", {}),
        ("Mish", {}),
        ("ReLU6", {}),
        ("SELU", {}),
        ("Softmax", {"dim": 1}, {"dim": -3}),
        ("Softmin", {"dim": 1}, {"dim": -3}),
        ("Softplus", {}, {"beta": 2.0, "threshold": 1.0}),
        ("Softshrink", {}, {"lambd": 0.2}),
        ("Softsign", {}),
        ("Tanhshrink", {}),
        ("Threshold", {"threshold": 0.1, "value": -3.0}),
    ]:
        for config in configs:
            r.case(name, config, {"input": (4, 3, 2)})
    for config, bad in (({}, {}), ({"init": 0.1}, {}), ({"num_parameters": 3}, {"input": [4, 5, 2]})):
        r.case("PReLU", config, {"input": (4, 3, 2)}, bad=bad)


def group_norm(r):
    for groups, config, shape in (
        (1, {}, (2, 6)),
        (2, {}, (2, 6, 3)),
        (3, {"eps": 0.1}, (2, 6, 3, 2)),
        (6, {"affine": False}, (2, 6, 3, 2)),
    ):
        r.case("GroupNorm", config, {"input": shape}, (groups, 6), bad={"input": [2, 5, *shape[2:]]})
    for n, size in ((1, (5,)), (2, (3, 4)), (3, (2, 3, 2))):
        for config in ({}, {"affine": True}, {"affine": True, "eps": 0.1}):
            bad = {"input": [2, 4, *size]}
            r.case(f"InstanceNorm{n}d", config, {"input": (2, 3, *size)}, (3,), bad=bad)
        r.case(f"InstanceNorm{n}d", {"affine": True}, {"input": (3, *size)}, (3,), bad={"input": [3]})


def pooling(r):
    for n, size in ((1, (9,)), (2, (7, 6)), (3, (5, 4, 6))):
        x, bad = {"input": (2, 3, *size)}, {"input": list(size)}
        both = ({}, {"stride": 1, "padding": 1}, {"ceil_mode": True})
        for config in (*both, {"dilation": 2, "stride": 1, "padding": 1}):
            r.case(f"MaxPool{n}d", config, x, (3,), bad=bad)
        for config in (*both, {"padding": 1, "count_include_pad": False}):
            if n != 2:  # recorded by `simple`
                r.case(f"AvgPool{n}d", config, x, (3,), bad=bad)
        for kind in ("Avg", "Max"):
            for output in ([2] * n, [None, *[4] * (n - 1)]):
                if n > 1 or output[0]:
                    r.case(f"Adaptive{kind}Pool{n}d", {}, x, (output if n > 1 else 2,), bad=bad)
        modes = ("nearest", {1: "linear", 2: "bilinear", 3: "trilinear"}[n], *(("bicubic",) if n == 2 else ()))
        for mode in modes:
            r.case("Upsample", {"scale_factor": 2.0, "mode": mode}, x, bad={"input": [3]})
            r.case("Upsample", {"size": 4, "mode": mode}, x, bad={"input": [3]})
            if mode != "nearest":
                r.case("Upsample", {"scale_factor": 1.5, "mode": mode, "align_corners": True}, x, bad={"input": [3]})
    r.case("PixelShuffle", {}, {"input": (2, 8, 3, 2)}, (2,), bad={"input": [2, 6, 3, 2]})
    r.case("PixelUnshuffle", {}, {"input": (2, 2, 6, 4)}, (2,), bad={"input": [2, 2, 5, 4]})


FAMILIES = {f.__name__: f for f in (simple, activation, group_norm, pooling, recurrent, attention, transformer, convolution, losses)}


def main(families=FAMILIES):
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or families:
        torch.manual_seed(7)
        recorder = Recorder()
        families[name](recorder)
        recorder.write(name)


if __name__ == "__main__":
    main()
