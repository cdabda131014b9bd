//! Copying strided layouts into row-major order, one alone or several beside each other.

use super::parallel::{CHUNK, for_each_chunk, rows_per_task};
use super::walk::Walk;
use crate::Element;
use crate::layout::Layout;

/// Side of the square tiles of a transposing copy: 16 f32 are one cache line.
const TILE: usize = 16;

/// Writes the elements of `layout` over `x` to `out` in row-major order.
pub(crate) fn copy<T: Element>(layout: &Layout, x: &[T], out: &mut [T]) {
    let x = &x[layout.offset.min(x.len())..];
    if layout.contiguous {
        for_each_chunk(out, CHUNK, |start, out| out.copy_from_slice(&x[start..start + out.len()]));
        return;
    }
    let walk = Walk::new(&layout.shape, [&layout.strides]);
    if let ([.., rows, cols], [.., [1], [step]]) = (walk.sizes(), walk.strides())
        && *rows >= TILE
        && *cols >= TILE
    {
        return transpose(&walk, x, out, *rows, *cols, *step);
    }
    for_each_chunk(out, CHUNK, |start, out| pieces(&walk, x, start, out));
}

/// Elements `start..` of `walk` over `x` in row-major order, as many as `out` holds.
fn pieces<T: Element>(walk: &Walk<1>, x: &[T], start: usize, out: &mut [T]) {
    let [step] = walk.inner_strides();
    if step == 1 && walk.sizes().len() == 1 {
        return out.copy_from_slice(&x[start..start + out.len()]);
    }
    for (at, length, [offset]) in walk.rows(start, start + out.len()) {
        let row = &mut out[at..at + length];
        match step {
            0 => row.fill(x[offset]),
            1 => row.copy_from_slice(&x[offset..offset + length]),
            _ => row.iter_mut().enumerate().for_each(|(i, y)| *y = x[offset + i * step]),
        }
    }
}

/// A strided operand of [`join`], cut into rows of `width` elements.
pub(crate) struct Part<'a, T> {
    x: &'a [T],
    walk: Walk<1>,
    width: usize,
}

impl<'a, T> Part<'a, T> {
    /// The elements of `layout` over `x`.
    pub(crate) fn new(layout: &Layout, x: &'a [T], width: usize) -> Self {
        let walk = Walk::new(&layout.shape, [&layout.strides]);
        Self { x: &x[layout.offset.min(x.len())..], walk, width }
    }
}

/// Rows of `out`: row i of each part, one after another.
pub(crate) fn join<T: Element>(parts: &[Part<'_, T>], out: &mut [T]) {
    let total: usize = parts.iter().map(|part| part.width).sum();
    for_each_chunk(out, rows_per_task(total) * total, |start, out| {
        for (row, mut out) in (start / total..).zip(out.chunks_exact_mut(total)) {
            for Part { x, walk, width } in parts {
                let (here, rest) = out.split_at_mut(*width);
                pieces(walk, x, row * width, here);
                out = rest;
            }
        }
    });
}

/// A copy whose input runs down the columns: by tiles, so that each cache line read is used whole.
fn transpose<T: Element>(walk: &Walk<1>, x: &[T], out: &mut [T], rows: usize, cols: usize, step: usize) {
    let plane = rows * cols;
    for_each_chunk(out, TILE * cols, |start, out| {
        // A strip may cross from one matrix of a batch into the next.
        let mut done = 0;
        while done < out.len() {
            let at = start + done;
            let first = (at % plane) / cols;
            let height = (rows - first).min((out.len() - done) / cols);
            let Some((_, _, [base])) = walk.rows(at, at + 1).next() else { return };
            let strip = &mut out[done..done + height * cols];
            for c in (0..cols).step_by(TILE) {
                for r in 0..height {
                    let width = TILE.min(cols - c);
                    let row = &mut strip[r * cols + c..][..width];
                    for (i, y) in row.iter_mut().enumerate() {
                        *y = x[base + r + (c + i) * step];
                    }
                }
            }
            done += height * cols;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;
    use smallvec::SmallVec;

    #[test]
    fn transposing_by_tiles_equals_element_by_element() {
        for (batch, rows, cols) in [(1, 16, 16), (3, 17, 35), (2, 50, 33), (1, 300, 129)] {
            // x is [batch, cols, rows] in memory, read as [batch, rows, cols].
            let x: Vec<f32> = (0..batch * rows * cols).map(|i| i as f32).collect();
            let layout = Layout::new(
                Shape::from([batch, rows, cols]),
                SmallVec::from_slice(&[rows * cols, 1, rows]),
                0,
            );
            let mut out = vec![0.0; x.len()];
            copy(&layout, &x, &mut out);
            for b in 0..batch {
                for r in 0..rows {
                    for c in 0..cols {
                        let at = b * rows * cols;
                        assert_eq!(out[at + r * cols + c], x[at + c * rows + r]);
                    }
                }
            }
        }
    }
}
