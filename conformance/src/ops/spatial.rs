//! Padding, interpolation and the moving of blocks of an image.

use super::Adapter;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[];
