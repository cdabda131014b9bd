//! Dropout.

use crate::{Error, Layer, Module, Result, Training};
use autograd::Var;
use autograd::tensor_core::Rng;

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
        if !(0.0..=1.0).contains(&p) {
            let (value, expected) = (p.to_string(), "a probability, 0 to 1");
            return Err(Error::Argument { op: "Dropout", argument: "p", value, expected });
        }
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
