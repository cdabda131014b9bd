//! The innermost loop of f32 products: a panel of C held in vector registers while k runs.
//!
//! A panel has up to [`Micro::rows`] rows and [`Micro::cols`] columns, two vectors wide. Each step of k loads two
//! vectors of B and multiplies them by one number of each row of A. Columns beyond the edge are masked off, so B needs
//! no padding, and every row count has a copy of its own, so rows can be dealt out evenly.
#![allow(unsafe_code)]

use super::vector::{Avx2, Avx512, Simd};
use crate::kernel::simd::{self, Level};

/// One panel: `C = A B + beta C`, then bias and relu.
pub(super) struct Panel<'a> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) k: usize,
    /// Element `(i, p)` at `i * a_strides[0] + p * a_strides[1]`.
    pub(super) a: &'a [f32],
    pub(super) a_strides: [usize; 2],
    /// Element `(p, j)` at `p * b_stride + j`.
    pub(super) b: &'a [f32],
    pub(super) b_stride: usize,
    pub(super) beta: f32,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) relu: bool,
    /// Element `(i, j)` at `i * c_stride + j`.
    pub(super) c: *mut f32,
    pub(super) c_stride: usize,
}

/// The kernels of one instruction set.
#[derive(Clone, Copy)]
pub(super) struct Micro {
    /// Most rows of a panel.
    pub(super) rows: usize,
    /// Most columns of a panel.
    pub(super) cols: usize,
    run: unsafe fn(&Panel<'_>),
}

impl Micro {
    /// The kernels of `level`, if it has any. `level` must be one that this processor has.
    pub(super) fn new(level: Level) -> Option<Self> {
        assert!(level <= simd::level(), "this processor has no {level:?}");
        match level {
            // 14 x 2 sums, 2 vectors of B and a spare one fill 31 of the 32 registers.
            Level::Avx512 => Some(Self { rows: 14, cols: 32, run: avx512 }),
            // 6 x 2 sums, 2 vectors of B and a number of A fill 15 of the 16 registers.
            Level::Avx2 => Some(Self { rows: 6, cols: 16, run: avx2 }),
            Level::Baseline => None,
        }
    }

    /// Computes one panel.
    ///
    /// # Safety
    /// `panel.c` may be written (and, for beta other than 0, read) at every index of the panel, and no one else does.
    pub(super) unsafe fn run(&self, panel: &Panel<'_>) {
        let Panel { rows, cols, k, a_strides, b_stride, .. } = *panel;
        assert!((1..=self.rows).contains(&rows) && (1..=self.cols).contains(&cols));
        if k > 0 {
            assert!((rows - 1) * a_strides[0] + (k - 1) * a_strides[1] < panel.a.len());
            assert!((k - 1) * b_stride + cols <= panel.b.len());
        }
        assert!(panel.bias.is_none_or(|bias| bias.len() >= cols));
        // SAFETY: `new` has seen that the processor has the instructions; A, B and the bias are long enough by the
        // checks above (matrices in memory, so the products do not overflow); the caller vouches for C.
        unsafe { (self.run)(panel) }
    }
}

/// A panel of `R` rows, `W` vectors wide.
///
/// # Safety
/// That of [`Micro::run`], the sizes checked there, and `R = rows`, `cols` more than `W - 1` vectors.
#[inline(always)]
unsafe fn panel<S: Simd, const R: usize, const W: usize>(simd: S, panel: &Panel<'_>) {
    let [row, step] = panel.a_strides;
    let (mut a, mut b) = (panel.a.as_ptr(), panel.b.as_ptr());
    let mut mask = [simd.mask(0); W];
    for (w, mask) in mask.iter_mut().enumerate() {
        *mask = simd.mask(panel.cols - w * S::LANES);
    }
    let mut sum = [[simd.splat(0.0); W]; R];
    for _ in 0..panel.k {
        let mut column = [simd.splat(0.0); W];
        for (w, column) in column.iter_mut().enumerate() {
            // SAFETY: B holds `cols` elements for each of k steps; the mask ends at `cols`.
            *column = unsafe { simd.load(b.add(w * S::LANES), mask[w]) };
        }
        for (i, sum) in sum.iter_mut().enumerate() {
            // SAFETY: A holds R rows for each of k steps.
            let x = simd.splat(unsafe { *a.add(i * row) });
            for (sum, &column) in sum.iter_mut().zip(&column) {
                *sum = simd.fma(x, column, *sum);
            }
        }
        // Past the end after the last step.
        (a, b) = (a.wrapping_add(step), b.wrapping_add(panel.b_stride));
    }
    for (i, sum) in sum.into_iter().enumerate() {
        for (w, sum) in sum.into_iter().enumerate() {
            // SAFETY: the element is inside C as the caller vouches, and inside the bias; the mask ends at `cols`.
            unsafe {
                let c = panel.c.add(i * panel.c_stride + w * S::LANES);
                let bias = panel.bias.map(|bias| bias.as_ptr().add(w * S::LANES));
                finish(simd, panel, sum, c, bias, mask[w], panel.cols == W * S::LANES);
            }
        }
    }
}

/// Stores one vector of sums with beta and the epilogue.
///
/// # Safety
/// `c` and `bias` are valid where the mask is set.
#[inline(always)]
unsafe fn finish<S: Simd>(
    simd: S,
    panel: &Panel<'_>,
    mut x: S::Vector,
    c: *mut f32,
    bias: Option<*const f32>,
    mask: S::Mask,
    whole: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if panel.beta != 0.0 {
            x = simd.fma(simd.splat(panel.beta), simd.load(c, mask), x);
        }
        if let Some(bias) = bias {
            x = simd.add(x, simd.load(bias, mask));
        }
        if panel.relu {
            x = simd.relu(x);
        }
        if whole {
            simd.store_all(c, x);
        } else {
            simd.store(c, mask, x);
        }
    }
}

/// The kernel of an instruction set for each number of rows, one or two vectors wide.
macro_rules! kernels {
    ($name:ident, $features:literal, $simd:ident, $($rows:literal)*) => {
        /// # Safety
        /// The instruction set, and that of [`panel`].
        #[target_feature(enable = $features)]
        unsafe fn $name(arguments: &Panel<'_>) {
            // SAFETY: the caller's promise is passed on.
            unsafe {
                let simd = $simd::new();
                match (arguments.rows, arguments.cols > $simd::LANES) {
                    $(
                        ($rows, false) => panel::<_, $rows, 1>(simd, arguments),
                        ($rows, true) => panel::<_, $rows, 2>(simd, arguments),
                    )*
                    _ => {}
                }
            }
        }
    };
}
kernels!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512, 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
kernels!(avx2, "avx2,fma", Avx2, 1 2 3 4 5 6);
