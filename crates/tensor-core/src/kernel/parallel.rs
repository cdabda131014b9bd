//! Work split by a fixed rule that depends on sizes only, so results do not depend on the number of threads.

use rayon::prelude::*;

/// Elements of a pointwise task: 64 KiB of f32, half of a common L2 slice, long enough to hide a hand-over.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Calls `body(start, chunk)` for each run of `size` elements of `out`; a single chunk stays on this thread.
pub(crate) fn for_each_chunk<T: Send>(out: &mut [T], size: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    let size = size.max(1);
    if out.len() <= size {
        if !out.is_empty() {
            body(0, out);
        }
        return;
    }
    out.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| body(i * size, chunk));
}

/// Calls `body(i)` for `i` in `0..tasks` and returns the results in the order of `i`; one task stays on this thread.
pub(crate) fn map_tasks<R: Send>(tasks: usize, body: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if tasks <= 1 {
        return (0..tasks).map(body).collect();
    }
    (0..tasks).into_par_iter().map(&body).collect()
}

/// Mutable data that is cut by rows: a slice with its row length, or several of them cut at the same rows.
pub(crate) trait Rows: Send + Sized {
    /// The first `rows` rows and the rest.
    fn cut(self, rows: usize) -> (Self, Self);
}

/// A slice and the number of its elements in a row.
pub(crate) struct Matrix<'a, T>(pub(crate) &'a mut [T], pub(crate) usize);

impl<T: Send> Rows for Matrix<'_, T> {
    fn cut(self, rows: usize) -> (Self, Self) {
        let at = (rows * self.1).min(self.0.len());
        let (head, tail) = self.0.split_at_mut(at);
        (Self(head, self.1), Self(tail, self.1))
    }
}

impl Rows for () {
    fn cut(self, _: usize) -> (Self, Self) {
        ((), ())
    }
}

impl<A: Rows, B: Rows> Rows for (A, B) {
    fn cut(self, rows: usize) -> (Self, Self) {
        let (a, b) = (self.0.cut(rows), self.1.cut(rows));
        ((a.0, b.0), (a.1, b.1))
    }
}

impl<A: Rows> Rows for Option<A> {
    fn cut(self, rows: usize) -> (Self, Self) {
        self.map_or((None, None), |a| {
            let (head, tail) = a.cut(rows);
            (Some(head), Some(tail))
        })
    }
}

/// Rows of a task when a row costs as much as `cost` pointwise elements.
pub(crate) fn rows_per_task(cost: usize) -> usize {
    (CHUNK / cost.max(1)).max(1)
}

/// Calls `body(first_row, part)` for each run of `size` of the `rows` rows of `out`; one run stays on this thread.
pub(crate) fn for_each_rows<R: Rows>(out: R, rows: usize, size: usize, body: impl Fn(usize, R) + Sync) {
    map_rows(out, rows, size, body, |(), ()| ());
}

/// As [`for_each_rows`], and joins the results of neighbouring runs pairwise, in their order; `None` without rows.
///
/// The tree of joins depends on the number of runs alone, and there are never more results at a time than the tree is
/// deep on each thread.
pub(crate) fn map_rows<R: Rows, S: Send>(
    out: R,
    rows: usize,
    size: usize,
    body: impl Fn(usize, R) -> S + Sync,
    join: impl Fn(S, S) -> S + Sync,
) -> Option<S> {
    fn halve<R: Rows, S: Send>(
        out: R,
        first: usize,
        rows: usize,
        size: usize,
        body: &(impl Fn(usize, R) -> S + Sync),
        join: &(impl Fn(S, S) -> S + Sync),
    ) -> S {
        if rows <= size {
            return body(first, out);
        }
        // A whole number of runs on the left, so that runs start at multiples of `size`.
        let left = rows.div_ceil(size).div_ceil(2) * size;
        let (head, tail) = out.cut(left);
        let (head, tail) = rayon::join(
            || halve(head, first, left, size, body, join),
            || halve(tail, first + left, rows - left, size, body, join),
        );
        join(head, tail)
    }
    (rows > 0).then(|| halve(out, 0, rows, size.max(1), &body, &join))
}
