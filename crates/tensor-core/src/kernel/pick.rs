//! Blocks read from and written to places that a list of offsets names.

use super::parallel::{CHUNK, for_each_chunk};
use super::walk::Walk;
use crate::Element;

/// Rows shorter than this are copied by a loop; a call of `memcpy` would cost more.
const SHORT: usize = 8;

/// The places of an indexed tensor in row-major order: the dimensions before the indexed ones × what the indices name
/// × the dimensions after.
pub(crate) struct Picks {
    before: Vec<usize>,
    picked: Vec<usize>,
    after: Walk<1>,
    block: usize,
}

impl Picks {
    /// Sizes and steps of the dimensions before and after; the offsets that the indices name. None if there is no
    /// memory for an offset of each element before.
    pub fn new(
        offset: usize,
        (before, before_steps): (&[usize], &[usize]),
        picked: Vec<usize>,
        (after, after_steps): (&[usize], &[usize]),
    ) -> Option<Self> {
        let walk = Walk::new(before, [before_steps]);
        let count = before.iter().product();
        let mut offsets = Vec::new();
        offsets.try_reserve_exact(count).ok()?;
        let [step] = walk.inner_strides();
        for (_, length, [o]) in walk.rows(0, count) {
            offsets.extend((0..length).map(|i| offset + o + i * step));
        }
        let block = after.iter().product();
        Some(Self { before: offsets, picked, after: Walk::new(after, [after_steps]), block })
    }

    fn rows(&self) -> usize {
        if self.block == 0 { 0 } else { self.before.len() * self.picked.len() }
    }

    /// Calls `run(position, offset, step, length)` for the pieces of rows `first..last`; `position` counts from there.
    #[inline(always)]
    fn runs(&self, first: usize, last: usize, mut run: impl FnMut(usize, usize, usize, usize)) {
        let count = self.picked.len();
        let [step] = self.after.inner_strides();
        let whole = self.after.sizes().len() == 1;
        let (mut outer, mut inner) = (first / count.max(1), first % count.max(1));
        for row in 0..last - first {
            let (at, from) = (row * self.block, self.before[outer] + self.picked[inner]);
            if whole {
                run(at, from, step, self.block);
            } else {
                for (i, length, [o]) in self.after.rows(0, self.block) {
                    run(at + i, from + o, step, length);
                }
            }
            inner += 1;
            if inner == count {
                (outer, inner) = (outer + 1, 0);
            }
        }
    }

    /// `out` = the elements of `x` at the places.
    pub fn take<T: Element>(&self, x: &[T], out: &mut [T]) {
        if self.rows() == 0 {
            return;
        }
        let size = self.block * (CHUNK / self.block).max(1);
        for_each_chunk(out, size, |start, out| {
            let first = start / self.block;
            self.runs(first, first + out.len() / self.block, |at, from, step, length| {
                let row = &mut out[at..at + length];
                if step == 1 && length >= SHORT {
                    row.copy_from_slice(&x[from..from + length]);
                } else {
                    row.iter_mut().enumerate().for_each(|(i, y)| *y = x[from + i * step]);
                }
            });
        });
    }

    /// `write(place, value)` for each place of `out` and its value in `source`, in order.
    pub fn put<T: Element>(&self, out: &mut [T], source: &[T], write: impl Fn(&mut T, T)) {
        self.runs(0, self.rows(), |at, to, step, length| {
            for (i, &value) in source[at..at + length].iter().enumerate() {
                write(&mut out[to + i * step], value);
            }
        });
    }
}
