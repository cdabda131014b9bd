//! Steps: rounding, signs, rounded quotients. Their derivative is 0 wherever there is one, and PyTorch takes it so
//! everywhere; of x − trunc(x) it is 1.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, RoundingMode, Scalar, Var};
use tensor_core::Tensor;

struct Step<F> {
    name: &'static str,
    forward: F,
}

impl<F: Fn(&[&Tensor]) -> tensor_core::Result<Tensor> + Send + Sync + 'static> Op for Step<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok((self.forward)(inputs)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let mut grads = Grads::new();
        while let Some(shape) = ctx.input_shape(grads.len()) {
            grads.push(Some(Tensor::zeros(shape, ctx.dtype(grads.len()))?.into()));
        }
        Ok(grads)
    }
}

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Var {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// If the dtype is bool.
                #[track_caller]
                pub fn $name(&self) -> Result<Var> {
                    let forward: fn(&[&Tensor]) -> _ = |x| x[0].$name();
                    apply(Step { name: stringify!($name), forward }, &[self])
                }
            )*
        }
    };
}

steps! {
    /// The smallest integer that is not less: `torch.ceil`.
    ceil;
    /// The largest integer that is not greater: `torch.floor`.
    floor;
    /// The nearest integer; halves go to the even neighbour: `torch.round`.
    round;
    /// −1, 0 or 1 by the sign of x; 0 for NaN: `torch.sgn` of real numbers.
    sgn;
    /// −1, 0 or 1 by the sign of x; 0 for NaN: `torch.sign`.
    sign;
    /// The integer part, towards 0: `torch.trunc`.
    trunc;
}

struct Frac;

impl Op for Frac {
    fn name(&self) -> &'static str {
        "frac"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].frac()?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().clone())]))
    }
}

impl Var {
    /// The nearest multiple of 10^−decimals; halves go to the even neighbour: `torch.round` with `decimals`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn round_decimals(&self, decimals: i32) -> Result<Var> {
        let forward = move |x: &[&Tensor]| x[0].round_decimals(decimals);
        apply(Step { name: "round", forward }, &[self])
    }

    /// What [`trunc`](Var::trunc) cuts off, with the sign of x: `torch.frac`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn frac(&self) -> Result<Var> {
        apply(Frac, &[self])
    }

    /// The rounded quotient: `torch.div` with a `rounding_mode`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ or are bool, or an integer divisor is 0.
    #[track_caller]
    pub fn div_mode(&self, other: &Var, mode: RoundingMode) -> Result<Var> {
        let forward = move |x: &[&Tensor]| x[0].div_mode(x[1], mode);
        apply(Step { name: "div", forward }, &[self, other])
    }

    /// The rounded quotient by a number: `torch.div` with a `rounding_mode`. A float beside integers makes them f32.
    ///
    /// # Errors
    /// If both are bool, or the divisor is 0 beside integers.
    #[track_caller]
    pub fn div_mode_scalar(&self, other: impl Into<Scalar>, mode: RoundingMode) -> Result<Var> {
        let (x, other) = self.beside(other)?;
        x.div_mode(&other, mode)
    }
}

pub(crate) const ROW: Row = Row {
    name: "round",
    sample: |s| match s.below(9) {
        0 => Sample::steps(s, Var::ceil, f64::ceil),
        1 => Sample::steps(s, Var::floor, f64::floor),
        2 => Sample::steps(s, |x| x.add_scalar(0.5)?.round(), |x| (x + 0.5).round_ties_even()),
        3 => Sample::steps(s, |x| x.add_scalar(0.05)?.round_decimals(1), |x| ((x + 0.05) * 10.0).round() / 10.0),
        4 => Sample::steps(s, Var::trunc, f64::trunc),
        5 => Sample::steps(s, Var::frac, f64::fract),
        6 => Sample::steps(s, Var::sign, f64::signum),
        7 => Sample::steps(s, Var::sgn, f64::signum),
        _ => {
            let (mode, round) =
                [(RoundingMode::Floor, f64::floor as fn(f64) -> f64), (RoundingMode::Trunc, f64::trunc)][s.below(2)];
            Sample::steps(s, move |x| x.div_mode_scalar(-0.5, mode), move |x| round(x / -0.5))
        }
    },
    order: 2,
};

impl Sample {
    /// A call of a function that steps at multiples of a half at most, on values away from those.
    fn steps(
        s: &mut crate::testing::Sampler,
        call: impl Fn(&Var) -> Result<Var> + Send + Sync + 'static,
        reference: impl Fn(f64) -> f64,
    ) -> Result<Self> {
        let shape = s.shape(3);
        // Odd multiples of 0.05 or multiples of 0.1, moved off the steps.
        let x = s.distinct(&shape)?.add_scalar(0.013)?;
        let expected = x.to_vec::<f64>()?.into_iter().map(reference).collect();
        Ok(Self::new(vec![x], move |x| call(&x[0])).expect(expected))
    }
}
