//! Data: sets of samples, batches of them, and the files that they come from.

mod collate;
mod concat;
#[cfg(feature = "csv")]
pub mod csv;
mod dataset;
pub mod idx;
#[cfg(feature = "images")]
pub mod image;
#[cfg(feature = "images")]
mod image_folder;
mod iterable;
mod loader;
mod pass;
mod position;
mod sampler;
mod source;
mod split;
mod worker;

pub use collate::Collate;
pub use concat::ConcatDataset;
pub use dataset::{Dataset, TensorDataset};
#[cfg(feature = "images")]
pub use image_folder::ImageFolder;
pub use iterable::{IterableDataset, IterableEpoch, IterableLoader};
pub use loader::{DataLoader, Epoch};
pub use pass::{Loader, Pass};
pub use position::Position;
pub use sampler::{
    DistributedSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler,
};
pub use split::{Subset, random_split};
