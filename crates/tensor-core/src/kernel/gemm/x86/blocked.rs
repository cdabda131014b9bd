//! Tiles of f32 products by our own kernels.
//!
//! k is cut into blocks. A block of B is packed once for the tile, or before all tiles for the whole product, and stays in
//! the L2 cache; a few rows of A at a time stay in the L1 cache and meet every panel of B.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ops::Range;

use super::super::split::Tile;
use super::super::{Activation, Job};
use super::micro::{Bias, Micro, Panel, Segment};
use super::pack::{blocks, in_place, pack};

/// Elements of a cache line.
const LINE: usize = 16;

/// Rows this many elements apart (4 KiB) meet in the same few places of an L1 cache and push each other out.
const COLLIDE: usize = 1024;

/// Room for packed operands.
#[derive(Default)]
struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
}

thread_local! {
    /// Kept between calls, so that a product asks for no memory in the steady state.
    static SCRATCH: Cell<Scratch> = const { Cell::new(Scratch { a: Vec::new(), b: Vec::new() }) };
}

/// Computes one tile of C and its epilogue.
pub(super) fn tile(job: &Job<'_, f32>, micro: Micro, tile: &Tile) {
    let k = job.a.cols;
    let (blocks, length) = blocks(k);
    let mut scratch = SCRATCH.take();
    for block in 0..blocks {
        let ks = (block * length).min(k)..((block + 1) * length).min(k);
        let (first, last) = (block == 0, block + 1 == blocks);
        Block { job, micro, tile, ks, first, last }.run(&mut scratch);
    }
    SCRATCH.set(scratch);
}

/// The part of a tile's sums that a block of k gives.
struct Block<'a> {
    job: &'a Job<'a, f32>,
    micro: Micro,
    tile: &'a Tile,
    ks: Range<usize>,
    first: bool,
    last: bool,
}

impl Block<'_> {
    fn run(&self, scratch: &mut Scratch) {
        let Self { job, micro, tile, .. } = *self;
        let bias = job.epilogue.bias.filter(|_| self.last).map(|bias| &bias[tile.cols.clone()]);
        let relu = self.last && job.epilogue.activation == Activation::Relu;
        let (b, b_stride, b_panel) = self.columns(&mut scratch.b);
        // Rows dealt out evenly: 64 rows as 13 + 13 + 13 + 13 + 12, not 14 + 14 + 14 + 14 + 8.
        let mut start = tile.rows.start;
        for left in (1..=tile.rows.len().div_ceil(micro.rows)).rev() {
            let rows = start..start + (tile.rows.end - start).div_ceil(left);
            let (a, a_strides) = self.rows(rows.clone(), &mut scratch.a);
            for j in (0..tile.cols.len()).step_by(micro.cols) {
                let cols = micro.cols.min(tile.cols.len() - j);
                let panel = Panel {
                    rows: rows.len(),
                    cols,
                    segments: &[Segment::whole(self.ks.len(), cols)],
                    a,
                    a_strides,
                    b: &b[j / micro.cols * b_panel..],
                    b_stride,
                    beta: if self.first { job.beta } else { 1.0 },
                    bias: bias.map_or(Bias::None, |bias| Bias::Columns(&bias[j..])),
                    relu,
                    c_stride: job.c.row_stride,
                };
                let c = job.c.pointer(tile.matrix, rows.start, tile.cols.start + j);
                // SAFETY: the panel lies inside the tile, and tiles of different tasks are disjoint.
                unsafe { micro.run(&panel, c) };
            }
            start = rows.end;
        }
    }

    /// B, the distance of its rows, and that of its panels: packed, unless few rows of A would use it.
    fn columns<'s>(&'s self, scratch: &'s mut Vec<f32>) -> (&'s [f32], usize, usize) {
        let (b, k, columns, width) = (&self.job.b, self.ks.len(), self.tile.cols.len(), self.micro.cols);
        if k == 0 {
            return (&[], 0, 0);
        }
        if let Some(packed) = self.job.packed {
            let before = self.ks.start * b.cols.next_multiple_of(width) + self.tile.cols.start * k;
            return (&packed[before..], width, k * width);
        }
        let from = &b.data[b.index(self.tile.matrix, self.ks.start, self.tile.cols.start)..];
        if in_place(b, self.tile.rows.len()) {
            return (from, b.row_stride, width);
        }
        let to = room(scratch, k * columns.next_multiple_of(width));
        pack(from, [b.row_stride, b.col_stride], columns, to, k, width);
        (to, width, k * width)
    }

    /// Rows of A and their strides: packed if they would push each other out of the L1 cache.
    fn rows<'s>(&'s self, rows: Range<usize>, scratch: &'s mut Vec<f32>) -> (&'s [f32], [usize; 2]) {
        let (a, k) = (&self.job.a, self.ks.len());
        if k == 0 {
            return (&[], [0, 0]);
        }
        let from = &a.data[a.index(self.tile.matrix, rows.start, self.ks.start)..];
        if a.col_stride != 1 || a.row_stride % COLLIDE != 0 || self.tile.cols.len() <= 2 * self.micro.cols {
            return (from, [a.row_stride, a.col_stride]);
        }
        // An odd number of cache lines apart.
        let width = k.next_multiple_of(LINE) | LINE;
        let to = room(scratch, rows.len() * width);
        for (i, to) in to.chunks_exact_mut(width).enumerate() {
            to[..k].copy_from_slice(&from[i * a.row_stride..][..k]);
        }
        (to, [width, 1])
    }
}

/// The first `len` elements, with what they held before.
fn room(scratch: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    &mut scratch[..len]
}
