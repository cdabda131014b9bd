//! The innermost loop of f32 products: a panel of C held in vector registers while k runs.
//!
//! A panel has up to [`Micro::rows`] rows and [`Micro::cols`] columns, two vectors wide. Each step of k loads two
//! vectors of B and multiplies them by one number of each row of A. Columns beyond the edge are masked off, so B needs
//! no padding, and every row count has a copy of its own, so rows can be dealt out evenly.
#![allow(unsafe_code)]

use crate::kernel::simd::Level;

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
        assert!(level <= crate::kernel::simd::level(), "this processor has no {level:?}");
        match level {
            #[cfg(target_arch = "x86_64")]
            // 14 x 2 sums, 2 vectors of B and a spare one fill 31 of the 32 registers.
            Level::Avx512 => Some(Self { rows: 14, cols: 32, run: x86::avx512 }),
            #[cfg(target_arch = "x86_64")]
            // 6 x 2 sums, 2 vectors of B and a number of A fill 15 of the 16 registers.
            Level::Avx2 => Some(Self { rows: 6, cols: 16, run: x86::avx2 }),
            _ => None,
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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Panel;
    use std::arch::x86_64::*;

    /// A vector of f32. Methods compile to one instruction each, inside a function that enables the instruction set.
    ///
    /// # Safety
    /// The processor has the instruction set; pointers are valid where the mask is set.
    trait Vector: Copy {
        const LANES: usize;
        type Mask: Copy;
        /// The first `count` lanes; all of them for a larger count.
        unsafe fn mask(count: usize) -> Self::Mask;
        unsafe fn splat(x: f32) -> Self;
        /// 0 where the mask is not set, without touching memory there.
        unsafe fn load(from: *const f32, mask: Self::Mask) -> Self;
        unsafe fn store(self, to: *mut f32, mask: Self::Mask);
        unsafe fn add(self, b: Self) -> Self;
        /// `self * b + c`.
        unsafe fn fma(self, b: Self, c: Self) -> Self;
        /// The larger of 0 and `self`; NaN stays.
        unsafe fn relu(self) -> Self;
    }

    macro_rules! vector {
        ($v:ty, $lanes:literal, $mask:ty, $make_mask:expr, $set1:ident, $load:expr, $store:expr, $add:ident, $fma:ident, $max:ident, $zero:ident) => {
            impl Vector for $v {
                const LANES: usize = $lanes;
                type Mask = $mask;
                #[inline(always)]
                unsafe fn mask(count: usize) -> Self::Mask {
                    // SAFETY: the caller's processor has the instruction.
                    unsafe { $make_mask(count) }
                }
                #[inline(always)]
                unsafe fn splat(x: f32) -> Self {
                    // SAFETY: the caller's processor has the instruction.
                    unsafe { $set1(x) }
                }
                #[inline(always)]
                unsafe fn load(from: *const f32, mask: Self::Mask) -> Self {
                    // SAFETY: the caller's processor has the instruction; it reads where the mask is set only.
                    unsafe { $load(from, mask) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32, mask: Self::Mask) {
                    // SAFETY: the caller's processor has the instruction; it writes where the mask is set only.
                    unsafe { $store(to, mask, self) }
                }
                #[inline(always)]
                unsafe fn add(self, b: Self) -> Self {
                    // SAFETY: the caller's processor has the instruction.
                    unsafe { $add(self, b) }
                }
                #[inline(always)]
                unsafe fn fma(self, b: Self, c: Self) -> Self {
                    // SAFETY: the caller's processor has the instruction.
                    unsafe { $fma(self, b, c) }
                }
                #[inline(always)]
                unsafe fn relu(self) -> Self {
                    // SAFETY: the caller's processor has the instruction. It returns the second operand for NaN.
                    unsafe { $max($zero(), self) }
                }
            }
        };
    }

    vector!(
        __m512,
        16,
        __mmask16,
        |count: usize| _mm512_cmpgt_epi32_mask(
            _mm512_set1_epi32(count.min(16) as i32),
            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        ),
        _mm512_set1_ps,
        |from, mask| _mm512_maskz_loadu_ps(mask, from),
        |to, mask, x| _mm512_mask_storeu_ps(to, mask, x),
        _mm512_add_ps,
        _mm512_fmadd_ps,
        _mm512_max_ps,
        _mm512_setzero_ps
    );

    vector!(
        __m256,
        8,
        __m256i,
        |count: usize| _mm256_cmpgt_epi32(
            _mm256_set1_epi32(count.min(8) as i32),
            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)
        ),
        _mm256_set1_ps,
        |from, mask| _mm256_maskload_ps(from, mask),
        |to, mask, x| _mm256_maskstore_ps(to, mask, x),
        _mm256_add_ps,
        _mm256_fmadd_ps,
        _mm256_max_ps,
        _mm256_setzero_ps
    );

    /// A panel of `R` rows, `W` vectors wide.
    ///
    /// # Safety
    /// That of [`super::Micro::run`], the sizes checked there, and `R = rows`, `cols` more than `W - 1` vectors.
    #[inline(always)]
    unsafe fn panel<V: Vector, const R: usize, const W: usize>(panel: &Panel<'_>) {
        let [row, step] = panel.a_strides;
        let (mut a, mut b) = (panel.a.as_ptr(), panel.b.as_ptr());
        // SAFETY: A is read at rows below R and B at columns below `cols` by the masks, for k steps: checked by the
        // caller. `a` and `b` move past the end after the last step, hence `wrapping_add`. C is the caller's promise.
        unsafe {
            let mask: [V::Mask; W] = std::array::from_fn(|w| V::mask(panel.cols - w * V::LANES));
            let mut sum = [[V::splat(0.0); W]; R];
            for _ in 0..panel.k {
                let column: [V; W] = std::array::from_fn(|w| V::load(b.add(w * V::LANES), mask[w]));
                for (i, sum) in sum.iter_mut().enumerate() {
                    let x = V::splat(*a.add(i * row));
                    for (sum, &column) in sum.iter_mut().zip(&column) {
                        *sum = x.fma(column, *sum);
                    }
                }
                a = a.wrapping_add(step);
                b = b.wrapping_add(panel.b_stride);
            }
            for (i, sum) in sum.into_iter().enumerate() {
                for (w, mut x) in sum.into_iter().enumerate() {
                    let c = panel.c.add(i * panel.c_stride + w * V::LANES);
                    if panel.beta == 1.0 {
                        x = x.add(V::load(c, mask[w]));
                    } else if panel.beta != 0.0 {
                        x = V::splat(panel.beta).fma(V::load(c, mask[w]), x);
                    }
                    if let Some(bias) = panel.bias {
                        x = x.add(V::load(bias.as_ptr().add(w * V::LANES), mask[w]));
                    }
                    if panel.relu {
                        x = x.relu();
                    }
                    x.store(c, mask[w]);
                }
            }
        }
    }

    /// The kernel of `level` for each number of rows, one or two vectors wide.
    macro_rules! kernels {
        ($name:ident, $features:literal, $v:ty, $($rows:literal)*) => {
            #[target_feature(enable = $features)]
            pub(super) unsafe fn $name(arguments: &Panel<'_>) {
                // SAFETY: the caller's promise is passed on.
                unsafe {
                    match (arguments.rows, arguments.cols > <$v>::LANES) {
                        $(
                            ($rows, false) => panel::<$v, $rows, 1>(arguments),
                            ($rows, true) => panel::<$v, $rows, 2>(arguments),
                        )*
                        _ => {}
                    }
                }
            }
        };
    }
    kernels!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", __m512, 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    kernels!(avx2, "avx2,fma", __m256, 1 2 3 4 5 6);
}
