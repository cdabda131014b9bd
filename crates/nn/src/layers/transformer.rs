//! The layers of a transformer.

use crate::error::OfModule;
use crate::{AttentionMasks, Dropout, Layer, LayerNorm, Linear, Module, MultiheadAttention, Result, hook};
use autograd::tensor_core::Rng;
use autograd::{Approximate, DType, Var};
use std::marker::PhantomData;

/// What lies between the two linear layers.
#[derive(Clone, Copy, Debug, Default, Module, PartialEq, Eq)]
pub enum TransformerActivation {
    /// max(x, 0).
    #[default]
    ReLU,
    /// x Φ(x), by the error function.
    GELU,
}

/// Settings of a [`TransformerEncoderLayer`] or [`TransformerDecoderLayer`].
#[derive(Debug)]
#[must_use = "build makes the layer"]
pub struct TransformerOptions<L> {
    d_model: usize,
    nhead: usize,
    dim_feedforward: usize,
    dropout: f64,
    activation: TransformerActivation,
    layer_norm_eps: f64,
    batch_first: bool,
    norm_first: bool,
    bias: bool,
    dtype: DType,
    layer: PhantomData<fn() -> L>,
}

// Derived, both would ask the same of the layer.
impl<L> Clone for TransformerOptions<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for TransformerOptions<L> {}

impl<L> TransformerOptions<L> {
    fn new(d_model: usize, nhead: usize) -> Self {
        Self {
            d_model,
            nhead,
            dim_feedforward: 2048,
            dropout: 0.1,
            activation: TransformerActivation::ReLU,
            layer_norm_eps: 1e-5,
            batch_first: false,
            norm_first: false,
            bias: true,
            dtype: DType::F32,
            layer: PhantomData,
        }
    }

    /// Features between the two linear layers; default 2048.
    pub fn dim_feedforward(self, dim_feedforward: usize) -> Self {
        Self { dim_feedforward, ..self }
    }

    /// The probability of every [dropout](crate::Dropout); default 0.1.
    pub fn dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// What lies between the two linear layers; default ReLU.
    pub fn activation(self, activation: TransformerActivation) -> Self {
        Self { activation, ..self }
    }

    /// Added to the variances; default 1e-5.
    pub fn layer_norm_eps(self, layer_norm_eps: f64) -> Self {
        Self { layer_norm_eps, ..self }
    }

    /// Whether inputs and outputs are `[N, L, d_model]` in place of `[L, N, d_model]`; default false.
    pub fn batch_first(self, batch_first: bool) -> Self {
        Self { batch_first, ..self }
    }

    /// Whether the norms come before attention and linear layers, not after the sums; default false.
    pub fn norm_first(self, norm_first: bool) -> Self {
        Self { norm_first, ..self }
    }

    /// Whether linear layers and norms have biases; default true.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    fn attention(&self, rng: &Rng) -> Result<MultiheadAttention> {
        MultiheadAttention::options(self.d_model, self.nhead)
            .dropout(self.dropout)
            .bias(self.bias)
            .batch_first(self.batch_first)
            .dtype(self.dtype)
            .build(rng)
    }

    fn linear(&self, inputs: usize, outputs: usize, rng: &Rng) -> Result<Linear> {
        Linear::options(inputs, outputs).bias(self.bias).dtype(self.dtype).build(rng)
    }

    fn norm(&self) -> Result<LayerNorm> {
        LayerNorm::options(self.d_model).eps(self.layer_norm_eps).bias(self.bias).dtype(self.dtype).build()
    }
}

/// x + part(norm(x)), or norm(x + part(x)).
fn residual(
    x: &Var,
    norm: &LayerNorm,
    norm_first: bool,
    part: impl FnOnce(&Var) -> Result<Var>,
) -> Result<Var> {
    if norm_first {
        return Ok(x.add(&part(&norm.forward(x)?)?)?);
    }
    norm.forward(&x.add(&part(x)?)?)
}

/// The two linear layers with the activation between them.
fn feedforward(
    x: &Var,
    (first, second): (&Linear, &Linear),
    (inner, outer): (&Dropout, &Dropout),
    activation: TransformerActivation,
) -> Result<Var> {
    let hidden = match activation {
        TransformerActivation::ReLU if hook::any() => first.forward(x)?.relu()?,
        TransformerActivation::ReLU => first.forward_relu(x)?,
        TransformerActivation::GELU => first.forward(x)?.gelu(Approximate::None)?,
    };
    outer.forward(&second.forward(&inner.forward(&hidden)?)?)
}

/// Self-attention, then two linear layers, each beside a shortcut with a norm: `nn.TransformerEncoderLayer`. Names and
/// initial values as in PyTorch.
///
/// ```
/// use nn::prelude::*;
/// use nn::AttentionMasks;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let layer = TransformerEncoderLayer::options(16, 4).dim_feedforward(32).batch_first(true).build(&Rng::seed(0))?;
/// let x = Tensor::ones([2, 5, 16], DType::F32)?.into();
/// let y = layer.forward(&x, AttentionMasks { is_causal: true, ..Default::default() })?;
/// assert_eq!(y.shape(), x.shape());
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Module)]
pub struct TransformerEncoderLayer {
    self_attn: MultiheadAttention,
    linear1: Linear,
    dropout: Dropout,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
    dropout1: Dropout,
    dropout2: Dropout,
    activation: TransformerActivation,
    norm_first: bool,
}

impl TransformerEncoderLayer {
    /// 2048 features between the linear layers, dropout 0.1, ReLU, norms last, in f32.
    ///
    /// # Errors
    /// As [`build`](TransformerOptions::build).
    pub fn new(d_model: usize, nhead: usize, rng: &Rng) -> Result<Self> {
        Self::options(d_model, nhead).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(d_model: usize, nhead: usize) -> TransformerOptions<Self> {
        TransformerOptions::new(d_model, nhead)
    }

    /// The output, of the shape of `src`. In `masks` the keys are the positions of `src`.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward(&self, src: &Var, masks: AttentionMasks) -> Result<Var> {
        let y = self.run(src, masks).of(self)?;
        Ok(hook::show(self, src, y))
    }

    fn run(&self, src: &Var, masks: AttentionMasks) -> Result<Var> {
        let x = residual(src, &self.norm1, self.norm_first, |x| {
            self.dropout1.forward(&self.self_attn.forward(x, x, x, masks)?)
        })?;
        residual(&x, &self.norm2, self.norm_first, |x| {
            let (linear, dropout) = ((&self.linear1, &self.linear2), (&self.dropout, &self.dropout2));
            feedforward(x, linear, dropout, self.activation)
        })
    }
}

impl TransformerOptions<TransformerEncoderLayer> {
    /// Draws the parameters and makes the layer.
    ///
    /// # Errors
    /// If `nhead` does not divide `d_model`, dropout is no probability, the dtype is not floating-point, or memory does not
    /// suffice.
    pub fn build(self, rng: &Rng) -> Result<TransformerEncoderLayer> {
        let dropout = || Dropout::new(self.dropout, rng);
        Ok(TransformerEncoderLayer {
            self_attn: self.attention(rng)?,
            linear1: self.linear(self.d_model, self.dim_feedforward, rng)?,
            dropout: dropout()?,
            linear2: self.linear(self.dim_feedforward, self.d_model, rng)?,
            norm1: self.norm()?,
            norm2: self.norm()?,
            dropout1: dropout()?,
            dropout2: dropout()?,
            activation: self.activation,
            norm_first: self.norm_first,
        })
    }
}

/// Self-attention, attention to the encoder's output, then two linear layers, each beside a shortcut with a norm:
/// `nn.TransformerDecoderLayer`. Names and initial values as in PyTorch.
#[derive(Debug, Module)]
pub struct TransformerDecoderLayer {
    self_attn: MultiheadAttention,
    multihead_attn: MultiheadAttention,
    linear1: Linear,
    dropout: Dropout,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
    norm3: LayerNorm,
    dropout1: Dropout,
    dropout2: Dropout,
    dropout3: Dropout,
    activation: TransformerActivation,
    norm_first: bool,
}

impl TransformerDecoderLayer {
    /// 2048 features between the linear layers, dropout 0.1, ReLU, norms last, in f32.
    ///
    /// # Errors
    /// As [`build`](TransformerOptions::build).
    pub fn new(d_model: usize, nhead: usize, rng: &Rng) -> Result<Self> {
        Self::options(d_model, nhead).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(d_model: usize, nhead: usize) -> TransformerOptions<Self> {
        TransformerOptions::new(d_model, nhead)
    }

    /// The output, of the shape of `tgt`. The keys of `tgt_masks` are the positions of `tgt`, those of `memory_masks` the
    /// positions of `memory`, the encoder's output.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward(
        &self,
        tgt: &Var,
        memory: &Var,
        tgt_masks: AttentionMasks,
        memory_masks: AttentionMasks,
    ) -> Result<Var> {
        let y = self.run(tgt, memory, tgt_masks, memory_masks).of(self)?;
        Ok(hook::show(self, tgt, y))
    }

    fn run(
        &self,
        tgt: &Var,
        memory: &Var,
        tgt_masks: AttentionMasks,
        memory_masks: AttentionMasks,
    ) -> Result<Var> {
        let x = residual(tgt, &self.norm1, self.norm_first, |x| {
            self.dropout1.forward(&self.self_attn.forward(x, x, x, tgt_masks)?)
        })?;
        let x = residual(&x, &self.norm2, self.norm_first, |x| {
            self.dropout2.forward(&self.multihead_attn.forward(x, memory, memory, memory_masks)?)
        })?;
        residual(&x, &self.norm3, self.norm_first, |x| {
            let (linear, dropout) = ((&self.linear1, &self.linear2), (&self.dropout, &self.dropout3));
            feedforward(x, linear, dropout, self.activation)
        })
    }
}

impl TransformerOptions<TransformerDecoderLayer> {
    /// Draws the parameters and makes the layer.
    ///
    /// # Errors
    /// If `nhead` does not divide `d_model`, dropout is no probability, the dtype is not floating-point, or memory does not
    /// suffice.
    pub fn build(self, rng: &Rng) -> Result<TransformerDecoderLayer> {
        let dropout = || Dropout::new(self.dropout, rng);
        Ok(TransformerDecoderLayer {
            self_attn: self.attention(rng)?,
            multihead_attn: self.attention(rng)?,
            linear1: self.linear(self.d_model, self.dim_feedforward, rng)?,
            dropout: dropout()?,
            linear2: self.linear(self.dim_feedforward, self.d_model, rng)?,
            norm1: self.norm()?,
            norm2: self.norm()?,
            norm3: self.norm()?,
            dropout1: dropout()?,
            dropout2: dropout()?,
            dropout3: dropout()?,
            activation: self.activation,
            norm_first: self.norm_first,
        })
    }
}

/// Encoder layers one after the other, and a norm at the end if there is one: `nn.TransformerEncoder`.
#[derive(Debug, Module)]
pub struct TransformerEncoder {
    layers: Vec<TransformerEncoderLayer>,
    norm: Option<LayerNorm>,
}

/// Decoder layers one after the other, and a norm at the end if there is one: `nn.TransformerDecoder`.
#[derive(Debug, Module)]
pub struct TransformerDecoder {
    layers: Vec<TransformerDecoderLayer>,
    norm: Option<LayerNorm>,
}

/// `count` layers with the initial values of the first, as PyTorch's deep copies have, drawn once.
fn copies<M: Module>(count: usize, build: impl Fn(&Rng) -> Result<M>, rng: &Rng) -> Result<Vec<M>> {
    let before = rng.state();
    let mut layers = Vec::with_capacity(count);
    for _ in 0..count {
        rng.set_state(&before)?;
        layers.push(build(rng)?);
    }
    Ok(layers)
}

impl TransformerEncoder {
    /// `num_layers` layers of these settings, all with the same initial values.
    ///
    /// # Errors
    /// As [`build`](TransformerOptions::build).
    pub fn new(
        layer: TransformerOptions<TransformerEncoderLayer>,
        num_layers: usize,
        norm: Option<LayerNorm>,
        rng: &Rng,
    ) -> Result<Self> {
        Ok(Self { layers: copies(num_layers, |rng| layer.build(rng), rng)?, norm })
    }

    /// The output, of the shape of `src`; `masks` are those of every layer.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward(&self, src: &Var, masks: AttentionMasks) -> Result<Var> {
        let y = self.layers.iter().try_fold(src.clone(), |x, layer| layer.forward(&x, masks));
        let y = y.and_then(|y| self.norm.forward(&y)).of(self)?;
        Ok(hook::show(self, src, y))
    }
}

impl TransformerDecoder {
    /// `num_layers` layers of these settings, all with the same initial values.
    ///
    /// # Errors
    /// As [`build`](TransformerOptions::build).
    pub fn new(
        layer: TransformerOptions<TransformerDecoderLayer>,
        num_layers: usize,
        norm: Option<LayerNorm>,
        rng: &Rng,
    ) -> Result<Self> {
        Ok(Self { layers: copies(num_layers, |rng| layer.build(rng), rng)?, norm })
    }

    /// The output, of the shape of `tgt`; the masks are those of every layer.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward(
        &self,
        tgt: &Var,
        memory: &Var,
        tgt_masks: AttentionMasks,
        memory_masks: AttentionMasks,
    ) -> Result<Var> {
        let step =
            |x: Var, layer: &TransformerDecoderLayer| layer.forward(&x, memory, tgt_masks, memory_masks);
        let y = self.layers.iter().try_fold(tgt.clone(), step);
        let y = y.and_then(|y| self.norm.forward(&y)).of(self)?;
        Ok(hook::show(self, tgt, y))
    }
}
