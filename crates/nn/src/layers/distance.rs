//! How far apart, or how alike, two values are.

use crate::error::OfModule;
use crate::{Module, Result};
use autograd::Var;

/// A measure of two values with its settings: one method each, of the field's name.
macro_rules! measure {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }
        $this:ident($a:ident, $b:ident) $body:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            $($field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $name {
            /// PyTorch's defaults.
            pub fn new() -> Self {
                Self::default()
            }

            $($(#[$field_doc])*
            pub fn $field(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            })*

            /// Of each pair of vectors.
            ///
            /// # Errors
            /// If the shapes do not broadcast or the dtypes are not one float dtype.
            #[track_caller]
            pub fn forward(&self, $a: &Var, $b: &Var) -> Result<Var> {
                let $this = self;
                $body.of(self)
            }

            fn settings(&self) -> String {
                [$(format!(concat!(stringify!($field), "={:?}"), self.$field)),*].join(", ")
            }
        }
    };
}

measure! {
    /// `x₁ · x₂ / (max(‖x₁‖, eps) max(‖x₂‖, eps))` along a dimension: `nn.CosineSimilarity`.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{Tensor, Var};
    ///
    /// let a = Var::from(Tensor::from_vec(vec![1.0f32, 0.0, 3.0, 4.0], [2, 2])?);
    /// let b = Var::from(Tensor::from_vec(vec![0.0f32, 2.0, 3.0, 4.0], [2, 2])?);
    /// assert_eq!(CosineSimilarity::new().forward(&a, &b)?.detach().to_vec::<f32>()?, [0.0, 1.0]);
    /// # Ok::<(), nn::Error>(())
    /// ```
    CosineSimilarity {
        /// The dimension of the vectors, counted from the end if negative; default 1.
        dim: isize = 1,
        /// The least norm; default 1e-8.
        eps: f64 = 1e-8,
    }
    this(x1, x2) x1.cosine_similarity(x2, this.dim, this.eps)
}
measure! {
    /// The p-norm of x₁ − x₂ + eps along the last dimension: `nn.PairwiseDistance`.
    PairwiseDistance {
        /// The norm; default 2.
        p: f64 = 2.0,
        /// Added to each difference, so that no distance is 0; default 1e-6.
        eps: f64 = 1e-6,
        /// Whether the last dimension stays, of size 1; default false.
        keepdim: bool = false,
    }
    this(x1, x2) x1.pairwise_distance(x2, this.p, this.eps, this.keepdim)
}
