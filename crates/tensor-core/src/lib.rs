//! N-dimensional tensors for the CPU.
//!
//! [`Tensor`] is a plain value: a [`DType`] chosen at run time, a shape and strides over shared storage. Cloning is
//! cheap; views (transpose, narrow, expand, permute) share storage without copying; a write never shows through
//! another handle, because storage that is shared is copied first (copy-on-write).
//!
//! This crate knows layout and loops and no calculus: gradients live in the crate `autograd`.
//!
//! ```
//! use tensor_core::{DType, Tensor};
//!
//! let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3])?;
//! let w = Tensor::ones([3, 2], DType::F32)?;
//! let y = x.matmul(&w)?;
//! assert_eq!(y.to_vec::<f32>()?, [6.0, 6.0, 15.0, 15.0]);
//! # Ok::<(), tensor_core::Error>(())
//! ```

mod create;
mod display;
mod dtype;
mod error;
mod half;
#[cfg(feature = "ndarray")]
mod interop;
pub mod io;
mod kernel;
mod layout;
mod metadata;
mod ops;
mod rng;
mod scalar;
mod shape;
pub mod step;
mod storage;
mod tensor;
mod threads;

pub use dtype::{DType, Element};
pub use error::{Error, ErrorKind, Result};
pub use half::{bf16, f16};
pub use kernel::gemm::Activation;
pub use metadata::Metadata;
pub use ops::activation::Approximate;
pub use ops::avg_pool::AvgPoolOptions;
pub use ops::conv::{ConvOptions, ConvTransposeOptions, Padding};
pub use ops::convolution::Convolution;
pub use ops::ctc_loss::CtcTargets;
pub use ops::division::RoundingMode;
#[doc(hidden)]
pub use ops::einsum::{Contract, einsum};
pub use ops::gather::ScatterReduce;
pub use ops::im2col::UnfoldOptions;
pub use ops::index::{Index, Indices};
pub use ops::interpolate::{InterpolateMode, InterpolateOptions, Resize};
pub use ops::loss::{CrossEntropyOptions, Reduction};
pub use ops::max_pool::{MaxPoolOptions, MaxPooling};
pub use ops::norm::{BatchNorm, NormGradients};
pub use ops::pad::PadMode;
#[doc(hidden)]
pub use ops::products::{TensordotPlan, expect_batches, expect_broadcasts_to, sizes_product};
pub use ops::resample::Resampling;
#[doc(hidden)]
pub use ops::shuffle::Shuffle;
pub use ops::softplus::SELU;
pub use ops::stack::Indexing;
pub use ops::unique::Unique;
pub use rng::{Draws, Rng};
pub use scalar::Scalar;
pub use shape::{Dims, Shape};
pub use storage::memory;
pub use tensor::Tensor;
pub use threads::{fma_peak, num_threads, set_num_threads, with_threads};
