//! Work split by a fixed rule that depends on sizes only, so results do not depend on the number of threads.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Elements of a pointwise task: 64 KiB of f32, half of a common L2 slice, long enough to hide a hand-over.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Takes tasks from `next` and runs them, on as many threads as there are tasks for, until there are none.
///
/// The calling thread starts on the tasks itself, at once, where rayon's iterators would put a thread from outside the
/// pool to sleep and wake two others: measured, that saves 15 to 25 µs of a product that takes 120. Tasks are found
/// through one pointer, not one type each, so that rayon is compiled once and not for every kernel.
fn share<T: Send>(tasks: usize, next: impl Iterator<Item = T> + Send, body: &(dyn Fn(T) + Sync)) {
    if tasks <= 1 {
        return next.for_each(body);
    }
    let queue = Mutex::new(next);
    // A panic of another thread leaves a whole queue behind; the scope passes the panic on.
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    run_on_threads(tasks, &|| {
        while let Some(task) = take() {
            body(task);
        }
    });
}

/// Runs `work` on this thread and on as many of the pool as have tasks.
fn run_on_threads(tasks: usize, work: &(dyn Fn() + Sync)) {
    rayon::in_place_scope(|scope| {
        // This thread takes the place of one of the pool.
        for _ in 1..rayon::current_num_threads().min(tasks) {
            scope.spawn(|_| work());
        }
        work();
    });
}

/// Calls `body(task)` once for each task in `0..tasks`, in any order, on any thread.
pub(crate) fn for_each_task(tasks: usize, body: impl Fn(usize) + Sync) {
    share(tasks, 0..tasks, &body);
}

/// Calls `body(part)` for each of `parts`, in any order, on as many threads as `tasks` pay for; 1 stays on this thread.
pub(crate) fn for_each_part<T: Send>(
    tasks: usize,
    parts: impl Iterator<Item = T> + Send,
    body: impl Fn(T) + Sync,
) {
    share(tasks, parts, &body);
}

/// Calls `body(start, chunk)` for each run of `size` elements of `out`; a single chunk stays on this thread.
#[inline]
pub(crate) fn for_each_chunk<T: Send>(out: &mut [T], size: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    if out.len() <= size {
        if !out.is_empty() {
            body(0, out);
        }
        return;
    }
    several_chunks(out, size, body);
}

// A function of its own, so that what a small tensor needs is small.
#[inline(never)]
fn several_chunks<T: Send>(out: &mut [T], size: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    chunks(out, size.max(1), &body);
}

fn chunks<T: Send>(out: &mut [T], size: usize, body: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let tasks = out.len().div_ceil(size);
    share(tasks, out.chunks_mut(size).enumerate(), &|(i, chunk)| body(i * size, chunk));
}

/// Calls `body(i)` for `i` in `0..tasks` and returns the results in the order of `i`; one task stays on this thread.
pub(crate) fn map_tasks<R: Send>(tasks: usize, body: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let mut results: Vec<Option<R>> = (0..tasks).map(|_| None).collect();
    for_each_chunk(&mut results, 1, |i, slot| slot.fill_with(|| Some(body(i))));
    results.into_iter().flatten().collect()
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

/// Runs of `size` rows: `(first row, part)`.
struct Runs<R> {
    rest: Option<R>,
    first: usize,
    rows: usize,
    size: usize,
}

impl<R: Rows> Iterator for Runs<R> {
    type Item = (usize, R);

    fn next(&mut self) -> Option<(usize, R)> {
        let (rest, first) = (self.rest.take()?, self.first);
        self.first += self.size;
        if self.first >= self.rows {
            return Some((first, rest));
        }
        let (run, rest) = rest.cut(self.size);
        self.rest = Some(rest);
        Some((first, run))
    }
}

/// The runs of `size` of `rows` rows of `out`, and how many there are.
fn runs<R: Rows>(out: R, rows: usize, size: usize) -> (usize, Runs<R>) {
    let size = size.max(1);
    (rows.div_ceil(size), Runs { rest: (rows > 0).then_some(out), first: 0, rows, size })
}

/// Calls `body(first_row, part)` for each run of `size` of the `rows` rows of `out`; one run stays on this thread.
pub(crate) fn for_each_rows<R: Rows>(out: R, rows: usize, size: usize, body: impl Fn(usize, R) + Sync) {
    let (count, runs) = runs(out, rows, size);
    share(count, runs, &|(first, part)| body(first, part));
}

/// As [`for_each_rows`], and joins the results of neighbouring runs pairwise, in their order; `None` without rows.
///
/// The tree of joins depends on the number of runs alone. A result waits for its neighbour and no longer, so there are
/// few at a time.
pub(crate) fn map_rows<R: Rows, S: Send>(
    out: R,
    rows: usize,
    size: usize,
    body: impl Fn(usize, R) -> S + Sync,
    join: impl Fn(S, S) -> S + Sync,
) -> Option<S> {
    let (count, runs) = runs(out, rows, size);
    // By the number of results of a level of the tree, and the place there.
    let waiting = Mutex::new(BTreeMap::new());
    share(count, runs.enumerate(), &|(mut place, (first, part))| {
        let (mut result, mut count) = (body(first, part), count);
        while count > 1 {
            if place ^ 1 < count {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(neighbour) = waiting.remove(&(count, place ^ 1)) else {
                    waiting.insert((count, place), result);
                    return;
                };
                drop(waiting);
                result = if place % 2 == 0 { join(result, neighbour) } else { join(neighbour, result) };
            }
            (place, count) = (place / 2, count.div_ceil(2));
        }
        waiting.lock().unwrap_or_else(PoisonError::into_inner).insert((1, 0), result);
    });
    waiting.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first().map(|(_, result)| result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_task_runs_once_inside_and_outside_a_pool() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        for tasks in [0, 1, 2, 7, 100] {
            let count = || {
                let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                for_each_task(tasks, |task| {
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{tasks} tasks");
                assert_eq!(map_tasks(tasks, |i| i * i), (0..tasks).map(|i| i * i).collect::<Vec<_>>());
            };
            count();
            pool.install(count);
        }
    }

    #[test]
    fn neighbouring_results_are_joined_in_their_order() {
        for (rows, size) in [(0, 1), (1, 4), (4, 4), (5, 4), (23, 2), (100, 7), (64, 1)] {
            let mut out: Vec<usize> = vec![0; rows * 2];
            let join = |(a, left): (usize, usize), (b, right)| {
                assert_eq!(a + left, b, "neighbours");
                (a, left + right)
            };
            let body = |first: usize, Matrix(part, _): Matrix<'_, usize>| {
                part.fill(first + 1);
                (first, part.len() / 2)
            };
            let all = map_rows(Matrix(&mut out, 2), rows, size, body, join);
            assert_eq!(all, (rows > 0).then_some((0, rows)));
            assert!(out.iter().enumerate().all(|(i, &x)| x == i / 2 / size * size + 1));
        }
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller() {
        let caught = std::panic::catch_unwind(|| for_each_task(10, |task| assert!(task != 7, "on purpose")));
        assert!(caught.is_err());
        // The pool goes on.
        for_each_task(10, |_| ());
    }
}
