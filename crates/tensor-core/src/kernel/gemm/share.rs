//! Tasks shared between threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// Calls `body(task)` once for each task in `0..tasks`, in any order, on any thread.
///
/// A thread from outside the pool starts on the tasks itself, at once, where rayon's iterators would put it to sleep
/// and wake two others: measured, that saves 15 to 25 µs of a product that takes 120.
pub(super) fn for_each_task(tasks: usize, body: impl Fn(usize) + Sync) {
    if tasks == 1 {
        body(0);
    } else if rayon::current_thread_index().is_some() {
        (0..tasks).into_par_iter().for_each(&body);
    } else {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(task) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&task| task < tasks) {
                body(task);
            }
        };
        rayon::in_place_scope(|scope| {
            // This thread takes the place of one of the pool.
            for _ in 1..rayon::current_num_threads().min(tasks) {
                scope.spawn(|_| work());
            }
            work();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            };
            count();
            pool.install(count);
        }
    }
}
