//! Neural network modules with PyTorch's names, defaults and initial values.
//!
//! A model is a struct of layers that derives [`Module`]; its `forward` is written in plain Rust. Chains of layers are
//! [`Sequential`].
//!
//! ```
//! use nn::prelude::*;
//! use autograd::{DType, Tensor, tensor_core::Rng};
//!
//! let rng = Rng::seed(0);
//! let model = sequential![Linear::new(64, 128, &rng)?, ReLU, Linear::new(128, 10, &rng)?];
//! let x = Tensor::ones([4, 64], DType::F32)?;
//! let loss = model.forward(&x.into())?.sum()?;
//! loss.backward()?;
//! assert!(model.parameters().iter().all(|parameter| parameter.grad().is_some()));
//! # Ok::<(), nn::Error>(())
//! ```
//!
//! Every layer with parameters is made in two ways: `new` with PyTorch's defaults, and `options(..)`, whose methods
//! are PyTorch's other keyword arguments, followed by `build`. Both take the [`Rng`](autograd::tensor_core::Rng) that
//! initial values, and later dropout masks, are drawn from.

// The derive names this crate `nn`, here too.
extern crate self as nn;

mod buffer;
mod error;
pub mod init;
mod layer;
mod layers;
mod module;
mod part;
pub mod prelude;
mod repr;
mod sequential;
mod state_dict;
mod training;
mod walk;

pub use buffer::Buffer;
pub use error::{Error, Result, StateDictError};
pub use layer::Layer;
pub use layers::activation::{ReLU, Sigmoid, Tanh};
pub use layers::linear::{Linear, LinearOptions};
pub use module::Module;
pub use nn_derive::Module;
pub use sequential::Sequential;
pub use state_dict::{IncompatibleKeys, StateDict};
pub use training::Training;
pub use walk::{Part, Walk};
