//! Copies a block of B into panels that the kernels read front to back.

use super::transpose::transpose;

/// Copies `[k, columns]` of B, element `(p, j)` at `p * row + j * col`, into panels `[k][width]`, one after the other.
/// What is beside the last column stays.
pub(super) fn pack(
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
            continue;
        }
        for (p, to) in to.chunks_exact_mut(width).enumerate() {
            copy(&from[p * row..], col, &mut to[..count]);
        }
    }
}

/// `to[j] = from[j * stride]`.
fn copy(from: &[f32], stride: usize, to: &mut [f32]) {
    if stride != 1 {
        for (j, to) in to.iter_mut().enumerate() {
            *to = from[j * stride];
        }
        return;
    }
    // In pieces of a fixed size: a call for each row of a panel would cost more than the copy.
    let (pieces, rest) = from[..to.len()].as_chunks::<8>();
    let (to_pieces, to_rest) = to.as_chunks_mut::<8>();
    for (to, piece) in to_pieces.iter_mut().zip(pieces) {
        *to = *piece;
    }
    for (to, x) in to_rest.iter_mut().zip(rest) {
        *to = *x;
    }
}
