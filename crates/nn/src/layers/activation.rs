//! Activations without settings or parameters.

use crate::error::OfLayer;
use crate::{Layer, Module, Result};
use autograd::Var;

macro_rules! activation {
    ($($(#[$doc:meta])* $name:ident => $method:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Module)]
        pub struct $name;

        impl Layer for $name {
            fn forward(&self, x: &Var) -> Result<Var> {
                x.$method().of(self)
            }
        }
    )*};
}

activation! {
    /// max(x, 0): `nn.ReLU`.
    ReLU => relu,
    /// 1 / (1 + e⁻ˣ): `nn.Sigmoid`.
    Sigmoid => sigmoid,
    /// tanh x: `nn.Tanh`.
    Tanh => tanh,
}
