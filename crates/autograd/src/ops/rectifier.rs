//! Activations that are linear piece by piece, with PyTorch's slopes where the pieces meet, and hardswish, whose middle
//! is a parabola: slope x/3 + 1/2 between −3 and 3.

use crate::op::apply;
use crate::pointwise::Parametric;
use crate::testing::{Row, Sample, Sampler};
use crate::{Result, Var};
use tensor_core::Tensor;

macro_rules! piecewise {
    ($($(#[$doc:meta])* $name:ident, $fused:ident, [$($p:ident),*], $derivative:expr;)*) => {
        impl Var {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// If the dtype is not floating-point.
                #[track_caller]
                pub fn $name(&self $(, $p: f64)*) -> Result<Var> {
                    let op = Parametric {
                        name: stringify!($name),
                        parameters: [$($p),*],
                        forward: |x, [$($p),*]| x.$name($($p),*),
                        fused: |g, x, [$($p),*]| g.$fused(x $(, $p)*),
                        derivative: $derivative,
                    };
                    apply(op, &[self])
                }
            )*
        }
    };
}

pub(super) use piecewise;

piecewise! {
    /// 0 where −lambd ≤ x ≤ lambd, else x: `torch.nn.functional.hardshrink`; there lambd is 0.5 by default.
    hardshrink, hardshrink_backward, [lambd], None;
    /// min(max(x + 3, 0), 6) / 6: `torch.nn.functional.hardsigmoid`.
    hardsigmoid, hardsigmoid_backward, [], None;
    /// x min(max(x + 3, 0), 6) / 6: `torch.nn.functional.hardswish`.
    hardswish, hardswish_backward, [], Some(|x, []| {
        let slope = x.div_scalar(3)?.add_scalar(0.5)?;
        slope.masked_fill(&x.value().le_scalar(-3)?, 0.0)?.masked_fill(&x.value().ge_scalar(3)?, 1.0)
    });
    /// min(max(x, min_val), max_val): `torch.nn.functional.hardtanh`; there the bounds are −1 and 1 by default.
    hardtanh, hardtanh_backward, [min_val, max_val], None;
    /// x where it is positive, else negative_slope · x: `torch.nn.functional.leaky_relu`; there the slope is 0.01 by
    /// default.
    leaky_relu, leaky_relu_backward, [negative_slope], None;
    /// x moved by lambd towards 0, and 0 within; lambd is 0 or more: `torch.nn.functional.softshrink`; there it is 0.5
    /// by default.
    softshrink, softshrink_backward, [lambd], None;
    /// x where it is above `threshold`, else `value`: `torch.nn.functional.threshold`.
    threshold, threshold_backward, [threshold, value], None;
}

impl Var {
    /// min(max(x, 0), 6): `torch.nn.functional.relu6`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn relu6(&self) -> Result<Var> {
        let op = Parametric {
            name: "relu6",
            parameters: [],
            forward: |x, []| x.relu6(),
            fused: |g: &Tensor, x, []| g.hardtanh_backward(x, 0.0, 6.0),
            derivative: None,
        };
        apply(op, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "rectifier",
    sample: |s| match s.below(8) {
        0 => bent(s, |x| x.hardshrink(0.42), |x| if x.abs() <= 0.42 { 0.0 } else { x }),
        1 => bent(s, Var::hardsigmoid, |x| (x + 3.0).clamp(0.0, 6.0) / 6.0),
        2 => bent(s, Var::hardswish, |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
        3 => bent(s, |x| x.hardtanh(-0.42, 0.22), |x| x.clamp(-0.42, 0.22)),
        4 => bent(s, |x| x.leaky_relu(0.1), |x| if x > 0.0 { x } else { 0.1 * x }),
        5 => bent(s, |x| x.softshrink(0.42), |x| x - x.clamp(-0.42, 0.42)),
        6 => bent(s, |x| x.threshold(0.22, 7.0), |x| if x > 0.22 { x } else { 7.0 }),
        _ => bent(s, Var::relu6, |x| x.clamp(0.0, 6.0)),
    },
    order: 2,
};

/// A call on values that are not near 0, ±0.22, ±0.42, ±3 or 6, where the pieces of the samples meet.
fn bent(
    s: &mut Sampler,
    call: impl Fn(&Var) -> Result<Var> + Send + Sync + 'static,
    reference: impl Fn(f64) -> f64,
) -> Result<Sample> {
    let shape = s.shape(3);
    // Multiples of 0.5 in steps of 0.5, on both sides.
    let wide = s.one_in(2);
    let x = s.distinct(&shape)?;
    let x = if wide { x.mul_scalar(5.1)?.add_scalar(0.01)? } else { x };
    let expected = x.to_vec::<f64>()?.into_iter().map(reference).collect();
    Ok(Sample::new(vec![x], move |x| call(&x[0])).expect(expected))
}
