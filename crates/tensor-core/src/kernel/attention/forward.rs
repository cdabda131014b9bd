//! The forward: weights of a block of keys are exponentials against the largest score so far, and what was summed
//! before is scaled when a larger one comes.

use super::{Geometry, Operands, QUERIES, Scaled, dense, dense_mut};
use crate::kernel::gemm::{GemmElement, MatrixMut, gemm_inside_task};
use crate::kernel::im2col::with_scratch;
use crate::kernel::lanes;
use crate::kernel::math::Float;
use crate::kernel::parallel::for_each_part;
use crate::kernel::simd::{Isa, Kernel, dispatch};
use std::ops::Range;

/// `out = softmax(scale Q Kᵀ) V` as `[batch, queries, heads, values]`, and the logarithms of the sums of exponentials
/// of the scores as `[batch, queries, heads]`.
pub(crate) fn attention<F: GemmElement>(
    geometry: &Geometry,
    operands: &Operands<'_, F>,
    out: &mut [F],
    log_sums: &mut [F],
) {
    let Geometry { heads, queries, width, values, .. } = *geometry;
    let batches = out.chunks_mut(queries * heads * values).zip(log_sums.chunks_mut(queries * heads));
    let parts = batches.enumerate().flat_map(|(batch, (out, log_sums))| {
        let blocks = out.chunks_mut(QUERIES * heads * values).zip(log_sums.chunks_mut(QUERIES * heads));
        blocks.enumerate().map(move |(block, (out, log_sums))| (batch, block * QUERIES, out, log_sums))
    });
    let [rows, keys] = geometry.block();
    for_each_part(geometry.tasks(), parts, |(batch, start, out, log_sums)| {
        let rows_here = start..start + log_sums.len() / heads;
        with_scratch(rows * (width + keys), |scratch| {
            for head in 0..heads {
                let block = Block { geometry, operands, batch, head, rows: rows_here.clone() };
                block.run(scratch, out, log_sums);
            }
        });
    });
}

/// A block of queries of one head.
struct Block<'a, F> {
    geometry: &'a Geometry,
    operands: &'a Operands<'a, F>,
    batch: usize,
    head: usize,
    rows: Range<usize>,
}

impl<F: GemmElement> Block<'_, F> {
    /// Writes this head's part of `out` and `log_sums`, which hold all heads of the block's queries.
    fn run(&self, scratch: &mut [F], out: &mut [F], log_sums: &mut [F]) {
        let Self { geometry, operands, batch, head, rows } = self;
        let Geometry { heads, groups, width, values, .. } = **geometry;
        let (count, stride) = (rows.len(), heads * values);
        let (query, scores) = scratch.split_at_mut(count * width);
        let (from, factor) = (operands.query, F::from_f64(geometry.scale));
        dispatch(Scaled { from, head: [*batch, *head], rows, factor, out: &mut *query });
        let query = dense(query, count, width);
        let shared = [*batch, head / (heads / groups)];
        let out = &mut out[head * values..];
        let mut rows_so_far = [Sum { max: F::NEG_INFINITY, sum: F::ZERO }; QUERIES];
        for keys in geometry.key_blocks(rows) {
            let scores = &mut scores[..count * keys.len()];
            let columns = operands.key.columns(shared, &keys, width);
            gemm_inside_task(query, columns, F::ZERO, dense_mut(scores, count, keys.len()));
            let first = keys.start == 0;
            let so_far = if first { None } else { Some(OutputRows { out: &mut *out, stride, values }) };
            dispatch(Weigh {
                geometry,
                first_row: rows.start,
                keys: &keys,
                scores: &mut *scores,
                sums: &mut rows_so_far,
                so_far,
            });
            let beta = if first { F::ZERO } else { F::ONE };
            let c = MatrixMut::new(out, [count, values], stride);
            gemm_inside_task(
                dense(scores, count, keys.len()),
                operands.value.rows(shared, &keys, values),
                beta,
                c,
            );
        }
        let log_sums = log_sums[*head..].iter_mut().step_by(heads);
        dispatch(Finish { sums: &rows_so_far[..count], rows: OutputRows { out, stride, values }, log_sums });
    }
}

/// The largest score of a query so far, and the sum of the exponentials of its scores less that.
#[derive(Clone, Copy)]
struct Sum<F> {
    max: F,
    sum: F,
}

/// Rows of one head in the output of all heads.
struct OutputRows<'a, F> {
    out: &'a mut [F],
    stride: usize,
    values: usize,
}

impl<F: Float> OutputRows<'_, F> {
    #[inline(always)]
    fn scale(&mut self, row: usize, factor: F) {
        for x in &mut self.out[row * self.stride..][..self.values] {
            *x = *x * factor;
        }
    }
}

/// Turns scores into weights, 0 for the keys that a query does not see.
struct Weigh<'a, F> {
    geometry: &'a Geometry,
    first_row: usize,
    keys: &'a Range<usize>,
    scores: &'a mut [F],
    sums: &'a mut [Sum<F>],
    /// What earlier blocks of keys gave.
    so_far: Option<OutputRows<'a, F>>,
}

impl<F: Float> Kernel for Weigh<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self) {
        let rows = self.scores.chunks_exact_mut(self.keys.len());
        for (i, (row, so_far)) in rows.zip(self.sums).enumerate() {
            let (seen, hidden) = row.split_at_mut(self.geometry.visible_of(self.first_row + i, self.keys));
            hidden.fill(F::ZERO);
            let max = lanes::larger(so_far.max, lanes::max(seen));
            // A query without a score above -inf so far: the exponentials are 0 whatever is taken off.
            let base = if max == F::NEG_INFINITY { F::ZERO } else { max };
            for x in seen.iter_mut() {
                *x = (*x - base).exp::<I>();
            }
            let factor = (so_far.max - base).exp::<I>();
            *so_far = Sum { max, sum: so_far.sum.fma::<I>(factor, lanes::sum(seen, |x| x)) };
            if let Some(rows) = &mut self.so_far {
                rows.scale(i, factor);
            }
        }
    }
}

/// Divides by the sums.
struct Finish<'a, F, L> {
    sums: &'a [Sum<F>],
    rows: OutputRows<'a, F>,
    log_sums: L,
}

impl<'a, F: Float, L: Iterator<Item = &'a mut F>> Kernel for Finish<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self) {
        for (i, (&Sum { max, sum }, log_sum)) in self.sums.iter().zip(self.log_sums).enumerate() {
            *log_sum = max + sum.log::<I>();
            self.rows.scale(i, F::ONE / sum);
        }
    }
}
