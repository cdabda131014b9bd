//! The plain tensor's methods, family by family.

use crate::arguments::{DIMS, NUMBERS, SIZES};
use crate::attempt::{Log, described, odd_tensors};
use crate::attempts;
use autograd::tensor_core::{Indexing, ScatterReduce};
use autograd::{DType, Tensor};

const STEPS: [isize; 5] = [isize::MIN, -1, 0, 3, isize::MAX];

#[test]
fn order_and_counting() {
    let mut log = Log::new();
    for x in odd_tensors() {
        for d in DIMS {
            attempts!(log, format!("dim {d}, {}", described(&x));
                x.sort(d, false), x.sort(d, true), x.argsort(d, false), x.median_dim(d, true), x.nanmedian_dim(d, false),
                x.unique(d).map(|_| true), x.unique_consecutive(d).map(|_| true),
            );
            for k in SIZES {
                attempts!(log, format!("dim {d}, k {k}, {}", described(&x));
                    x.topk(k, d, true), x.topk(k, d, false), x.kthvalue(k, d, true),
                );
            }
        }
        for n in SIZES {
            attempts!(log, format!("{n}, {}", described(&x));
                x.bincount(None, n), x.bincount(Some(&x), n), x.one_hot(n), x.histc(n, 0.0, 1.0), x.histc(n, 1.0, 0.0),
            );
        }
        for n in NUMBERS {
            attempts!(log, format!("{n}, {}", described(&x)); x.histc(5, n, -n), x.norm(n, -1, true));
        }
        for other in odd_tensors() {
            attempts!(log, format!("{} and {}", described(&x), described(&other));
                x.searchsorted(&other, true, None), x.searchsorted(&other, false, Some(&other)),
                x.bucketize(&other, false), x.bincount(Some(&other), 3),
            );
        }
        attempts!(log, described(&x);
            x.median(), x.nanmedian(), x.unique(None).map(|_| true), x.nonzero(), x.nonzero_tuple(), x.one_hot(None),
        );
    }
    log.finish();
}

#[test]
fn places() {
    let mut log = Log::new();
    let tensors = odd_tensors();
    for x in &tensors {
        for d in DIMS {
            attempts!(log, format!("dim {d}, {}", described(x));
                x.movedim(d, 0), x.movedim([0, d], [d, 0]), x.swapaxes(d, 0), x.unflatten(d, [d, -1]),
                x.unflatten(0, [d]), x.squeeze([d, 0]), x.flip([d]), x.flip([d, d]), x.roll([d], [0]), x.roll([1], [d]),
                x.repeat_interleave(2, Some(d)), x.unbind(d), x.diagonal(d, 0, 1), x.diagonal(0, d, 1),
                x.diag_embed(d, -1, -2), x.diag_embed(0, d, 0), x.diag(d), x.view([d]), x.tensor_split_at(&[d, 1], 0),
                x.take_along_dim(x, d), x.index_fill(d, x, 1.0),
                Tensor::tril_indices(3, 3, d), Tensor::triu_indices(3, 3, d),
            );
            for n in SIZES {
                attempts!(log, format!("dim {d}, {n}, {}", described(x));
                    x.split(n, d), x.chunk(n, d), x.tensor_split(n, d), x.split_with_sizes(&[n, n], d), x.unfold(d, n, 1),
                    x.unfold(d, 1, n), x.repeat_interleave(n, Some(d)),
                );
            }
        }
        for n in SIZES {
            attempts!(log, format!("{n}, {}", described(x));
                x.repeat([n]), x.repeat([n, n, n, n, n]), x.tile([n]), x.repeat_interleave(n, None),
                x.as_strided([n], &[1], 0), x.as_strided([2, 2], &[n, 1], 0), x.as_strided([1], &[1], n),
                x.as_strided([n, n], &[0, 0], 0),
                Tensor::tril_indices(n, 2, 0), Tensor::triu_indices(2, n, 0),
            );
        }
        for y in &tensors {
            let what = format!("{} and {}", described(x), described(y));
            attempts!(log, what;
                x.take_along_dim(y, 0), x.scatter(0, y, x), x.scatter(-1, y, y), x.scatter_value(0, y, 1.0),
                x.scatter_reduce(0, y, x, ScatterReduce::Prod, true), x.scatter_reduce(-1, y, y, ScatterReduce::Mean, false),
                x.index_copy(0, y, x), x.index_fill(0, y, 1.0), x.take(y), x.masked_select(y), x.masked_scatter(y, x),
                x.repeat_interleave_each(y, Some(0)), x.repeat_interleave_each(y, None),
                Tensor::hstack(&[x, y]), Tensor::vstack(&[x, y]), Tensor::dstack(&[x, y]), Tensor::block_diag(&[x, y]),
                Tensor::meshgrid(&[x, y], Indexing::Ij),
            );
        }
    }
    log.finish();
}

#[test]
fn products() {
    let mut log = Log::new();
    let tensors = odd_tensors();
    for x in &tensors {
        for y in &tensors {
            attempts!(log, format!("{} and {}", described(x), described(y));
                x.mm(y), x.bmm(y), x.mv(y), x.dot(y), x.outer(y), x.kron(y), x.addmm(y, x, 1.0, f64::NAN), x.addmv(y, x, 0.0, 1.0),
                x.addr(y, y, 1.0, 1.0), x.baddbmm(y, x, 1.0, 1.0), x.addbmm(y, y, 1.0, 0.0), x.tensordot(y, &[0], &[-1]),
                x.tensordot(y, &[], &[]), x.tensordot(y, &[0, 0], &[1, 1]), x.tensordot(y, &[isize::MIN], &[isize::MAX]),
            );
        }
    }
    log.finish();
}

#[test]
fn creation() {
    let mut log = Log::new();
    for a in NUMBERS {
        for b in NUMBERS {
            for dtype in [DType::F32, DType::F16, DType::I64, DType::U8, DType::Bool] {
                attempts!(log, format!("{a} {b} {dtype}");
                    Tensor::arange(a, b, 1.0, dtype), Tensor::arange(0.0, a, b, dtype), Tensor::linspace(a, b, 5, dtype),
                    Tensor::logspace(a, b, 5, 10.0, dtype), Tensor::logspace(0.0, 1.0, 3, a, dtype), Tensor::full([2], a, dtype),
                );
            }
        }
        for n in SIZES {
            attempts!(log, format!("{a} {n}"); Tensor::linspace(a, 1.0, n, DType::F64), Tensor::eye(n, DType::Bool));
        }
    }
    for step in STEPS {
        attempts!(log, step; Tensor::tril_indices(2, 2, step), Tensor::from_slice(&[1, 2, 3, step as i64], [2, 2]));
    }
    log.finish();
}
