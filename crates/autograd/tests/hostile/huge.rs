//! Sizes that no memory has.

use crate::attempt::Log;
use crate::attempts;
use autograd::tensor_core::Rng;
use autograd::{DType, Shape, Tensor, Var};

/// 2⁴⁵ elements, of which one is stored.
fn endless() -> Var {
    Var::leaf(Tensor::ones([1], DType::F32).unwrap()).unwrap().expand([1 << 45]).unwrap()
}

#[test]
fn shapes_beyond_memory_are_refused_where_tensors_are_made() {
    let mut log = Log::new();
    let rng = Rng::seed(0);
    let shapes: [&[usize]; 6] = [
        &[1 << 45],
        &[1 << 40, 1 << 40],
        &[usize::MAX],
        &[usize::MAX, usize::MAX],
        &[0, 1 << 40, 1 << 40],
        &[1 << 62, 2],
    ];
    for shape in shapes {
        for dtype in [DType::F32, DType::F64, DType::Bool, DType::I64] {
            let refused = Tensor::zeros(shape, dtype).unwrap_err().to_string();
            assert!(refused.contains("memory"), "{refused}");
            attempts!(log, format!("{shape:?} {dtype}");
                Tensor::ones(shape, dtype),
                Tensor::full(shape, f64::NAN, dtype),
                Tensor::from_vec(vec![1.0f32], shape),
                Tensor::from_le_bytes(&[0; 8], dtype, shape),
                rng.rand(shape, dtype),
                rng.uniform(shape, 0.0, 1.0, dtype),
                rng.randn(shape, dtype),
                rng.normal(shape, 0.0, 1.0, dtype),
                rng.bernoulli(0.5, shape, dtype),
                rng.exponential(shape, 1.0, dtype),
                rng.randint(0, 5, shape),
            );
        }
    }
    for n in [1usize << 45, usize::MAX, isize::MAX as usize] {
        attempts!(log, n;
            Tensor::eye(n, DType::F32),
            Tensor::linspace(0.0, 1.0, n, DType::F32),
            Tensor::arange(0.0, n as f64, 1.0, DType::F32),
            rng.randperm(n),
            Tensor::zeros([3], DType::I64).unwrap().one_hot(n),
        );
    }
    for (start, end, step) in [
        (0.0, f64::INFINITY, 1.0),
        (0.0, 1.0, 1e-300),
        (0.0, 1.0, 0.0),
        (f64::NAN, 1.0, 1.0),
        (0.0, 1.0, f64::NAN),
        (1.0, 0.0, 1.0),
        (f64::MIN, f64::MAX, 1.0),
    ] {
        attempts!(log, format!("{start} {end} {step}"); Tensor::arange(start, end, step, DType::I64));
    }
    log.finish();
}

#[test]
fn a_value_of_2_to_the_45_elements_is_refused_where_it_would_be_stored() {
    let mut log = Log::new();
    let (x, one) = (endless(), Var::from(Tensor::ones([1], DType::F32).unwrap()));
    let column = x.unsqueeze(1).unwrap();
    let condition = one.detach().to_dtype(DType::Bool).unwrap();
    attempts!(log, "2^45 elements";
        x.add(&one), x.mul(&x), x.div(&one), x.maximum(&one), x.add_scalar(1.0), x.pow_scalar(2),
        x.exp(), x.relu(), x.tanh(), x.neg(), x.abs(), x.clamp(Some(0.0), None), x.to_dtype(DType::F64),
        x.softmax(0), x.log_softmax(0), x.cumsum(0), x.dropout(0.5, 0), x.masked_fill(&condition, 0.0),
        x.where_cond(&condition, &one), x.detach().contiguous(), x.detach().deep_clone(),
        x.reshape([1 << 22, 1 << 23]), x.flatten(0, -1), x.t(), column.t(), x.unsqueeze(0), x.narrow(0, 5, 1 << 44),
        x.slice(0, 0, isize::MAX, 3), x.select(0, -1), column.matmul(&one.unsqueeze(0).unwrap()),
        Tensor::cat(&[&x.detach(), &x.detach()], 0), Tensor::stack(&[&x.detach(), &x.detach()], 0),
        x.expand([1 << 30, 1 << 45]), x.expand([-1, -1]), column.expand([1 << 45, 1 << 45]),
        column.tril(0), x.broadcast_to(&Shape::from([1 << 20, 1 << 45])),
    );
    let (rows, few) = (column.detach().expand([-1, 3]).unwrap(), Tensor::zeros([2], DType::I64).unwrap());
    let many = few.narrow(0, 0, 1).unwrap().expand([1 << 45]).unwrap();
    attempts!(log, "2^45 rows";
        rows.index_select(1, &few), rows.index_select(0, &many), few.index_select(0, &many), rows.gather(1, &few),
        few.take(&many), rows.index_fill(1, &few, 1.0), rows.index_add(1, &few, &rows), rows.split(1, 0), rows.chunk(1 << 40, 0),
        rows.unbind(0), rows.tensor_split(1 << 44, 0), rows.flip([0]), rows.flip([1]), rows.roll([1], [0]), rows.repeat([2, 2]),
        rows.sort(0, false), rows.sort(1, true), rows.topk(1, 1, true), rows.kthvalue(1, 0, false), rows.median(),
        rows.median_dim(1, false), rows.unique(None).map(|_| true), rows.argsort(1, false), rows.cumsum(1), rows.softmax(1),
        many.bincount(None, 0), many.one_hot(2), many.masked_select(&condition), many.searchsorted(&few, false, None),
        rows.sum_dim(1, false), rows.amax(1, true), rows.argmax(1, false), rows.var_dim(1, 1.0, false),
        rows.layer_norm(&[3], None, None, 1e-5), rows.qr(), rows.outer(&rows), rows.kron(&rows), rows.diag_embed(0, 0, 1),
    );
    assert!(x.detach().to_vec::<f32>().is_err() && x.detach().to_le_bytes().is_err());
    log.finish();
}
