//! Threads that put batches together ahead of the loop.

use super::dataset::under_way;
use crate::{Error, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What one thread does: the next batch of its own, until there is none.
pub(super) type Job<B> = Box<dyn FnMut() -> Option<Result<B>> + Send>;

/// Threads that work ahead. Thread `i` of `n` makes the batches `i`, `i + n`, …, and each has a bounded queue of its
/// own: which batch comes next, and what is in it, depends on no thread's speed.
#[derive(Debug)]
pub(super) struct Workers<B> {
    threads: Vec<Worker<B>>,
    next: usize,
    timeout: Option<Duration>,
}

#[derive(Debug)]
struct Worker<B> {
    /// `None` once it was given up: a full queue then no longer holds the thread.
    queue: Option<Receiver<Result<B>>>,
    /// `None` once it was joined, or left to itself because it did not answer in time.
    thread: Option<JoinHandle<()>>,
}

impl<B: Send + 'static> Workers<B> {
    /// Starts a thread for each job; each works up to `ahead` batches ahead.
    pub fn spawn(jobs: Vec<Job<B>>, ahead: usize, timeout: Option<Duration>) -> Result<Self> {
        let mut workers = Self { threads: Vec::with_capacity(jobs.len()), next: 0, timeout };
        for job in jobs {
            let (sender, receiver) = sync_channel(ahead);
            let thread = std::thread::Builder::new()
                .name(format!("loader {}", workers.threads.len()))
                .spawn(move || work(job, &sender))
                .map_err(|source| Error::Thread { source })?;
            workers.threads.push(Worker { queue: Some(receiver), thread: Some(thread) });
        }
        Ok(workers)
    }
}

fn work<B>(mut job: Job<B>, queue: &SyncSender<Result<B>>) {
    loop {
        under_way(None);
        let made = catch_unwind(AssertUnwindSafe(&mut job));
        let result = match made {
            Ok(None) => return,
            Ok(Some(result)) => result,
            Err(thrown) => Err(panicked(&*thrown)),
        };
        // Nobody listens any more: the epoch was dropped.
        if queue.send(result).is_err() {
            return;
        }
    }
}

/// The error for what a data set threw, with the index of the sample where that is known.
fn panicked(thrown: &(dyn Any + Send)) -> Error {
    let text = thrown.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| thrown.downcast_ref::<String>().cloned());
    let error = Error::Panic { message: text.unwrap_or_else(|| "a value that is no text".into()) };
    match under_way(None) {
        Some(index) => Error::Sample { index, source: Box::new(error) },
        None => error,
    }
}

impl<B> Workers<B> {
    /// The next batch, waited for; `None` at the end.
    pub fn next(&mut self) -> Option<Result<B>> {
        let count = self.threads.len();
        let worker = self.threads.get_mut(self.next)?;
        self.next = (self.next + 1) % count;
        let queue = worker.queue.as_ref()?;
        let received = match self.timeout {
            None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(timeout) => queue.recv_timeout(timeout),
        };
        match received {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                // It may never answer: nobody waits for it again.
                (worker.queue, worker.thread) = (None, None);
                Some(Err(Error::Timeout { seconds: self.timeout.unwrap_or_default().as_secs_f64() }))
            }
        }
    }
}

impl<B> Drop for Workers<B> {
    fn drop(&mut self) {
        // All are told before the first is waited for.
        self.threads.iter_mut().for_each(|worker| worker.queue = None);
        for thread in self.threads.iter_mut().filter_map(|worker| worker.thread.take()) {
            // A panic was caught inside and reported as the batch's error.
            let _ended = thread.join();
        }
    }
}
