//! Normalization of each sample by itself.

use crate::layers::size::Sizes;
use crate::{Layer, Module, Result};
use autograd::{DType, Parameter, Shape, Tensor, Var};

/// `(x − mean) / √(var + eps) · weight + bias` over the trailing dimensions `normalized_shape`, with the biased
/// variance: `nn.LayerNorm`.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor};
///
/// let norm = LayerNorm::new(4)?;
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
/// assert!(norm.forward(&x.into())?.detach().sum()?.item::<f32>()?.abs() < 1e-6);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct LayerNorm {
    /// Of `normalized_shape`, starts as ones; None if not affine.
    pub weight: Option<Parameter>,
    /// Of `normalized_shape`, starts as zeros; None if not affine or without bias.
    pub bias: Option<Parameter>,
    normalized_shape: Shape,
    eps: f64,
}

impl LayerNorm {
    /// Eps 1e-5, affine, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(normalized_shape: impl Sizes) -> Result<Self> {
        Self::options(normalized_shape).build()
    }

    /// Settings beyond the common ones.
    pub fn options(normalized_shape: impl Sizes) -> LayerNormOptions {
        LayerNormOptions {
            normalized_shape: normalized_shape.sizes(),
            eps: 1e-5,
            elementwise_affine: true,
            bias: true,
            dtype: DType::F32,
        }
    }

    fn settings(&self) -> String {
        let Self { normalized_shape, eps, weight, .. } = self;
        format!("{normalized_shape}, eps={eps:e}, elementwise_affine={}", weight.is_some())
    }
}

impl Layer for LayerNorm {
    fn compute(&self, x: &Var) -> Result<Var> {
        let (weight, bias) =
            (self.weight.as_ref().map(Parameter::var), self.bias.as_ref().map(Parameter::var));
        Ok(x.layer_norm(&self.normalized_shape, weight.as_ref(), bias.as_ref(), self.eps)?)
    }
}

/// Settings of a [`LayerNorm`].
#[derive(Clone, Debug)]
#[must_use = "build makes the layer"]
pub struct LayerNormOptions {
    normalized_shape: Shape,
    eps: f64,
    elementwise_affine: bool,
    bias: bool,
    dtype: DType,
}

impl LayerNormOptions {
    /// Added to the variance; default 1e-5.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Whether there are weight and bias; default true.
    pub fn elementwise_affine(self, elementwise_affine: bool) -> Self {
        Self { elementwise_affine, ..self }
    }

    /// Whether there is a bias beside the weight; default true.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Makes the layer; nothing is drawn.
    ///
    /// # Errors
    /// If the dtype is not floating-point or memory does not suffice.
    pub fn build(self) -> Result<LayerNorm> {
        let Self { normalized_shape, eps, elementwise_affine: affine, bias, dtype } = self;
        let parameter = |value: Tensor| -> Result<Parameter> { Ok(Parameter::new(value)?) };
        let weight = if affine { Some(parameter(Tensor::ones(&normalized_shape, dtype)?)?) } else { None };
        let bias =
            if affine && bias { Some(parameter(Tensor::zeros(&normalized_shape, dtype)?)?) } else { None };
        Ok(LayerNorm { weight, bias, normalized_shape, eps })
    }
}

/// `x / √(mean(x²) + eps) · weight` over the trailing dimensions `normalized_shape`: `nn.RMSNorm`.
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct RMSNorm {
    /// Of `normalized_shape`, starts as ones; None if not affine.
    pub weight: Option<Parameter>,
    normalized_shape: Shape,
    eps: Option<f64>,
}

impl RMSNorm {
    /// Eps of the input's precision, affine, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(normalized_shape: impl Sizes) -> Result<Self> {
        Self::options(normalized_shape).build()
    }

    /// Settings beyond the common ones.
    pub fn options(normalized_shape: impl Sizes) -> RMSNormOptions {
        RMSNormOptions {
            normalized_shape: normalized_shape.sizes(),
            eps: None,
            elementwise_affine: true,
            dtype: DType::F32,
        }
    }

    fn settings(&self) -> String {
        let eps = self.eps.map_or_else(|| "None".to_string(), |eps| format!("{eps:e}"));
        format!("{}, eps={eps}, elementwise_affine={}", self.normalized_shape, self.weight.is_some())
    }
}

impl Layer for RMSNorm {
    fn compute(&self, x: &Var) -> Result<Var> {
        let precision = if x.dtype() == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        let weight = self.weight.as_ref().map(Parameter::var);
        Ok(x.rms_norm(&self.normalized_shape, weight.as_ref(), self.eps.unwrap_or(precision))?)
    }
}

/// Settings of an [`RMSNorm`].
#[derive(Clone, Debug)]
#[must_use = "build makes the layer"]
pub struct RMSNormOptions {
    normalized_shape: Shape,
    eps: Option<f64>,
    elementwise_affine: bool,
    dtype: DType,
}

impl RMSNormOptions {
    /// Added to the mean square; default None, the difference between 1 and the next number of the input's dtype.
    pub fn eps(self, eps: Option<f64>) -> Self {
        Self { eps, ..self }
    }

    /// Whether there is a weight; default true.
    pub fn elementwise_affine(self, elementwise_affine: bool) -> Self {
        Self { elementwise_affine, ..self }
    }

    /// The dtype of the weight; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Makes the layer; nothing is drawn.
    ///
    /// # Errors
    /// If the dtype is not floating-point or memory does not suffice.
    pub fn build(self) -> Result<RMSNorm> {
        let Self { normalized_shape, eps, elementwise_affine, dtype } = self;
        let weight = if elementwise_affine {
            Some(Parameter::new(Tensor::ones(&normalized_shape, dtype)?)?)
        } else {
            None
        };
        Ok(RMSNorm { weight, normalized_shape, eps })
    }
}
