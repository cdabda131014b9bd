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
        EmbeddingOptions { num_embeddings, embedding_dim, padding_idx: None, dtype: DType::F32 }
    }

    fn settings(&self) -> String {
        let shape = self.weight.shape();
        let padding = self.padding_idx.map_or_else(String::new, |index| format!(", padding_idx={index}"));
        format!("{}, {}{padding}", shape[0], shape[1])
    }
}

impl Layer for Embedding {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(self.weight.var().embedding(&x.detach(), self.padding_idx)?)
    }
}

/// Settings of an [`Embedding`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct EmbeddingOptions {
    num_embeddings: usize,
    embedding_dim: usize,
    padding_idx: Option<isize>,
    dtype: DType,
}

impl EmbeddingOptions {
    /// The row, counted from the end if negative, that stands for nothing: it starts as zeros and gets no gradient.
    /// Default none.
    pub fn padding_idx(self, padding_idx: isize) -> Self {
        Self { padding_idx: Some(padding_idx), ..self }
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
        let Self { num_embeddings, embedding_dim, padding_idx, dtype } = self;
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
        Ok(Embedding { weight: Parameter::new(weight)?, padding_idx })
    }
}
