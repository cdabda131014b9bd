//! Values repeated; each gets the sum of its copies' gradients.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::{DType, Tensor};

struct Repeat {
    repeats: Vec<usize>,
}

impl Op for Repeat {
    fn name(&self) -> &'static str {
        "repeat"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].repeat(&self.repeats)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let lead = self.repeats.len() - ctx.shape(0).len();
        let sizes = std::iter::repeat_n(1, lead).chain(ctx.shape(0).iter().copied());
        let pairs: Vec<(usize, usize)> = self.repeats.iter().copied().zip(sizes).collect();
        // Each dimension as copies × elements; the copies are summed.
        let wide: Shape = pairs.iter().flat_map(|&(repeats, size)| [repeats, size]).collect();
        let narrow = pairs.iter().flat_map(|&(_, size)| [1, size]).collect();
        Ok(Grads::from_iter([Some(ctx.grad().view_as(&wide)?.sum_to(&narrow)?.view_as(ctx.shape(0))?)]))
    }
}

impl Var {
    /// The value one after another `repeats[d]` times along each dimension; more repeats than dimensions add leading
    /// ones: `torch.Tensor.repeat`.
    ///
    /// # Errors
    /// If there are fewer repeats than dimensions.
    #[track_caller]
    pub fn repeat(&self, repeats: impl AsRef<[usize]>) -> Result<Var> {
        apply(Repeat { repeats: repeats.as_ref().to_vec() }, &[self])
    }

    /// [`repeat`](Var::repeat) where fewer repeats than dimensions leave the leading ones: `torch.tile`.
    #[track_caller]
    pub fn tile(&self, repeats: impl AsRef<[usize]>) -> Result<Var> {
        self.repeat(self.shape().tiled(repeats.as_ref()))
    }

    /// Each slice of dimension `dim` `repeats` times, next to itself; without `dim` each element of the flattened
    /// value: `torch.repeat_interleave`.
    #[track_caller]
    pub fn repeat_interleave(&self, repeats: usize, dim: Option<isize>) -> Result<Var> {
        let repeats = i64::try_from(repeats).unwrap_or(i64::MAX);
        self.repeat_interleave_each(&Tensor::full([1], repeats, DType::I64)?, dim)
    }

    /// Slice `i` of dimension `dim` `repeats[i]` times (i64, 1-d, of one element for all or as long as the dimension);
    /// without `dim` each element of the flattened value: `torch.repeat_interleave` with a tensor.
    ///
    /// # Errors
    /// If `repeats` has another length or dtype or a negative element.
    #[track_caller]
    pub fn repeat_interleave_each(&self, repeats: &Tensor, dim: Option<isize>) -> Result<Var> {
        let x = if dim.is_none() || self.rank() == 0 { self.reshape([-1])? } else { self.clone() };
        let dim = dim.unwrap_or(0);
        x.index_select(dim, &repeats.interleaved(x.size(dim)?)?)
    }
}

pub(crate) const ROW: Row = Row {
    name: "repeat",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        if s.one_in(2) {
            let count = s.below(5);
            let repeats: Vec<usize> = (0..count).map(|_| s.below(3)).collect();
            let call = move |x: &[Var]| x[0].tile(&repeats);
            return Ok(Sample::new(vec![x], call));
        }
        let dim = if s.one_in(3) { None } else { Some(s.dim(shape.len())) };
        let length = match dim {
            Some(dim) => shape.get(shape.dim("sample", dim)?).copied().unwrap_or(1),
            None => shape.numel(),
        };
        let repeats = s.indices(&[length].into(), 3)?;
        let each = s.one_in(2);
        Ok(Sample::new(vec![x], move |x| match each {
            true => x[0].repeat_interleave_each(&repeats, dim),
            false => x[0].repeat_interleave(2, dim),
        }))
    },
    order: 2,
};
