//! Joining, splitting and repeating.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::Var;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("cat", "cat", |c| {
        let vars = c.input.vars()?;
        one(Var::cat(&vars.iter().collect::<Vec<_>>(), c.arg(0, "dim").int_or(0)?))
    }),
    adapter("cat", "stack", |c| {
        let vars = c.input.vars()?;
        one(Var::stack(&vars.iter().collect::<Vec<_>>(), c.arg(0, "dim").int_or(0)?))
    }),
];
