//! The larger or the smaller of two values; the chosen one gets the gradient, each of equal ones half of it.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Extreme {
    larger: bool,
    /// Whether a number goes before NaN.
    numbers: bool,
}

impl Op for Extreme {
    fn name(&self) -> &'static str {
        match (self.larger, self.numbers) {
            (true, false) => "maximum",
            (false, false) => "minimum",
            (true, true) => "fmax",
            (false, true) => "fmin",
        }
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let pick = match (self.larger, self.numbers) {
            (true, false) => Tensor::maximum,
            (false, false) => Tensor::minimum,
            (true, true) => Tensor::fmax,
            (false, true) => Tensor::fmin,
        };
        Ok(pick(inputs[0], inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (a, b) = (ctx.input(0), ctx.input(1));
        let (a, b, g) = (a.value(), b.value(), ctx.grad());
        let shared = g.mul_scalar(0.5)?.where_cond(&a.eq(b)?, g)?;
        // Where either is NaN neither loses, and both get the gradient.
        let loses = if self.larger { Tensor::lt } else { Tensor::gt };
        let (mut a_loses, mut b_loses) = (loses(a, b)?, loses(b, a)?);
        if self.numbers {
            let (a_nan, b_nan) = (a.isnan()?, b.isnan()?);
            a_loses = a_loses.logical_or(&a_nan.logical_and(&b_nan.logical_not()?)?)?;
            b_loses = b_loses.logical_or(&b_nan)?;
        }
        let (da, db) = (shared.masked_fill(&a_loses, 0.0)?, shared.masked_fill(&b_loses, 0.0)?);
        Ok(Grads::from_iter([Some(da), Some(db)]))
    }
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $name:ident, $larger:expr, $numbers:expr;)*) => {
        impl Var {
            $(
                $(#[$doc])*
                /// Shapes broadcast. Equal values share the gradient.
                ///
                /// # Errors
                /// If the shapes do not broadcast or the dtypes differ.
                #[track_caller]
                pub fn $name(&self, other: &Var) -> Result<Var> {
                    apply(Extreme { larger: $larger, numbers: $numbers }, &[self, other])
                }
            )*
        }
    };
}

extremes! {
    /// The larger of the two, element by element; of a number and NaN the number: `torch.fmax`.
    fmax, true, true;
    /// The smaller of the two, element by element; of a number and NaN the number: `torch.fmin`.
    fmin, false, true;
    /// The larger of the two, element by element; NaN if either is NaN: `torch.maximum`.
    maximum, true, false;
    /// The smaller of the two, element by element; NaN if either is NaN: `torch.minimum`.
    minimum, false, false;
}

pub(crate) const ROW: Row = Row {
    name: "maximum",
    sample: |s| {
        let (a, b) = s.broadcast_pair(3);
        // Values of one are odd, of the other even multiples of 0.05: no two tie within a finite difference.
        let (a, b) = (s.distinct(&a)?, s.distinct(&b)?.add_scalar(0.05)?);
        let (larger, numbers) = (s.one_in(2), s.one_in(2));
        let shape = a.shape().broadcast("sample", b.shape())?;
        let wide = |x: &Tensor| x.broadcast_to(&shape)?.to_vec::<f64>();
        let pick = if larger { f64::max } else { f64::min };
        let expected = wide(&a)?.into_iter().zip(wide(&b)?).map(|(a, b)| pick(a, b)).collect();
        let call = match (larger, numbers) {
            (true, false) => Var::maximum,
            (false, false) => Var::minimum,
            (true, true) => Var::fmax,
            (false, true) => Var::fmin,
        };
        Ok(Sample::new(vec![a, b], move |x| call(&x[0], &x[1])).expect(expected))
    },
    order: 2,
};
