//! Batches of a data set, epoch by epoch.

use super::sampler::{DistributedSampler, RandomSampler, Sampler, SequentialSampler};
use super::worker::{Job, Workers};
use super::{Collate, Dataset, Position};
use crate::{Error, Result};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tensor_core::Rng;

/// What a data set's samples become together.
type Batch<D> = <<D as Dataset>::Sample as Collate>::Batch;
/// Starts the workers of an epoch; kept as a pointer, because only sets that may leave the thread have workers.
type Spawn<D> = fn(&DataLoader<D>, Plan) -> Result<Workers<Batch<D>>>;

/// Goes over a data set in batches: `torch.utils.data.DataLoader`.
///
/// ```
/// use train::data::{DataLoader, TensorDataset};
/// use train::{Rng, Tensor};
///
/// let x = Tensor::from_vec((0..10).map(|i| i as f32).collect(), [10, 1])?;
/// let y = Tensor::from_vec((0..10).collect::<Vec<i64>>(), [10])?;
/// let loader = DataLoader::new(TensorDataset::new(x, y)?, 4)?.shuffle(&Rng::seed(0));
/// let mut seen = 0;
/// for epoch in 0..2 {
///     for batch in loader.epoch(epoch) {
///         let (data, target) = batch?;
///         assert_eq!(data.shape()[0], target.shape()[0]);
///         seen += target.numel();
///     }
/// }
/// assert_eq!((loader.len(), seen), (3, 20));
/// # Ok::<(), train::Error>(())
/// ```
pub struct DataLoader<D: Dataset> {
    dataset: Arc<D>,
    batch_size: usize,
    sampler: Arc<dyn Sampler>,
    drop_last: bool,
    workers: usize,
    prefetch_factor: usize,
    timeout: Option<Duration>,
    spawn: Option<Spawn<D>>,
}

impl<D: Dataset> DataLoader<D> {
    /// Batches of `batch_size` samples in the set's order; the last of an epoch may be smaller.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    pub fn new(dataset: impl Into<Arc<D>>, batch_size: usize) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::argument("DataLoader::new", "batch_size", 0, "at least 1"));
        }
        Ok(Self {
            dataset: dataset.into(),
            batch_size,
            sampler: Arc::new(SequentialSampler),
            drop_last: false,
            workers: 0,
            prefetch_factor: 2,
            timeout: None,
            spawn: None,
        })
    }

    /// The samples of an epoch and their order.
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Arc::new(sampler);
        self
    }

    /// A new random order every epoch, drawn from `rng` as a PyTorch script with `DataLoader(shuffle=True)` draws it
    /// from its global generator: 64 bits for workers, 64 bits as the seed of the epoch's own permutation. So a script
    /// that calls `torch.manual_seed(s)` and its translation with one `Rng::seed(s)` see the same batches.
    pub fn shuffle(self, rng: &Rng) -> Self {
        self.sampler(RandomSampler::new(rng))
    }

    /// A new random order every epoch that depends on `seed` and the epoch's number alone: any epoch can be repeated
    /// by itself. It is the order of PyTorch's `DistributedSampler(num_replicas=1, rank=0, seed=seed)` after
    /// `set_epoch(epoch)`.
    pub fn shuffle_seeded(self, seed: u64) -> Self {
        self.sampler(DistributedSampler::single(seed))
    }

    /// Whether the last batch of an epoch is left out where it would be smaller than the others. Default: no.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// How many batches each worker is ahead of the loop at most; default 2, as in PyTorch.
    pub fn prefetch_factor(mut self, prefetch_factor: usize) -> Self {
        self.prefetch_factor = prefetch_factor;
        self
    }

    /// How long to wait for a worker's batch before [`Error::Timeout`]. Default: without end.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The number of batches of an epoch.
    pub fn len(&self) -> usize {
        let samples = self.sampler.num_samples(self.dataset.len());
        if self.drop_last { samples / self.batch_size } else { samples.div_ceil(self.batch_size) }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of samples that an epoch gives.
    pub fn samples(&self) -> usize {
        self.sampler.num_samples(self.dataset.len()).min(self.len() * self.batch_size)
    }

    /// The set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// One pass over the set. `epoch` selects the order of [`shuffle_seeded`](Self::shuffle_seeded) and appears in
    /// errors. Without workers, batches are put together when they are asked for. A batch that fails gives
    /// [`Error::Batch`], and the pass goes on with the next one if it is asked to.
    pub fn epoch(&self, epoch: usize) -> Epoch<'_, D> {
        let rng = self.sampler.rng().map(Rng::state);
        self.start(Position { epoch, batches: 0, rng })
    }

    /// The rest of a pass that was left at `position`: the batches that would have come, in their order. Generators are
    /// left as they are: their states at that moment are for the caller to put back.
    ///
    /// # Errors
    /// If the position's generator state is none, or is there for an order that draws from no generator.
    pub fn resume(&self, position: &Position) -> Result<Epoch<'_, D>> {
        let (Some(rng), Some(start)) = (self.sampler.rng(), &position.rng) else {
            if self.sampler.rng().is_some() != position.rng.is_some() {
                let expected = "a position of a loader with the same kind of order";
                return Err(Error::argument("DataLoader::resume", "position", "another loader's", expected));
            }
            return Ok(self.start(position.clone()));
        };
        let now = rng.state();
        rng.set_state(start)?;
        let epoch = self.start(position.clone());
        rng.set_state(&now)?;
        Ok(epoch)
    }

    fn start(&self, position: Position) -> Epoch<'_, D> {
        let mut epoch = Epoch {
            loader: self,
            batches: position.batches..self.len(),
            position,
            source: Source::Here(Arc::default()),
        };
        epoch.source = self.source(&epoch).unwrap_or_else(|error| Source::Failed(Some(error)));
        epoch
    }

    /// Where the batches of an epoch come from.
    fn source(&self, epoch: &Epoch<'_, D>) -> Result<Source<Batch<D>>> {
        let order = Arc::new(self.draw(epoch.position.epoch)?);
        match self.spawn {
            Some(spawn) if self.workers > 0 => {
                Ok(Source::Workers(spawn(self, Plan { order, batches: epoch.batches.clone() })?))
            }
            _ => Ok(Source::Here(order)),
        }
    }

    /// The order of an epoch.
    fn draw(&self, epoch: usize) -> Result<Vec<usize>> {
        let n = self.dataset.len();
        let order = self.sampler.draw(n, epoch)?;
        let (found, expected) = (order.len(), self.sampler.num_samples(n));
        if found != expected {
            return Err(Error::argument(
                "Sampler::draw",
                "the number of indices",
                found,
                expected.to_string(),
            ));
        }
        match order.iter().find(|&&index| index >= n) {
            Some(index) => Err(Error::argument("Sampler::draw", "an index", index, format!("less than {n}"))),
            None => Ok(order),
        }
    }
}

impl<D: Dataset<Sample: Collate<Batch: Send>> + Send + Sync + 'static> DataLoader<D> {
    /// Puts batches together on this many threads, ahead of the loop; default 0: on the loop's own when it asks. The
    /// batches and their order are the same for any number. A sample whose getting panics gives an error that names it.
    /// Dropping the pass waits for the samples that are being got, and ends the threads.
    ///
    /// The set must not borrow, and what it draws at random must depend on the index alone.
    ///
    /// ```
    /// use train::prelude::*;
    ///
    /// let data = TensorDataset::new(Tensor::zeros([10, 2], DType::F32)?, Tensor::zeros([10], DType::I64)?)?;
    /// let loader = DataLoader::new(data, 4)?.shuffle(&Rng::seed(0)).workers(2);
    /// assert_eq!(loader.epoch(0).count(), 3);
    /// # Ok::<(), train::Error>(())
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self.spawn = Some(Self::spawn_workers);
        self
    }

    fn spawn_workers(&self, plan: Plan) -> Result<Workers<Batch<D>>> {
        let count = self.workers.min(plan.batches.len());
        let job = |worker: usize| -> Job<Batch<D>> {
            let (dataset, plan, size) = (Arc::clone(&self.dataset), plan.clone(), self.batch_size);
            let mut batches = plan.batches.skip(worker).step_by(count);
            Box::new(move || Some(dataset.batch(indices(&plan.order, batches.next()?, size))))
        };
        Workers::spawn((0..count).map(job).collect(), self.prefetch_factor, self.timeout)
    }
}

impl<D: Dataset> Clone for DataLoader<D> {
    fn clone(&self) -> Self {
        Self { dataset: Arc::clone(&self.dataset), sampler: Arc::clone(&self.sampler), ..*self }
    }
}

impl<D: Dataset> std::fmt::Debug for DataLoader<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { batch_size, sampler, drop_last, workers, .. } = self;
        write!(
            f,
            "DataLoader(batches of {batch_size}, {sampler:?}, drop_last: {drop_last}, workers: {workers})"
        )
    }
}

/// The batches of an epoch that are to be made.
#[derive(Clone)]
struct Plan {
    order: Arc<Vec<usize>>,
    batches: Range<usize>,
}

/// The indices of a batch.
fn indices(order: &[usize], batch: usize, size: usize) -> &[usize] {
    &order[batch * size..((batch + 1) * size).min(order.len())]
}

/// The batches of one pass: see [`DataLoader::epoch`].
#[derive(Debug)]
pub struct Epoch<'a, D: Dataset> {
    loader: &'a DataLoader<D>,
    /// The batches to come.
    batches: Range<usize>,
    position: Position,
    source: Source<Batch<D>>,
}

enum Source<B> {
    /// This thread, from the order of all samples.
    Here(Arc<Vec<usize>>),
    Workers(Workers<B>),
    /// Nowhere: what the first batch reports, and the pass ends.
    Failed(Option<Error>),
}

impl<D: Dataset> Epoch<'_, D> {
    /// Where the pass is: what [`DataLoader::resume`] goes on from.
    pub fn position(&self) -> &Position {
        &self.position
    }
}

impl<D: Dataset> Iterator for Epoch<'_, D> {
    type Item = Result<Batch<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        self.position.batches = batch + 1;
        let made = match &mut self.source {
            Source::Here(order) => self.loader.dataset.batch(indices(order, batch, self.loader.batch_size)),
            Source::Workers(workers) => workers.next()?,
            Source::Failed(error) => {
                self.batches = 0..0;
                Err(error.take()?)
            }
        };
        Some(made.map_err(|error| Error::Batch {
            epoch: self.position.epoch,
            batch,
            source: Box::new(error),
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.batches.size_hint()
    }
}

impl<D: Dataset> ExactSizeIterator for Epoch<'_, D> {}

impl<B> std::fmt::Debug for Source<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Here(_) => "on this thread",
            Self::Workers(_) => "on workers",
            Self::Failed(_) => "failed",
        })
    }
}
