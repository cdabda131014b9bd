//! The innermost loop of f32 products: a panel of C held in vector registers while k runs.
//!
//! A panel has up to [`Micro::rows`] rows and [`Micro::cols`] columns, two vectors wide. Each step of k loads two
//! vectors of B and multiplies them by one number of each row of A. Columns beyond the edge are masked off, so B needs
//! no padding, and every row count has a copy of its own, so rows can be dealt out evenly.
#![allow(unsafe_code)]

use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};

use super::vector::{Avx2, Avx512, Simd, first};
use crate::kernel::simd::{self, Level};

/// One panel: `C = A B + beta C`, then bias and relu.
pub(crate) struct Panel<'a> {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// The steps of k.
    pub(crate) segments: &'a [Segment],
    /// Element `(i, p)` at `i * a_strides[0] + p * a_strides[1]` from where its segment begins.
    pub(crate) a: &'a [f32],
    pub(crate) a_strides: [usize; 2],
    /// Element `(p, j)` at `p * b_stride + j` from where its segment begins.
    pub(crate) b: &'a [f32],
    pub(crate) b_stride: usize,
    pub(crate) beta: f32,
    pub(crate) bias: Bias<'a>,
    pub(crate) relu: bool,
    /// Element `(i, j)` of C at `i * c_stride + j`.
    pub(crate) c_stride: usize,
}

/// Steps of k whose operands lie evenly apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) k: usize,
    /// Where its first element of A is.
    pub(crate) a: usize,
    /// Where its first column of B is, or would be.
    pub(crate) b: isize,
    /// The columns of B that are there, a bit each; the others are 0.
    pub(crate) columns: u32,
}

impl Segment {
    /// All of k, all of the first `cols` columns.
    pub(crate) fn whole(k: usize, cols: usize) -> Self {
        Self { k, a: 0, b: 0, columns: first(cols) }
    }

    /// Whether all of its elements lie in `panel`'s slices.
    fn fits(&self, panel: &Panel<'_>) -> bool {
        let Some(steps) = self.k.checked_sub(1) else { return true };
        let a = self.a + (panel.rows - 1) * panel.a_strides[0] + steps * panel.a_strides[1] < panel.a.len();
        let (least, count) =
            (self.columns.trailing_zeros() as isize, 32 - self.columns.leading_zeros() as isize);
        let end = self.b + (steps * panel.b_stride) as isize + count;
        let b = self.b + least >= 0 && end <= panel.b.len() as isize && count <= panel.cols as isize;
        a && (self.columns == 0 || b)
    }
}

/// What is added to C.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bias<'a> {
    None,
    /// One number for each row of the panel.
    Rows(&'a [f32]),
    /// One for each column.
    Columns(&'a [f32]),
}

/// The kernels of one instruction set.
#[derive(Clone, Copy)]
pub(crate) struct Micro {
    /// Most rows of a panel.
    pub(crate) rows: usize,
    /// Most columns of a panel.
    pub(crate) cols: usize,
    run: unsafe fn(&Panel<'_>, *mut f32),
}

impl Micro {
    /// The kernels of `level`, if it has any. `level` must be one that this processor has.
    pub(crate) fn new(level: Level) -> Option<Self> {
        assert!(level <= simd::level(), "this processor has no {level:?}");
        match level {
            // 14 x 2 sums, 2 vectors of B and a spare one fill 31 of the 32 registers.
            Level::Avx512 => Some(Self { rows: 14, cols: 32, run: avx512 }),
            // 6 x 2 sums, 2 vectors of B and a number of A fill 15 of the 16 registers.
            Level::Avx2 => Some(Self { rows: 6, cols: 16, run: avx2 }),
            Level::Baseline => None,
        }
    }

    /// Computes one panel of `c`.
    pub(crate) fn run_in(&self, panel: &Panel<'_>, c: &mut [f32]) {
        assert!((panel.rows.max(1) - 1) * panel.c_stride + panel.cols <= c.len());
        // SAFETY: the last element lies inside `c`, which is ours alone.
        unsafe { self.run(panel, c.as_mut_ptr()) }
    }

    /// Computes one panel at `c`.
    ///
    /// # Safety
    /// `c` may be written (and, for beta other than 0, read) at every index of the panel, and no one else does.
    pub(super) unsafe fn run(&self, panel: &Panel<'_>, c: *mut f32) {
        let Panel { rows, cols, .. } = *panel;
        assert!((1..=self.rows).contains(&rows) && (1..=self.cols).contains(&cols));
        assert!(panel.segments.iter().all(|segment| segment.fits(panel)));
        match panel.bias {
            Bias::None => {}
            Bias::Rows(bias) => assert!(bias.len() >= rows),
            Bias::Columns(bias) => assert!(bias.len() >= cols),
        }
        // SAFETY: `new` has seen that the processor has the instructions; A, B and the bias are long enough by the
        // checks above (matrices in memory, so the products do not overflow); the caller vouches for C.
        unsafe { (self.run)(panel, c) }
    }
}

/// A panel of `R` rows, `W` vectors wide.
///
/// # Safety
/// That of [`Micro::run`], the sizes checked there, and `R = rows`, `cols` more than `W - 1` vectors.
#[inline(always)]
unsafe fn panel<S: Simd, const R: usize, const W: usize>(simd: S, panel: &Panel<'_>, c: *mut f32) {
    let [row, step] = panel.a_strides;
    // C is often in no near cache, and its lines come while k runs.
    for i in 0..R {
        for w in 0..W {
            fetch_to_write(c.wrapping_add(i * panel.c_stride + w * S::LANES));
        }
    }
    let mut sum = [[simd.splat(0.0); W]; R];
    for segment in panel.segments {
        // Where no column is there, B may begin outside, and is not read.
        let mut a = panel.a.as_ptr().wrapping_add(segment.a);
        let mut b = panel.b.as_ptr().wrapping_offset(segment.b);
        let mask: [_; W] = std::array::from_fn(|w| simd.mask(segment.columns >> (w * S::LANES)));
        for _ in 0..segment.k {
            let mut column = [simd.splat(0.0); W];
            for (w, column) in column.iter_mut().enumerate() {
                // SAFETY: B holds the columns of the mask for each of the segment's steps.
                *column = unsafe { simd.load(b.wrapping_add(w * S::LANES), mask[w]) };
            }
            for (i, sum) in sum.iter_mut().enumerate() {
                // SAFETY: A holds R rows for each of the segment's steps.
                let x = simd.splat(unsafe { *a.add(i * row) });
                for (sum, &column) in sum.iter_mut().zip(&column) {
                    *sum = simd.fma(x, column, *sum);
                }
            }
            // Past the end after the last step.
            (a, b) = (a.wrapping_add(step), b.wrapping_add(panel.b_stride));
        }
    }
    for (i, sum) in sum.into_iter().enumerate() {
        for (w, sum) in sum.into_iter().enumerate() {
            let mask = simd.mask(first(panel.cols - w * S::LANES));
            // SAFETY: the element is inside C as the caller vouches, and inside the bias; the mask ends at `cols`.
            unsafe {
                let c = c.add(i * panel.c_stride + w * S::LANES);
                let bias = match panel.bias {
                    Bias::None => simd.splat(0.0),
                    Bias::Rows(bias) => simd.splat(*bias.get_unchecked(i)),
                    Bias::Columns(bias) => simd.load(bias.as_ptr().add(w * S::LANES), mask),
                };
                finish(simd, panel, sum, c, bias, mask, panel.cols == W * S::LANES);
            }
        }
    }
}

/// Asks for a cache line that will be written. Any address will do.
#[inline(always)]
fn fetch_to_write(line: *const f32) {
    // SAFETY: a hint, which never faults; SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_ET0>(line.cast()) }
}

/// Stores one vector of sums with beta and the epilogue.
///
/// # Safety
/// `c` is valid where the mask is set.
#[inline(always)]
unsafe fn finish<S: Simd>(
    simd: S,
    panel: &Panel<'_>,
    mut x: S::Vector,
    c: *mut f32,
    bias: S::Vector,
    mask: S::Mask,
    whole: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if panel.beta != 0.0 {
            x = simd.fma(simd.splat(panel.beta), simd.load(c, mask), x);
        }
        if !matches!(panel.bias, Bias::None) {
            x = simd.add(x, bias);
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
        unsafe fn $name(arguments: &Panel<'_>, c: *mut f32) {
            // SAFETY: the caller's promise is passed on.
            unsafe {
                let simd = $simd::new();
                match (arguments.rows, arguments.cols > $simd::LANES) {
                    $(
                        ($rows, false) => panel::<_, $rows, 1>(simd, arguments, c),
                        ($rows, true) => panel::<_, $rows, 2>(simd, arguments, c),
                    )*
                    _ => {}
                }
            }
        }
    };
}
kernels!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512, 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
kernels!(avx2, "avx2,fma", Avx2, 1 2 3 4 5 6);
