//! Matrix products, and what is made of them.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{AttentionOptions, Var};
use tensor_core::Activation;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("linear", "nn_functional_linear", |c| {
        let (weight, bias) = (c.arg(0, "weight").var()?, c.arg(1, "bias").optional(Value::var)?);
        one(c.x()?.linear(&weight, bias.as_ref(), Activation::Identity))
    }),
    adapter("matmul", "matmul", |c| one(c.x()?.matmul(&c.arg(0, "other").var()?))),
    adapter("products", "mm", |c| one(c.x()?.mm(&c.arg(0, "mat2").var()?))),
    adapter("products", "bmm", |c| one(c.x()?.bmm(&c.arg(0, "mat2").var()?))),
    adapter("scaled_dot_product_attention", "nn_functional_scaled_dot_product_attention", |c| {
        if c.arg(3, "dropout_p").float_or(0.0)? > 0.0 {
            return unsupported("random");
        }
        let mask = c.arg(2, "attn_mask").optional(Value::var)?;
        let options = AttentionOptions {
            attn_mask: mask.as_ref(),
            is_causal: c.arg(4, "is_causal").bool_or(false)?,
            scale: c.arg(5, "scale").optional(Value::float)?,
            enable_gqa: c.arg(6, "enable_gqa").bool_or(false)?,
            ..AttentionOptions::default()
        };
        one(c.x()?.scaled_dot_product_attention(&c.arg(0, "key").var()?, &c.arg(1, "value").var()?, options))
    }),
    adapter("products", "addbmm", |c| {
        let (batch1, batch2, beta, alpha) = summed(c, "batch1", "batch2")?;
        one(c.x()?.addbmm(&batch1, &batch2, beta, alpha))
    }),
    adapter("products", "addmm", |c| {
        let (mat1, mat2, beta, alpha) = summed(c, "mat1", "mat2")?;
        one(c.x()?.addmm(&mat1, &mat2, beta, alpha))
    }),
    adapter("products", "addmv", |c| {
        let (mat, vec, beta, alpha) = summed(c, "mat", "vec")?;
        one(c.x()?.addmv(&mat, &vec, beta, alpha))
    }),
    adapter("products", "addr", |c| {
        let (vec1, vec2, beta, alpha) = summed(c, "vec1", "vec2")?;
        one(c.x()?.addr(&vec1, &vec2, beta, alpha))
    }),
    adapter("products", "baddbmm", |c| {
        let (batch1, batch2, beta, alpha) = summed(c, "batch1", "batch2")?;
        one(c.x()?.baddbmm(&batch1, &batch2, beta, alpha))
    }),
    adapter("einsum", "einsum", |c| {
        let Value::Text(equation) = c.arg(0, "equation") else {
            return unsupported("an equation of numbers");
        };
        one(Var::einsum(&equation, &c.input.vars()?.iter().collect::<Vec<_>>()))
    }),
    adapter("products", "dot", |c| one(c.x()?.dot(&c.arg(0, "other").var()?))),
    adapter("products", "kron", |c| one(c.x()?.kron(&c.arg(0, "other").var()?))),
    adapter("products", "mv", |c| one(c.x()?.mv(&c.arg(0, "vec").var()?))),
    adapter("products", "outer", |c| one(c.x()?.outer(&c.arg(0, "vec2").var()?))),
    adapter("products", "tensordot", tensordot),
];

/// The factors of a product that is added, `beta` and `alpha`.
fn summed(c: &Call, left: &str, right: &str) -> Asked<(Var, Var, f64, f64)> {
    let scale = |name| c.kwarg(name).float_or(1.0);
    Ok((c.arg(0, left).var()?, c.arg(1, right).var()?, scale("beta")?, scale("alpha")?))
}

fn tensordot(c: &Call) -> Replayed {
    let (x, other) = (c.x()?, c.arg(0, "other").var()?);
    let (dims, other_dims) = match c.arg(1, "dims") {
        Value::List(pair) if pair.len() == 2 => (pair[0].ints()?, pair[1].ints()?),
        count => {
            let count = count.int_or(2)?;
            ((-count..0).collect(), (0..count).collect())
        }
    };
    one(x.tensordot(&other, &dims, &other_dims))
}
