//! The options of a rule: a plain struct whose fields are known by name.

use crate::{Dict, OptionValue, Value};

/// Options known by PyTorch's names: how a schedule reaches the learning rate and the momentum of any rule, and how
/// options are saved. Written by [`options!`](crate::options).
pub trait Options: std::fmt::Debug {
    /// All options by name.
    fn entries(&self) -> Dict;

    /// The option `name`.
    fn get(&self, name: &str) -> Option<Value>;

    /// Sets the option `name`; false if there is none of this name that takes such a value.
    fn set(&mut self, name: &str, value: &Value) -> bool;

    /// The learning rate.
    fn lr(&self) -> f64 {
        self.get("lr").and_then(|lr| lr.get()).unwrap_or(f64::NAN)
    }

    /// Sets the learning rate.
    fn set_lr(&mut self, lr: f64) {
        self.set("lr", &lr.to_value());
    }

    /// What a schedule cycles as momentum: the first of `betas`, else `momentum`; `None` for a rule with neither.
    fn momentum(&self) -> Option<f64> {
        let betas = self.get("betas").and_then(|betas| betas.get::<(f64, f64)>());
        betas.map(|betas| betas.0).or_else(|| self.get("momentum")?.get())
    }

    /// Sets what [`momentum`](Options::momentum) reads.
    fn set_momentum(&mut self, momentum: f64) {
        match self.get("betas").and_then(|betas| betas.get::<(f64, f64)>()) {
            Some((_, second)) => self.set("betas", &(momentum, second).to_value()),
            None => self.set("momentum", &momentum.to_value()),
        };
    }
}

/// Declares the options of a rule once: fields, types, defaults. It writes the struct, its `Default`, the conversion
/// from a learning rate, and [`Options`](trait@crate::Options). There must be a field `lr: f64`.
///
/// ```
/// use optim::Options;
///
/// optim::options! {
///     /// Options of a rule.
///     pub struct MyOptions {
///         /// Learning rate.
///         lr: f64 = 1e-3,
///         /// Share of the old mean.
///         beta: f64 = 0.9,
///     }
/// }
/// let options = MyOptions { beta: 0.5, ..0.1.into() };
/// assert_eq!((options.lr(), options.get("beta").and_then(|beta| beta.get())), (0.1, Some(0.5)));
/// ```
#[macro_export]
macro_rules! options {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl From<f64> for $name {
            /// These options with the learning rate `lr`, all others as by default.
            fn from(lr: f64) -> Self {
                Self { lr, ..Self::default() }
            }
        }

        impl $crate::Options for $name {
            fn entries(&self) -> $crate::Dict {
                [$((stringify!($field).to_string(), $crate::OptionValue::to_value(&self.$field)),)*].into()
            }

            fn get(&self, name: &str) -> Option<$crate::Value> {
                match name {
                    $(stringify!($field) => Some($crate::OptionValue::to_value(&self.$field)),)*
                    _ => None,
                }
            }

            fn set(&mut self, name: &str, value: &$crate::Value) -> bool {
                match name {
                    $(stringify!($field) => value.get().map(|value| self.$field = value).is_some(),)*
                    _ => false,
                }
            }
        }
    };
}
