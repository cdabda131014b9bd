//! Dimensions, sizes and numbers far outside of their range, for every family of operations.

use crate::attempt::{Log, described, odd_tensors, var};
use crate::attempts;
use autograd::*;

pub const DIMS: [isize; 9] = [isize::MIN, isize::MIN + 1, -6, -2, -1, 0, 1, 5, isize::MAX];
pub const SIZES: [usize; 7] = [0, 1, 2, 7, 1 << 45, isize::MAX as usize + 1, usize::MAX];
pub const NUMBERS: [f64; 8] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 0.5, 1e300, -1e300];
const DTYPES: [DType; 8] =
    [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I64, DType::I32, DType::U8, DType::Bool];

#[test]
fn dimensions() {
    let mut log = Log::new();
    for value in odd_tensors() {
        let x = var(&value);
        let index = Tensor::zeros(value.shape(), DType::I64).unwrap();
        for d in DIMS {
            attempts!(log, format!("dim {d}, {}", described(&value));
                x.cumsum(d), x.softmax(d), x.log_softmax(d), x.logsumexp(d, true), x.sum_dim(d, false),
                x.mean_dim(d, true), x.amax(d, false), x.amin(d, true), x.max_dim(d, false), x.min_dim(d, true),
                x.var_dim(d, 1.0, false), x.std_dim(d, 0.0, true), value.argmax(d, false), value.argmin(d, true),
                x.unsqueeze(d), x.squeeze(d), x.flatten(d, d), x.flatten(0, d), x.transpose(d, 0), x.transpose(-1, d),
                x.permute([d]), x.permute([0, d]), x.gather(d, &index), x.gather(d, &value),
                x.scatter_add(d, &index, &x), x.index_select(d, &index), x.index_add(d, &index, &x),
                x.tril(d), x.triu(d), x.select(d, 0), x.select(0, d), x.narrow(d, 0, 1), x.slice(d, 0, 1, 1),
                x.sum_dim([0, d], false), x.sum_dim([d, d], false), x.size(d).map(|_| true),
                Tensor::cat(&[&value, &value], d), Tensor::stack(&[&value, &value], d),
                x.embedding(&index, Some(d)), x.reshape([d]), x.reshape([d, -1]), x.expand([d]), x.expand([d, d, d]),
                value.prod_dim(d, false), value.cumprod(d), value.logcumsumexp(d), value.cummax(d), value.cummin(d),
                value.all_dim(d, true), value.any_dim(d, false), value.count_nonzero(d), value.nansum(d, false),
            );
            for n in SIZES {
                attempts!(log, format!("dim {d}, size {n}, {}", described(&value));
                    x.narrow(0, d, n), x.narrow(d, -1, n), x.slice(0, d, isize::MAX, n), x.slice(d, 0, isize::MIN, n),
                    x.slice(0, isize::MIN, d, n),
                );
            }
        }
    }
    log.finish();
}

#[test]
fn pairs() {
    let mut log = Log::new();
    let tensors = odd_tensors();
    for a in &tensors {
        for b in &tensors {
            let (x, y) = (var(a), var(b));
            attempts!(log, format!("{} and {}", described(a), described(b));
                x.add(&y), x.sub(&y), x.mul(&y), x.div(&y), x.maximum(&y), x.minimum(&y), x.matmul(&y),
                x.linear(&y, Some(&x), tensor_core::Activation::Identity), x.where_cond(b, &x), x.masked_fill(b, 1.0),
                x.gather(0, b), x.gather(-1, b), x.index_select(0, b), x.embedding(b, None), x.index_add(0, b, &x),
                x.scatter_add(0, b, &y), x.cross_entropy(&y), x.nll_loss(b, None, CrossEntropyOptions::default()),
                x.mse_loss(&y, Reduction::None), x.layer_norm([3], Some(&y), None, 1e-5),
                x.rms_norm([3], Some(&y), 1e-5), x.batch_norm(Some(&y), None, 1e-5).map(|y| y.0),
                x.conv2d(&y, None, ConvOptions::default()), x.conv2d(&y, Some(&x), ConvOptions::default()),
                x.scaled_dot_product_attention(&y, &x, AttentionOptions::default()),
                Tensor::cat(&[a, b], 0), Tensor::stack(&[a, b], 0), x.broadcast_to(b.shape()), x.sum_to(b.shape()),
                x.view_as(b.shape()), a.solve(b), a.solve_triangular(b, true), a.eq(b), a.lt(b),
            );
            let (mut sum, outcome) = (a.clone(), b.clone());
            attempts!(log, format!("{} and {}", described(a), described(b)); sum.add_assign(&outcome).map(|()| true));
        }
    }
    log.finish();
}

#[test]
fn numbers() {
    let mut log = Log::new();
    for value in odd_tensors() {
        let x = var(&value);
        for n in NUMBERS {
            attempts!(log, format!("{n}, {}", described(&value));
                x.add_scalar(n), x.sub_scalar(n), x.mul_scalar(n), x.div_scalar(n), x.pow_scalar(n),
                x.clamp(Some(n), Some(-n)), x.clamp(Some(n), None), x.clamp(None, Some(n)), x.dropout(n, 7),
                value.full_like(n), x.var_dim(-1, n, false), x.layer_norm([3], None, None, n), x.rms_norm([3], None, n),
                x.batch_norm(None, None, n).map(|y| y.0), value.norm(n, -1, false),
            );
        }
        for n in [0i64, 1, -1, i64::MIN, i64::MAX] {
            attempts!(log, format!("{n}, {}", described(&value));
                x.add_scalar(n), x.sub_scalar(n), x.mul_scalar(n), x.div_scalar(n), x.pow_scalar(n),
            );
        }
        for n in SIZES {
            attempts!(log, format!("{n}, {}", described(&value));
                x.layer_norm([n], None, None, 1e-5), x.layer_norm([n, n], None, None, 1e-5), value.one_hot(n),
            );
        }
        for dtype in DTYPES {
            attempts!(log, format!("{dtype}, {}", described(&value)); x.to_dtype(dtype));
        }
        attempts!(log, described(&value);
            x.sum(), x.mean(), x.exp(), x.log(), x.sqrt(), x.tanh(), x.sigmoid(), x.relu(), x.silu(), x.erf(),
            x.gelu(Approximate::None), x.abs(), x.neg(), x.expm1(), x.log1p(), x.t(), value.all(), value.any(),
            value.sign(), value.cholesky(false), value.det(), value.inv(), value.qr(), value.svd(), value.slogdet(),
            value.trace(), value.prod(),
            x.item::<f64>().map(|_| true), value.item::<i64>().map(|_| true), value.to_vec::<u8>().map(|_| true),
        );
    }
    log.finish();
}

/// Every window of these sizes.
fn windows() -> Vec<[usize; 4]> {
    let mut all = Vec::new();
    for kernel in SIZES {
        for stride in [0, 1, 3, usize::MAX] {
            for padding in [0, 1, 1 << 45, usize::MAX] {
                for dilation in [0, 1, 1 << 45, usize::MAX] {
                    all.push([kernel, stride, padding, dilation]);
                }
            }
        }
    }
    all
}

#[test]
fn windows_of_pools_and_convolutions() {
    let mut log = Log::new();
    let image = |shape: &[usize]| var(&Tensor::ones(shape, DType::F32).unwrap());
    let inputs = [
        image(&[1, 2, 5, 5]),
        image(&[2, 5, 5]),
        image(&[1, 2, 0, 5]),
        image(&[0, 2, 5, 5]),
        image(&[1, 0, 5, 5]),
    ];
    let weights = [image(&[2, 2, 3, 3]), image(&[4, 1, 1, 1]), image(&[0, 2, 3, 3])];
    for x in &inputs {
        for [k, s, p, d] in windows() {
            for ceil_mode in [false, true] {
                let max = MaxPoolOptions {
                    stride: [s, s],
                    padding: [p, p],
                    dilation: [d, 1],
                    ceil_mode,
                    ..MaxPoolOptions::new([k, k])
                };
                let avg = AvgPoolOptions {
                    stride: [s, 1],
                    padding: [p, p],
                    ceil_mode,
                    ..AvgPoolOptions::new([k, 2])
                };
                attempts!(log, format!("{k} {s} {p} {d} {ceil_mode} on {}", x.shape());
                    x.max_pool2d(max), x.avg_pool2d(avg),
                );
            }
            for w in &weights {
                for groups in [0, 1, 2, usize::MAX] {
                    let options = ConvOptions {
                        stride: [s, s],
                        padding: Padding::Zeros([p, 1]),
                        dilation: [d, d],
                        groups,
                    };
                    attempts!(log, format!("{s} {p} {d} {groups}: {} on {}", w.shape(), x.shape());
                        x.conv2d(w, None, options),
                    );
                }
            }
        }
        for n in SIZES {
            attempts!(log, format!("{n} on {}", x.shape());
                x.adaptive_avg_pool2d([Some(n), None]), x.adaptive_avg_pool2d([Some(n); 2]),
            );
        }
    }
    log.finish();
}
