//! What a query may not look at.

use crate::{Error, Result};
use autograd::tensor_core::ErrorKind;
use autograd::{DType, Shape, Tensor, Var};

/// Which keys a query may not look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttentionMasks<'a> {
    /// `[N, S]`, or `[S]` without a batch. Bool: true for keys that are nothing, such as padding; float: added to the
    /// scores.
    pub key_padding_mask: Option<&'a Var>,
    /// `[L, S]` or `[N · heads, L, S]`. Bool: true where a query may not look at a key, the opposite of
    /// [`scaled_dot_product_attention`](Var::scaled_dot_product_attention), as in PyTorch; float: added to the scores.
    pub attn_mask: Option<&'a Var>,
    /// Query i looks at keys 0 to i alone.
    pub is_causal: bool,
}

impl AttentionMasks<'_> {
    /// One mask of everything, to be added to the scores `[N, heads, L, S]`; the keys added last are never masked.
    pub fn additive(
        self,
        [batch, heads, queries, keys]: [usize; 4],
        added: usize,
        dtype: DType,
    ) -> Result<Option<Var>> {
        let mut parts = Vec::new();
        if let Some(mask) = self.attn_mask {
            let each = [batch * heads, queries, keys];
            let mask = additive(mask, dtype)?;
            parts.push(match &mask.shape()[..] {
                shape if *shape == each => mask.view_as(&Shape::from([batch, heads, queries, keys]))?,
                shape if *shape == each[1..] => mask,
                _ => return Err(shape_error("attn_mask", &mask, format!("{:?} or {each:?}", &each[1..]))),
            });
        }
        if let Some(mask) = self.key_padding_mask {
            if mask.shape()[..] != [batch, keys] && (batch, &mask.shape()[..]) != (1, &[keys]) {
                return Err(shape_error("key_padding_mask", mask, format!("[{batch}, {keys}]")));
            }
            parts.push(additive(mask, dtype)?.view_as(&Shape::from([batch, 1, 1, keys]))?);
        }
        if self.is_causal {
            let future = Tensor::ones([queries, keys], dtype)?.triu(1)?.gt_scalar(0.0)?;
            parts.push(additive(&future.into(), dtype)?);
        }
        let Some(sum) = parts.into_iter().map(Ok).reduce(|a, b| -> Result<Var> { Ok(a?.add(&b?)?) }) else {
            return Ok(None);
        };
        let sum = sum?;
        if added == 0 {
            return Ok(Some(sum));
        }
        let mut open = sum.shape().to_vec();
        open[sum.rank() - 1] = added;
        Ok(Some(Var::cat(&[&sum, &Tensor::zeros(&open, dtype)?.into()], -1)?))
    }
}

/// What is added to the scores: −∞ where a bool mask is true.
fn additive(mask: &Var, dtype: DType) -> Result<Var> {
    if mask.dtype() != DType::Bool {
        return Ok(mask.clone());
    }
    let hidden = mask.detach();
    Ok(Tensor::zeros(hidden.shape(), dtype)?.masked_fill(&hidden, f64::NEG_INFINITY)?.into())
}

pub fn shape_error(argument: &'static str, found: &Var, expected: String) -> Error {
    let kind = ErrorKind::ShapeMismatch { argument, found: found.shape().clone(), expected };
    autograd::tensor_core::Error::new("MultiheadAttention", kind).into()
}
