//! Vectors of f32, so that a kernel is written once for every width.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// The lowest `count` bits; all of them for a larger count.
pub(super) fn first(count: usize) -> u32 {
    if count < 32 { (1 << count) - 1 } else { u32::MAX }
}

/// An instruction set that this processor has: who holds a value of such a type may use its instructions.
///
/// Each method is one instruction or a few, inside a function that enables the instruction set.
pub(super) trait Simd: Copy {
    const LANES: usize;
    type Vector: Copy;
    type Mask: Copy;

    /// The lanes whose bit is set, the first lane's lowest.
    fn mask(self, bits: u32) -> Self::Mask;

    fn splat(self, x: f32) -> Self::Vector;

    /// 0 where the mask is not set.
    ///
    /// # Safety
    /// `from` can be read in the lanes of the mask; the others are not touched.
    unsafe fn load(self, from: *const f32, mask: Self::Mask) -> Self::Vector;

    /// # Safety
    /// `to` can be written in the lanes of the mask; the others are not touched.
    unsafe fn store(self, to: *mut f32, mask: Self::Mask, x: Self::Vector);

    /// Stores all lanes: with a mask it takes far longer on some processors, even if every lane is set.
    ///
    /// # Safety
    /// `to` can be written in all lanes.
    unsafe fn store_all(self, to: *mut f32, x: Self::Vector);

    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a * b + c`.
    fn fma(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// The larger of 0 and `x`; NaN stays.
    fn relu(self, x: Self::Vector) -> Self::Vector;

    /// The sum of the lanes: halves added until one is left.
    fn total(self, x: Self::Vector) -> f32;
}

macro_rules! simd {
    ($(#[$doc:meta])* $name:ident, $lanes:literal, $vector:ident, $mask:ident,
     mask: $make_mask:expr, splat: $splat:ident, load: $load:expr, store: $store:expr, store_all: $store_all:ident,
     add: $add:ident, fma: $fma:ident, max: $max:ident, total: $total:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $name(());

        impl $name {
            /// # Safety
            /// This processor has the instruction set.
            pub(super) unsafe fn new() -> Self {
                Self(())
            }
        }

        impl Simd for $name {
            const LANES: usize = $lanes;
            type Vector = $vector;
            type Mask = $mask;

            #[inline(always)]
            fn mask(self, bits: u32) -> Self::Mask {
                // SAFETY: `self` shows that the processor has the instructions.
                unsafe { $make_mask(bits) }
            }
            #[inline(always)]
            fn splat(self, x: f32) -> Self::Vector {
                // SAFETY: `self` shows that the processor has the instruction.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(self, from: *const f32, mask: Self::Mask) -> Self::Vector {
                // SAFETY: `self` shows that the processor has the instruction; the caller vouches for the lanes.
                unsafe { $load(from, mask) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32, mask: Self::Mask, x: Self::Vector) {
                // SAFETY: `self` shows that the processor has the instruction; the caller vouches for the lanes.
                unsafe { $store(to, mask, x) }
            }
            #[inline(always)]
            unsafe fn store_all(self, to: *mut f32, x: Self::Vector) {
                // SAFETY: `self` shows that the processor has the instruction; the caller vouches for the lanes.
                unsafe { $store_all(to, x) }
            }
            #[inline(always)]
            fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
                // SAFETY: `self` shows that the processor has the instruction.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn fma(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
                // SAFETY: `self` shows that the processor has the instruction.
                unsafe { $fma(a, b, c) }
            }
            #[inline(always)]
            fn relu(self, x: Self::Vector) -> Self::Vector {
                // SAFETY: `self` shows that the processor has the instruction. For NaN it gives the second operand.
                unsafe { $max($splat(0.0), x) }
            }
            #[inline(always)]
            fn total(self, x: Self::Vector) -> f32 {
                // SAFETY: `self` shows that the processor has the instructions.
                unsafe { $total(x) }
            }
        }
    };
}

simd!(
    /// AVX-512 (F, BW, DQ, VL).
    Avx512, 16, __m512, __mmask16,
    mask: |bits| _cvtu32_mask16(bits),
    splat: _mm512_set1_ps,
    load: |from, mask| _mm512_maskz_loadu_ps(mask, from),
    store: |to, mask, x| _mm512_mask_storeu_ps(to, mask, x),
    store_all: _mm512_storeu_ps,
    add: _mm512_add_ps,
    fma: _mm512_fmadd_ps,
    max: _mm512_max_ps,
    total: |x| _mm512_reduce_add_ps(x)
);

simd!(
    /// AVX2 and FMA.
    Avx2, 8, __m256, __m256i,
    mask: |bits: u32| {
        let places = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits as i32), places), places)
    },
    splat: _mm256_set1_ps,
    load: |from, mask| _mm256_maskload_ps(from, mask),
    store: |to, mask, x| _mm256_maskstore_ps(to, mask, x),
    store_all: _mm256_storeu_ps,
    add: _mm256_add_ps,
    fma: _mm256_fmadd_ps,
    max: _mm256_max_ps,
    total: |x| {
        let x = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
        _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps::<1>(x, x)))
    }
);
