"""The workloads of benches/src/workloads in PyTorch: torch.py NAME... [--threads N] [--secs S] [--compile].

Prints a line for each, as the project's own runner does, with peer=torch or peer=torch-compiled.
"""

import argparse
import gzip
import os
import resource
import sys
import time

# This file has PyTorch's name: its own folder must not be where `import torch` looks first.
sys.path.pop(0)

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils import data  # noqa: E402

WARM_UP, WINDOWS = 3, 3


def timed(step, secs):
    """Seconds of one call: the best of three windows' means."""
    for _ in range(WARM_UP):
        step()
    best = float("inf")
    for _ in range(WINDOWS):
        start, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - start < secs / WINDOWS:
            step()
            calls += 1
        best = min(best, (time.perf_counter() - start) / calls)
    return best


def report(args, workload, value, unit, rest=""):
    peer = "torch-compiled" if args.compile else "torch"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"RESULT peer={peer} workload={workload} value={value:.4f} unit={unit}{rest} peak_mib={peak:.0f}", flush=True)


def train(args, workload, batch, count, unit, model, opt, x, loss_of):
    if args.compile:
        model = torch.compile(model)

    def step():
        loss = loss_of(model(x))
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss.item()

    first, last = step(), None
    seconds = timed(step, args.secs)
    last = step()
    report(args, workload, count / seconds, unit, f" batch={batch} loss_first={first:.4f} loss_last={last:.4f}")


def mlp(args, batch):
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    target = torch.randint(0, 10, (batch,))
    opt = torch.optim.Adam(model.parameters(), 1e-3)
    x = torch.randn(batch, 784)
    train(args, "mlp", batch, batch, "samples/s", model, opt, x, lambda y: F.cross_entropy(y, target))


def cnn(args):
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
    )
    target = torch.randint(0, 10, (64,))
    opt = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    x = torch.randn(64, 1, 28, 28)
    train(args, "cnn", 64, 64, "samples/s", model, opt, x, lambda y: F.cross_entropy(y, target))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        n, t, width = x.shape
        q, k, v = self.qkv(self.norm_1(x)).view(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(n, t, width))
        return x + self.mlp(self.norm_2(x))


class Gpt(nn.Module):
    def __init__(self, vocabulary, context, width, heads, blocks):
        super().__init__()
        self.characters, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        for embedding in (self.characters, self.positions):
            nn.init.normal_(embedding.weight, 0.0, 0.02)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, x):
        positions = torch.arange(x.shape[1])
        return self.head(self.norm(self.blocks(self.characters(x) + self.positions(positions))))


def gpt(args, name, context, width, heads, blocks, batch):
    model = Gpt(65, context, width, heads, blocks)
    opt = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.1, betas=(0.9, 0.95))
    x, target = torch.randint(0, 65, (batch, context)), torch.randint(0, 65, (batch * context,))
    loss = lambda y: F.cross_entropy(y.flatten(0, 1), target)
    train(args, name, batch, batch * context, "tokens/s", model, opt, x, loss)


class CharLstm(nn.Module):
    def __init__(self, vocabulary, hidden, layers):
        super().__init__()
        self.characters = nn.Embedding(vocabulary, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, x):
        return self.head(self.lstm(self.characters(x))[0])


def lstm(args):
    model = CharLstm(65, 128, 2)
    opt = torch.optim.Adam(model.parameters(), 1e-3)
    x, target = torch.randint(0, 65, (32, 64)), torch.randint(0, 65, (32 * 64,))
    loss = lambda y: F.cross_entropy(y.flatten(0, 1), target)
    train(args, "lstm", 32, 32 * 64, "tokens/s", model, opt, x, loss)


def tiny(args):
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    target = torch.randn(4, 1)
    opt = torch.optim.SGD(model.parameters(), 1e-2)
    train(args, "tiny", 4, 1, "steps/s", model, opt, torch.randn(4, 2), lambda y: F.mse_loss(y, target))


def chain(args, links):
    x, a, b = torch.rand(1, requires_grad=True), torch.rand(1), torch.rand(1)

    def step():
        x.grad = None
        y = x
        for _ in range(links):
            y = y * a + b
        y.backward()

    report(args, f"chain_{links}", timed(step, args.secs) * 1e6 / (2 * links), "us/op")


def adamw(args):
    parameters = [nn.Parameter(torch.randn(1_000_000)) for _ in range(10)]
    for p in parameters:
        p.grad = torch.randn(1_000_000)
    opt = torch.optim.AdamW(parameters, 1e-3, fused=True)
    report(args, "adamw", timed(opt.step, args.secs) * 1e6, "us")


def matmul(args):
    for m, k, n in [(64,) * 3, (256,) * 3, (512,) * 3, (1024,) * 3, (8, 512, 512), (1, 784, 256)]:
        a, b = torch.randn(m, k), torch.randn(k, n)
        report(args, f"matmul_{m}x{k}x{n}", 2e-9 * m * k * n / timed(lambda: a @ b, args.secs), "GF/s")
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    flops = 2e-9 * 512**3
    report(args, "matmul_512_left_transposed", flops / timed(lambda: a.t() @ b, args.secs), "GF/s")
    report(args, "matmul_512_right_transposed", flops / timed(lambda: a @ b.t(), args.secs), "GF/s")


def ops(args):
    x, y, row = torch.randn(1000, 1000), torch.randn(1000, 1000), torch.randn(1000)
    weight, bias = torch.ones(1000), torch.zeros(1000)
    calls = {
        "add": lambda: x + y,
        "exp": x.exp,
        "tanh": x.tanh,
        "gelu": lambda: F.gelu(x),
        "sum": x.sum,
        "softmax": lambda: x.softmax(-1),
        "layer_norm": lambda: F.layer_norm(x, (1000,), weight, bias),
        "transpose_copy": lambda: x.t().contiguous(),
        "broadcast_add": lambda: x + row,
    }
    for name, call in calls.items():
        report(args, f"ops_{name}", timed(call, args.secs) * 1e6, "us")


FASHION_MNIST = "/usr/share/datasets/fashion-mnist"


def idx(name, header):
    with gzip.open(os.path.join(FASHION_MNIST, name)) as file:
        return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)


def fashion_mnist():
    """Bytes [60000, 28, 28] and classes; random ones where the files are not there."""
    if not os.path.isdir(FASHION_MNIST):
        print(f"note: random images of the same shape, for there is no {FASHION_MNIST}")
        return torch.randint(0, 256, (60_000, 28, 28), dtype=torch.uint8), torch.randint(0, 10, (60_000,))
    images = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return images, idx("train-labels-idx1-ubyte.gz", 8).long()


def normalised(images):
    return images.float().div_(255).sub_(0.2860).div_(0.3530)


class Images(data.Dataset):
    """What torchvision's FashionMNIST with ToTensor and Normalize does, without the way through PIL."""

    def __init__(self, images, classes):
        self.images, self.classes = images, classes

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return normalised(self.images[index : index + 1]), int(self.classes[index])


def exhaust(batches):
    for _ in batches:
        pass


def loader(args):
    images, classes = fashion_mnist()
    tensors = data.TensorDataset(normalised(images).unsqueeze(1), classes)
    batches = data.BatchSampler(data.RandomSampler(tensors), 64, drop_last=False)
    forms = {
        "samples": (Images(images, classes), dict(batch_size=64, shuffle=True)),
        "tensors": (tensors, dict(batch_size=64, shuffle=True)),
        "indexed": (tensors, dict(sampler=batches, batch_size=None)),
    }
    for name, (dataset, options) in forms.items():
        for workers in (0, 2):
            batches = data.DataLoader(dataset, num_workers=workers, persistent_workers=workers > 0, **options)
            seconds = timed(lambda: exhaust(batches), args.secs)
            report(args, f"loader_{name}_workers_{workers}", len(images) / seconds, "samples/s")


WORKLOADS = {
    "mlp64": lambda args: mlp(args, 64),
    "mlp512": lambda args: mlp(args, 512),
    "cnn": cnn,
    "gpt": lambda args: gpt(args, "gpt", 64, 128, 4, 4, 12),
    "gptbig": lambda args: gpt(args, "gptbig", 256, 384, 6, 6, 4),
    "lstm": lstm,
    "tiny": tiny,
    "chain10k": lambda args: chain(args, 10_000),
    "chain200k": lambda args: chain(args, 200_000),
    "loader": loader,
    "adamw": adamw,
    "matmul": matmul,
    "ops": ops,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(WORKLOADS))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--secs", type=float, default=3.0)
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    for name in args.names:
        WORKLOADS[name](args)


if __name__ == "__main__":
    main()
