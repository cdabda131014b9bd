//! What a training loop needs of a loader.

use super::{Collate, DataLoader, Dataset, Epoch, IterableDataset, IterableEpoch, IterableLoader, Position};
use crate::Result;

/// The batches of an epoch, and where they are.
pub trait Pass<B>: Iterator<Item = Result<B>> {
    /// Where the pass is: what a loader goes on from.
    fn at(&self) -> &Position;
}

/// Gives batches, epoch by epoch, and goes on in the middle of one: [`DataLoader`], [`IterableLoader`].
pub trait Loader {
    /// What it gives.
    type Batch;

    /// The number of batches of an epoch, where it is known.
    fn batches(&self) -> Option<usize>;

    /// One pass.
    fn pass(&self, epoch: usize) -> Box<dyn Pass<Self::Batch> + '_>;

    /// The rest of a pass.
    ///
    /// # Errors
    /// If the position is none of this loader's.
    fn pass_from(&self, position: &Position) -> Result<Box<dyn Pass<Self::Batch> + '_>>;
}

impl<D: Dataset> Pass<<D::Sample as Collate>::Batch> for Epoch<'_, D> {
    fn at(&self) -> &Position {
        self.position()
    }
}

impl<D: Dataset> Loader for DataLoader<D> {
    type Batch = <D::Sample as Collate>::Batch;

    fn batches(&self) -> Option<usize> {
        Some(self.len())
    }

    fn pass(&self, epoch: usize) -> Box<dyn Pass<Self::Batch> + '_> {
        Box::new(self.epoch(epoch))
    }

    fn pass_from(&self, position: &Position) -> Result<Box<dyn Pass<Self::Batch> + '_>> {
        Ok(Box::new(self.resume(position)?))
    }
}

impl<D: IterableDataset> Pass<<D::Sample as Collate>::Batch> for IterableEpoch<D> {
    fn at(&self) -> &Position {
        self.position()
    }
}

impl<D: IterableDataset<Sample: Collate<Batch: Send> + 'static>> Loader for IterableLoader<D> {
    type Batch = <D::Sample as Collate>::Batch;

    fn batches(&self) -> Option<usize> {
        None
    }

    fn pass(&self, epoch: usize) -> Box<dyn Pass<Self::Batch> + '_> {
        Box::new(self.epoch(epoch))
    }

    fn pass_from(&self, position: &Position) -> Result<Box<dyn Pass<Self::Batch> + '_>> {
        Ok(Box::new(self.resume(position)))
    }
}
