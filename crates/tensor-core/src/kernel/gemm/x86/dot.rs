//! Tiles with few rows or columns, whose operands are both contiguous along k: dot products, without packing.
#![allow(unsafe_code)]

use super::super::split::Tile;
use super::super::{Activation, Job};
use super::vector::{Avx2, Avx512, Simd, first};
use crate::kernel::simd::{self, Level};

/// A tile with at most this many rows or columns goes here: copying B, or a vector kernel with most of its lanes idle,
/// would cost more. Measured at k = 784.
const FEW: usize = 16;

/// Shorter sums spend their time adding up lanes.
const LONG: usize = 256;

/// Columns of B that share a pass over rows of A.
const COLS: usize = 4;

/// Dot products of one instruction set.
#[derive(Clone, Copy)]
pub(super) struct Dot {
    /// Rows of A that share a pass over columns of B.
    rows: usize,
    run: unsafe fn(&Block<'_>) -> [[f32; COLS]; COLS],
}

/// Up to 4 rows of A times up to [`COLS`] columns of B.
struct Block<'a> {
    rows: usize,
    cols: usize,
    k: usize,
    /// Element `(i, p)` at `i * a_stride + p`.
    a: &'a [f32],
    a_stride: usize,
    /// Element `(p, j)` at `p + j * b_stride`.
    b: &'a [f32],
    b_stride: usize,
}

impl Dot {
    /// The dot products of `level`, if it has any and the tile is one for them.
    pub(super) fn new(level: Level, job: &Job<'_, f32>, tile: &Tile) -> Option<Self> {
        let along = job.a.col_stride == 1 && job.b.row_stride == 1 && job.a.cols >= LONG;
        if !along || tile.rows.len().min(tile.cols.len()) > FEW {
            return None;
        }
        assert!(level <= simd::level(), "this processor has no {level:?}");
        match level {
            Level::Avx512 => Some(Self { rows: 4, run: avx512 }),
            // 3 x 4 sums, 3 rows and a column fill the 16 registers.
            Level::Avx2 => Some(Self { rows: 3, run: avx2 }),
            Level::Baseline => None,
        }
    }

    /// Computes one tile of C and its epilogue.
    pub(super) fn tile(&self, job: &Job<'_, f32>, tile: &Tile) {
        let (a, b, l) = (&job.a, &job.b, tile.matrix);
        for j in tile.cols.clone().step_by(COLS) {
            for i in tile.rows.clone().step_by(self.rows) {
                let block = Block {
                    rows: self.rows.min(tile.rows.end - i),
                    cols: COLS.min(tile.cols.end - j),
                    k: a.cols,
                    a: &a.data[a.index(l, i, 0)..],
                    a_stride: a.row_stride,
                    b: &b.data[b.index(l, 0, j)..],
                    b_stride: b.col_stride,
                };
                let sums = self.run(&block);
                for (i, sums) in (i..i + block.rows).zip(sums) {
                    // SAFETY: the row lies in this task's tile, and this is the only reference into it.
                    let c = unsafe { job.c.row(l, i, j..j + block.cols) };
                    finish(job, j, &sums[..block.cols], c);
                }
            }
        }
    }

    fn run(&self, block: &Block<'_>) -> [[f32; COLS]; COLS] {
        let Block { rows, cols, k, a, a_stride, b, b_stride } = *block;
        assert!((1..=self.rows).contains(&rows) && (1..=COLS).contains(&cols) && k > 0);
        assert!((rows - 1) * a_stride + k <= a.len() && (cols - 1) * b_stride + k <= b.len());
        // SAFETY: `new` has seen that the processor has the instructions, and A and B are long enough.
        unsafe { (self.run)(block) }
    }
}

/// Stores sums from column `j` on, with beta and the epilogue.
fn finish(job: &Job<'_, f32>, j: usize, sums: &[f32], c: &mut [f32]) {
    for ((j, &sum), c) in (j..).zip(sums).zip(c) {
        let kept = if job.beta == 0.0 { 0.0 } else { job.beta * *c };
        let x = sum + kept + job.epilogue.bias.map_or(0.0, |bias| bias[j]);
        *c = if job.epilogue.activation == Activation::Relu && x < 0.0 { 0.0 } else { x };
    }
}

/// `R` rows times `C` columns.
///
/// # Safety
/// `R = rows`, `C = cols`, A and B readable there for k elements.
#[inline(always)]
unsafe fn dots<S: Simd, const R: usize, const C: usize>(simd: S, block: &Block<'_>) -> [[f32; COLS]; COLS] {
    let mut sums = [[simd.splat(0.0); C]; R];
    let whole = block.k - block.k % S::LANES;
    for p in (0..whole).step_by(S::LANES) {
        // SAFETY: the lanes from p on end at k at the latest.
        unsafe { step(simd, block, p, simd.mask(first(S::LANES)), &mut sums) }
    }
    if whole < block.k {
        // SAFETY: the mask ends at k.
        unsafe { step(simd, block, whole, simd.mask(first(block.k - whole)), &mut sums) }
    }
    let mut totals = [[0.0; COLS]; COLS];
    for (totals, sums) in totals.iter_mut().zip(sums) {
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total = simd.total(sum);
        }
    }
    totals
}

/// Adds the products of one vector, from `p` on, of each row of A and each column of B.
///
/// # Safety
/// A and B readable from `p` on where the mask is set.
#[inline(always)]
unsafe fn step<S: Simd, const R: usize, const C: usize>(
    simd: S,
    block: &Block<'_>,
    p: usize,
    mask: S::Mask,
    sums: &mut [[S::Vector; C]; R],
) {
    let mut x = [simd.splat(0.0); R];
    for (i, x) in x.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *x = unsafe { simd.load(block.a.as_ptr().add(i * block.a_stride + p), mask) };
    }
    for j in 0..C {
        // SAFETY: the caller's promise.
        let y = unsafe { simd.load(block.b.as_ptr().add(j * block.b_stride + p), mask) };
        for (&x, sums) in x.iter().zip(sums.iter_mut()) {
            sums[j] = simd.fma(x, y, sums[j]);
        }
    }
}

/// The kernel of an instruction set for each number of rows and columns.
macro_rules! kernels {
    ($name:ident, $features:literal, $simd:ident, $($rows:literal)*) => {
        /// # Safety
        /// The instruction set, and that of [`dots`].
        #[target_feature(enable = $features)]
        unsafe fn $name(block: &Block<'_>) -> [[f32; COLS]; COLS] {
            // SAFETY: the caller's promise is passed on.
            unsafe {
                let simd = $simd::new();
                match (block.rows, block.cols) {
                    $(
                        ($rows, 1) => dots::<_, $rows, 1>(simd, block),
                        ($rows, 2) => dots::<_, $rows, 2>(simd, block),
                        ($rows, 3) => dots::<_, $rows, 3>(simd, block),
                        ($rows, 4) => dots::<_, $rows, 4>(simd, block),
                    )*
                    _ => [[0.0; COLS]; COLS],
                }
            }
        }
    };
}
kernels!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512, 1 2 3 4);
kernels!(avx2, "avx2,fma", Avx2, 1 2 3);
