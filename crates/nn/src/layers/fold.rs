//! Patches of images as columns, and back.

use crate::layers::size::PerDim;
use crate::{Layer, Module, Result};
use autograd::{UnfoldOptions, Var};

macro_rules! fold {
    (
        $(#[$doc:meta])*
        $name:ident($($output:ident)?) $this:ident, $x:ident => $body:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            $($output: [usize; 2],)?
            #[module(skip)]
            options: UnfoldOptions,
        }

        impl $name {
            /// Windows of `kernel_size`, one starting at each element.
            pub fn new($($output: impl PerDim<2>,)? kernel_size: impl PerDim<2>) -> Self {
                let options = UnfoldOptions::new(kernel_size.each());
                Self { $($output: $output.each(),)? options }
            }

            /// Distance between the elements of a window; default 1.
            pub fn dilation(mut self, dilation: impl PerDim<2>) -> Self {
                self.options.dilation = dilation.each();
                self
            }

            /// Zeros around the image on each side; default 0.
            pub fn padding(mut self, padding: impl PerDim<2>) -> Self {
                self.options.padding = padding.each();
                self
            }

            /// Distance between windows; default 1.
            pub fn stride(mut self, stride: impl PerDim<2>) -> Self {
                self.options.stride = stride.each();
                self
            }

            fn settings(&self) -> String {
                let UnfoldOptions { kernel, dilation, padding, stride } = self.options;
                let windows = format!(
                    "kernel_size={kernel:?}, dilation={dilation:?}, padding={padding:?}, stride={stride:?}"
                );
                [$(format!("output_size={:?}, ", self.$output),)? windows].concat()
            }
        }

        impl Layer for $name {
            fn compute(&self, $x: &Var) -> Result<Var> {
                let $this = self;
                Ok($body?)
            }
        }
    };
}

fold! {
    /// The patches under every window of `[N, C, H, W]` or `[C, H, W]` as columns `[N, C kh kw, L]`: `nn.Unfold`.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{DType, Tensor};
    ///
    /// let images = Tensor::ones([8, 3, 10, 12], DType::F32)?.into();
    /// let columns = Unfold::new([2, 3]).stride(2).forward(&images)?;
    /// assert_eq!(columns.shape().to_string(), "[8, 18, 25]");
    /// # Ok::<(), nn::Error>(())
    /// ```
    Unfold() this, x => x.im2col(this.options)
}
fold! {
    /// Columns `[N, C kh kw, L]` or `[C kh kw, L]` added up where [`Unfold`] takes them from, in images of `output_size`:
    /// `nn.Fold`.
    Fold(output_size) this, x => x.col2im(this.output_size, this.options)
}
