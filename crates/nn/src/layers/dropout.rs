//! Dropout.

use crate::{Error, Layer, Module, Result, Training};
use autograd::tensor_core::Rng;
use autograd::{Shape, Tensor, Var};
use std::panic::Location;

fn check_probability(op: &'static str, p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) {
        return Ok(());
    }
    Err(Error::Argument { op, argument: "p", value: p.to_string(), expected: "a probability, 0 to 1" })
}

/// In training, each element 0 with probability `p`, else divided by 1 − p; in evaluation the input: `nn.Dropout`.
///
/// Each training forward draws one key from the generator that the layer shares, and the mask is a function of the key
/// and the place of the element: it is the same for any number of threads, and never stored. (PyTorch draws a number
/// for each element, so its masks are others.)
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let dropout = Dropout::new(0.5, &Rng::seed(0))?;
/// let x = Tensor::ones([1000], DType::F32)?.into();
/// let kept = dropout.forward(&x)?.detach().to_vec::<f32>()?.iter().filter(|&&x| x == 2.0).count();
/// assert!((450..550).contains(&kept));
/// dropout.eval();
/// assert_eq!(dropout.forward(&x)?.detach().sum()?.item::<f32>()?, 1000.0);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct Dropout {
    p: f64,
    rng: Rng,
    training: Training,
}

impl Dropout {
    /// Drops with probability `p` (PyTorch's default is 0.5), drawing from `rng` in each training forward.
    ///
    /// # Errors
    /// If `p` is not from 0 to 1.
    pub fn new(p: f64, rng: &Rng) -> Result<Self> {
        check_probability("Dropout", p)?;
        Ok(Self { p, rng: rng.clone(), training: Training::default() })
    }

    fn settings(&self) -> String {
        format!("p={}", self.p)
    }
}

impl Layer for Dropout {
    fn compute(&self, x: &Var) -> Result<Var> {
        if !self.training.get() || self.p == 0.0 {
            return Ok(x.clone());
        }
        Ok(x.dropout(self.p, self.rng.next_u64())?)
    }
}

/// Whole channels dropped: the first `lead` dimensions have a draw for each of their places.
#[track_caller]
fn drop_channels(x: &Var, lead: usize, p: f64, rng: &Rng) -> Result<Var> {
    let each: Shape = (0..x.rank()).map(|dim| if dim < lead { x.shape()[dim] } else { 1 }).collect();
    let mask = Tensor::ones(each, x.dtype())?.dropout(p, rng.next_u64())?;
    Ok(x.mul(&mask.into())?)
}

macro_rules! channel_dropout {
    ($($(#[$doc:meta])* $name:ident($ranks:expr, $lead:expr) $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            p: f64,
            rng: Rng,
            training: Training,
        }

        impl $name {
            /// Drops with probability `p` (PyTorch's default is 0.5), drawing from `rng` in each training forward.
            ///
            /// # Errors
            /// If `p` is not from 0 to 1.
            pub fn new(p: f64, rng: &Rng) -> Result<Self> {
                check_probability(stringify!($name), p)?;
                Ok(Self { p, rng: rng.clone(), training: Training::default() })
            }

            fn settings(&self) -> String {
                format!("p={}", self.p)
            }
        }

        impl Layer for $name {
            fn compute(&self, x: &Var) -> Result<Var> {
                if !$ranks.contains(&x.rank()) {
                    let (value, location) = (x.shape().to_string(), Location::caller());
                    let (op, argument, expected) = ("dropout", "the input's shape", $expected);
                    return Err(autograd::Error::Argument { op, argument, value, expected, location }.into());
                }
                if !self.training.get() || self.p == 0.0 {
                    return Ok(x.clone());
                }
                drop_channels(x, $lead(x.rank()), self.p, &self.rng)
            }
        }
    )*};
}

channel_dropout! {
    /// [`Dropout`] of whole channels of `[N, C, L]` or `[C, L]`: `nn.Dropout1d`.
    Dropout1d(2..=3, |rank| rank - 1) "[N, C, L] or [C, L]";
    /// [`Dropout`] of whole channels of `[N, C, H, W]`, or, as in PyTorch, of `[N, C, L]`: `nn.Dropout2d`. Neighbours in an
    /// image are so alike that single elements dropped would change little (<https://arxiv.org/abs/1411.4280>).
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{DType, Tensor, tensor_core::Rng};
    ///
    /// let x = Tensor::ones([2, 3, 4, 4], DType::F32)?.into();
    /// let y = Dropout2d::new(0.5, &Rng::seed(0))?.forward(&x)?.detach().to_vec::<f32>()?;
    /// assert!(y.chunks(16).all(|channel| channel == [0.0; 16] || channel == [2.0; 16]));
    /// # Ok::<(), nn::Error>(())
    /// ```
    Dropout2d(3..=4, |_| 2) "[N, C, H, W] or [N, C, L]";
    /// [`Dropout`] of whole channels of `[N, C, D, H, W]` or `[C, D, H, W]`: `nn.Dropout3d`.
    Dropout3d(4..=5, |rank| rank - 3) "[N, C, D, H, W] or [C, D, H, W]";
}
