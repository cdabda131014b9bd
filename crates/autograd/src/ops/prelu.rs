//! x where it is positive, else w x; the derivatives are 1 or w, and 0 or x.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Prelu;

impl Op for Prelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].prelu(inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, x, weight) = (ctx.grad(), ctx.input(0), ctx.input(1));
        // In the shape in which it broadcasts: one for each of dimension 1, or one for all.
        let mut wide = vec![1isize; x.rank()];
        if let (Some(channels), true) = (wide.get_mut(1), weight.numel() != 1) {
            *channels = weight.numel() as isize;
        }
        let positive = x.value().gt_scalar(0)?;
        let dx = g.where_cond(&positive, &g.mul(&weight.reshape(&wide)?)?)?;
        let dw = g.mul(&x)?.masked_fill(&positive, 0.0)?;
        let over: Vec<isize> = (0..).zip(&wide).filter(|&(_, &size)| size == 1).map(|(d, _)| d).collect();
        let dw = if over.is_empty() { dw } else { dw.sum_dim(&over[..], false)? };
        let shape: Vec<isize> = weight.shape().iter().map(|&n| n as isize).collect();
        Ok(Grads::from_iter([Some(dx), Some(dw.reshape(&shape)?)]))
    }
}

impl Var {
    /// x where it is positive, else weight · x: `torch.nn.functional.prelu`. The weight has one element, or one for
    /// each of dimension 1.
    ///
    /// # Errors
    /// If the weight has another shape, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn prelu(&self, weight: &Var) -> Result<Var> {
        apply(Prelu, &[self, weight])
    }
}

pub(crate) const ROW: Row = Row {
    name: "prelu",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.distinct(&shape)?;
        let channels = if shape.len() > 1 && s.one_in(2) { shape[1] } else { 1 };
        let weight = s.tensor(&[channels].into_iter().collect(), -1.0, 1.0)?;
        let inner: usize = shape.iter().skip(2).product();
        let weights = weight.to_vec::<f64>()?;
        let channel = |i: usize| if channels > 1 { i / inner % channels } else { 0 };
        let expected = x.to_vec::<f64>()?.into_iter().enumerate();
        let expected = expected.map(|(i, x)| if x > 0.0 { x } else { weights[channel(i)] * x }).collect();
        Ok(Sample::new(vec![x, weight], |x| x[0].prelu(&x[1])).expect(expected))
    },
    order: 2,
};
