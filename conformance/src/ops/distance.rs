//! Distances and similarities.

use super::shared::*;
use super::{Adapter, adapter};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("cdist", "cdist", |c| {
        // The third argument is by which way, not what, to compute.
        one(c.x()?.cdist(&c.arg(0, "x2").var()?, c.arg(1, "p").float_or(2.0)?))
    }),
    adapter("distance", "nn_functional_cosine_similarity", |c| {
        let (dim, eps) = (c.arg(1, "dim").int_or(1)?, c.arg(2, "eps").float_or(1e-8)?);
        one(c.x()?.cosine_similarity(&c.arg(0, "x2").var()?, dim, eps))
    }),
    adapter("distance", "nn_functional_normalize", |c| {
        let dims = match c.arg(1, "dim") {
            Value::None => vec![1],
            dims => dims.ints()?,
        };
        let (p, eps) = (c.arg(0, "p").float_or(2.0)?, c.arg(2, "eps").float_or(1e-12)?);
        one(c.x()?.normalize(p, &dims[..], eps))
    }),
    adapter("distance", "nn_functional_pairwise_distance", |c| {
        let (p, eps) = (c.arg(1, "p").float_or(2.0)?, c.arg(2, "eps").float_or(1e-6)?);
        one(c.x()?.pairwise_distance(&c.arg(0, "x2").var()?, p, eps, keepdim(c, 3)?))
    }),
];
