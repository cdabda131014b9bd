//! Parts of a dimension; the gradient is their gradients put together again.

use crate::op::{Context, Forward, Grads, Op, apply_multi};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Split {
    dim: isize,
    sizes: Vec<usize>,
}

impl Op for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(Forward::many(inputs[0].split_with_sizes(&self.sizes, self.dim)?))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let parts = self.sizes.iter().enumerate().map(|(i, &size)| match ctx.output_grad(i) {
            Some(g) => Ok(g.clone()),
            None => {
                let mut shape = ctx.shape(0).to_vec();
                shape[ctx.shape(0).dim("split", self.dim)?] = size;
                Ok(Tensor::zeros(shape, ctx.dtype(0))?.into())
            }
        });
        let parts = parts.collect::<Result<Vec<Var>>>()?;
        Ok(Grads::from_iter([Some(Var::cat(&parts.iter().collect::<Vec<_>>(), self.dim)?)]))
    }
}

impl Var {
    /// Parts of `sizes` one after another along `dim`: `torch.split_with_sizes`.
    ///
    /// # Errors
    /// If the sizes do not sum to that of the dimension.
    #[track_caller]
    pub fn split_with_sizes(&self, sizes: &[usize], dim: isize) -> Result<Vec<Var>> {
        apply_multi(Split { dim, sizes: sizes.to_vec() }, &[self])
    }

    /// Parts of `size` elements along `dim`, the last one smaller where it must be: `torch.split`.
    ///
    /// # Errors
    /// If `size` is 0 and the dimension's is not.
    #[track_caller]
    pub fn split(&self, size: usize, dim: isize) -> Result<Vec<Var>> {
        self.parted(&self.value().split(size, dim)?, dim)
    }

    /// At most `chunks` equal parts along `dim`, the last one smaller where it must be: `torch.chunk`.
    ///
    /// # Errors
    /// If `chunks` is 0.
    #[track_caller]
    pub fn chunk(&self, chunks: usize, dim: isize) -> Result<Vec<Var>> {
        self.parted(&self.value().chunk(chunks, dim)?, dim)
    }

    /// `sections` parts along `dim` whose sizes differ by one at most, the larger ones first: `torch.tensor_split`.
    ///
    /// # Errors
    /// If `sections` is 0.
    #[track_caller]
    pub fn tensor_split(&self, sections: usize, dim: isize) -> Result<Vec<Var>> {
        self.parted(&self.value().tensor_split(sections, dim)?, dim)
    }

    /// Parts of `dim` cut before each of `indices`, as Python's slices: `torch.tensor_split` with a list. They may
    /// overlap where the indices do not ascend.
    #[track_caller]
    pub fn tensor_split_at(&self, indices: &[isize], dim: isize) -> Result<Vec<Var>> {
        // What the tensor's method refuses is refused with its words.
        self.value().tensor_split_at(indices, dim)?;
        let starts = std::iter::once(0).chain(indices.iter().copied());
        let ends = indices.iter().copied().chain([isize::MAX]);
        starts.zip(ends).map(|(start, end)| self.slice(dim, start, end, 1)).collect()
    }

    /// The slices of `dim`, without that dimension: `torch.unbind`.
    #[track_caller]
    pub fn unbind(&self, dim: isize) -> Result<Vec<Var>> {
        let size = self.value().unbind(dim)?.len();
        self.split_with_sizes(&vec![1; size], dim)?.iter().map(|part| part.squeeze(dim)).collect()
    }

    #[track_caller]
    fn parted(&self, parts: &[Tensor], dim: isize) -> Result<Vec<Var>> {
        let sizes = parts.iter().map(|part| Ok(part.size(dim)?)).collect::<Result<Vec<_>>>()?;
        self.split_with_sizes(&sizes, dim)
    }
}

pub(crate) const ROW: Row = Row {
    name: "split",
    sample: |s| {
        let rank = 1 + s.below(3);
        let (shape, dim) = (s.shape_of_rank(rank), s.dim(rank));
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (form, n) = (s.below(6), 1 + s.below(4));
        // One part or two of the parts are used: the others have no gradient.
        let (one, other) = (s.below(7), s.below(7));
        Ok(Sample::new(vec![x], move |x| {
            let parts = match form {
                0 => x[0].split(n, dim)?,
                1 => x[0].chunk(n, dim)?,
                2 => x[0].tensor_split(n, dim)?,
                3 => x[0].tensor_split_at(&[1, n as isize], dim)?,
                4 => x[0].split_with_sizes(&[1, x[0].size(dim)?.saturating_sub(1)], dim)?,
                _ => x[0].unbind(dim)?,
            };
            // No slices of no elements.
            let part = |i: usize| i.checked_rem(parts.len()).map_or(&x[0], |i| &parts[i]);
            part(one).sum()?.mul(part(other))
        }))
    },
    order: 2,
};
