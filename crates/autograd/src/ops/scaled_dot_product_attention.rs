//! `softmax(Q Kᵀ · scale + mask) V`: by blocks of scores, or composed of products and a softmax where there is a mask
//! or dropout.
//!
//! With the weights `P = softmax(..)` the gradients are `dV = Pᵀ G`, `dQ = scale dS K` and `dK = scale dSᵀ Q`, where
//! `dS = P (dP − Σ dP P)` and `dP = G Vᵀ`. Kept: inputs, output, and the log of each query's sum of exponentials.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{DType, Error, Result, Shape, Var};
use tensor_core::Tensor;

const NAME: &str = "scaled_dot_product_attention";

/// Keywords of `torch.nn.functional.scaled_dot_product_attention`, with its defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttentionOptions<'a> {
    /// Bool: true where a query may look at a key; float: added to the scores. It broadcasts to `[.., L, S]`.
    pub attn_mask: Option<&'a Var>,
    /// Query i looks at keys 0 to i alone. Default false.
    pub is_causal: bool,
    /// Factor of the scores. Default 1 / √E.
    pub scale: Option<f64>,
    /// Whether there may be fewer heads of keys and values than of queries, each serving several. Default false.
    pub enable_gqa: bool,
    /// Probability and key of the [`dropout`](Var::dropout) of the softmax. Default none.
    pub dropout: Option<(f64, u64)>,
}

/// Without a mask but the causal one.
struct Attention {
    is_causal: bool,
    scale: f64,
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        NAME
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (query, key, value) = (inputs[0], inputs[1], inputs[2]);
        let (y, kept) = query.scaled_dot_product_attention(key, value, self.is_causal, self.scale)?;
        Ok(Forward::from(y).with_extra(kept))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (query, key, value) = (ctx.input(0), ctx.input(1), ctx.input(2));
        if ctx.create_graph() {
            return self.differentiable(ctx.grad(), &query, &key, &value);
        }
        let inputs = [&query, &key, &value].map(Var::value);
        let (g, y) = (ctx.grad().value(), ctx.output(0));
        let (dquery, dkey, dvalue) = g.scaled_dot_product_attention_backward(
            inputs,
            y.value(),
            ctx.extra(0),
            self.is_causal,
            self.scale,
        )?;
        Ok([dquery, dkey, dvalue].map(|dx| Some(dx.into())).into_iter().collect())
    }
}

impl Attention {
    /// The rule in differentiable steps.
    fn differentiable(&self, g: &Var, query: &Var, key: &Var, value: &Var) -> Result<Grads> {
        let (keys, values) = (key.heads_repeated(query)?, value.heads_repeated(query)?);
        let hidden = if self.is_causal { Mask::Causal } else { Mask::None };
        let weights = query.attention_weights(&keys, hidden, self.scale)?;
        let dweights = g.matmul(&values.transpose(-2, -1)?)?;
        let d = dweights.mul(&weights)?.sum_dim(-1, true)?;
        let dscores = weights.mul(&dweights.sub(&d)?)?.mul_scalar(self.scale)?;
        let dquery = dscores.matmul(&keys)?;
        let dkey = dscores.transpose(-2, -1)?.matmul(query)?.heads_summed(key.shape())?;
        let dvalue = weights.transpose(-2, -1)?.matmul(g)?.heads_summed(value.shape())?;
        Ok([dquery, dkey, dvalue].map(Some).into_iter().collect())
    }
}

/// What a query does not see.
enum Mask<'a> {
    None,
    Causal,
    Given(&'a Var),
}

impl Var {
    /// `softmax(Q Kᵀ · scale + mask) V` with this value as the queries `[.., L, E]`, keys `[.., S, E]` and values
    /// `[.., S, V]`; the result is `[.., L, V]`: `torch.nn.functional.scaled_dot_product_attention`. A query whose keys
    /// are all masked gives zeros.
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or both a mask and `is_causal` are given.
    #[track_caller]
    pub fn scaled_dot_product_attention(
        &self,
        key: &Var,
        value: &Var,
        options: AttentionOptions,
    ) -> Result<Var> {
        let location = std::panic::Location::caller();
        let refuse = |argument, value, expected| {
            Err(Error::Argument { op: NAME, argument, value, expected, location })
        };
        for (argument, x) in [("the query", self), ("the key", key), ("the value", value)] {
            if x.rank() < 2 {
                return refuse(argument, x.shape().to_string(), "at least 2 dimensions");
            }
        }
        if options.attn_mask.is_some() && options.is_causal {
            return refuse("attn_mask", "given beside is_causal".to_string(), "one of the two");
        }
        let width = self.size(-1)?;
        let scale = options.scale.unwrap_or(1.0 / (width as f64).sqrt());
        let dropped = options.dropout.is_some_and(|(p, _)| p != 0.0);
        if options.attn_mask.is_none() && !dropped && self.attends_by_blocks(key, value, options.enable_gqa) {
            return apply(Attention { is_causal: options.is_causal, scale }, &[self, key, value]);
        }
        let (key, value) = match options.enable_gqa {
            true => (key.heads_repeated(self)?, value.heads_repeated(self)?),
            false => (key.clone(), value.clone()),
        };
        let mask = match options.attn_mask {
            Some(mask) => Mask::Given(mask),
            None if options.is_causal => Mask::Causal,
            None => Mask::None,
        };
        let weights = self.attention_weights(&key, mask, scale)?;
        let weights = match options.dropout {
            Some((p, key)) => weights.dropout(p, key)?,
            None => weights,
        };
        weights.matmul(&value)
    }

    /// `softmax(Q Kᵀ · scale + mask)`.
    #[track_caller]
    fn attention_weights(&self, key: &Var, mask: Mask, scale: f64) -> Result<Var> {
        let scores = self.mul_scalar(scale)?.matmul(&key.transpose(-2, -1)?)?;
        match mask {
            Mask::None => scores.softmax(-1),
            // The first key is never masked, so no row is without keys.
            Mask::Causal => {
                let hidden = causal_mask(scores.size(-2)?, scores.size(-1)?)?;
                scores.masked_fill(&hidden, f64::NEG_INFINITY)?.softmax(-1)
            }
            Mask::Given(mask) if mask.dtype() == DType::Bool => {
                let hidden = mask.value().eq_scalar(false)?;
                scores.masked_fill(&hidden, f64::NEG_INFINITY)?.softmax_or_zeros()
            }
            Mask::Given(mask) => scores.add(mask)?.softmax_or_zeros(),
        }
    }

    /// Whether the kernel takes these: one batch for all, heads of keys that divide those of queries.
    fn attends_by_blocks(&self, key: &Var, value: &Var, enable_gqa: bool) -> bool {
        let lead = |x: &Var| Shape::new(&x.shape()[..x.rank() - 2]);
        let (queries, keys) = (lead(self), lead(key));
        let grouped = match (&*queries, &*keys) {
            ([batch @ .., heads], [key_batch @ .., own]) => {
                batch == key_batch && (heads == own || enable_gqa && *own > 0 && heads.is_multiple_of(*own))
            }
            (queries, keys) => queries == keys,
        };
        grouped && keys == lead(value)
    }

    /// The sum over the heads that share a head of keys or values of shape `shape`: what undoes
    /// [`heads_repeated`](Var::heads_repeated).
    #[track_caller]
    fn heads_summed(&self, shape: &Shape) -> Result<Var> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let heads = shape[shape.len() - 3] as isize;
        self.unflatten(-3, [heads, -1])?.sum_dim(-3, false)
    }

    /// These keys or values `[.., H, S, E]` with each head repeated in place until there are as many as of `query`.
    #[track_caller]
    fn heads_repeated(&self, query: &Var) -> Result<Var> {
        let location = std::panic::Location::caller();
        let (own, wanted) = match (self.rank(), query.rank()) {
            (3.., 3..) => (self.size(-3)?, query.size(-3)?),
            _ => (1, 1),
        };
        if own == wanted {
            return Ok(self.clone());
        }
        if own == 0 || !wanted.is_multiple_of(own) {
            let value = format!("{own} of keys or values for {wanted} of queries");
            let argument = "the number of heads";
            return Err(Error::Argument { op: NAME, argument, value, expected: "a divisor", location });
        }
        let mut sizes: Vec<usize> = self.shape().to_vec();
        sizes.insert(self.rank() - 2, wanted / own);
        self.unsqueeze(-3)?.broadcast_to(&Shape::new(&sizes))?.flatten(-4, -3)
    }

    /// The softmax over the last dimension; zeros, with no gradient, for a row of −∞ alone.
    #[track_caller]
    fn softmax_or_zeros(&self) -> Result<Var> {
        if self.numel() == 0 {
            return self.softmax(-1);
        }
        let hidden = self.value().amax(-1, true)?.eq_scalar(f64::NEG_INFINITY)?;
        if !hidden.any()? {
            return self.softmax(-1);
        }
        // Filled before as well as after: the softmax of such a row is NaN, and NaN times a gradient of 0 stays NaN.
        self.masked_fill(&hidden, 0.0)?.softmax(-1)?.masked_fill(&hidden, 0.0)
    }
}

/// True above the diagonal of `[queries, keys]`.
fn causal_mask(queries: usize, keys: usize) -> Result<Tensor> {
    let rows = Tensor::arange(0.0, queries as f64, 1.0, DType::I64)?.unsqueeze(1)?;
    Ok(Tensor::arange(0.0, keys as f64, 1.0, DType::I64)?.gt(&rows)?)
}

pub(crate) const ROW: Row = Row {
    name: NAME,
    sample: |s| {
        let (queries, keys, width, values) = (s.size(), s.size(), s.size(), s.size());
        let (heads, groups) = (1 + s.below(2), 1 + s.below(2));
        let batch = s.below(3);
        let mut tensor = |heads, rows, cols| s.tensor(&Shape::from([batch, heads, rows, cols]), -1.0, 1.0);
        let mut inputs = vec![
            tensor(heads * groups, queries, width)?,
            tensor(heads, keys, width)?,
            tensor(heads, keys, values)?,
        ];
        let kind = s.below(4);
        match kind {
            1 => inputs.push(s.tensor(&Shape::from([queries, keys]), -1.0, 1.0)?),
            2 => inputs.push(s.indices(&Shape::from([queries, keys]), 2)?.to_dtype(DType::Bool)?),
            _ => {}
        }
        Ok(Sample::new(inputs, move |x| {
            let options = AttentionOptions {
                attn_mask: x.get(3),
                is_causal: kind == 3,
                enable_gqa: true,
                ..AttentionOptions::default()
            };
            x[0].scaled_dot_product_attention(&x[1], &x[2], options)
        }))
    },
    order: 2,
};
