//! Tiles of f32 products by our own kernels, for processors with AVX2 or AVX-512.

mod blocked;
mod dot;
mod micro;
mod pack;
mod transpose;
mod vector;

use super::Job;
use super::split::Tile;
use dot::Dot;
pub(crate) use micro::{Bias, Micro, Panel, Segment};
pub(super) use pack::tiles;
pub(crate) use transpose::transpose;

/// Computes one tile of C and its epilogue; returns whether the instruction set of the job has kernels.
pub(super) fn tile(job: &Job<'_, f32>, tile: &Tile) -> bool {
    if let Some(dot) = Dot::new(job.level, job, tile) {
        dot.tile(job, tile);
    } else if let Some(micro) = Micro::new(job.level) {
        blocked::tile(job, micro, tile);
    } else {
        return false;
    }
    true
}
