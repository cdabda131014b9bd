//! Attention by blocks beside its naive twin, the composition of products and a softmax.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::{AttentionOptions, DType, Shape, Tensor, Var, backward, grad};
use tensor_core::Rng;

/// The whole matrix of scores, its causal part by a float mask, and a softmax.
fn twin(query: &Var, key: &Var, value: &Var, is_causal: bool) -> Var {
    let scale = 1.0 / (query.size(-1).unwrap() as f64).sqrt();
    let mut scores = query.mul_scalar(scale).unwrap().matmul(&key.transpose(-2, -1).unwrap()).unwrap();
    if is_causal {
        let (rows, cols) = (scores.size(-2).unwrap(), scores.size(-1).unwrap());
        let hidden = Tensor::ones([rows, cols], scores.dtype()).unwrap().triu(1).unwrap();
        scores = scores.masked_fill(&hidden.gt_scalar(0).unwrap(), f64::NEG_INFINITY).unwrap();
    }
    scores.softmax(-1).unwrap().matmul(value).unwrap()
}

fn ours(query: &Var, key: &Var, value: &Var, is_causal: bool) -> Var {
    let options = AttentionOptions { is_causal, ..AttentionOptions::default() };
    query.scaled_dot_product_attention(key, value, options).unwrap()
}

type Function = fn(&Var, &Var, &Var, bool) -> Var;

/// The output, and the gradients of the three inputs.
fn run(call: Function, inputs: &[Tensor; 3], g: &Tensor, is_causal: bool) -> Vec<Tensor> {
    let inputs = inputs.clone().map(|x| Var::leaf(x).unwrap());
    let y = call(&inputs[0], &inputs[1], &inputs[2], is_causal);
    backward(&[&y], &[Some(g)], false).unwrap();
    std::iter::once(y.detach()).chain(inputs.iter().map(|x| x.grad().unwrap())).collect()
}

#[track_caller]
fn assert_close(got: &Tensor, want: &Tensor, tolerance: f64) {
    assert_eq!(got.shape(), want.shape());
    let (got, want) = (got.to_dtype(DType::F64).unwrap(), want.to_dtype(DType::F64).unwrap());
    for (got, want) in got.to_vec::<f64>().unwrap().iter().zip(want.to_vec::<f64>().unwrap()) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "got {got}, want {want}");
    }
}

/// Queries, keys and values as a layer cuts them out of one product: heads inside rows.
fn inputs(rng: &Rng, batch: usize, heads: usize, [queries, keys]: [usize; 2], width: usize) -> [Tensor; 3] {
    [queries, keys, keys].map(|rows| {
        let joined = rng.randn([batch, rows, 2, heads, width], DType::F64).unwrap();
        joined.select(2, 1).unwrap().transpose(1, 2).unwrap()
    })
}

#[test]
fn equals_the_composition_over_odd_sizes() {
    let rng = Rng::seed(1);
    for [queries, keys] in [[1, 1], [63, 63], [65, 65], [257, 257], [1, 257], [65, 3], [0, 5]] {
        for width in [8, 17, 64] {
            let wide = inputs(&rng, 1, 2, [queries, keys], width);
            let g = rng.randn([1, 2, queries, width], DType::F64).unwrap();
            for is_causal in [false, true] {
                let want = run(twin, &wide, &g, is_causal);
                for (got, want) in run(ours, &wide, &g, is_causal).iter().zip(&want) {
                    assert_close(got, want, 1e-12);
                }
                let to_f32 = |x: &Tensor| x.to_dtype(DType::F32).unwrap();
                let narrow = [to_f32(&wide[0]), to_f32(&wide[1]), to_f32(&wide[2])];
                for (got, want) in run(ours, &narrow, &to_f32(&g), is_causal).iter().zip(&want) {
                    assert_close(got, want, 2e-5);
                }
            }
        }
    }
}

#[test]
fn the_second_order_equals_that_of_the_composition() {
    let rng = Rng::seed(2);
    let inputs = inputs(&rng, 2, 2, [5, 7], 3).map(|x| Var::leaf(x).unwrap());
    let weights: Var = rng.randn([2, 2, 5, 3], DType::F64).unwrap().into();
    let second = |call: Function| {
        let [query, key, value] = &inputs;
        let y = call(query, key, value, true).mul(&weights).unwrap().sum().unwrap();
        let first = grad(&y, &[query, key, value], true).unwrap();
        let parts = first.iter().map(|g| g.mul(g).unwrap().sum().unwrap());
        let total = parts.reduce(|a, b| a.add(&b).unwrap()).unwrap();
        grad(&total, &[query, key, value], false).unwrap()
    };
    for (got, want) in second(ours).iter().zip(second(twin)) {
        assert_close(&got.detach(), &want.detach(), 1e-11);
    }
}

#[test]
fn without_features_every_key_counts_alike_and_without_keys_there_is_nothing() {
    let zeros = |shape: [usize; 3]| Tensor::zeros(shape, DType::F32).unwrap();
    let value = Tensor::arange(0.0, 8.0, 1.0, DType::F32).unwrap().reshape([2, 4, 1]).unwrap();
    let g = Tensor::ones([2, 3, 1], DType::F32).unwrap();
    let results = run(ours, &[zeros([2, 3, 0]), zeros([2, 4, 0]), value], &g, false);
    assert_eq!(results[0].to_vec::<f32>().unwrap(), [1.5, 1.5, 1.5, 5.5, 5.5, 5.5]);
    assert_eq!(*results[1].shape(), [2, 3, 0]);
    assert_eq!(results[3].to_vec::<f32>().unwrap(), [0.75; 8]);
    let results = run(
        ours,
        &[Tensor::ones([2, 3, 5], DType::F32).unwrap(), zeros([2, 0, 5]), zeros([2, 0, 1])],
        &g,
        true,
    );
    assert_eq!(results[0].to_vec::<f32>().unwrap(), [0.0; 6]);
    assert_eq!(results[1].to_vec::<f32>().unwrap(), [0.0; 30]);
}

#[test]
fn heads_come_back_into_rows_without_a_copy() {
    let [query, key, value] = inputs(&Rng::seed(3), 2, 3, [4, 4], 5).map(Var::from);
    let y = ours(&query, &key, &value, false).transpose(1, 2).unwrap();
    assert!(y.detach().is_contiguous());
    // Any number of dimensions before these.
    let deep = |x: &Var| x.unflatten(0, [2, 1]).unwrap();
    let deeper = ours(&deep(&query), &deep(&key), &deep(&value), false);
    assert_eq!(*deeper.shape(), Shape::from([2, 1, 3, 4, 5]));
    assert_close(&deeper.detach().flatten(0, 1).unwrap(), &y.detach().transpose(1, 2).unwrap(), 0.0);
}
