//! Tensors in files: `.npy` ([`Tensor::read_npy`](crate::Tensor::read_npy)), `.npz` and safetensors.
//!
//! Files are not trusted: whatever the bytes, reading them gives tensors or an error with the file's name and the
//! offset of the byte that is wrong; nothing is allocated before the file's length has justified it. Nothing here reads
//! pickles.

mod cursor;
mod input;
mod npy;
#[cfg(feature = "npz")]
pub mod npz;
mod output;
pub mod safetensors;

pub use output::replace_file;

/// The most dimensions that a file's tensor may have: NumPy's limit.
const MAX_RANK: usize = 64;
