//! Products of matrices and vectors made of `matmul`, by PyTorch's names.

use crate::testing::{Row, Sample};
use crate::{Result, Var};

tensor_core::matrix_products!(Var, Result);

pub(crate) const ROW: Row = Row {
    name: "products",
    sample: |s| {
        let (b, m, k, n) = (s.below(3), s.size(), s.size(), s.below(4));
        let (beta, alpha) = (s.below(3) as f64 / 2.0, s.below(3) as f64 / 2.0);
        let mut x = |shape: &[usize]| s.tensor(&shape.into(), -2.0, 2.0);
        let matrices = (x(&[m, k])?, x(&[k, n])?);
        let batches = (x(&[b, m, k])?, x(&[b, k, n])?);
        let vectors = (x(&[k])?, x(&[n])?);
        let added = x(&[m, 1])?;
        Ok(match s.below(9) {
            0 => Sample::new(vec![added, matrices.0, matrices.1], move |x| {
                x[0].addmm(&x[1], &x[2], beta, alpha)
            }),
            1 => Sample::new(vec![added, matrices.0, vectors.0], move |x| {
                x[0].squeeze(1)?.addmv(&x[1], &x[2], beta, alpha)
            }),
            2 => Sample::new(vec![added, batches.0, batches.1], move |x| {
                x[0].baddbmm(&x[1], &x[2], beta, alpha)
            }),
            3 => Sample::new(vec![added, batches.0, batches.1], move |x| {
                x[0].addbmm(&x[1], &x[2], beta, alpha)
            }),
            4 => Sample::new(vec![vectors.1, vectors.0], |x| x[0].outer(&x[1])),
            5 => Sample::new(vec![vectors.1, matrices.1], move |x| {
                x[1].select(0, 0)?.dot(&x[0])
            }),
            6 => Sample::new(vec![batches.0, matrices.1], |x| x[0].kron(&x[1])),
            7 => Sample::new(vec![batches.0, batches.1], |x| x[0].tensordot(&x[1], &[2, 0], &[-2, 0])),
            _ => Sample::new(vec![added, vectors.1.clone(), vectors.1], move |x| {
                x[0].select(0, 0)?.addr(&x[1], &x[2], beta, alpha)
            }),
        })
    },
    order: 2,
};
