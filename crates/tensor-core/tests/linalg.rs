//! Factorizations give factors of the promised form whose product is the matrix; matrices without one are refused.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use proptest::prelude::*;
use tensor_core::{DType, Result, Rng, Tensor};

fn random(seed: u64, shape: &[usize]) -> Tensor {
    Rng::seed(seed).randn(shape, DType::F64).unwrap()
}

fn largest(x: &Tensor) -> f64 {
    x.to_vec::<f64>().unwrap().into_iter().fold(0.0, |m, x| m.max(x.abs()))
}

#[track_caller]
fn assert_close(a: &Tensor, b: &Tensor) {
    let off = largest(&a.sub(b).unwrap());
    assert!(off <= 1e-12 * largest(b).max(1.0), "differ by {off:e}");
}

/// `xᵀ x` is the identity.
#[track_caller]
fn assert_orthonormal(x: &Tensor) {
    let columns = x.size(-1).unwrap();
    let product = x.transpose(-2, -1).unwrap().matmul(x).unwrap();
    assert_close(&product, &Tensor::eye(columns, DType::F64).unwrap().broadcast_to(product.shape()).unwrap());
}

/// A matrix of the given rank.
fn of_rank(seed: u64, m: usize, n: usize, rank: usize) -> Tensor {
    random(seed, &[m, rank]).matmul(&random(seed + 1, &[rank, n])).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn qr_gives_orthonormal_and_triangular_factors(m in 1usize..9, n in 1usize..9, rank in 1usize..9, seed: u64) {
        let a = of_rank(seed >> 1, m, n, rank);
        let (q, r) = a.qr().unwrap();
        assert_orthonormal(&q);
        assert_close(&r.triu(0).unwrap(), &r);
        assert_close(&q.matmul(&r).unwrap(), &a);
    }

    #[test]
    fn svd_gives_orthonormal_factors_and_falling_values(m in 1usize..9, n in 1usize..9, rank in 1usize..9, seed: u64) {
        let a = of_rank(seed >> 1, m, n, rank);
        let (u, s, vh) = a.svd().unwrap();
        assert_orthonormal(&u);
        assert_orthonormal(&vh.t().unwrap());
        let values = s.to_vec::<f64>().unwrap();
        prop_assert!(values.is_sorted_by(|a, b| a >= b) && values.iter().all(|s| *s >= 0.0), "{values:?}");
        assert_close(&u.mul(&s).unwrap().matmul(&vh).unwrap(), &a);
    }

    #[test]
    fn solutions_solve(n in 1usize..12, k in 1usize..4, seed: u64) {
        let (a, b) = (random(seed >> 1, &[2, n, n]), random((seed >> 1) + 1, &[1, n, k]));
        let scale = largest(&a.inv().unwrap()).max(1.0);
        let off = largest(&a.matmul(&a.solve(&b).unwrap()).unwrap().sub(&b).unwrap());
        prop_assert!(off <= 1e-12 * scale, "{off:e}");
        let positive = a.matmul(&a.transpose(-2, -1).unwrap()).unwrap();
        let lower = positive.cholesky(false).unwrap();
        assert_close(&lower.matmul(&lower.transpose(-2, -1).unwrap()).unwrap(), &positive);
        assert_close(&positive.cholesky(true).unwrap(), &lower.transpose(-2, -1).unwrap());
        // The other triangle is not read.
        let x = a.solve_triangular(&b, true).unwrap();
        assert_eq!(x.to_vec::<f64>().unwrap(), a.triu(0).unwrap().solve_triangular(&b, true).unwrap().to_vec::<f64>().unwrap());
    }

    #[test]
    fn determinants_multiply(n in 0usize..7, seed: u64) {
        let (a, b) = (random(seed >> 1, &[n, n]), random((seed >> 1) + 1, &[n, n]));
        let det = |x: &Tensor| x.det().unwrap().item::<f64>().unwrap();
        let product = det(&a.matmul(&b).unwrap());
        prop_assert!((product - det(&a) * det(&b)).abs() <= 1e-11 * product.abs().max(1.0));
        let (sign, log) = a.slogdet().unwrap();
        let again = sign.item::<f64>().unwrap() * log.item::<f64>().unwrap().exp();
        prop_assert!((again - det(&a)).abs() <= 1e-12 * again.abs().max(1.0));
    }
}

#[test]
fn values_far_from_one_neither_overflow_nor_vanish() {
    for scale in [1e-200, 1e200] {
        let a = random(7, &[4, 3]).mul_scalar(scale).unwrap();
        let (u, s, vh) = a.svd().unwrap();
        let back = u.mul(&s.div_scalar(scale).unwrap()).unwrap().matmul(&vh).unwrap();
        assert_close(&back, &a.div_scalar(scale).unwrap());
        let (q, r) = a.qr().unwrap();
        assert_close(&q.matmul(&r.div_scalar(scale).unwrap()).unwrap(), &a.div_scalar(scale).unwrap());
    }
}

#[test]
fn matrices_without_a_factor_are_refused_by_their_place_in_the_batch() {
    let message = |result: Result<Tensor>| result.unwrap_err().to_string();
    let good = Tensor::eye(2, DType::F32).unwrap();
    let zero = Tensor::zeros([2, 2], DType::F32).unwrap();
    let batch = Tensor::stack(&[&good, &zero], 0).unwrap();
    let text = message(batch.inv());
    assert!(text.starts_with("inv: matrix 1 of the batch is singular: diagonal element 1"), "{text}");
    let text = message(batch.cholesky(false));
    assert!(text.starts_with("cholesky: matrix 1 of the batch is not positive-definite"), "{text}");
    let text = message(Tensor::full([2, 2], f64::NAN, DType::F32).unwrap().svd().map(|(u, ..)| u));
    assert!(text.starts_with("svd: matrix 0 of the batch has NaN or infinite elements"), "{text}");
    let text = message(Tensor::zeros([2, 3], DType::F32).unwrap().det());
    assert!(text.contains("det: input has shape [2, 3], expected square matrices"), "{text}");
    let text = message(Tensor::zeros([3], DType::F32).unwrap().qr().map(|(q, _)| q));
    assert!(text.contains("expected [.., m, n]"), "{text}");
    let text = message(Tensor::zeros([2, 2], DType::I64).unwrap().det());
    assert!(text.contains("expected a floating-point dtype"), "{text}");
    let text = message(good.solve(&Tensor::zeros([3], DType::F32).unwrap()));
    assert!(text.contains("right has shape [3], expected [.., 2, k] or [2]"), "{text}");
    assert_eq!(batch.det().unwrap().to_vec::<f32>().unwrap(), [1.0, 0.0]);
    let (sign, log) = batch.slogdet().unwrap();
    assert_eq!(
        (sign.to_vec::<f32>().unwrap(), log.to_vec::<f32>().unwrap()),
        (vec![1.0, 0.0], vec![0.0, f32::NEG_INFINITY])
    );
}
