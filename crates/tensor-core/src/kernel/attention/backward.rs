//! The gradient. With the weights P, computed again from the kept sums, and `d = Σ dO O` of each query:
//! `dV = Pᵀ dO`, `dS = P (dO Vᵀ − d)`, `dQ = scale dS K`, `dK = scale dSᵀ Q`.

use super::{Geometry, Heads, Operands, QUERIES, Scaled, dense, dense_mut, transposed};
use crate::kernel::gemm::{GemmElement, gemm_inside_task};
use crate::kernel::im2col::with_scratch;
use crate::kernel::lanes;
use crate::kernel::math::Float;
use crate::kernel::parallel::for_each_part;
use crate::kernel::simd::{Isa, Kernel, dispatch};
use std::ops::Range;

/// What the forward gave, and the gradient of its output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a, F> {
    pub(crate) out: Heads<'a, F>,
    pub(crate) gradient: Heads<'a, F>,
    /// `[batch, queries, heads]`.
    pub(crate) log_sums: &'a [F],
}

/// The gradients of queries, keys and values, `[batch, heads, rows, features]` in row-major order.
pub(crate) struct Gradients<'a, F> {
    pub(crate) query: &'a mut [F],
    pub(crate) key: &'a mut [F],
    pub(crate) value: &'a mut [F],
}

/// Writes the gradients. A task is a head of keys and values with the heads of queries that share it, so that every
/// sum runs in one order.
pub(crate) fn attention_backward<F: GemmElement>(
    geometry: &Geometry,
    operands: &Operands<'_, F>,
    kept: &Kept<'_, F>,
    gradients: Gradients<'_, F>,
) {
    let Geometry { heads, groups, queries, keys, width, values, .. } = *geometry;
    let shared = heads / groups;
    let parts = gradients
        .query
        .chunks_mut(shared * queries * width)
        .zip(gradients.key.chunks_mut(keys * width))
        .zip(gradients.value.chunks_mut(keys * values));
    let [rows, columns] = geometry.block();
    for_each_part(geometry.tasks(), parts.enumerate(), |(part, ((query, key), value))| {
        key.fill(F::ZERO);
        value.fill(F::ZERO);
        let (batch, group) = (part / groups, part % groups);
        with_scratch(rows * (width + 2 * columns), |scratch| {
            for (head, query) in (group * shared..).zip(query.chunks_exact_mut(queries * width)) {
                for (block, query) in query.chunks_mut(QUERIES * width).enumerate() {
                    let start = block * QUERIES;
                    let rows = start..start + query.len() / width;
                    let block = Block { geometry, operands, kept, batch, head, group, rows };
                    block.run(scratch, query, key, value);
                }
            }
        });
    });
}

/// A block of queries of one head.
struct Block<'a, F> {
    geometry: &'a Geometry,
    operands: &'a Operands<'a, F>,
    kept: &'a Kept<'a, F>,
    batch: usize,
    head: usize,
    group: usize,
    rows: Range<usize>,
}

impl<F: GemmElement> Block<'_, F> {
    /// Writes the gradient of the block's queries, and adds to those of its keys and values.
    fn run(&self, scratch: &mut [F], dquery: &mut [F], dkey: &mut [F], dvalue: &mut [F]) {
        let Geometry { width, values, scale, .. } = *self.geometry;
        let (rows, count, scale) = (&self.rows, self.rows.len(), F::from_f64(scale));
        let (own, shared) = ([self.batch, self.head], [self.batch, self.group]);
        let (query, rest) = scratch.split_at_mut(count * width);
        let from = self.operands.query;
        dispatch(Scaled { from, head: own, rows, factor: scale, out: &mut *query });
        let query = dense(query, count, width);
        let gradient = self.kept.gradient.rows(own, rows, values);
        let sums = dispatch(Sums(self));
        for keys in self.geometry.key_blocks(rows) {
            let (weights, scores) = rest.split_at_mut(count * keys.len());
            let scores = &mut scores[..count * keys.len()];
            let key_columns = self.operands.key.columns(shared, &keys, width);
            gemm_inside_task(query, key_columns, F::ZERO, dense_mut(weights, count, keys.len()));
            let value_columns = self.operands.value.columns(shared, &keys, values);
            gemm_inside_task(gradient, value_columns, F::ZERO, dense_mut(scores, count, keys.len()));
            dispatch(Weigh {
                geometry: self.geometry,
                first_row: rows.start,
                keys: &keys,
                weights: &mut *weights,
                scores: &mut *scores,
                sums: &sums,
            });
            let dvalue = dense_mut(&mut dvalue[keys.start * values..], keys.len(), values);
            gemm_inside_task(transposed(weights, count, keys.len()), gradient, F::ONE, dvalue);
            let dkey = dense_mut(&mut dkey[keys.start * width..], keys.len(), width);
            gemm_inside_task(transposed(scores, count, keys.len()), query, F::ONE, dkey);
            let beta = if keys.start == 0 { F::ZERO } else { F::ONE };
            let key_rows = self.operands.key.rows(shared, &keys, width);
            gemm_inside_task(
                dense(scores, count, keys.len()),
                key_rows,
                beta,
                dense_mut(dquery, count, width),
            );
        }
        dispatch(Scale(dquery, scale));
    }
}

/// Of each query of a block the logarithm of its sum of exponentials, and d.
struct Sums<'a, F>(&'a Block<'a, F>);

impl<F: GemmElement> Kernel for Sums<'_, F> {
    type Output = [(F, F); QUERIES];

    #[inline(always)]
    fn run<I: Isa>(self) -> Self::Output {
        let Block { geometry, kept, batch, head, rows, .. } = self.0;
        let Geometry { heads, queries, values, .. } = **geometry;
        let mut sums = [(F::ZERO, F::ZERO); QUERIES];
        for (row, (log_sum, d)) in rows.clone().zip(&mut sums) {
            *log_sum = kept.log_sums[(batch * queries + row) * heads + head];
            let out = kept.out.row(*batch, *head, row, values);
            let gradient = kept.gradient.row(*batch, *head, row, values);
            *d = lanes::sum2(out, gradient, |a, b| a * b);
        }
        sums
    }
}

/// Multiplies in place.
struct Scale<'a, F>(&'a mut [F], F);

impl<F: Float> Kernel for Scale<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for x in self.0 {
            *x = *x * self.1;
        }
    }
}

/// Turns scores into weights and the gradients of weights into those of scores.
struct Weigh<'a, F> {
    geometry: &'a Geometry,
    first_row: usize,
    keys: &'a Range<usize>,
    weights: &'a mut [F],
    scores: &'a mut [F],
    sums: &'a [(F, F)],
}

impl<F: Float> Kernel for Weigh<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let columns = self.keys.len();
        let rows = self.weights.chunks_exact_mut(columns).zip(self.scores.chunks_exact_mut(columns));
        for (i, ((weights, scores), &(log_sum, d))) in rows.zip(self.sums).enumerate() {
            let visible = self.geometry.visible_of(self.first_row + i, self.keys);
            let (weights, hidden_weights) = weights.split_at_mut(visible);
            let (scores, hidden_scores) = scores.split_at_mut(visible);
            hidden_weights.fill(F::ZERO);
            hidden_scores.fill(F::ZERO);
            for (weight, score) in weights.iter_mut().zip(scores) {
                let p = (*weight - log_sum).exp::<I>();
                *weight = p;
                *score = p * (*score - d);
            }
        }
    }
}
