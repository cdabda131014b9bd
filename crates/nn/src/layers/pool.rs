//! Pooling.

use crate::layers::size::PerDim;
use crate::{Layer, Module, Result};
use autograd::{AvgPoolOptions, MaxPoolOptions, Var};

/// A pooling layer: what both kinds have, and a method for each setting of its own.
macro_rules! pool {
    ($(
        $(#[$doc:meta])*
        $name:ident($options:ident<$dims:literal>, $method:ident) {
            $($(#[$own_doc:meta])* $own:ident($argument:ty) $value:expr;)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            #[module(skip)]
            options: $options<$dims>,
        }

        impl $name {
            /// Windows of `kernel_size` side by side.
            pub fn new(kernel_size: impl PerDim<$dims>) -> Self {
                Self { options: $options::new(kernel_size.each()) }
            }

            /// Distance between windows; default the kernel size.
            pub fn stride(mut self, stride: impl PerDim<$dims>) -> Self {
                self.options.stride = stride.each();
                self
            }

            /// Elements added on each side, zeros under a mean and never the largest; at most half the kernel size,
            /// default 0.
            pub fn padding(mut self, padding: impl PerDim<$dims>) -> Self {
                self.options.padding = padding.each();
                self
            }

            /// Whether a window may hang over the end; default false.
            pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
                self.options.ceil_mode = ceil_mode;
                self
            }

            $($(#[$own_doc])*
            pub fn $own(mut self, $own: $argument) -> Self {
                self.options.$own = $value($own);
                self
            })*

            fn settings(&self) -> String {
                let $options { kernel, stride, padding, ceil_mode, .. } = self.options;
                let own: Vec<String> =
                    vec![$(format!(concat!(", ", stringify!($own), "={:?}"), self.options.$own)),*];
                let own = own.concat();
                format!(
                    "kernel_size={kernel:?}, stride={stride:?}, padding={padding:?}, ceil_mode={ceil_mode}{own}"
                )
            }
        }

        impl Layer for $name {
            fn compute(&self, x: &Var) -> Result<Var> {
                Ok(x.$method(self.options)?)
            }
        }
    )*};
}

macro_rules! max_pool {
    ($($(#[$doc:meta])* $name:ident, $dims:literal, $method:ident;)*) => {
        pool! {$(
            $(#[$doc])*
            $name(MaxPoolOptions<$dims>, $method) {
                /// Distance between the elements of a window; default 1.
                dilation(impl PerDim<$dims>) PerDim::each;
            }
        )*}
    };
}

macro_rules! avg_pool {
    ($($(#[$doc:meta])* $name:ident, $dims:literal, $method:ident, $($divisor:ident)?;)*) => {
        pool! {$(
            $(#[$doc])*
            $name(AvgPoolOptions<$dims>, $method) {
                /// Whether the padding counts in the mean; default true.
                count_include_pad(bool) std::convert::identity;
                $(
                    /// What the sum is divided by, in place of the number of elements; not 0.
                    $divisor(i64) Some;
                )?
            }
        )*}
    };
}

max_pool! {
    /// The largest element under each window of `[N, C, L]` or `[C, L]`: `nn.MaxPool1d`. See [`MaxPool2d`].
    MaxPool1d, 1, max_pool1d;
    /// The largest element under each window of `[N, C, H, W]` or `[C, H, W]`: `nn.MaxPool2d`. The gradient goes to the
    /// first of equal elements.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{DType, Tensor};
    ///
    /// let images = Tensor::zeros([8, 32, 28, 28], DType::F32)?;
    /// let halved = MaxPool2d::new(2).forward(&images.into())?;
    /// assert_eq!(halved.shape().to_string(), "[8, 32, 14, 14]");
    /// # Ok::<(), nn::Error>(())
    /// ```
    MaxPool2d, 2, max_pool2d;
    /// The largest element under each window of `[N, C, D, H, W]` or `[C, D, H, W]`: `nn.MaxPool3d`. See [`MaxPool2d`].
    MaxPool3d, 3, max_pool3d;
}

impl MaxPool2d {
    /// Whether each window holds an element: one of padding alone, which dilation allows, has −∞ for its maximum.
    pub(crate) fn windows_hold_elements(&self) -> bool {
        self.options.padding == [0; 2] || self.options.dilation == [1; 2]
    }
}

avg_pool! {
    /// The mean under each window of `[N, C, L]` or `[C, L]`: `nn.AvgPool1d`.
    AvgPool1d, 1, avg_pool1d,;
    /// The mean under each window of `[N, C, H, W]` or `[C, H, W]`: `nn.AvgPool2d`.
    AvgPool2d, 2, avg_pool2d, divisor_override;
    /// The mean under each window of `[N, C, D, H, W]` or `[C, D, H, W]`: `nn.AvgPool3d`.
    AvgPool3d, 3, avg_pool3d, divisor_override;
}
