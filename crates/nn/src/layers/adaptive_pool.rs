//! Pooling to a given size.

use crate::layers::size::PerDim;
use crate::{Layer, Module, Result};
use autograd::Var;

macro_rules! adaptive_pool {
    ($($(#[$doc:meta])* $name:ident($argument:ty => $size:ty) $each:expr, $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            output_size: $size,
        }

        impl $name {
            /// To this size.
            pub fn new(output_size: $argument) -> Self {
                Self { output_size: $each(output_size) }
            }

            fn settings(&self) -> String {
                format!("output_size={:?}", self.output_size)
            }
        }

        impl Layer for $name {
            fn compute(&self, x: &Var) -> Result<Var> {
                Ok(x.$method(self.output_size)?)
            }
        }
    )*};
}

adaptive_pool! {
    /// Means of windows that cover `[N, C, L]` or `[C, L]` evenly: `nn.AdaptiveAvgPool1d`.
    AdaptiveAvgPool1d(usize => usize) std::convert::identity, adaptive_avg_pool1d;
    /// Means of windows that cover `[N, C, H, W]` or `[C, H, W]` evenly: `nn.AdaptiveAvgPool2d`. Window i of n over m
    /// elements is from ⌊i m / n⌋ to before ⌈(i + 1) m / n⌉. A size that is None stays.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{DType, Tensor};
    ///
    /// let images = Tensor::zeros([8, 32, 7, 9], DType::F32)?.into();
    /// let pooled = |pool: AdaptiveAvgPool2d| Ok::<_, nn::Error>(pool.forward(&images)?.shape().to_string());
    /// assert_eq!(pooled(AdaptiveAvgPool2d::new(1))?, "[8, 32, 1, 1]");
    /// assert_eq!(pooled(AdaptiveAvgPool2d::new([Some(2), None]))?, "[8, 32, 2, 9]");
    /// # Ok::<(), nn::Error>(())
    /// ```
    AdaptiveAvgPool2d(impl PerDim<2, Option<usize>> => [Option<usize>; 2]) PerDim::each, adaptive_avg_pool2d;
    /// Means of windows that cover `[N, C, D, H, W]` or `[C, D, H, W]` evenly: `nn.AdaptiveAvgPool3d`. See
    /// [`AdaptiveAvgPool2d`].
    AdaptiveAvgPool3d(impl PerDim<3, Option<usize>> => [Option<usize>; 3]) PerDim::each, adaptive_avg_pool3d;
    /// The largest elements of windows that cover `[N, C, L]` or `[C, L]` evenly: `nn.AdaptiveMaxPool1d`. See
    /// [`AdaptiveAvgPool2d`].
    AdaptiveMaxPool1d(usize => usize) std::convert::identity, adaptive_max_pool1d;
    /// The largest elements of windows that cover `[N, C, H, W]` or `[C, H, W]` evenly: `nn.AdaptiveMaxPool2d`. See
    /// [`AdaptiveAvgPool2d`].
    AdaptiveMaxPool2d(impl PerDim<2, Option<usize>> => [Option<usize>; 2]) PerDim::each, adaptive_max_pool2d;
    /// The largest elements of windows that cover `[N, C, D, H, W]` or `[C, D, H, W]` evenly: `nn.AdaptiveMaxPool3d`. See
    /// [`AdaptiveAvgPool2d`].
    AdaptiveMaxPool3d(impl PerDim<3, Option<usize>> => [Option<usize>; 3]) PerDim::each, adaptive_max_pool3d;
}
