//! A module of one input and one output.

use crate::{Module, Result, hook, place};
use autograd::Var;
use std::sync::Arc;

/// A module that makes one value from one: what [`Sequential`](crate::Sequential) chains.
///
/// A type says what it does in [`compute`](Layer::compute); it is called as [`forward`](Layer::forward), which adds what
/// every call has, as PyTorch's modules are written as `forward` and called as `module(x)`.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{Tensor, DType, Var, tensor_core::Rng};
///
/// #[derive(Module)]
/// struct Block {
///     fc: Linear,
/// }
///
/// impl Layer for Block {
///     fn compute(&self, x: &Var) -> nn::Result<Var> {
///         Ok(self.fc.forward(x)?.relu()?.add(x)?)
///     }
/// }
///
/// let rng = Rng::seed(0);
/// let model = sequential![Block { fc: Linear::new(3, 3, &rng)? }, Block { fc: Linear::new(4, 4, &rng)? }];
/// let error = model.forward(&Tensor::ones([2, 3], DType::F32)?.into()).unwrap_err();
/// assert!(error.to_string().starts_with("1.fc: Linear(in_features=4, out_features=4, bias=true): linear: "));
/// # Ok::<(), nn::Error>(())
/// ```
///
/// A model of several inputs or outputs needs no trait: it derives [`Module`] and has a `forward` of its own, with its
/// errors placed by [`within`](crate::within).
pub trait Layer: Module {
    /// What the layer does: the output for the input `x`. Callers use [`forward`](Layer::forward).
    ///
    /// # Errors
    /// If the shape or dtype of `x` does not fit.
    #[track_caller]
    fn compute(&self, x: &Var) -> Result<Var>;

    /// The output for the input `x`, with history where gradients are recorded, after the
    /// [hooks](crate::register_forward_hook) have seen it.
    ///
    /// # Errors
    /// If the shape or dtype of `x` does not fit; the message names the layer that refused, its place in this module,
    /// and what it expected.
    #[track_caller]
    fn forward(&self, x: &Var) -> Result<Var> {
        match self.compute(x) {
            Ok(y) => Ok(hook::show(self, x, y)),
            Err(error) => Err(place::locate(self, error)),
        }
    }
}

macro_rules! handle {
    ($($handle:ident),*) => {$(
        /// The layer inside; the call is its own.
        impl<L: Layer + ?Sized> Layer for $handle<L> {
            fn compute(&self, x: &Var) -> Result<Var> {
                (**self).compute(x)
            }

            fn forward(&self, x: &Var) -> Result<Var> {
                (**self).forward(x)
            }
        }
    )*};
}
handle!(Box, Arc);

/// The layer, or nothing done where there is none: a residual block's `downsample`, say.
impl<L: Layer> Layer for Option<L> {
    fn compute(&self, x: &Var) -> Result<Var> {
        match self {
            Some(layer) => layer.forward(x),
            None => Ok(x.clone()),
        }
    }
}
