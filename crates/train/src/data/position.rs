//! Where a pass over a set is.

/// How far a pass has come, and what its order was drawn from: enough to go on with the next batch, in another process
/// too. Part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The epoch, as the loader was asked for it.
    pub epoch: usize,
    /// The batches that were given.
    pub batches: usize,
    /// The state that the order's generator had at the start of the pass; `None` for an order that needs none.
    pub rng: Option<Vec<u8>>,
}
