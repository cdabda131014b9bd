//! The fully connected layer.

use crate::error::OfModule;
use crate::{Layer, Module, Result, Weighted, init};
use autograd::tensor_core::{Activation, Rng};
use autograd::{DType, Parameter, Shape, Var};

/// y = x Wᵀ + b: `nn.Linear`. Input `[.., in_features]`, output `[.., out_features]`; `weight` is
/// `[out_features, in_features]`, `bias` `[out_features]`.
///
/// Both start uniform in ±1/√in_features; the weight is drawn first, bit for bit what PyTorch draws.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let rng = Rng::seed(0);
/// let layer = Linear::new(64, 128, &rng)?;
/// // torch.manual_seed(0); nn.Linear(64, 128).weight[0, 0]
/// assert_eq!(layer.weight.value().to_vec::<f32>()?[0], -0.0009358525276184082);
///
/// let no_bias = Linear::options(64, 10).bias(false).build(&rng)?;
/// let error = no_bias.forward(&Tensor::zeros([8, 32], DType::F32)?.into()).unwrap_err();
/// assert!(error.to_string().starts_with("Linear(in_features=64, out_features=10, bias=false): linear: "));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings, multiply_adds = Self::cost)]
pub struct Linear {
    /// `[out_features, in_features]`.
    pub weight: Parameter,
    /// `[out_features]`; None without bias.
    pub bias: Option<Parameter>,
}

impl Linear {
    /// With a bias, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(in_features: usize, out_features: usize, rng: &Rng) -> Result<Self> {
        Self::options(in_features, out_features).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(in_features: usize, out_features: usize) -> LinearOptions {
        LinearOptions { in_features, out_features, bias: true, dtype: DType::F32 }
    }

    /// Each output is a product with one row of the weight.
    fn cost(&self, _: &Shape, output: &Shape) -> usize {
        output.numel().saturating_mul(self.weight.numel() / self.weight.shape()[0].max(1))
    }

    fn settings(&self) -> String {
        let (shape, bias) = (self.weight.shape(), self.bias.is_some());
        format!("in_features={}, out_features={}, bias={bias}", shape[1], shape[0])
    }

    #[track_caller]
    fn run(&self, weight: &Var, x: &Var, activation: Activation) -> autograd::Result<Var> {
        let bias = self.bias.as_ref().map(Parameter::var);
        x.linear(weight, bias.as_ref(), activation)
    }

    /// max(x Wᵀ + b, 0), in one pass over the output.
    ///
    /// # Errors
    /// As for [`forward`](Layer::forward).
    #[track_caller]
    pub fn forward_relu(&self, x: &Var) -> Result<Var> {
        self.run(&self.weight.var(), x, Activation::Relu).of(self)
    }
}

impl Layer for Linear {
    fn compute(&self, x: &Var) -> Result<Var> {
        self.compute_with(&self.weight.var(), x)
    }
}

impl Weighted for Linear {
    fn weight(&self) -> &Parameter {
        &self.weight
    }

    fn bias(&self) -> Option<&Parameter> {
        self.bias.as_ref()
    }

    fn compute_with(&self, weight: &Var, x: &Var) -> Result<Var> {
        Ok(self.run(weight, x, Activation::Identity)?)
    }
}

/// Settings of a [`Linear`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct LinearOptions {
    in_features: usize,
    out_features: usize,
    bias: bool,
    dtype: DType,
}

impl LinearOptions {
    /// Whether b is added; default true. Without, only the weight is drawn.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Draws the parameters and makes the layer.
    ///
    /// # Errors
    /// If the dtype is not floating-point or memory does not suffice.
    pub fn build(self, rng: &Rng) -> Result<Linear> {
        let Self { in_features, out_features, bias, dtype } = self;
        let (weight, bias) =
            init::layer_default(&[out_features, in_features], bias.then_some(out_features), dtype, rng)?;
        Ok(Linear { weight, bias })
    }
}
