//! Rows of a weight by their indices; the gradient is added up for each row, and is zero for the padding row.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Error, Result, Shape, Var};
use tensor_core::Tensor;

struct Embedding {
    index: Tensor,
    padding_idx: Option<usize>,
    scale_grad_by_freq: bool,
}

/// Keywords of `torch.nn.functional.embedding`, with its defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingOptions {
    /// The row, counted from the end if negative, that gets no gradient. Default none.
    pub padding_idx: Option<isize>,
    /// Whether the gradient of a row is divided by how often the index names it; then it is no derivative any more. Default
    /// false.
    pub scale_grad_by_freq: bool,
}

impl Op for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let rows = inputs[0].index_select(0, &self.index.flatten(0, -1)?)?;
        let shape = self.index.shape().iter().chain(&inputs[0].shape()[1..]).copied().collect();
        Ok(rows.view_as(&shape)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let index = self.index.flatten(0, -1)?;
        let mut rows = ctx.grad().view_as(&Shape::from([index.numel(), ctx.shape(0)[1]]))?;
        if let Some(padding) = self.padding_idx {
            rows = rows.masked_fill(&index.eq_scalar(padding as i64)?.unsqueeze(1)?, 0.0)?;
        }
        if self.scale_grad_by_freq {
            let counts = index.bincount(None, ctx.shape(0)[0])?.index_select(0, &index)?;
            rows = rows.div(&counts.to_dtype(ctx.dtype(0))?.unsqueeze(1)?.into())?;
        }
        let zeros: Var = Tensor::zeros(ctx.shape(0), ctx.dtype(0))?.into();
        Ok(Grads::from_iter([Some(zeros.index_add(0, &index, &rows)?)]))
    }
}

impl Var {
    /// The rows of this weight `[num_embeddings, embedding_dim]` that `index` (i64, of any shape) names, in that shape:
    /// `[.., embedding_dim]`. The row `padding_idx`, counted from the end if negative, gets no gradient:
    /// `torch.nn.functional.embedding`.
    ///
    /// # Errors
    /// If the weight is no matrix, or an index or `padding_idx` is not a row of it. Indices must not be negative.
    #[track_caller]
    pub fn embedding(&self, index: &Tensor, padding_idx: Option<isize>) -> Result<Var> {
        self.embedding_with(index, EmbeddingOptions { padding_idx, ..EmbeddingOptions::default() })
    }

    /// [`embedding`](Var::embedding) with all keywords.
    ///
    /// # Errors
    /// As for `embedding`.
    #[track_caller]
    pub fn embedding_with(&self, index: &Tensor, options: EmbeddingOptions) -> Result<Var> {
        let location = std::panic::Location::caller();
        let refuse = |argument, value, expected| {
            Err(Error::Argument { op: "embedding", argument, value, expected, location })
        };
        if self.rank() != 2 {
            return refuse("the weight's shape", self.shape().to_string(), "[num_embeddings, embedding_dim]");
        }
        let count = self.size(0)? as isize;
        let padding_idx = match options.padding_idx {
            Some(i) if !(-count..count).contains(&i) => {
                return refuse("padding_idx", i.to_string(), "a row of the weight");
            }
            padding_idx => padding_idx.map(|i| i.rem_euclid(count) as usize),
        };
        if index.dtype() == crate::DType::I64 && index.lt_scalar(0)?.any()? {
            return refuse("an index", "negative".to_string(), "a row of the weight");
        }
        let EmbeddingOptions { scale_grad_by_freq, .. } = options;
        apply(Embedding { index: index.clone(), padding_idx, scale_grad_by_freq }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "embedding",
    sample: |s| {
        let (count, width) = (s.size(), s.size());
        let shape = s.shape(3);
        let index = s.indices(&shape, count)?;
        let weight = s.tensor(&Shape::from([count, width]), -2.0, 2.0)?;
        let values = weight.to_vec::<f64>()?;
        let expected =
            index.to_vec::<i64>()?.into_iter().flat_map(|i| values[i as usize * width..][..width].to_vec());
        let expected = expected.collect();
        Ok(Sample::new(vec![weight], move |x| x[0].embedding(&index, None)).expect(expected))
    },
    order: 2,
};
