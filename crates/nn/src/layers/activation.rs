//! Activations.

use crate::{Layer, Module, Result};
use autograd::{Approximate, DType, Parameter, Tensor, Var};

macro_rules! activation {
    ($($(#[$doc:meta])* $name:ident => $method:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Module)]
        pub struct $name;

        impl Layer for $name {
            fn compute(&self, x: &Var) -> Result<Var> {
                Ok(x.$method()?)
            }
        }
    )*};
}

activation! {
    /// min(max(x + 3, 0), 6) / 6: `nn.Hardsigmoid`.
    Hardsigmoid => hardsigmoid,
    /// x min(max(x + 3, 0), 6) / 6: `nn.Hardswish`.
    Hardswish => hardswish,
    /// log(1 / (1 + e⁻ˣ)), exact for large −x: `nn.LogSigmoid`.
    LogSigmoid => logsigmoid,
    /// x tanh(log(1 + eˣ)): `nn.Mish`.
    Mish => mish,
    /// max(x, 0): `nn.ReLU`. After a [`Linear`](crate::Linear) in a [`Sequential`](crate::Sequential) it costs no pass
    /// of its own.
    ReLU => relu,
    /// min(max(x, 0), 6): `nn.ReLU6`.
    ReLU6 => relu6,
    /// λ x where x is positive, else λ α (eˣ − 1), with the λ = 1.0507 and α = 1.6733 that keep mean 0 and variance 1 from
    /// layer to layer: `nn.SELU` (<https://arxiv.org/abs/1706.02515>).
    SELU => selu,
    /// 1 / (1 + e⁻ˣ): `nn.Sigmoid`.
    Sigmoid => sigmoid,
    /// x / (1 + e⁻ˣ): `nn.SiLU`.
    SiLU => silu,
    /// x / (1 + |x|): `nn.Softsign`.
    Softsign => softsign,
    /// tanh x: `nn.Tanh`.
    Tanh => tanh,
    /// x − tanh x: `nn.Tanhshrink`.
    Tanhshrink => tanhshrink,
}

/// Activations with settings: those in parentheses are given to `new`, those in braces have a default and a method.
macro_rules! activation_with {
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($required:ident: $required_type:ty),*))?
        $({$($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr),* $(,)?})? => $method:ident
    ),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            $($($required: $required_type,)*)?
            $($($field: $type,)*)?
        }

        impl $name {
            $(
                /// With these settings.
                pub fn new($($required: $required_type),*) -> Self {
                    Self { $($required),* }
                }
            )?

            $(
                /// PyTorch's defaults.
                pub fn new() -> Self {
                    Self { $($field: $default),* }
                }

                $($(#[$field_doc])*
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                })*
            )?

            fn settings(&self) -> String {
                [
                    $($(format!(concat!(stringify!($required), "={:?}"), self.$required),)*)?
                    $($(format!(concat!(stringify!($field), "={:?}"), self.$field),)*)?
                ]
                .join(", ")
            }
        }

        $(
            /// PyTorch's defaults.
            impl Default for $name {
                fn default() -> Self {
                    Self { $($field: $default),* }
                }
            }
        )?

        impl Layer for $name {
            fn compute(&self, x: &Var) -> Result<Var> {
                Ok(x.$method($($(self.$required,)*)? $($(self.$field,)*)?)?)
            }
        }
    )*};
}

activation_with! {
    /// max(x, 0) + min(0, alpha (e^(x / alpha) − 1)): `nn.CELU`.
    CELU {
        /// Minus what large −x give; default 1.
        alpha: f64 = 1.0,
    } => celu,
    /// x where it is positive, else alpha (eˣ − 1): `nn.ELU`.
    ELU {
        /// Minus what large −x give; default 1.
        alpha: f64 = 1.0,
    } => elu,
    /// x Φ(x), with Φ the normal distribution function: `nn.GELU`.
    GELU {
        /// How Φ is computed; default by the error function. `nn.GELU(approximate='tanh')` is
        /// `GELU::new().approximate(Approximate::Tanh)`.
        approximate: Approximate = Approximate::default(),
    } => gelu,
    /// a / (1 + e⁻ᵇ) of the first half a and the second half b of a dimension, which must be even: `nn.GLU`.
    GLU {
        /// The dimension, counted from the end if negative; default −1.
        dim: isize = -1,
    } => glu,
    /// 0 where |x| ≤ lambd, else x: `nn.Hardshrink`.
    Hardshrink {
        /// What becomes 0; default 0.5.
        lambd: f64 = 0.5,
    } => hardshrink,
    /// min(max(x, min_val), max_val): `nn.Hardtanh`.
    Hardtanh {
        /// The lower bound; default −1.
        min_val: f64 = -1.0,
        /// The upper bound; default 1.
        max_val: f64 = 1.0,
    } => hardtanh,
    /// x where it is positive, else negative_slope · x: `nn.LeakyReLU`.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::Tensor;
    ///
    /// let x = Tensor::from_vec(vec![-1.0f32, 2.0], [2])?.into();
    /// let y = LeakyReLU::new().negative_slope(0.2).forward(&x)?;
    /// assert_eq!(y.detach().to_vec::<f32>()?, [-0.2, 2.0]);
    /// # Ok::<(), nn::Error>(())
    /// ```
    LeakyReLU {
        /// The slope of negative x; default 0.01.
        negative_slope: f64 = 0.01,
    } => leaky_relu,
    /// xᵢ − log Σⱼ exp(xⱼ) along a dimension, counted from the end if negative: `nn.LogSoftmax`.
    LogSoftmax(dim: isize) => log_softmax,
    /// exp(xᵢ) / Σⱼ exp(xⱼ) along a dimension, counted from the end if negative: `nn.Softmax`.
    Softmax(dim: isize) => softmax,
    /// exp(−xᵢ) / Σⱼ exp(−xⱼ) along a dimension, counted from the end if negative: `nn.Softmin`.
    Softmin(dim: isize) => softmin,
    /// log(1 + e^(beta · x)) / beta: `nn.Softplus`.
    Softplus {
        /// How sharp the bend is; default 1.
        beta: f64 = 1.0,
        /// Where beta · x is above it, the result is x; default 20.
        threshold: f64 = 20.0,
    } => softplus,
    /// x moved by lambd towards 0, and 0 where |x| ≤ lambd: `nn.Softshrink`.
    Softshrink {
        /// How far; 0 or more, default 0.5.
        lambd: f64 = 0.5,
    } => softshrink,
    /// x where it is above `threshold`, else `value`: `nn.Threshold`.
    Threshold(threshold: f64, value: f64) => threshold,
}

/// x where it is positive, else weight · x, with a learnt weight for all channels or for each: `nn.PReLU`
/// (<https://arxiv.org/abs/1502.01852>). Channels are dimension 1. Weight decay would pull the weight to 0: leave it out.
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct PReLU {
    /// `[num_parameters]`, starts as `init`.
    pub weight: Parameter,
}

impl PReLU {
    /// One weight, 0.25 at first, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new() -> Result<Self> {
        Self::options().build()
    }

    /// Settings beyond the common ones.
    pub fn options() -> PReLUOptions {
        PReLUOptions { num_parameters: 1, init: 0.25, dtype: DType::F32 }
    }

    fn settings(&self) -> String {
        format!("num_parameters={}", self.weight.shape().numel())
    }
}

impl Layer for PReLU {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.prelu(&self.weight.var())?)
    }
}

/// Settings of a [`PReLU`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct PReLUOptions {
    num_parameters: usize,
    init: f64,
    dtype: DType,
}

impl PReLUOptions {
    /// 1, or the number of channels; default 1.
    pub fn num_parameters(self, num_parameters: usize) -> Self {
        Self { num_parameters, ..self }
    }

    /// The first value of the weight; default 0.25.
    pub fn init(self, init: f64) -> Self {
        Self { init, ..self }
    }

    /// The dtype of the weight; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Makes the layer; nothing is drawn.
    ///
    /// # Errors
    /// If the dtype is not floating-point or memory does not suffice.
    pub fn build(self) -> Result<PReLU> {
        let weight = Tensor::full([self.num_parameters], self.init, self.dtype)?;
        Ok(PReLU { weight: Parameter::new(weight)? })
    }
}
