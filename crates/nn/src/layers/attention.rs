//! Attention over several heads.

pub mod mask;

use crate::error::OfModule;
use crate::{Error, Linear, Module, Result, Training, Walk, hook, init};
use autograd::tensor_core::{Activation, Rng};
use autograd::{AttentionOptions, DType, Parameter, Shape, Tensor, Var};
use mask::{AttentionMasks, shape_error};

/// Queries that look at keys and take a mean of their values, in several heads of E / heads features each:
/// `nn.MultiheadAttention`. Each head does `softmax(Q Kᵀ / √(E / heads) + mask) V` on its part of the projected inputs; the
/// heads side by side are projected once more (Vaswani et al., "Attention Is All You Need", 2017).
///
/// Parameters: `in_proj_weight` `[3 E, E]` (query, key, value above each other), or `q_proj_weight` `[E, E]`, `k_proj_weight`
/// `[E, kdim]` and `v_proj_weight` `[E, vdim]` where kdim or vdim is not E; `in_proj_bias` `[3 E]`; `bias_k` and `bias_v`
/// `[1, 1, E]` if asked for; `out_proj`. Weights start by Xavier's uniform rule, biases as zeros, drawn in PyTorch's
/// order.
///
/// ```
/// use nn::prelude::*;
/// use nn::AttentionMasks;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let attention = MultiheadAttention::options(16, 4).batch_first(true).build(&Rng::seed(0))?;
/// let x = Tensor::ones([2, 5, 16], DType::F32)?.into();
/// let causal = AttentionMasks { is_causal: true, ..Default::default() };
/// let (y, weights) = attention.forward_with_weights(&x, &x, &x, causal)?;
/// assert_eq!(y.shape().to_string(), "[2, 5, 16]");
/// // The mean over the heads: the first query sees the first key alone.
/// assert_eq!(weights.detach().to_vec::<f32>()?[..2], [1.0, 0.0]);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug)]
pub struct MultiheadAttention {
    in_proj: InProjection,
    /// `[3 E]`; None without bias.
    pub in_proj_bias: Option<Parameter>,
    /// `[1, 1, E]`, one more key for all; None if not asked for.
    pub bias_k: Option<Parameter>,
    /// `[1, 1, E]`, the value of that key; None if not asked for.
    pub bias_v: Option<Parameter>,
    /// From E to E.
    pub out_proj: Linear,
    embed_dim: usize,
    num_heads: usize,
    dropout: f64,
    add_zero_attn: bool,
    batch_first: bool,
    training: Training,
    rng: Rng,
}

/// The weights of query, key and value.
#[derive(Debug)]
enum InProjection {
    /// Above each other.
    Packed(Parameter),
    /// Each by itself, of different widths.
    Apart([Parameter; 3]),
}

/// The projected inputs `[N, heads, .., E / heads]` and their mask.
struct Projected {
    query: Var,
    key: Var,
    value: Var,
    mask: Option<Var>,
}

impl MultiheadAttention {
    /// Without dropout, with biases, in f32.
    ///
    /// # Errors
    /// If `num_heads` does not divide `embed_dim` or memory does not suffice.
    pub fn new(embed_dim: usize, num_heads: usize, rng: &Rng) -> Result<Self> {
        Self::options(embed_dim, num_heads).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(embed_dim: usize, num_heads: usize) -> MultiheadAttentionOptions {
        MultiheadAttentionOptions {
            embed_dim,
            num_heads,
            dropout: 0.0,
            bias: true,
            add_bias_kv: false,
            add_zero_attn: false,
            kdim: embed_dim,
            vdim: embed_dim,
            batch_first: false,
            dtype: DType::F32,
        }
    }

    /// For queries `[L, N, E]`, keys `[S, N, kdim]` and values `[S, N, vdim]` (N first with `batch_first`, left out
    /// without a batch), outputs of the queries' shape: `need_weights=False`.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward(&self, query: &Var, key: &Var, value: &Var, masks: AttentionMasks) -> Result<Var> {
        let y = self.attend(query, key, value, masks).of(self)?;
        Ok(hook::show(self, query, y))
    }

    /// As [`forward`](MultiheadAttention::forward), and the softmax's weights `[N, L, S]`, the mean over the heads.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward_with_weights(
        &self,
        query: &Var,
        key: &Var,
        value: &Var,
        masks: AttentionMasks,
    ) -> Result<(Var, Var)> {
        let (y, weights) = self.forward_with_head_weights(query, key, value, masks)?;
        Ok((y, weights.mean_dim(-3, false).of(self)?))
    }

    /// As [`forward`](MultiheadAttention::forward), and the softmax's weights of each head, `[N, heads, L, S]`:
    /// `average_attn_weights=False`.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward_with_head_weights(
        &self,
        query: &Var,
        key: &Var,
        value: &Var,
        masks: AttentionMasks,
    ) -> Result<(Var, Var)> {
        let (y, weights) = self.attend_with_weights(query, key, value, masks).of(self)?;
        Ok((hook::show(self, query, y), weights))
    }

    fn attend(&self, query: &Var, key: &Var, value: &Var, masks: AttentionMasks) -> Result<Var> {
        let Projected { query: q, key: k, value: v, mask } = self.project(query, key, value, masks)?;
        let dropout = self.dropout_key().map(|key| (self.dropout, key));
        let options = AttentionOptions { attn_mask: mask.as_ref(), dropout, ..AttentionOptions::default() };
        self.join(&q.scaled_dot_product_attention(&k, &v, options)?, query)
    }

    fn attend_with_weights(
        &self,
        query: &Var,
        key: &Var,
        value: &Var,
        masks: AttentionMasks,
    ) -> Result<(Var, Var)> {
        let Projected { query: q, key: k, value: v, mask } = self.project(query, key, value, masks)?;
        let scale = 1.0 / (self.head_size() as f64).sqrt();
        let scores = q.mul_scalar(scale)?.matmul(&k.transpose(-2, -1)?)?;
        let scores = mask.map_or(Ok(scores.clone()), |mask| scores.add(&mask))?;
        let mut weights = scores.softmax(-1)?;
        if let Some(key) = self.dropout_key() {
            weights = weights.dropout(self.dropout, key)?;
        }
        let y = self.join(&weights.matmul(&v)?, query)?;
        Ok((y, if query.rank() == 2 { weights.squeeze(0)? } else { weights }))
    }

    /// A draw for the mask of a dropout, in training.
    fn dropout_key(&self) -> Option<u64> {
        (self.training.get() && self.dropout > 0.0).then(|| self.rng.next_u64())
    }

    fn head_size(&self) -> usize {
        self.embed_dim / self.num_heads
    }

    fn project(&self, query: &Var, key: &Var, value: &Var, masks: AttentionMasks) -> Result<Projected> {
        self.check(query, key, value)?;
        let bias = self.in_proj_bias.as_ref().map(Parameter::var);
        let project = |x: &Var, place: usize| -> Result<Var> {
            let rows = |x: &Var| x.narrow(0, (place * self.embed_dim) as isize, self.embed_dim);
            let weight = match &self.in_proj {
                InProjection::Packed(weight) => rows(&weight.var())?,
                InProjection::Apart(weights) => weights[place].var(),
            };
            let bias = bias.as_ref().map(rows).transpose()?;
            Ok(self.batched(x)?.linear(&weight, bias.as_ref(), Activation::Identity)?)
        };
        let (q, mut k, mut v) = (project(query, 0)?, project(key, 1)?, project(value, 2)?);
        let (batch, queries) = (q.shape()[0], q.shape()[1]);
        for (x, bias) in [(&mut k, &self.bias_k), (&mut v, &self.bias_v)] {
            if let Some(bias) = bias {
                let bias = bias.var().broadcast_to(&Shape::from([batch, 1, self.embed_dim]))?;
                *x = Var::cat(&[x, &bias], 1)?;
            }
            if self.add_zero_attn {
                let zeros = Tensor::zeros([batch, 1, self.embed_dim], x.dtype())?.into();
                *x = Var::cat(&[x, &zeros], 1)?;
            }
        }
        let keys = self.batched(key)?.shape()[1];
        let mask = masks.additive([batch, self.num_heads, queries, keys], k.shape()[1] - keys, q.dtype())?;
        Ok(Projected { query: self.split(&q)?, key: self.split(&k)?, value: self.split(&v)?, mask })
    }

    /// `[N, L, features]` of an input in any of its forms.
    fn batched(&self, x: &Var) -> Result<Var> {
        Ok(match (x.rank(), self.batch_first) {
            (2, _) => x.unsqueeze(0)?,
            (_, true) => x.clone(),
            (_, false) => x.transpose(0, 1)?,
        })
    }

    /// `[N, heads, L, E / heads]` from `[N, L, E]`.
    fn split(&self, x: &Var) -> Result<Var> {
        let sizes = [x.shape()[0], x.shape()[1], self.num_heads, self.head_size()];
        Ok(x.view_as(&Shape::from(sizes))?.transpose(1, 2)?)
    }

    /// The heads side by side, projected, in the form of the query.
    fn join(&self, heads: &Var, query: &Var) -> Result<Var> {
        let joined = heads.transpose(1, 2)?.flatten(2, 3)?;
        let y = crate::Layer::forward(&self.out_proj, &joined)?;
        Ok(match (query.rank(), self.batch_first) {
            (2, _) => y.squeeze(0)?,
            (_, true) => y,
            (_, false) => y.transpose(0, 1)?,
        })
    }

    fn check(&self, query: &Var, key: &Var, value: &Var) -> Result<()> {
        let [kdim, vdim] = match &self.in_proj {
            InProjection::Packed(_) => [self.embed_dim; 2],
            InProjection::Apart([_, key, value]) => [key, value].map(|weight| weight.shape()[1]),
        };
        let inputs =
            [("the query", query, self.embed_dim), ("the key", key, kdim), ("the value", value, vdim)];
        for (argument, x, width) in inputs {
            if x.rank() != query.rank() || !(2..=3).contains(&x.rank()) || x.shape()[x.rank() - 1] != width {
                return Err(shape_error(
                    argument,
                    x,
                    format!("[.., {width}], all with a batch or all without"),
                ));
            }
        }
        let batch = if self.batch_first { 0 } else { 1 };
        let fits = key.shape()[..key.rank() - 1] == value.shape()[..value.rank() - 1]
            && (query.rank() == 2 || query.shape()[batch] == key.shape()[batch]);
        if fits {
            return Ok(());
        }
        let expected =
            format!("the sequence of the key {} and the batch of the query {}", key.shape(), query.shape());
        Err(shape_error("the value", value, expected))
    }
}

impl Module for MultiheadAttention {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self {
            in_proj,
            in_proj_bias,
            bias_k,
            bias_v,
            out_proj,
            embed_dim: _,
            num_heads: _,
            dropout: _,
            add_zero_attn: _,
            batch_first: _,
            training,
            rng: _,
        } = self;
        walk.module(self, |walk| {
            match in_proj {
                InProjection::Packed(weight) => walk.child("in_proj_weight", weight),
                InProjection::Apart(weights) => {
                    let names = ["q_proj_weight", "k_proj_weight", "v_proj_weight"];
                    names.iter().zip(weights).for_each(|(name, weight)| walk.child(name, weight));
                }
            }
            walk.child("in_proj_bias", in_proj_bias);
            walk.child("bias_k", bias_k);
            walk.child("bias_v", bias_v);
            walk.child("out_proj", out_proj);
            walk.child("training", training);
        });
    }

    fn extra_repr(&self) -> String {
        let Self { embed_dim, num_heads, dropout, batch_first, .. } = self;
        format!("{embed_dim}, {num_heads}, dropout={dropout}, batch_first={batch_first}")
    }

    /// Projections of query, key and value and both products, with as many keys as queries.
    fn multiply_adds(&self, input: &Shape, _: &Shape) -> usize {
        let positions: usize = input[..input.len().saturating_sub(1)].iter().product();
        let length = if input.len() == 3 && self.batch_first { input[1] } else { input[0] };
        let projections = 3usize.saturating_mul(self.embed_dim).saturating_mul(self.embed_dim);
        let products = 2usize.saturating_mul(length).saturating_mul(self.embed_dim);
        positions.saturating_mul(projections.saturating_add(products))
    }
}

/// Settings of a [`MultiheadAttention`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct MultiheadAttentionOptions {
    embed_dim: usize,
    num_heads: usize,
    dropout: f64,
    bias: bool,
    add_bias_kv: bool,
    add_zero_attn: bool,
    kdim: usize,
    vdim: usize,
    batch_first: bool,
    dtype: DType,
}

impl MultiheadAttentionOptions {
    /// The probability of [dropout](crate::Dropout) of the weights in training; default 0.
    pub fn dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Whether the projections have biases; default true.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Whether there is one more, learned, key and value; default false.
    pub fn add_bias_kv(self, add_bias_kv: bool) -> Self {
        Self { add_bias_kv, ..self }
    }

    /// Whether there is one more key and value of zeros; default false.
    pub fn add_zero_attn(self, add_zero_attn: bool) -> Self {
        Self { add_zero_attn, ..self }
    }

    /// Features of a key; default those of a query.
    pub fn kdim(self, kdim: usize) -> Self {
        Self { kdim, ..self }
    }

    /// Features of a value; default those of a query.
    pub fn vdim(self, vdim: usize) -> Self {
        Self { vdim, ..self }
    }

    /// Whether inputs and outputs are `[N, L, ..]` in place of `[L, N, ..]`; default false.
    pub fn batch_first(self, batch_first: bool) -> Self {
        Self { batch_first, ..self }
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Draws the parameters and makes the layer.
    ///
    /// # Errors
    /// If `num_heads` does not divide `embed_dim`, the dtype is not floating-point, or memory does not suffice.
    pub fn build(self, rng: &Rng) -> Result<MultiheadAttention> {
        let Self { embed_dim, num_heads, dropout, bias, dtype, kdim, vdim, .. } = self;
        let refuse = |argument, value, expected| {
            Err(Error::Argument { op: "MultiheadAttention", argument, value, expected })
        };
        if num_heads == 0 || embed_dim == 0 || !embed_dim.is_multiple_of(num_heads) {
            let value = format!("{embed_dim} and {num_heads}");
            return refuse("embed_dim and num_heads", value, "a width that the heads share evenly");
        }
        if !(0.0..=1.0).contains(&dropout) {
            return refuse("dropout", dropout.to_string(), "a probability, 0 to 1");
        }
        let zeros =
            |shape: &[usize]| -> Result<Parameter> { Ok(Parameter::new(Tensor::zeros(shape, dtype)?)?) };
        let xavier = |shape: &[usize]| -> Result<Parameter> {
            let weight = zeros(shape)?;
            init::xavier_uniform(&weight, 1.0, rng)?;
            Ok(weight)
        };
        // PyTorch draws the output projection first, its bias too, which it then sets to zeros.
        let out_proj = Linear::options(embed_dim, embed_dim).bias(bias).dtype(dtype).build(rng)?;
        out_proj.bias.as_ref().map_or(Ok(()), init::zeros)?;
        let in_proj = if kdim == embed_dim && vdim == embed_dim {
            InProjection::Packed(xavier(&[3 * embed_dim, embed_dim])?)
        } else {
            let [q, k, v] = [embed_dim, kdim, vdim].map(|width| xavier(&[embed_dim, width]));
            InProjection::Apart([q?, k?, v?])
        };
        let extra = || -> Result<Option<Parameter>> {
            if !self.add_bias_kv {
                return Ok(None);
            }
            let bias = zeros(&[1, 1, embed_dim])?;
            init::xavier_normal(&bias, 1.0, rng)?;
            Ok(Some(bias))
        };
        Ok(MultiheadAttention {
            in_proj,
            in_proj_bias: if bias { Some(zeros(&[3 * embed_dim])?) } else { None },
            bias_k: extra()?,
            bias_v: extra()?,
            out_proj,
            embed_dim,
            num_heads,
            dropout,
            add_zero_attn: self.add_zero_attn,
            batch_first: self.batch_first,
            training: Training::default(),
            rng: rng.clone(),
        })
    }
}
