//! Sorting and searching.

use super::Adapter;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[];
