//! Copies blocks of B into panels that the kernels read front to back.

use std::cell::Cell;

use super::super::Job;
use super::super::operand::Matrix;
use super::super::split::{BLOCK, Split};
use super::micro::Micro;
use super::transpose::transpose;
use crate::kernel::parallel::{CHUNK, for_each_part};

/// B is read in place, without packing, if its rows are at most this many elements apart or if at most `FEW` rows of A
/// use it: measured, with little difference around these values.
const SHORT: usize = 512;
const FEW: usize = 64;

/// Largest B that is packed whole, in elements (16 MiB): it takes as much memory again. Of a larger one each tile packs
/// its part, which is a small share of its work then.
const WHOLE: usize = 1 << 22;

thread_local! {
    /// Kept between calls, so that a product asks for no memory in the steady state.
    static WHOLE_B: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// How many blocks k is cut into, and the length of all but the last.
pub(super) fn blocks(k: usize) -> (usize, usize) {
    let blocks = k.div_ceil(BLOCK).max(1);
    (blocks, k.div_ceil(blocks))
}

/// Whether `rows` rows of A read B where it lies.
pub(super) fn in_place(b: &Matrix<'_, f32>, rows: usize) -> bool {
    b.col_stride == 1 && (rows <= FEW || b.row_stride <= SHORT)
}

/// Runs the tasks of a product: where several tiles would pack the same part of B, after it has been packed for all.
pub(in super::super) fn tiles(job: Job<'_, f32>, split: &Split) {
    let Some(micro) = Micro::new(job.level).filter(|_| split.tiles_share_columns()) else {
        return job.run(split);
    };
    let (k, columns) = (job.b.rows, job.b.cols.next_multiple_of(micro.cols));
    if k == 0 || k * columns > WHOLE || in_place(&job.b, job.c.rows) {
        return job.run(split);
    }
    let mut room = WHOLE_B.take();
    if room.len() < k * columns {
        room.resize(k * columns, 0.0);
    }
    pack_whole(&job.b, &mut room[..k * columns], micro.cols);
    Job { packed: Some(&room[..k * columns]), ..job }.run(split);
    WHOLE_B.set(room);
}

/// Packs B block by block of k, panel by panel.
fn pack_whole(b: &Matrix<'_, f32>, to: &mut [f32], width: usize) {
    let (columns, length) = (b.cols.next_multiple_of(width), blocks(b.rows).1);
    let tasks = to.len().div_ceil(CHUNK);
    let panels = to.chunks_mut(length * columns).enumerate().flat_map(|(block, to)| {
        let k = to.len() / columns;
        to.chunks_mut(k * width).enumerate().map(move |(panel, to)| (block * length, k, panel * width, to))
    });
    for_each_part(tasks, panels, |(p, k, j, to)| {
        let from = &b.data[b.index(0, p, j)..];
        pack(from, [b.row_stride, b.col_stride], width.min(b.cols - j), to, k, width);
    });
}

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
