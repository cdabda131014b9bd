//! The training loop as a library of parts: the loop itself stays the user's.
//!
//! ```
//! use train::prelude::*;
//!
//! # fn main() -> train::Result<()> {
//! let rng = Rng::seed(0);
//! let x = rng.randn([64, 2], DType::F32)?;
//! let y = x.select(1, 0)?.gt_scalar(0.0)?.to_dtype(DType::I64)?;
//! let loader = DataLoader::new(TensorDataset::new(x, y)?, 16)?.shuffle(&rng);
//! for epoch in 0..2 {
//!     let mut progress = Progress::epoch(epoch, 2, loader.len());
//!     for batch in loader.epoch(epoch) {
//!         let (data, target) = batch?;
//!         progress.step(target.numel(), &[("mean", data.mean()?.item::<f32>()?.into())]);
//!     }
//!     progress.finish();
//! }
//! # Ok(())
//! # }
//! ```

pub mod data;
mod error;
pub mod metric;
pub mod progress;

pub use autograd::{self, DType, Parameter, Tensor, Var, no_grad};
pub use error::{Error, Result};
pub use tensor_core::{self, Rng};

/// What a training program uses.
pub mod prelude {
    pub use crate::data::{DataLoader, Dataset, Subset, TensorDataset, random_split};
    pub use crate::metric::{Accuracy, Mean};
    pub use crate::progress::Progress;
    pub use crate::{DType, Error, Parameter, Result, Rng, Tensor, Var, no_grad};
}
