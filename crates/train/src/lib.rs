//! The training loop as a library of parts: the loop itself stays the user's.
//!
//! ```
//! use train::prelude::*;
//!
//! # fn main() -> train::Result<()> {
//! let rng = Rng::seed(0);
//! let x = rng.randn([256, 2], DType::F32)?;
//! let y = x.select(1, 0)?.gt_scalar(0.0)?.to_dtype(DType::I64)?;
//! let loader = DataLoader::new(TensorDataset::new(x, y)?, 16)?.shuffle(&rng);
//! let model = sequential![Linear::new(2, 16, &rng)?, ReLU, Linear::new(16, 2, &rng)?];
//! let mut opt = Adam::new(model.parameters(), 1e-2)?;
//!
//! for epoch in 0..3 {
//!     let mut progress = Progress::epoch(epoch, 3, loader.len());
//!     let (mut mean_loss, mut accuracy) = (Mean::default(), Accuracy::default());
//!     for batch in loader.epoch(epoch) {
//!         let (data, target) = batch?;
//!         let output = model.forward(&data.into())?;
//!         let loss = output.cross_entropy(&target)?;
//!         opt.zero_grad();
//!         loss.backward()?;
//!         opt.step()?;
//!         mean_loss.add(loss.detach().item::<f32>()?, target.numel());
//!         accuracy.add(&output.detach(), &target)?;
//!         progress.step(target.numel(), &[("loss", mean_loss.value()), ("accuracy %", accuracy.value())]);
//!     }
//!     progress.finish();
//! }
//! # Ok(())
//! # }
//! ```

mod averaging;
pub mod callback;
pub mod checkpoint;
mod checksum;
#[cfg(feature = "ctrlc")]
mod ctrl_c;
pub mod data;
mod diagnose;
mod error;
mod json;
mod log;
pub mod metric;
mod model;
#[cfg(feature = "plot")]
mod plot;
pub mod progress;
pub mod record;
mod tensorboard;
mod trainer;

pub use autograd::{self, DType, Parameter, Tensor, Var, no_grad};
pub use averaging::{averaged_model, update_bn};
pub use callback::{Callback, EarlyStopping, Event, Flow, Values};
pub use diagnose::{Finding, diagnose};
pub use error::{Error, Result};
pub use log::FileLog;
pub use model::{evaluating, load_model, save_model};
pub use nn;
pub use optim;
#[cfg(feature = "plot")]
pub use plot::Plot;
pub use record::RunRecord;
pub use tensor_core::{self, Rng};
pub use tensorboard::TensorBoard;
pub use trainer::{
    Ending, Every, LrFinder, LrSweep, NonFinite, Output, StopFlag, Summary, Trainer, overfit_one_batch,
};

/// What a training program uses.
pub mod prelude {
    pub use crate::data::{DataLoader, Dataset, Subset, TensorDataset, random_split};
    pub use crate::metric::{Accuracy, Mean};
    pub use crate::progress::Progress;
    pub use crate::{DType, Error, Parameter, Result, Rng, Tensor, Var, no_grad};
    pub use crate::{Output, Trainer};
    pub use nn::prelude::*;
    pub use optim::{Adam, AdamOptions, AdamW, AdamWOptions, Optimizer, SGD, SGDOptions};
}
