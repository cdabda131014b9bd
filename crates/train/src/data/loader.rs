//! Batches of a data set, epoch by epoch.

use super::{Collate, Dataset};
use crate::{Error, Result};
use std::ops::Range;
use tensor_core::Rng;

/// Goes over a data set in batches: `torch.utils.data.DataLoader` without workers.
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
#[derive(Clone, Debug)]
pub struct DataLoader<D> {
    dataset: D,
    batch_size: usize,
    order: Order,
    drop_last: bool,
}

#[derive(Clone, Debug)]
enum Order {
    Sequential,
    /// Every epoch draws from a stream that others draw from as well.
    Stream(Rng),
    /// An epoch's order depends on this seed and its number alone.
    Seeded(u64),
}

impl<D: Dataset> DataLoader<D> {
    /// Batches of `batch_size` samples in the set's order; the last of an epoch may be smaller.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    pub fn new(dataset: D, batch_size: usize) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::argument("DataLoader::new", "batch_size", 0, "at least 1"));
        }
        Ok(Self { dataset, batch_size, order: Order::Sequential, drop_last: false })
    }

    /// A new random order every epoch, drawn from `rng` as a PyTorch script with `DataLoader(shuffle=True)` draws it
    /// from its global generator: 64 bits for workers, 64 bits as the seed of the epoch's own permutation. So a script
    /// that calls `torch.manual_seed(s)` and its translation with one `Rng::seed(s)` see the same batches.
    pub fn shuffle(mut self, rng: &Rng) -> Self {
        self.order = Order::Stream(rng.clone());
        self
    }

    /// A new random order every epoch that depends on `seed` and the epoch's number alone: any epoch can be repeated
    /// by itself. It is the order of PyTorch's `DistributedSampler(num_replicas=1, rank=0, seed=seed)` after
    /// `set_epoch(epoch)`.
    pub fn shuffle_seeded(mut self, seed: u64) -> Self {
        self.order = Order::Seeded(seed);
        self
    }

    /// Whether the last batch of an epoch is left out where it would be smaller than the others. Default: no.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// The number of batches of an epoch.
    pub fn len(&self) -> usize {
        if self.drop_last {
            self.dataset.len() / self.batch_size
        } else {
            self.dataset.len().div_ceil(self.batch_size)
        }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of samples that an epoch gives.
    pub fn samples(&self) -> usize {
        self.dataset.len().min(self.len() * self.batch_size)
    }

    /// The set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// One pass over the set. `epoch` selects the order of [`shuffle_seeded`](Self::shuffle_seeded) and appears in
    /// errors. Batches are put together when they are asked for. A batch that fails gives [`Error::Batch`], and the
    /// pass goes on with the next one if it is asked to.
    pub fn epoch(&self, epoch: usize) -> Epoch<'_, D> {
        let (order, failed) = match self.draw(epoch) {
            Ok(order) => (order, None),
            Err(error) => (None, Some(error)),
        };
        Epoch { loader: self, epoch, batches: 0..self.len(), order, failed }
    }

    /// The order of an epoch; `None` for the set's own.
    fn draw(&self, epoch: usize) -> Result<Option<Vec<usize>>> {
        let rng = match &self.order {
            Order::Sequential => return Ok(None),
            Order::Stream(rng) => {
                // The seed of PyTorch's workers: drawn, and of no use to a loader without any.
                rng.next_u64();
                // `random_()` of an i64: below 2⁶³.
                Rng::seed(rng.next_u64() & (i64::MAX as u64))
            }
            Order::Seeded(seed) => Rng::seed(seed.wrapping_add(epoch as u64)),
        };
        let order = rng.randperm(self.dataset.len())?;
        Ok(Some(order.as_slice::<i64>()?.iter().map(|&index| index as usize).collect()))
    }
}

/// The batches of one pass: see [`DataLoader::epoch`].
#[derive(Debug)]
pub struct Epoch<'a, D> {
    loader: &'a DataLoader<D>,
    epoch: usize,
    /// The batches to come.
    batches: Range<usize>,
    /// The order of all samples, unless it is the set's own.
    order: Option<Vec<usize>>,
    /// Why there is no order: what the first batch reports, and the pass ends.
    failed: Option<Error>,
}

impl<D: Dataset> Epoch<'_, D> {
    fn assemble(&self, batch: usize) -> Result<<D::Sample as Collate>::Batch> {
        let DataLoader { dataset, batch_size, .. } = self.loader;
        let start = batch * batch_size;
        let end = (start + batch_size).min(dataset.len());
        match &self.order {
            None => dataset.batch(&(start..end).collect::<Vec<_>>()),
            Some(order) => dataset.batch(&order[start..end]),
        }
    }
}

impl<D: Dataset> Iterator for Epoch<'_, D> {
    type Item = Result<<D::Sample as Collate>::Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        let assembled = match self.failed.take() {
            None => self.assemble(batch),
            Some(error) => {
                self.batches = 0..0;
                Err(error)
            }
        };
        Some(assembled.map_err(|error| Error::Batch { epoch: self.epoch, batch, source: Box::new(error) }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.batches.size_hint()
    }
}

impl<D: Dataset> ExactSizeIterator for Epoch<'_, D> {}
