//! Which module an error comes from, and where that stands in the modules around it.

use crate::{Error, Module, Part, Result, Walk, repr};
use std::any::TypeId;

/// What tells a module from all others, as long as it is not moved: its address and its type. A struct lies where its
/// first field lies, but is of another type. Two fields of a type without size, as `ReLU`, may be one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleId(usize, TypeId);

impl ModuleId {
    /// Of the module at this address, of this type.
    pub(crate) fn new<M: Module + ?Sized>(module: &M) -> Self {
        Self(std::ptr::from_ref(module).cast::<()>() as usize, module.type_id())
    }
}

/// The path of the module `wanted` below `root`; empty for the root itself.
pub(crate) fn path_of(root: &(impl Module + ?Sized), wanted: ModuleId) -> Option<String> {
    let mut found = None;
    root.visit(&mut Walk::new(&mut |path, part| match part {
        Part::Module(module) if found.is_none() && module.id() == wanted => {
            found = Some(path.to_string());
        }
        _ => {}
    }));
    found
}

/// The error with its path told from `module` on.
#[cold]
pub(crate) fn locate(module: &(impl Module + ?Sized), error: Error) -> Error {
    match error {
        Error::Autograd(source) => Error::Layer {
            path: String::new(),
            root: module.id(),
            layer: repr::line(module),
            source: Box::new(source),
        },
        Error::Layer { path, root, layer, source } => match path_of(module, root) {
            Some(outer) if !outer.is_empty() => {
                let dot = if path.is_empty() { "" } else { "." };
                Error::Layer { path: format!("{outer}{dot}{path}"), root: module.id(), layer, source }
            }
            // The module itself, through an `Option` or `Box` perhaps, or one from elsewhere.
            _ => Error::Layer { path, root, layer, source },
        },
        other => other,
    }
}

/// Runs the forward of a module that has several inputs or outputs, so that its errors name the place of the layer that
/// refused, as those of [`Layer::forward`](crate::Layer::forward) do.
///
/// ```
/// use nn::prelude::*;
/// use autograd::Var;
///
/// #[derive(Module)]
/// struct Critic {
///     state: Linear,
///     action: Linear,
/// }
///
/// impl Critic {
///     fn forward(&self, state: &Var, action: &Var) -> nn::Result<Var> {
///         nn::within(self, || Ok(self.state.forward(state)?.add(&self.action.forward(action)?)?.tanh()?))
///     }
/// }
/// ```
///
/// # Errors
/// Those of `forward`.
pub fn within<T>(module: &(impl Module + ?Sized), forward: impl FnOnce() -> Result<T>) -> Result<T> {
    forward().map_err(|error| locate(module, error))
}
