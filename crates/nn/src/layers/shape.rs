//! Layers that compute nothing: they hand on or move elements.

use crate::{Layer, Module, Result};
use autograd::Var;

/// The input: `nn.Identity`.
#[derive(Clone, Copy, Debug, Default, Module)]
pub struct Identity;

impl Layer for Identity {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.clone())
    }
}

/// Several dimensions joined into one: `nn.Flatten`.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor};
///
/// let images = Tensor::zeros([32, 1, 8, 8], DType::F32)?;
/// assert_eq!(Flatten::new().forward(&images.into())?.shape().to_string(), "[32, 64]");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct Flatten {
    start_dim: isize,
    end_dim: isize,
}

impl Flatten {
    /// All dimensions but the first.
    pub fn new() -> Self {
        Self::dims(1, -1)
    }

    /// Dimensions `start_dim..=end_dim`, counted from the end if negative.
    pub fn dims(start_dim: isize, end_dim: isize) -> Self {
        Self { start_dim, end_dim }
    }

    fn settings(&self) -> String {
        format!("start_dim={}, end_dim={}", self.start_dim, self.end_dim)
    }
}

impl Default for Flatten {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for Flatten {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.flatten(self.start_dim, self.end_dim)?)
    }
}

macro_rules! pixel_shuffle {
    ($($(#[$doc:meta])* $name:ident($factor:ident) $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            $factor: usize,
        }

        impl $name {
            /// With r = this factor.
            pub fn new($factor: usize) -> Self {
                Self { $factor }
            }

            fn settings(&self) -> String {
                format!(concat!(stringify!($factor), "={}"), self.$factor)
            }
        }

        impl Layer for $name {
            fn compute(&self, x: &Var) -> Result<Var> {
                Ok(x.$method(self.$factor)?)
            }
        }
    )*};
}

pixel_shuffle! {
    /// `[.., C r², H, W]` to `[.., C, H r, W r]`: r² channels become a block of r × r pixels, `nn.PixelShuffle`.
    PixelShuffle(upscale_factor) pixel_shuffle;
    /// `[.., C, H r, W r]` to `[.., C r², H, W]`: what undoes [`PixelShuffle`], `nn.PixelUnshuffle`.
    PixelUnshuffle(downscale_factor) pixel_unshuffle;
}
