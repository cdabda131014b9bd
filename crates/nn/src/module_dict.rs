//! Modules by name, and lists of modules.

use crate::{Module, Walk};

/// Modules named 0, 1, 2, …: `nn.ModuleList`.
pub type ModuleList<M> = Vec<M>;

/// Modules by name, in the order in which they were added: `nn.ModuleDict`.
///
/// ```
/// use nn::prelude::*;
/// use autograd::tensor_core::Rng;
///
/// let rng = Rng::seed(0);
/// let mut heads = ModuleDict::new();
/// heads.insert("policy", Linear::new(4, 2, &rng)?);
/// heads.insert("value", Linear::new(4, 1, &rng)?);
/// assert!(heads.get("policy").is_some());
/// assert!(heads.state_dict().contains_key("value.weight"));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModuleDict<M> {
    entries: Vec<(String, M)>,
}

impl<M> Default for ModuleDict<M> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<M> ModuleDict<M> {
    /// No module.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a module; the one that had the name before is returned, and its place taken.
    pub fn insert(&mut self, name: impl Into<String>, module: M) -> Option<M> {
        let name = name.into();
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some((_, held)) => Some(std::mem::replace(held, module)),
            None => {
                self.entries.push((name, module));
                None
            }
        }
    }

    /// The module of this name.
    pub fn get(&self, name: &str) -> Option<&M> {
        self.iter().find(|(known, _)| *known == name).map(|(_, module)| module)
    }

    /// Names and modules in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &M)> {
        self.entries.iter().map(|(name, module)| (name.as_str(), module))
    }

    /// The number of modules.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<N: Into<String>, M> FromIterator<(N, M)> for ModuleDict<M> {
    fn from_iter<I: IntoIterator<Item = (N, M)>>(entries: I) -> Self {
        let mut dict = Self::new();
        for (name, module) in entries {
            dict.insert(name, module);
        }
        dict
    }
}

impl<M: Module> Module for ModuleDict<M> {
    fn visit(&self, walk: &mut Walk<'_>) {
        walk.module(self, |walk| self.entries.iter().for_each(|(name, module)| walk.child(name, module)));
    }
}
