//! What a program that builds models uses: `use nn::prelude::*`.

// The crate itself, since `#[derive(Module)]` names it.
pub use crate as nn;
pub use crate::layers::activation::{ReLU, Sigmoid, Tanh};
pub use crate::{Buffer, Layer, Linear, Module, Sequential, Training, sequential};
