//! Data: sets of samples, batches of them, and the files that they come from.

mod collate;
#[cfg(feature = "csv")]
pub mod csv;
mod dataset;
pub mod idx;
mod loader;
mod source;
mod split;

pub use collate::Collate;
pub use dataset::{Dataset, TensorDataset};
pub use loader::{DataLoader, Epoch};
pub use split::{Subset, random_split};
