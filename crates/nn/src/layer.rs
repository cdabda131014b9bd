//! A module of one input and one output.

use crate::{Module, Result};
use autograd::Var;
use std::sync::Arc;

/// A module that makes one value from one: what [`Sequential`](crate::Sequential) chains.
///
/// A model of several inputs or outputs needs no trait: it derives [`Module`] and has a `forward` of its own.
pub trait Layer: Module {
    /// The output for the input `x`, with history where gradients are recorded.
    ///
    /// # Errors
    /// If the shape or dtype of `x` does not fit; the message names the layer and what it expected.
    #[track_caller]
    fn forward(&self, x: &Var) -> Result<Var>;
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    fn forward(&self, x: &Var) -> Result<Var> {
        (**self).forward(x)
    }
}

impl<L: Layer + ?Sized> Layer for Arc<L> {
    fn forward(&self, x: &Var) -> Result<Var> {
        (**self).forward(x)
    }
}

/// The layer, or nothing done where there is none: a residual block's `downsample`, say.
impl<L: Layer> Layer for Option<L> {
    fn forward(&self, x: &Var) -> Result<Var> {
        match self {
            Some(layer) => layer.forward(x),
            None => Ok(x.clone()),
        }
    }
}
