//! Matrix products `C = A B + beta C` with an epilogue, for one matrix or a batch, on strided operands.
//!
//! The product is cut into tiles of C by a rule that looks at sizes only, and every element of C is summed over k in
//! one fixed order inside one task, so the bits do not depend on the number of threads. Operands are read through
//! their strides: a transposed matrix needs no copy.

mod operand;
mod portable;
mod split;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

use super::math::Float;
use super::parallel::for_each_task;
use super::simd::{self, Level};
use operand::Output;
pub(crate) use operand::{Matrix, MatrixMut};
use split::{Split, Tile};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Bias, Micro, Panel, Segment, transpose};

/// What happens to an element of C when its sum is complete, while it is still in cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epilogue<'a, T> {
    /// Added to each row: one value per column of C.
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) activation: Activation,
}

/// The function that ends the epilogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// None.
    #[default]
    Identity,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
}

/// An element type that has matrix products.
pub(crate) trait GemmElement: Float + portable::Portable {
    /// Computes one tile of C and its epilogue.
    #[doc(hidden)]
    fn tile(job: &Job<'_, Self>, tile: &Tile);

    /// Computes all tiles.
    #[doc(hidden)]
    fn tiles(job: Job<'_, Self>, split: &Split) {
        job.run(split);
    }

    /// The slice itself, if this type is f32, which has kernels that others have not.
    fn f32s(_: &[Self]) -> Option<&[f32]> {
        None
    }

    /// As [`f32s`](GemmElement::f32s).
    fn f32s_mut(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }
}

impl GemmElement for f32 {
    fn tile(job: &Job<'_, Self>, tile: &Tile) {
        #[cfg(target_arch = "x86_64")]
        if x86::tile(job, tile) {
            return;
        }
        portable::tile(job, tile);
    }

    #[cfg(target_arch = "x86_64")]
    fn tiles(job: Job<'_, Self>, split: &Split) {
        x86::tiles(job, split);
    }

    fn f32s(x: &[Self]) -> Option<&[f32]> {
        Some(x)
    }

    fn f32s_mut(x: &mut [Self]) -> Option<&mut [f32]> {
        Some(x)
    }
}

impl GemmElement for f64 {
    fn tile(job: &Job<'_, Self>, tile: &Tile) {
        portable::tile(job, tile);
    }
}

/// One product, or a batch of them, with all sizes checked.
pub(crate) struct Job<'a, T> {
    /// Only the kernels for x86-64 look at it.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    level: Level,
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    /// All of B in the order in which the kernels read it, if it was packed before the tasks.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    packed: Option<&'a [T]>,
    beta: T,
    c: Output<'a, T>,
    epilogue: Epilogue<'a, T>,
}

/// `C = A B + beta C`, then the epilogue: `[m, k] x [k, n] -> [m, n]`, for each matrix of the batch.
///
/// With `beta = 0` C is not read, so it may hold anything. The caller has checked that the shapes fit.
///
/// # Panics
/// If sizes of a, b, c and the bias do not fit each other.
pub(crate) fn gemm<T: GemmElement>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    beta: T,
    c: MatrixMut<'_, T>,
    epilogue: Epilogue<'_, T>,
) {
    gemm_at(simd::level(), a, b, beta, c, epilogue);
}

/// [`gemm`] on the calling thread alone, uncut: for products inside a task, so small that their operands stay in cache.
///
/// # Panics
/// As [`gemm`].
pub(crate) fn gemm_inside_task<T: GemmElement>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    beta: T,
    c: MatrixMut<'_, T>,
) {
    if let Some(job) = Job::new(simd::level(), a, b, beta, c, Epilogue::default()) {
        for matrix in 0..job.c.batch {
            T::tile(&job, &Tile { matrix, rows: 0..job.c.rows, cols: 0..job.c.cols });
        }
    }
}

/// [`gemm`] on the instruction set `level`, which this processor has.
fn gemm_at<T: GemmElement>(
    level: Level,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    beta: T,
    c: MatrixMut<'_, T>,
    epilogue: Epilogue<'_, T>,
) {
    if let Some(job) = Job::new(level, a, b, beta, c, epilogue) {
        let split = Split::new(job.c.batch, job.c.rows, job.a.cols, job.c.cols);
        T::tiles(job, &split);
    }
}

impl<'a, T: GemmElement> Job<'a, T> {
    /// The checked job; `None` where C has no elements.
    fn new(
        level: Level,
        a: Matrix<'a, T>,
        b: Matrix<'a, T>,
        beta: T,
        c: MatrixMut<'a, T>,
        epilogue: Epilogue<'a, T>,
    ) -> Option<Self> {
        let c = Output::new(c);
        assert_eq!((a.rows, b.cols, a.cols), (c.rows, c.cols, b.rows), "gemm: [m, k] x [k, n] -> [m, n]");
        assert_eq!((a.batch, b.batch), (c.batch, c.batch), "gemm: batch sizes");
        assert!(epilogue.bias.is_none_or(|bias| bias.len() == b.cols), "gemm: one bias per column");
        let empty = c.batch == 0 || c.rows == 0 || c.cols == 0;
        (!empty).then_some(Job { level, a, b, packed: None, beta, c, epilogue })
    }

    /// Computes all tiles, as tasks.
    fn run(&self, split: &Split) {
        for_each_task(split.tasks(), |task| split.tiles(task).for_each(|tile| T::tile(self, &tile)));
    }
}
