//! Samples that come one after the other.

use super::worker::Workers;
use super::{Collate, Position};
use crate::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// Samples that are reached in their own order alone, such as lines of a stream: PyTorch's `IterableDataset`.
pub trait IterableDataset {
    /// One sample.
    type Sample: Collate;

    /// The samples of an epoch, from the first on: each time the same ones for the same epoch, if a run is to be
    /// resumed within it.
    fn iter(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<Self::Sample>> + Send + 'static>;
}

/// Batches of an [`IterableDataset`].
///
/// ```
/// use train::Result;
/// use train::data::{IterableDataset, IterableLoader};
///
/// struct Countdown;
///
/// impl IterableDataset for Countdown {
///     type Sample = i64;
///
///     fn iter(&self, _epoch: usize) -> Box<dyn Iterator<Item = Result<i64>> + Send> {
///         Box::new((0..5).rev().map(Ok))
///     }
/// }
///
/// let loader = IterableLoader::new(Countdown, 2)?;
/// let batches = loader.epoch(0).map(|batch| Ok(batch?.to_vec::<i64>()?)).collect::<Result<Vec<_>>>()?;
/// assert_eq!(batches, [vec![4, 3], vec![2, 1], vec![0]]);
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Debug)]
pub struct IterableLoader<D> {
    dataset: Arc<D>,
    batch_size: usize,
    drop_last: bool,
    prefetch: usize,
    timeout: Option<Duration>,
}

impl<D: IterableDataset<Sample: Collate<Batch: Send> + 'static>> IterableLoader<D> {
    /// Batches of `batch_size` samples in the set's order; the last may be smaller.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    pub fn new(dataset: impl Into<Arc<D>>, batch_size: usize) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::argument("IterableLoader::new", "batch_size", 0, "at least 1"));
        }
        Ok(Self { dataset: dataset.into(), batch_size, drop_last: false, prefetch: 0, timeout: None })
    }

    /// Whether a last batch is left out where it would be smaller than the others. Default: no.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// Puts up to this many batches together ahead of the loop, on a thread of their own; default 0: on the loop's own
    /// thread when it asks. It is one thread, because samples come in one order.
    pub fn prefetch(mut self, prefetch: usize) -> Self {
        self.prefetch = prefetch;
        self
    }

    /// How long to wait for the thread's batch before [`Error::Timeout`]. Default: without end.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// One pass. A sample that fails gives [`Error::Batch`], and ends the pass with the samples before it unused.
    pub fn epoch(&self, epoch: usize) -> IterableEpoch<D> {
        self.start(Position { epoch, ..Position::default() })
    }

    /// The rest of a pass that was left at `position`. The samples before it are got once more and thrown away.
    pub fn resume(&self, position: &Position) -> IterableEpoch<D> {
        self.start(position.clone())
    }

    fn start(&self, position: Position) -> IterableEpoch<D> {
        let (size, drop_last) = (self.batch_size, self.drop_last);
        let mut samples = self.dataset.iter(position.epoch).skip(position.batches * size).fuse();
        let mut failed = false;
        let next = move || -> Option<Result<<D::Sample as Collate>::Batch>> {
            // Also where getting a sample panics: what comes after it is not to be trusted.
            if std::mem::replace(&mut failed, true) {
                return None;
            }
            match samples.by_ref().take(size).collect::<Result<Vec<_>>>() {
                Ok(batch) if batch.is_empty() || drop_last && batch.len() < size => None,
                Ok(batch) => {
                    failed = false;
                    Some(Collate::collate(batch))
                }
                Err(error) => Some(Err(error)),
            }
        };
        let source = if self.prefetch == 0 {
            Source::Here(Box::new(next))
        } else {
            match Workers::spawn(vec![Box::new(next)], self.prefetch, self.timeout) {
                Ok(workers) => Source::Thread(workers),
                Err(error) => Source::Failed(Some(error)),
            }
        };
        IterableEpoch { position, source }
    }
}

/// The batches of one pass: see [`IterableLoader::epoch`].
pub struct IterableEpoch<D: IterableDataset> {
    position: Position,
    source: Source<<D::Sample as Collate>::Batch>,
}

enum Source<B> {
    Here(super::worker::Job<B>),
    Thread(Workers<B>),
    Failed(Option<Error>),
}

impl<D: IterableDataset> IterableEpoch<D> {
    /// Where the pass is: what [`IterableLoader::resume`] goes on from.
    pub fn position(&self) -> &Position {
        &self.position
    }
}

impl<D: IterableDataset> Iterator for IterableEpoch<D> {
    type Item = Result<<D::Sample as Collate>::Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let made = match &mut self.source {
            Source::Here(next) => next()?,
            Source::Thread(workers) => workers.next()?,
            Source::Failed(error) => Err(error.take()?),
        };
        let Position { epoch, batches: batch, .. } = self.position;
        self.position.batches += 1;
        Some(made.map_err(|error| Error::Batch { epoch, batch, source: Box::new(error) }))
    }
}
