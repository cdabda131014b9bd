//! Tensors in files: `.npy` ([`Tensor::read_npy`](crate::Tensor::read_npy)), `.npz`, safetensors, and PyTorch's
//! `.pt` with whole checkpoints.
//!
//! Files are not trusted: whatever the bytes, reading them gives tensors or an error with the file's name and the
//! offset of the byte that is wrong; nothing is allocated before the file's length has justified it. No code in a file is
//! ever run.

mod cursor;
mod files;
mod input;
mod npy;
#[cfg(feature = "npz")]
pub mod npz;
mod output;
pub mod pt;
pub mod safetensors;
mod value;
mod zip;

pub use files::{FileWriter, Files, OutputFile, SystemFiles};
pub use output::{replace_file, replace_file_on, sweep_temporaries};
pub use value::{Dict, OptionValue, Value};

/// The most dimensions that a file's tensor may have: NumPy's limit.
const MAX_RANK: usize = 64;
