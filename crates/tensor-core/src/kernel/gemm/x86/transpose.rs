//! Transposed copies, eight by eight in registers.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use crate::kernel::simd::{Level, level};

/// Side of the squares that are transposed in registers.
const SQUARE: usize = 8;

/// `to[p * width + j] = from[j * stride + p]` for `j < columns`, p below the number of rows of `width` in `to`.
pub(crate) fn transpose(from: &[f32], stride: usize, columns: usize, to: &mut [f32], width: usize) {
    let k = to.len() / width;
    if k == 0 || columns == 0 {
        return;
    }
    assert!(columns <= width && (columns - 1) * stride + k <= from.len());
    let (k_squares, column_squares) = squares(from, stride, columns, to, width);
    for p in 0..k {
        let done = if p < k_squares { column_squares } else { 0 };
        for j in done..columns {
            to[p * width + j] = from[j * stride + p];
        }
    }
}

/// Does whole squares; returns how many rows and columns of `to` are done.
fn squares(from: &[f32], stride: usize, columns: usize, to: &mut [f32], width: usize) -> (usize, usize) {
    if level() < Level::Avx2 {
        return (0, 0);
    }
    let k = to.len() / width;
    let (k, columns) = (k - k % SQUARE, columns - columns % SQUARE);
    for j in (0..columns).step_by(SQUARE) {
        for p in (0..k).step_by(SQUARE) {
            // SAFETY: the processor has AVX2. The square reads 8 elements from each of the columns j to j + 7 and
            // writes 8 to each of the rows p to p + 7, all below `columns` and `k`: inside by the assertion in
            // `transpose`, and since `to` has k rows of `width >= columns`.
            unsafe {
                square(from.as_ptr().add(j * stride + p), stride, to.as_mut_ptr().add(p * width + j), width)
            }
        }
    }
    (k, columns)
}

/// # Safety
/// AVX2; 8 readable elements at each of 8 places `stride` apart, 8 writable ones at each of 8 places `width` apart.
#[target_feature(enable = "avx2")]
unsafe fn square(from: *const f32, stride: usize, to: *mut f32, width: usize) {
    // SAFETY: the caller's promise.
    let four = |column: usize, p: usize| unsafe { _mm_loadu_ps(from.add(column * stride + p)) };
    for p in [0, 4] {
        // Elements p to p + 3 of column j in the low half, of column j + 4 in the high half.
        let pair = |j| _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(four(j, p)), four(j + 4, p));
        let (c0, c1, c2, c3) = (pair(0), pair(1), pair(2), pair(3));
        let (low01, low23) = (_mm256_unpacklo_ps(c0, c1), _mm256_unpacklo_ps(c2, c3));
        let (high01, high23) = (_mm256_unpackhi_ps(c0, c1), _mm256_unpackhi_ps(c2, c3));
        let rows = [
            _mm256_shuffle_ps::<0x44>(low01, low23),
            _mm256_shuffle_ps::<0xee>(low01, low23),
            _mm256_shuffle_ps::<0x44>(high01, high23),
            _mm256_shuffle_ps::<0xee>(high01, high23),
        ];
        for (i, row) in rows.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_ps(to.add((p + i) * width), row) }
        }
    }
}
