//! Linear algebra beyond products.

use super::Adapter;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[];
