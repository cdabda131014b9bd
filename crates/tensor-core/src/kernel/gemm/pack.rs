//! Copies parts of the operands into panels that the kernels read front to back.

use super::transpose::transpose;

/// Copies `[k, columns]` of B, element `(p, j)` at `p * row + j * col`, into panels `[k][width]`, one after the other.
/// What is beside the last column stays.
pub(super) fn pack_columns(
    from: &[f32],
    [row, col]: [usize; 2],
    columns: usize,
    to: &mut [f32],
    k: usize,
    width: usize,
) {
    for (j, to) in (0..columns).step_by(width).zip(to.chunks_exact_mut(k * width)) {
        let (from, count) = (&from[j * col..], width.min(columns - j));
        if row == 1 {
            transpose(from, col, count, to, width);
        } else {
            copy(from, [row, col], count, to, width);
        }
    }
}

/// `to[i * width + j] = from[i * outer + j * inner]` for `j < count`.
pub(super) fn copy(from: &[f32], [outer, inner]: [usize; 2], count: usize, to: &mut [f32], width: usize) {
    for (i, to) in to.chunks_exact_mut(width).enumerate() {
        let (from, to) = (&from[i * outer..], &mut to[..count]);
        if inner == 1 {
            copy_short(from, to);
        } else {
            for (j, to) in to.iter_mut().enumerate() {
                *to = from[j * inner];
            }
        }
    }
}

/// Copies the front of `from`, in pieces that need no call.
#[inline(always)]
fn copy_short(from: &[f32], to: &mut [f32]) {
    let from = &from[..to.len()];
    let (pieces, rest) = from.as_chunks::<8>();
    let (to_pieces, to_rest) = to.as_chunks_mut::<8>();
    for (to, from) in to_pieces.iter_mut().zip(pieces) {
        *to = *from;
    }
    for (to, from) in to_rest.iter_mut().zip(rest) {
        *to = *from;
    }
}
