//! Sums over dimensions; the gradient is repeated over what was summed.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Dims, Result, Shape, Var};
use smallvec::SmallVec;
use tensor_core::Tensor;

pub(super) struct Sum {
    /// All dimensions, if empty.
    dims: SmallVec<[isize; 4]>,
    keepdim: bool,
    /// Divides by the number of summed elements.
    mean: bool,
}

/// The shape of a reduction's result before the reduced dimensions are dropped.
pub(super) fn keepdim_shape(shape: &Shape, dims: &[isize]) -> Result<Shape> {
    let flags = dims.flags("sum", shape)?;
    Ok(shape.iter().zip(flags).map(|(&n, reduced)| if reduced { 1 } else { n }).collect())
}

impl Op for Sum {
    fn name(&self) -> &'static str {
        if self.mean { "mean" } else { "sum" }
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let reduce = if self.mean { Tensor::mean_dim } else { Tensor::sum_dim };
        Ok(reduce(inputs[0], &self.dims[..], self.keepdim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let shape = ctx.shape(0);
        let keepdim = keepdim_shape(shape, &self.dims)?;
        let mut g = ctx.grad().view_as(&keepdim)?;
        if self.mean {
            g = g.div_scalar(shape.numel() as f64 / keepdim.numel() as f64)?;
        }
        Ok(Grads::from_iter([Some(g.broadcast_to(shape)?)]))
    }
}

impl Var {
    /// The sum of all elements.
    #[track_caller]
    pub fn sum(&self) -> Result<Var> {
        apply(Sum { dims: SmallVec::new(), keepdim: false, mean: false }, &[self])
    }

    /// Sums over `dims` (all, if empty). With `keepdim` the reduced dimensions stay with size 1.
    #[track_caller]
    pub fn sum_dim(&self, dims: impl Dims, keepdim: bool) -> Result<Var> {
        let dims = dims.with(SmallVec::from_slice);
        apply(Sum { dims, keepdim, mean: false }, &[self])
    }

    /// The mean of all elements; NaN where there are none.
    #[track_caller]
    pub fn mean(&self) -> Result<Var> {
        apply(Sum { dims: SmallVec::new(), keepdim: false, mean: true }, &[self])
    }

    /// Means over `dims` (all, if empty). With `keepdim` the reduced dimensions stay with size 1.
    #[track_caller]
    pub fn mean_dim(&self, dims: impl Dims, keepdim: bool) -> Result<Var> {
        let dims = dims.with(SmallVec::from_slice);
        apply(Sum { dims, keepdim, mean: true }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "sum",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (keepdim, mean) = (s.one_in(2), s.one_in(2) && shape.numel() > 0);
        let dims: Vec<isize> = (0..shape.len() as isize).filter(|_| s.one_in(2)).collect();
        let expected = naive(&x, &dims, mean)?;
        let call = move |x: &[Var]| match mean {
            true => x[0].mean_dim(&dims[..], keepdim),
            false => x[0].sum_dim(&dims[..], keepdim),
        };
        Ok(Sample::new(vec![x], call).expect(expected))
    },
    order: 2,
};

/// One loop over the elements, each added where its kept indices point.
fn naive(x: &Tensor, dims: &[isize], mean: bool) -> Result<Vec<f64>> {
    let kept = keepdim_shape(x.shape(), dims)?;
    let mut sums = vec![0.0; kept.numel()];
    for (i, v) in x.to_vec::<f64>()?.into_iter().enumerate() {
        let (mut rest, mut place, mut step) = (i, 0, 1);
        for (&n, &k) in x.shape().iter().zip(kept.iter()).rev() {
            place += (rest % n).min(k - 1) * step;
            rest /= n;
            step *= k;
        }
        sums[place] += v;
    }
    let count = if mean { x.numel() as f64 / kept.numel() as f64 } else { 1.0 };
    Ok(sums.into_iter().map(|v| v / count).collect())
}
