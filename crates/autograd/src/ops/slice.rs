//! A part of a dimension, and zeros with a part written in: each is the other's gradient.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Tensor;

/// Elements `start, start + step, …` (`length` of them) of dimension `dim`.
#[derive(Clone, Copy)]
struct Slice {
    dim: usize,
    start: usize,
    length: usize,
    step: usize,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let end = self.start.saturating_add(self.length.saturating_mul(self.step));
        let end = isize::try_from(end).unwrap_or(isize::MAX);
        Ok(inputs[0].slice(self.dim as isize, self.start as isize, end, self.step)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let dx = apply(SliceScatter { slice: *self, shape: ctx.shape(0).clone() }, &[ctx.grad()])?;
        Ok(Grads::from_iter([Some(dx)]))
    }
}

/// Zeros of `shape` with the input written at a slice.
struct SliceScatter {
    slice: Slice,
    shape: Shape,
}

impl Op for SliceScatter {
    fn name(&self) -> &'static str {
        "slice_scatter_zeros"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let Slice { dim, start, step, .. } = self.slice;
        Ok(inputs[0].slice_scatter_zeros(&self.shape, dim as isize, start, step)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(apply(self.slice, &[ctx.grad()])?)]))
    }
}

impl Var {
    /// Every `step`-th element of `start..end` of dimension `dim`, as Python's `x[start:end:step]`: negative bounds
    /// count from the end, bounds outside are cut.
    ///
    /// # Errors
    /// If `step` is 0 or there is no such dimension.
    #[track_caller]
    pub fn slice(&self, dim: isize, start: isize, end: isize, step: usize) -> Result<Var> {
        let length = self.value().slice(dim, start, end, step)?.size(dim)?;
        let dim = self.shape().dim("slice", dim)?;
        let size = self.shape()[dim] as isize;
        let start = (if start < 0 { start.saturating_add(size) } else { start }).clamp(0, size) as usize;
        apply(Slice { dim, start, length, step }, &[self])
    }

    /// Elements `start..start + length` of dimension `dim`. A negative start counts from the end.
    ///
    /// # Errors
    /// If the range leaves the dimension.
    #[track_caller]
    pub fn narrow(&self, dim: isize, start: isize, length: usize) -> Result<Var> {
        self.value().narrow(dim, start, length)?;
        let dim = self.shape().dim("narrow", dim)?;
        let start = (if start < 0 { start + self.shape()[dim] as isize } else { start }) as usize;
        apply(Slice { dim, start, length, step: 1 }, &[self])
    }

    /// Element `index` of dimension `dim`, without that dimension. A negative index counts from the end.
    ///
    /// # Errors
    /// If there is no such element.
    #[track_caller]
    pub fn select(&self, dim: isize, index: isize) -> Result<Var> {
        self.value().select(dim, index)?;
        self.narrow(dim, index, 1)?.squeeze(dim)
    }
}

pub(crate) const ROW: Row = Row {
    name: "slice",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let dim = s.dim(rank);
        let (start, end, step) = (s.below(4) as isize - 2, s.below(6) as isize - 2, 1 + s.below(2));
        Ok(Sample::new(vec![x], move |x| x[0].slice(dim, start, end, step)))
    },
    order: 2,
};
