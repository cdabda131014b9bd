//! `min(max(x, low), high)`; the derivative is 1 strictly between the bounds and 0 elsewhere, at the bounds too, as in
//! PyTorch since 2.14.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Clamp {
    min: Option<f64>,
    max: Option<f64>,
}

impl Op for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].clamp(self.min, self.max)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let x = ctx.input(0);
        let mut g = ctx.grad().clone();
        // Outside is what is not inside: so NaN gets no gradient.
        if let Some(min) = self.min {
            g = g.masked_fill(&x.value().gt_scalar(min)?.eq_scalar(false)?, 0.0)?;
        }
        if let Some(max) = self.max {
            g = g.masked_fill(&x.value().lt_scalar(max)?.eq_scalar(false)?, 0.0)?;
        }
        Ok(Grads::from_iter([Some(g)]))
    }
}

impl Var {
    /// `min(max(x, min), max)`, element by element, with either bound left out for `None`; NaN stays NaN:
    /// `torch.clamp` with numbers as bounds. Whole bounds are integers beside an integer or bool tensor; any other makes
    /// it f32.
    ///
    /// # Errors
    /// If the dtype is bool and there is no bound.
    #[track_caller]
    pub fn clamp(&self, min: Option<f64>, max: Option<f64>) -> Result<Var> {
        apply(Clamp { min, max }, &[self])
    }
}

impl Var {
    /// `min(max(self, min), max)`, element by element, with either bound left out for `None`: `torch.clamp` with
    /// tensors as bounds. NaN in any of the three gives NaN. Shapes broadcast. At a bound each side gets half of the
    /// gradient, in PyTorch as here; where the bounds are equal too, PyTorch gives all of it to one.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn clamp_tensor(&self, min: Option<&Var>, max: Option<&Var>) -> Result<Var> {
        let x = min.map_or_else(|| Ok(self.clone()), |min| self.maximum(min))?;
        max.map_or_else(|| Ok(x.clone()), |max| x.minimum(max))
    }
}

pub(crate) const ROW: Row = Row {
    name: "clamp",
    sample: |s| {
        let shape = s.shape(3);
        // Values are odd multiples of 0.05 or multiples of 0.1, and so are never at the bounds.
        let x = s.distinct(&shape)?;
        let (low, high) = (-0.171, 0.333);
        let (min, max) = [(Some(low), Some(high)), (Some(low), None), (None, Some(high))][s.below(3)];
        let bounded = |x: f64| x.max(min.unwrap_or(f64::NEG_INFINITY)).min(max.unwrap_or(f64::INFINITY));
        let expected = x.to_vec::<f64>()?.into_iter().map(bounded).collect();
        if s.one_in(2) {
            let bounds = [low, high].map(|b| Tensor::full(&shape, b, x.dtype()));
            let [low, high] = bounds;
            let call = move |x: &[Var]| x[0].clamp_tensor(min.map(|_| &x[1]), max.map(|_| &x[2]));
            return Ok(Sample::new(vec![x, low?, high?], call).expect(expected));
        }
        Ok(Sample::new(vec![x], move |x| x[0].clamp(min, max)).expect(expected))
    },
    order: 2,
};
