//! Activations.

use crate::{Layer, Module, Result};
use autograd::{Approximate, Var};

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
    /// max(x, 0): `nn.ReLU`. After a [`Linear`](crate::Linear) in a [`Sequential`](crate::Sequential) it costs no pass
    /// of its own.
    ReLU => relu,
    /// 1 / (1 + e⁻ˣ): `nn.Sigmoid`.
    Sigmoid => sigmoid,
    /// x / (1 + e⁻ˣ): `nn.SiLU`.
    SiLU => silu,
    /// tanh x: `nn.Tanh`.
    Tanh => tanh,
}

/// x Φ(x), with Φ the normal distribution function: `nn.GELU`.
#[derive(Clone, Copy, Debug, Default, Module)]
#[module(extra_repr = Self::settings)]
pub struct GELU {
    approximate: Approximate,
}

impl GELU {
    /// Φ by the error function.
    pub fn new() -> Self {
        Self::default()
    }

    /// Φ as `approximate` says: `nn.GELU(approximate='tanh')` is `GELU::new().approximate(Approximate::Tanh)`.
    pub fn approximate(self, approximate: Approximate) -> Self {
        Self { approximate }
    }

    fn settings(&self) -> String {
        format!("approximate={:?}", self.approximate)
    }
}

impl Layer for GELU {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.gelu(self.approximate)?)
    }
}

/// exp(xᵢ) / Σⱼ exp(xⱼ) along a dimension: `nn.Softmax`.
#[derive(Clone, Copy, Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct Softmax {
    dim: isize,
}

impl Softmax {
    /// Along `dim`, counted from the end if negative.
    pub fn new(dim: isize) -> Self {
        Self { dim }
    }

    fn settings(&self) -> String {
        format!("dim={}", self.dim)
    }
}

impl Layer for Softmax {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.softmax(self.dim)?)
    }
}

/// xᵢ − log Σⱼ exp(xⱼ) along a dimension: `nn.LogSoftmax`.
#[derive(Clone, Copy, Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct LogSoftmax {
    dim: isize,
}

impl LogSoftmax {
    /// Along `dim`, counted from the end if negative.
    pub fn new(dim: isize) -> Self {
        Self { dim }
    }

    fn settings(&self) -> String {
        format!("dim={}", self.dim)
    }
}

impl Layer for LogSoftmax {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.log_softmax(self.dim)?)
    }
}
