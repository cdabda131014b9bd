//! The table of vectors.

use crate::{Error, Layer, Module, Result};
use autograd::tensor_core::Rng;
use autograd::{DType, Parameter, Tensor, Var};

/// A vector for each of `num_embeddings` things: `nn.Embedding`. Input: indices, i64 of any shape; output
/// `[.., embedding_dim]`. `weight` is `[num_embeddings, embedding_dim]` and starts normal with mean 0 and deviation 1.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{Tensor, tensor_core::Rng};
///
/// let embedding = Embedding::new(10, 16, &Rng::seed(0))?;
/// let tokens = Tensor::from_vec(vec![1i64, 9, 1, 0], [2, 2])?;
/// assert_eq!(embedding.forward(&tokens.into())?.shape().to_string(), "[2, 2, 16]");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct Embedding {
    /// `[num_embeddings, embedding_dim]`.
    pub weight: Parameter,
    padding_idx: Option<isize>,
    max_norm: Option<f64>,
    norm_type: f64,
    scale_grad_by_freq: bool,
}

impl Embedding {
    /// Without padding, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(num_embeddings: usize, embedding_dim: usize, rng: &Rng) -> Result<Self> {
        Self::options(num_embeddings, embedding_dim).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(num_embeddings: usize, embedding_dim: usize) -> EmbeddingOptions {
        EmbeddingOptions {
            num_embeddings,
            embedding_dim,
            padding_idx: None,
            max_norm: None,
            norm_type: 2.0,
            scale_grad_by_freq: false,
            dtype: DType::F32,
        }
    }

    fn settings(&self) -> String {
        let shape = self.weight.shape();
        let mut text = format!("{}, {}", shape[0], shape[1]);
        if let Some(index) = self.padding_idx {
            text.push_str(&format!(", padding_idx={index}"));
        }
        if let Some(most) = self.max_norm {
            text.push_str(&format!(", max_norm={most}, norm_type={}", self.norm_type));
        }
        if self.scale_grad_by_freq {
            text.push_str(", scale_grad_by_freq=true");
        }
        text
    }

    /// Shortens the rows that are looked up to the greatest norm, for good.
    #[track_caller]
    fn shorten(&self, index: &Tensor, most: f64) -> Result<()> {
        let weight = self.weight.value();
        let index = index.flatten(0, -1)?.unique(None)?.values;
        let rows = weight.index_select(0, &index)?;
        let norms = rows.vector_norm(self.norm_type, 1, true)?;
        // PyTorch's bound against a division by 0.
        let factor = norms.add_scalar(1e-7)?.reciprocal()?.mul_scalar(most)?;
        let factor = factor.masked_fill(&norms.le_scalar(most)?, 1.0)?;
        Ok(self.weight.set_value(weight.index_copy(0, &index, &rows.mul(&factor)?)?)?)
    }
}

impl Layer for Embedding {
    fn compute(&self, x: &Var) -> Result<Var> {
        let index = x.detach();
        if let Some(most) = self.max_norm {
            self.shorten(&index, most)?;
        }
        let Self { padding_idx, scale_grad_by_freq, .. } = *self;
        let options = autograd::EmbeddingOptions { padding_idx, scale_grad_by_freq };
        Ok(self.weight.var().embedding_with(&index, options)?)
    }
}

/// Settings of an [`Embedding`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct EmbeddingOptions {
    num_embeddings: usize,
    embedding_dim: usize,
    padding_idx: Option<isize>,
    max_norm: Option<f64>,
    norm_type: f64,
    scale_grad_by_freq: bool,
    dtype: DType,
}

impl EmbeddingOptions {
    /// The row, counted from the end if negative, that stands for nothing: it starts as zeros and gets no gradient.
    /// Default none.
    pub fn padding_idx(self, padding_idx: isize) -> Self {
        Self { padding_idx: Some(padding_idx), ..self }
    }

    /// The greatest norm of a row: each forward shortens the longer rows that it looks up, in the weight itself and without
    /// a gradient. Default none.
    pub fn max_norm(self, max_norm: f64) -> Self {
        Self { max_norm: Some(max_norm), ..self }
    }

    /// The p of the p-norm that `max_norm` bounds; default 2.
    pub fn norm_type(self, norm_type: f64) -> Self {
        Self { norm_type, ..self }
    }

    /// Whether the gradient of a row is divided by how often it is looked up; default false.
    pub fn scale_grad_by_freq(self, scale_grad_by_freq: bool) -> Self {
        Self { scale_grad_by_freq, ..self }
    }

    /// The dtype of the weight; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Draws the weight, the padding's row too, and makes the layer.
    ///
    /// # Errors
    /// If `padding_idx` is no row, the dtype is not floating-point or memory does not suffice.
    pub fn build(self, rng: &Rng) -> Result<Embedding> {
        let Self {
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            dtype,
        } = self;
        let mut weight = rng.normal([num_embeddings, embedding_dim], 0.0, 1.0, dtype)?;
        let rows = num_embeddings as isize;
        let padding_idx = match padding_idx {
            None => None,
            Some(index) if (-rows..rows).contains(&index) => Some(index.rem_euclid(rows)),
            Some(index) => {
                let (value, expected) =
                    (index.to_string(), "a row, from -num_embeddings to num_embeddings - 1");
                return Err(Error::Argument { op: "Embedding", argument: "padding_idx", value, expected });
            }
        };
        if let Some(padding) = padding_idx {
            let is_padding: Vec<bool> = (0..rows).map(|row| row == padding).collect();
            weight = weight.masked_fill(&Tensor::from_vec(is_padding, [num_embeddings, 1])?, 0.0)?;
        }
        let weight = Parameter::new(weight)?;
        Ok(Embedding { weight, padding_idx, max_norm, norm_type, scale_grad_by_freq })
    }
}
