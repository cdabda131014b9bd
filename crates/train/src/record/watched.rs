//! A loader whose batches are hashed.

use crate::Result;
use crate::checksum::Hash;
use crate::data::{Loader, Pass, Position};
use std::sync::{Arc, Mutex, PoisonError};
use tensor_core::Tensor;

/// What holds tensors: a batch. A loader of batches of another type can be [watched](crate::RunRecord::watch) once the
/// type says what its tensors are.
pub trait Tensors {
    /// Calls `visit` with each, always in the same order.
    ///
    /// # Errors
    /// Those of `visit`.
    fn tensors(&self, visit: &mut dyn FnMut(&Tensor) -> Result<()>) -> Result<()>;
}

impl Tensors for Tensor {
    fn tensors(&self, visit: &mut dyn FnMut(&Tensor) -> Result<()>) -> Result<()> {
        visit(self)
    }
}

impl<T: Tensors> Tensors for Vec<T> {
    fn tensors(&self, visit: &mut dyn FnMut(&Tensor) -> Result<()>) -> Result<()> {
        self.iter().try_for_each(|part| part.tensors(visit))
    }
}

impl<A: Tensors, B: Tensors> Tensors for (A, B) {
    fn tensors(&self, visit: &mut dyn FnMut(&Tensor) -> Result<()>) -> Result<()> {
        self.0.tensors(visit)?;
        self.1.tensors(visit)
    }
}

/// The hash of the batches of an epoch so far; `None` if no loader is watched.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Option<Hash>>>);

impl Seen {
    pub fn hash(&self) -> Option<Hash> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, hash: Option<Hash>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = hash;
    }
}

/// A loader whose batches go into a record, see [`RunRecord::watch`](crate::RunRecord::watch).
pub struct Watched<'l, L: ?Sized> {
    loader: &'l L,
    seen: Seen,
}

impl<'l, L: ?Sized> Watched<'l, L> {
    pub(super) fn new(loader: &'l L, seen: Seen) -> Self {
        Self { loader, seen }
    }
}

impl<L: Loader<Batch: Tensors> + ?Sized> Loader for Watched<'_, L> {
    type Batch = L::Batch;

    fn batches(&self) -> Option<usize> {
        self.loader.batches()
    }

    fn pass(&self, epoch: usize) -> Box<dyn Pass<Self::Batch> + '_> {
        self.seen.set(Some(Hash::START));
        Box::new(WatchedPass { pass: self.loader.pass(epoch), seen: &self.seen })
    }

    fn pass_from(&self, position: &Position) -> Result<Box<dyn Pass<Self::Batch> + '_>> {
        Ok(Box::new(WatchedPass { pass: self.loader.pass_from(position)?, seen: &self.seen }))
    }
}

struct WatchedPass<'p, B> {
    pass: Box<dyn Pass<B> + 'p>,
    seen: &'p Seen,
}

impl<B: Tensors> Iterator for WatchedPass<'_, B> {
    type Item = Result<B>;

    fn next(&mut self) -> Option<Result<B>> {
        let batch = self.pass.next()?;
        let hashed = batch.and_then(|batch| {
            let mut hash = self.seen.hash().unwrap_or(Hash::START);
            batch.tensors(&mut |tensor| hash.tensor(tensor))?;
            self.seen.set(Some(hash));
            Ok(batch)
        });
        Some(hashed)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.pass.size_hint()
    }
}

impl<B: Tensors> Pass<B> for WatchedPass<'_, B> {
    fn at(&self) -> &Position {
        self.pass.at()
    }
}
