//! Attention by blocks: `softmax(scale Q Kᵀ) V` and its gradient without the matrix of all scores.
//!
//! A block of queries meets the keys block by block, so that scores stay in cache and memory grows with the length,
//! not its square (Dao et al., FlashAttention, 2022; Dao, FlashAttention-2, 2023). The forward keeps for each query the
//! logarithm of the sum of its exponentials, from which the gradient computes the weights again. Of a causal mask only
//! the blocks on the diagonal are computed and masked; those above it are passed over.

mod backward;
mod forward;

pub(crate) use backward::{Gradients, Kept, attention_backward};
pub(crate) use forward::attention;

use super::gemm::{GemmElement, Matrix, MatrixMut};
use super::lanes;
use super::math::Float;
use super::simd::{Isa, Kernel};
use std::ops::Range;

/// Queries of a block. Fewer waste less above the diagonal, more use each key more often.
const QUERIES: usize = 64;

/// Keys of a block. The scores of a block of queries are 64 KiB of f32, two such matrices half of a small L2 cache.
const KEYS: usize = 256;

/// Multiplications worth a thread, as for products.
const TASK: usize = 1 << 20;

/// Sizes, none of them 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    /// Heads of the queries.
    pub(crate) heads: usize,
    /// Heads of keys and values: a divisor of `heads`; head h of the queries belongs to `h / (heads / groups)`.
    pub(crate) groups: usize,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    /// Features of queries and keys.
    pub(crate) width: usize,
    /// Features of values.
    pub(crate) values: usize,
    /// Query i sees keys 0 to i alone.
    pub(crate) causal: bool,
    /// Factor of the scores.
    pub(crate) scale: f64,
}

impl Geometry {
    /// How many keys query `row` sees: the first of them.
    #[inline(always)]
    fn visible(&self, row: usize) -> usize {
        if self.causal { self.keys.min(row + 1) } else { self.keys }
    }

    /// The blocks of keys that a block of queries sees.
    fn key_blocks(&self, rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let end = self.visible(rows.end - 1);
        (0..end).step_by(KEYS).map(move |start| start..end.min(start + KEYS))
    }

    /// How many of `keys` query `row` sees.
    #[inline(always)]
    fn visible_of(&self, row: usize, keys: &Range<usize>) -> usize {
        self.visible(row).clamp(keys.start, keys.end) - keys.start
    }

    /// Multiplications of one product over all blocks, worth how many threads.
    fn tasks(&self) -> usize {
        let scores = self.queries.saturating_mul(self.keys).saturating_mul(self.width + self.values);
        scores.saturating_mul(self.batch).saturating_mul(self.heads).div_ceil(TASK)
    }

    /// Most queries and keys of a block.
    fn block(&self) -> [usize; 2] {
        [self.queries.min(QUERIES), self.keys.min(KEYS)]
    }
}

/// `[batch, heads, rows, features]` with steps for the first three; features lie next to each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads<'a, F> {
    pub(crate) data: &'a [F],
    pub(crate) strides: [usize; 3],
}

impl<'a, F: GemmElement> Heads<'a, F> {
    #[inline(always)]
    fn from(&self, batch: usize, head: usize, row: usize) -> &'a [F] {
        let [over_batch, over_head, over_row] = self.strides;
        &self.data[batch * over_batch + head * over_head + row * over_row..]
    }

    #[inline(always)]
    fn row(&self, batch: usize, head: usize, row: usize, width: usize) -> &'a [F] {
        &self.from(batch, head, row)[..width]
    }

    /// Rows of one head.
    fn rows(&self, [batch, head]: [usize; 2], rows: &Range<usize>, width: usize) -> Matrix<'a, F> {
        Matrix::new(self.from(batch, head, rows.start), [rows.len(), width], [self.strides[2], 1])
    }

    /// Rows of one head, as columns.
    fn columns(&self, [batch, head]: [usize; 2], rows: &Range<usize>, width: usize) -> Matrix<'a, F> {
        Matrix::new(self.from(batch, head, rows.start), [width, rows.len()], [1, self.strides[2]])
    }
}

/// Rows of one head, multiplied, one after another in `out`.
struct Scaled<'a, F> {
    from: Heads<'a, F>,
    head: [usize; 2],
    rows: &'a Range<usize>,
    factor: F,
    out: &'a mut [F],
}

impl<F: GemmElement> Kernel for Scaled<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let ([batch, head], width) = (self.head, self.out.len() / self.rows.len());
        for (row, out) in self.rows.clone().zip(self.out.chunks_exact_mut(width)) {
            let row = self.from.row(batch, head, row, width);
            lanes::map(row, out, |x| x * self.factor);
        }
    }
}

/// Queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands<'a, F> {
    pub(crate) query: Heads<'a, F>,
    pub(crate) key: Heads<'a, F>,
    pub(crate) value: Heads<'a, F>,
}

/// A row-major matrix.
fn dense<F: Float>(data: &[F], rows: usize, cols: usize) -> Matrix<'_, F> {
    Matrix::new(data, [rows, cols], [cols, 1])
}

/// The transpose of a row-major matrix.
fn transposed<F: Float>(data: &[F], rows: usize, cols: usize) -> Matrix<'_, F> {
    Matrix::new(data, [cols, rows], [1, cols])
}

/// A row-major matrix to write.
fn dense_mut<F: Float>(data: &mut [F], rows: usize, cols: usize) -> MatrixMut<'_, F> {
    MatrixMut::new(data, [rows, cols], cols)
}

#[cfg(test)]
mod tests;
