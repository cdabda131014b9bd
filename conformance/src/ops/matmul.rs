//! Matrix products, and what is made of them.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::AttentionOptions;
use tensor_core::Activation;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("linear", "nn_functional_linear", |c| {
        let (weight, bias) = (c.arg(0, "weight").var()?, c.arg(1, "bias").optional(Value::var)?);
        if weight.rank() == 1 {
            return unsupported("a weight without output features; matmul takes it");
        }
        one(c.x()?.linear(&weight, bias.as_ref(), Activation::Identity))
    }),
    adapter("matmul", "matmul", |c| one(c.x()?.matmul(&c.arg(0, "other").var()?))),
    adapter("matmul", "mm", |c| one(c.x()?.matmul(&c.arg(0, "mat2").var()?))),
    adapter("matmul", "bmm", |c| one(c.x()?.matmul(&c.arg(0, "mat2").var()?))),
    adapter("scaled_dot_product_attention", "nn_functional_scaled_dot_product_attention", |c| {
        if c.arg(3, "dropout_p").float_or(0.0)? > 0.0 {
            return unsupported("random");
        }
        let mask = c.arg(2, "attn_mask").optional(Value::var)?;
        let options = AttentionOptions {
            attn_mask: mask.as_ref(),
            is_causal: c.arg(4, "is_causal").bool_or(false)?,
            enable_gqa: c.arg(6, "enable_gqa").bool_or(false)?,
            ..AttentionOptions::default()
        };
        one(c.x()?.scaled_dot_product_attention(&c.arg(0, "key").var()?, &c.arg(1, "value").var()?, options))
    }),
];
