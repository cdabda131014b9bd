//! Elements around sequences, images and volumes.

use crate::layers::size::PerDim;
use crate::{Layer, Module, Result};
use autograd::{PadMode, Var};
use std::panic::Location;

/// Elements before and after the last `DIMS` dimensions of an input that has a channel and perhaps a batch.
#[track_caller]
fn surrounded<const DIMS: usize>(x: &Var, pads: &[isize], mode: PadMode) -> Result<Var> {
    if x.rank() == DIMS + 1 || x.rank() == DIMS + 2 || matches!(mode, PadMode::Constant(_)) {
        return Ok(x.pad(pads, mode)?);
    }
    Err(autograd::Error::Argument {
        op: "pad",
        argument: "the input's shape",
        value: x.shape().to_string(),
        expected: "[N, C, ..] or [C, ..] of the layer's dimensions",
        location: Location::caller(),
    }
    .into())
}

macro_rules! pad {
    ($($(#[$doc:meta])* $name:ident($dims:literal, $sides:literal $(, $value:ident)?) => $mode:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// `padding` is one number for all sides, or the two sides of the last dimension, then those of the one before it,
        /// and so on; a negative one cuts off.
        #[derive(Clone, Copy, Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            padding: [isize; $sides],
            $($value: f64,)?
        }

        impl $name {
            /// With so many elements on each side.
            pub fn new(padding: impl PerDim<$sides, isize> $(, $value: f64)?) -> Self {
                Self { padding: padding.each() $(, $value)? }
            }

            fn settings(&self) -> String {
                [format!("padding={:?}", self.padding) $(, format!("value={:?}", self.$value))?].join(", ")
            }
        }

        impl Layer for $name {
            fn compute(&self, x: &Var) -> Result<Var> {
                surrounded::<$dims>(x, &self.padding, $mode$((self.$value))?)
            }
        }
    )*};
}

pad! {
    /// A value around `[N, C, L]` or `[C, L]`: `nn.ConstantPad1d`.
    ConstantPad1d(1, 2, value) => PadMode::Constant;
    /// A value around `[N, C, H, W]` or `[C, H, W]`: `nn.ConstantPad2d`.
    ConstantPad2d(2, 4, value) => PadMode::Constant;
    /// A value around `[N, C, D, H, W]` or `[C, D, H, W]`: `nn.ConstantPad3d`.
    ConstantPad3d(3, 6, value) => PadMode::Constant;
    /// Zeros around `[N, C, L]` or `[C, L]`: `nn.ZeroPad1d`.
    ZeroPad1d(1, 2) => PadMode::Constant(0.0);
    /// Zeros around `[N, C, H, W]` or `[C, H, W]`: `nn.ZeroPad2d`.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{DType, Tensor};
    ///
    /// let images = Tensor::ones([8, 3, 5, 6], DType::F32)?.into();
    /// // Left, right, top, bottom.
    /// let padded = ZeroPad2d::new([1, 2, 0, 3]).forward(&images)?;
    /// assert_eq!(padded.shape().to_string(), "[8, 3, 8, 9]");
    /// # Ok::<(), nn::Error>(())
    /// ```
    ZeroPad2d(2, 4) => PadMode::Constant(0.0);
    /// Zeros around `[N, C, D, H, W]` or `[C, D, H, W]`: `nn.ZeroPad3d`.
    ZeroPad3d(3, 6) => PadMode::Constant(0.0);
    /// `[N, C, L]` or `[C, L]` mirrored at its ends, which are not repeated: `nn.ReflectionPad1d`.
    ReflectionPad1d(1, 2) => PadMode::Reflect;
    /// `[N, C, H, W]` or `[C, H, W]` mirrored at its edges, which are not repeated: `nn.ReflectionPad2d`.
    ReflectionPad2d(2, 4) => PadMode::Reflect;
    /// `[N, C, D, H, W]` or `[C, D, H, W]` mirrored at its faces, which are not repeated: `nn.ReflectionPad3d`.
    ReflectionPad3d(3, 6) => PadMode::Reflect;
    /// The ends of `[N, C, L]` or `[C, L]` repeated: `nn.ReplicationPad1d`.
    ReplicationPad1d(1, 2) => PadMode::Replicate;
    /// The edges of `[N, C, H, W]` or `[C, H, W]` repeated: `nn.ReplicationPad2d`.
    ReplicationPad2d(2, 4) => PadMode::Replicate;
    /// The faces of `[N, C, D, H, W]` or `[C, D, H, W]` repeated: `nn.ReplicationPad3d`.
    ReplicationPad3d(3, 6) => PadMode::Replicate;
    /// Beyond each end of `[N, C, L]` or `[C, L]` the other one: `nn.CircularPad1d`.
    CircularPad1d(1, 2) => PadMode::Circular;
    /// Beyond each edge of `[N, C, H, W]` or `[C, H, W]` the other one: `nn.CircularPad2d`.
    CircularPad2d(2, 4) => PadMode::Circular;
    /// Beyond each face of `[N, C, D, H, W]` or `[C, D, H, W]` the other one: `nn.CircularPad3d`.
    CircularPad3d(3, 6) => PadMode::Circular;
}
