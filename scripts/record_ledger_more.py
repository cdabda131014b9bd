"""Records further families of the parity ledger: the layers and losses with the most edge cases, and combinations of layers.

Run:       python scripts/record_ledger_more.py [FAMILY ..]
Versions and layout are those of `record_ledger.py`.
"""

import torch
from record_ledger import causal, main
from torch import nn
from torch.nn.utils import parametrizations


def linear(r):
    for config, positional, shape in [
        ({}, (4, 3), (5, 4)),
        ({"bias": False}, (4, 3), (5, 4)),
        ({}, (4, 3), (4,)),
        ({}, (4, 3), (2, 3, 4)),
        ({}, (4, 3), (0, 4)),
        ({}, (1, 1), (3, 1)),
        ({}, (33, 17), (9, 33)),
    ]:
        r.case("Linear", config, {"input": shape}, positional, bad={"input": [*shape[:-1], shape[-1] + 1]})


def conv2d(r):
    for positional, config in [
        ((2, 3, 3), {"stride": 2, "padding": 1}),
        ((2, 3, 3), {"dilation": 2, "stride": 2, "padding": 2}),
        ((2, 3, [3, 2]), {"stride": [2, 1], "padding": [0, 2], "dilation": [1, 3]}),
        ((2, 3, 1), {}),
        ((2, 3, 1), {"stride": 2}),
        ((2, 3, 4), {"padding": "same", "dilation": 2}),
        ((2, 3, 2), {"padding": 3}),
        ((2, 4, 3), {"groups": 2, "stride": 2, "padding": 1}),
        ((2, 4, 3), {"groups": 2}),
    ]:
        r.case("Conv2d", config, {"input": (2, 2, 7, 6)}, positional, bad={"input": [2, 3, 7, 6]})
    for shape in ((2, 6, 5), (0, 2, 6, 5), (2, 2, 3, 3)):
        r.case("Conv2d", {}, {"input": shape}, (2, 3, 3))


def pooling2d(r):
    for positional, config in [
        (2, {"stride": 2}),
        (3, {"stride": 2, "padding": 1}),
        (2, {"stride": 1, "dilation": 2}),
        (2, {"stride": 2, "ceil_mode": True}),
        (3, {"stride": 2, "padding": 1, "ceil_mode": True}),
        (2, {"stride": 3, "ceil_mode": True}),
        ([3, 2], {"stride": [2, 1], "padding": [1, 0], "dilation": [1, 2]}),
    ]:
        r.case("MaxPool2d", config, {"input": (2, 3, 7, 6)}, (positional,), bad={"input": [7, 6]})
    nan = torch.randn(1, 1, 4, 4)
    nan[0, 0, 0, 1] = float("nan")
    nan[0, 0, 2, 2] = float("-inf")
    for value in ((3, 6, 5), torch.ones(1, 1, 4, 4), nan, torch.full((1, 1, 2, 2), float("-inf"))):
        r.case("MaxPool2d", {}, {"input": value}, (2,))
    for n, size in ((2, (7, 6)), (3, (5, 4, 6))):
        for config in (
            {"divisor_override": 5},
            {"divisor_override": -2, "padding": 1, "ceil_mode": True},
            {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
        ):
            r.case(f"AvgPool{n}d", config, {"input": (2, 3, *size)}, (3,), bad={"input": [7, 6]})


def statistics(r):
    for config in (
        {},
        {"momentum": 0.3, "eps": 0.01},
        {"momentum": None},
        {"affine": False},
        {"track_running_stats": False},
    ):
        running = {"running_mean": torch.randn(3), "running_var": torch.rand(3) + 0.2, "num_batches_tracked": torch.tensor(3)}
        running = running if config.get("track_running_stats", True) else {}
        x = {"input": torch.randn(4, 3, 2, 5) * 2 + 0.5}
        r.case("BatchNorm2d", config, x, (3,), bad={"input": [4, 2, 2, 5]})
        for training in (True, False):
            r.case("BatchNorm2d", config, x, (3,), training=training, buffers=running, bad={"input": [4, 2, 2, 5]})
    for n, size in ((1, (5,)), (2, (3, 4)), (3, (2, 3, 2))):
        for config in ({}, {"affine": True, "momentum": 0.3}, {"momentum": None}):
            running = {"running_mean": torch.randn(3), "running_var": torch.rand(3) + 0.2}
            for training, shape in ((True, (2, 3, *size)), (False, (2, 3, *size)), (True, (3, *size))):
                more = {"training": training, "buffers": running, "bad": {"input": [4, *size]}}
                r.case(f"InstanceNorm{n}d", config | {"track_running_stats": True}, {"input": shape}, (3,), **more)


def layer_norm(r):
    for config, size, shape in [
        ({}, [5], (4, 5)),
        ({}, [3, 5], (2, 3, 5)),
        ({}, [4], (2, 3, 2, 4)),
        ({"bias": False}, [5], (4, 5)),
        ({"elementwise_affine": False}, [5], (4, 5)),
        ({"eps": 0.1}, [5], (4, 5)),
        ({}, [67], (3, 67)),
        ({}, [1], (3, 1)),
        ({}, [5], (0, 5)),
    ]:
        x = {"input": torch.randn(*shape) * 3 + 1}
        r.case("LayerNorm", config, x, (size,), bad={"input": [*shape[:-1], size[-1] + 1]})


def embedding(r):
    for config, index in [
        ({}, torch.tensor([1, 6, 0, 1, 1])),
        ({}, torch.tensor([[1, 2, 3], [3, 3, 5]])),
        ({}, torch.tensor(4)),
        ({}, torch.empty(0, 2, dtype=torch.int64)),
        ({"padding_idx": 2}, torch.tensor([2, 1, 2, 5])),
        ({"padding_idx": -1}, torch.tensor([6, 1, 6, 5])),
        ({"max_norm": 1.5}, torch.tensor([1, 6, 0, 1, 1])),
        ({"max_norm": 1.0, "norm_type": 1.0}, torch.tensor([[1, 2], [2, 5]])),
        ({"scale_grad_by_freq": True}, torch.tensor([1, 6, 0, 1, 1])),
        ({"scale_grad_by_freq": True, "padding_idx": 1, "max_norm": 1.2}, torch.tensor([1, 6, 6, 1, 1])),
    ]:
        r.case("Embedding", config, {"input": index}, (7, 3))


def function(r):
    grid = torch.linspace(-8, 8, 65)
    extreme = torch.tensor([-float("inf"), float("inf"), float("nan"), -40.0, 40.0, -0.0, 1e-300, -1e-12])
    for approximate in ("none", "tanh"):
        for x in (grid, extreme):
            r.case("GELU", {"approximate": approximate}, {"input": x})
    extremes = torch.tensor([[1e4, -1e4, 0.0], [-float("inf"), 0.0, 1.0], [1e308, 1e308, -1e308]])
    for name in ("Softmax", "LogSoftmax"):
        for dim, x in [(-1, (4, 5)), (0, (4, 5)), (0, (6,)), (-1, (0, 3)), (-1, (2, 37)), (-1, extremes)]:
            r.case(name, {"dim": dim}, {"input": x})
    for dims in ((0, 1), (1, 2), (-2, -1)):
        r.case("Flatten", {}, {"input": (4, 3, 2)}, dims)


def cross_entropy(r):
    def loss(config, x, target):
        r.case("CrossEntropyLoss", config, {"input": x, "target": target})

    weight = {"weight": torch.rand(4) + 0.2}
    target = torch.tensor([1, 0, 3, 1, 2])
    share = lambda *shape: torch.rand(*shape).softmax(1)  # noqa: E731
    planes = torch.tensor([[[0, 1], [3, -100]], [[2, 2], [1, 0]]])
    for reduction in ("mean", "sum", "none"):
        c = {"reduction": reduction}
        loss(c | weight, (5, 4), torch.tensor([1, -100, 3, -100, 2]))
        loss(c | {"label_smoothing": 0.1}, (5, 4), target)
        loss(c | weight | {"label_smoothing": 0.2, "ignore_index": 2}, (5, 4), target)
        loss(c, (5, 4), share(5, 4))
        loss(c | weight | {"label_smoothing": 0.1}, (5, 4), share(5, 4))
        loss(c | weight, (2, 4, 3), torch.tensor([[0, 1, 3], [2, 2, 1]]))
        loss(c, (2, 4, 2, 2), planes)
        loss(c | weight, (2, 4, 3), share(2, 4, 3))
        loss(c, (4,), torch.tensor(2))
        loss(c, (2, 4), torch.tensor([-100, -100]))
        loss(c, (0, 4), torch.empty(0, dtype=torch.int64))
        for shape in ((), (0, 3)):
            r.case("MSELoss", c, {"input": shape, "target": shape})
    extremes = torch.tensor([[1e4, -1e4, 0.0, 0.0], [0.0, 1e308, 1e308, 0.0], [-float("inf"), 0.0, 1.0, 2.0]])
    loss({}, extremes, torch.tensor([1, 2, 3]))


def ctc(r):
    call = lambda m, input, **more: m(input.log_softmax(-1), **more)  # noqa: E731
    targets, lengths = torch.tensor([[1, 3, 3], [2, 0, 0]]), {"input_lengths": torch.tensor([6, 4]), "target_lengths": torch.tensor([3, 1])}
    for reduction in ("mean", "sum", "none"):
        for config, x, more in (
            ({}, (6, 2, 4), {"targets": targets} | lengths),
            ({}, (6, 2, 4), {"targets": torch.tensor([1, 3, 3, 2])} | lengths),
            ({"blank": 2}, (6, 2, 4), {"targets": torch.tensor([[1, 3, 0], [3, 3, 0]]), **lengths}),
            ({"zero_infinity": True}, (6, 2, 4), {"targets": targets, **lengths, "input_lengths": torch.tensor([3, 4])}),
        ):
            bad = {"targets": [3, 3]} if reduction == "mean" else {}
            r.case("CTCLoss", config | {"reduction": reduction}, {"input": x} | more, call=call, bad=bad)


class ScaledDotProductAttention(nn.Module):
    """The function as a module."""

    def __init__(self, **config):
        super().__init__()
        self.config = config

    def forward(self, **inputs):
        return nn.functional.scaled_dot_product_attention(**inputs, **self.config)


def scaled_dot_product_attention(r):
    def attend(config, shapes, mask=None):
        inputs = dict(zip(("query", "key", "value"), shapes)) | ({} if mask is None else {"attn_mask": mask})
        call = lambda m, **kw: m(**kw)  # noqa: E731
        r.case("ScaledDotProductAttention", config, inputs, call=call, build=ScaledDotProductAttention)

    same = [(2, 3, 5, 4)] * 3
    cross = [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)]
    attend({}, same)
    attend({}, cross)
    attend({"scale": 0.3}, same)
    for shapes in (same, cross, [(2, 3, 7, 4), (2, 3, 5, 4), (2, 3, 5, 4)], [(2, 3, 1, 4)] * 3):
        attend({"is_causal": True}, shapes)
    keep = torch.rand(5, 7) > 0.4
    keep[:, 0] = True
    attend({}, cross, keep)
    attend({}, cross, (torch.rand(2, 3, 5, 7) > 0.4).index_fill_(3, torch.tensor(1), True))
    attend({}, cross, keep.clone().index_fill_(0, torch.tensor(2), False))
    attend({}, cross, torch.randn(5, 7))
    attend({}, cross, torch.where(keep, torch.randn(5, 7), float("-inf")))
    attend({"is_causal": True}, [(2, 5, 4)] * 3)
    attend({}, [(5, 4)] * 3)
    attend({"enable_gqa": True, "is_causal": True}, [(2, 4, 5, 4), (2, 2, 5, 4), (2, 2, 5, 4)])


def padding(r):
    for n, size in ((1, (5,)), (2, (4, 5)), (3, (3, 4, 5))):
        sides = [[1, 2], [2, 0, 1, 3], [2, 0, 1, 2, 0, 1]][n - 1]
        for kind in ("ConstantPad", "ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"):
            more = (-1.5,) if kind == "ConstantPad" else ()
            for pads in (2, [min(side, 2) for side in sides], [-1, *sides[1:-1], 0]):
                if kind == "CircularPad" or min([pads] if isinstance(pads, int) else pads) >= 0 or kind in ("ConstantPad", "ZeroPad"):
                    bad = {} if kind in ("ConstantPad", "ZeroPad") else {"input": list(size)}
                    r.case(f"{kind}{n}d", {}, {"input": (2, 3, *size)}, (pads, *more), bad=bad)
            r.case(f"{kind}{n}d", {}, {"input": (3, *size)}, (1, *more))


def distance(r):
    for config in ({}, {"dim": 0}, {"dim": -1, "eps": 2.0}):
        for shape in ((4, 3), (4, 3, 2)):
            r.case("CosineSimilarity", config, {"x1": shape, "x2": shape}, bad={"x2": [5, 7]})
    for config in ({}, {"p": 1.0}, {"p": 3.0, "eps": 0.1}, {"keepdim": True}):
        for other in ((4, 3), (1, 3), (3,)):
            r.case("PairwiseDistance", config, {"x1": (4, 3), "x2": other}, bad={"x2": [5, 7]})


def fold(r):
    for kernel, config in (
        (2, {}),
        ([2, 3], {"stride": 2}),
        (2, {"dilation": 2, "padding": 1}),
        ([3, 2], {"stride": [2, 1], "padding": [1, 0], "dilation": [1, 2]}),
    ):
        for lead in ((2,), ()):
            r.case("Unfold", config, {"input": (*lead, 3, 6, 7)}, (kernel,), bad={"input": [6, 7]})
            columns = nn.Unfold(kernel, **config)(torch.zeros(*lead, 3, 6, 7)).shape
            r.case("Fold", config, {"input": tuple(columns)}, ([6, 7], kernel), bad={"input": [2, 5, 5]})


def parametrization(r):
    layers = [("Linear", (4, 3), (5, 4)), ("Conv2d", (2, 3, 2), (2, 2, 4, 5)), ("ConvTranspose2d", (2, 3, 2), (2, 2, 4, 5))]
    for layer, positional, shape in layers:
        bad = {"input": [*shape[:1], 7, *shape[2:]]}
        for config in ({}, {"dim": 1}, {"dim": None}):
            build = lambda name, *a, **kw: parametrizations.weight_norm(getattr(nn, name)(*a), **kw)  # noqa: E731
            r.case("WeightNorm", config, {"input": shape}, (layer, *positional), bad=bad, build=build)
        for config in ({}, {"n_power_iterations": 3}, {"eps": 0.5}, {"dim": 1}):
            build = lambda name, *a, **kw: parametrizations.spectral_norm(getattr(nn, name)(*a), **kw)  # noqa: E731
            for training in (True, False):
                more = {"training": training, "bad": bad, "build": build}
                r.case("SpectralNorm", config, {"input": shape}, (layer, *positional), **more)


def cells(r):
    for config in ({"nonlinearity": "relu"}, {"nonlinearity": "relu", "bias": False}):
        call = lambda m, input, h: m(input, h)  # noqa: E731
        r.case("RNNCell", config, {"input": (2, 3), "h": (2, 4)}, (3, 4), call, {"input": [2, 7]})


def transformer_stack(r):
    named = lambda m, **kw: m(**kw)  # noqa: E731
    padding = torch.tensor([[False, False, True], [False, False, False]])
    memory_padding = torch.tensor([[False, False, False, True], [False, True, False, False]])
    some = torch.tensor([[False, True, False, True], [True, False, False, False], [False, False, True, False]])

    def build(kind, norm):
        def made(*positional, **config):
            layer = getattr(nn, f"Transformer{kind}Layer")(*positional, **config)
            last = nn.LayerNorm(positional[0]) if norm else None
            more = {"enable_nested_tensor": False} if kind == "Encoder" else {}
            return getattr(nn, f"Transformer{kind}")(layer, 2, last, **more)

        return made

    small = {"dim_feedforward": 8, "dropout": 0.0}
    for config in ({}, {"norm_first": True, "batch_first": True}, {"activation": "gelu", "bias": False}):
        first = config.get("batch_first", False)
        shape = lambda length: (2, length, 6) if first else (length, 2, 6)  # noqa: E731
        for norm in (True, False):
            for masks in ({}, {"mask": causal(3)}, {"src_key_padding_mask": padding}, {"mask": causal(3), "src_key_padding_mask": padding}):
                inputs, bad = {"src": shape(3)} | masks, {"src": [3, 2, 5]}
                r.case("TransformerEncoder", small | config, inputs, (6, 2), named, bad, build=build("Encoder", norm))
                r.cases[-1] |= {"norm": norm}
            for masks in ({}, {"tgt_mask": causal(3), "memory_mask": some}, {"tgt_key_padding_mask": padding, "memory_key_padding_mask": memory_padding}):
                inputs, bad = {"tgt": shape(3), "memory": shape(4)} | masks, {"memory": [4, 2, 5]}
                r.case("TransformerDecoder", small | config, inputs, (6, 2), named, bad, build=build("Decoder", norm))
                r.cases[-1] |= {"norm": norm}
        # The mask that `is_causal` is a hint of.
        hinted = lambda m, **kw: m(**kw, src_mask=causal(3), is_causal=True)  # noqa: E731
        r.case("TransformerEncoderLayer", small | config, {"src": shape(3)}, (6, 2), hinted)
        r.cases[-1] |= {"is_causal": True}


FAMILIES = {
    f.__name__: f
    for f in (
        linear,
        conv2d,
        pooling2d,
        statistics,
        layer_norm,
        embedding,
        function,
        cross_entropy,
        ctc,
        scaled_dot_product_attention,
        padding,
        distance,
        fold,
        parametrization,
        cells,
        transformer_stack,
    )
}

if __name__ == "__main__":
    main(FAMILIES)
