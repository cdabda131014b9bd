"""Records PyTorch's own f32 error: the distance of its f32 results and gradients from its f64 ones on the same input.

The inputs are drawn by torch.randn in f32 from a seed, which this project's Rng repeats, so the fixture holds numbers
only: for the output and each gradient the root of mean squared distance over the root of mean squared value.

    python scripts/record_f32_error.py
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)

# name, shapes of the differentiated inputs, call
CASES = [
    ("matmul", [[64, 96], [96, 48]], lambda a, b: a @ b),
    ("matmul_long", [[16, 2000], [2000, 24]], lambda a, b: a @ b),
    ("matmul_batched", [[6, 24, 40], [6, 40, 32]], lambda a, b: a @ b),
    ("linear", [[48, 80], [56, 80], [56]], F.linear),
    ("conv1d", [[4, 12, 60], [16, 12, 5], [16]], lambda x, w, b: F.conv1d(x, w, b, padding=2)),
    ("conv2d", [[4, 8, 14, 14], [16, 8, 3, 3], [16]], lambda x, w, b: F.conv2d(x, w, b, padding=1)),
    ("conv2d_strided", [[4, 16, 15, 15], [16, 8, 3, 3], [16]], lambda x, w, b: F.conv2d(x, w, b, 2, 1, 1, 2)),
    ("conv3d", [[2, 4, 6, 7, 8], [8, 4, 3, 3, 3], [8]], lambda x, w, b: F.conv3d(x, w, b, padding=1)),
    ("conv_transpose1d", [[4, 12, 40], [12, 10, 4], [10]], lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1)),
    ("conv_transpose2d", [[4, 12, 8, 8], [12, 8, 3, 3], [8]], lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1)),
    ("batch_norm", [[16, 12, 9, 9], [12], [12]], lambda x, w, b: F.batch_norm(x, None, None, w, b, True)),
    ("layer_norm", [[64, 200], [200], [200]], lambda x, w, b: F.layer_norm(x, [200], w, b)),
    ("rms_norm", [[64, 200], [200]], lambda x, w: F.rms_norm(x, [200], w, 1e-6)),
    ("group_norm", [[8, 12, 9, 9], [12], [12]], lambda x, w, b: F.group_norm(x, 3, w, b)),
    ("instance_norm", [[8, 12, 9, 9], [12], [12]], lambda x, w, b: F.instance_norm(x, None, None, w, b)),
    ("softmax", [[64, 200]], lambda x: F.softmax(x, -1)),
    ("softmax_wide", [[8, 3000]], lambda x: F.softmax(x, -1)),
    ("log_softmax", [[64, 200]], lambda x: F.log_softmax(x, -1)),
]


def results(call, inputs, cotangent, dtype):
    leaves = [x.to(dtype).requires_grad_() for x in inputs]
    y = call(*leaves)
    return [y.detach(), *torch.autograd.grad(y, leaves, cotangent.to(dtype))]


def error(single, double):
    return ((single.double() - double).square().mean().sqrt() / double.square().mean().sqrt()).item()


cases = []
for seed, (name, shapes, call) in enumerate(CASES):
    torch.manual_seed(seed)
    inputs = [torch.randn(shape) for shape in shapes]
    cotangent = torch.randn(call(*inputs).shape)
    pairs = [results(call, inputs, cotangent, dtype) for dtype in (torch.float32, torch.float64)]
    cases.append({"name": name, "seed": seed, "shapes": shapes, "errors": [error(s, d) for s, d in zip(*pairs)]})

folder = pathlib.Path(__file__).parent.parent / "fixtures" / "f32_error"
folder.mkdir(exist_ok=True)
(folder / "errors.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
