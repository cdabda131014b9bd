//! log |Γ(x)| and its derivatives, the polygamma functions: ψ₀ = lgamma′ is digamma, and ψₙ′ = ψₙ₊₁.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::pointwise::pointwise_methods;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

pointwise_methods! {
    /// ψ(x), the derivative of [`lgamma`](Var::lgamma); −∞ at 0, NaN at negative integers: `torch.digamma`.
    digamma, Inputs, |x| x.polygamma(1);
    /// log |Γ(x)|; ∞ at 0, −1, −2, …: `torch.lgamma`.
    lgamma, Inputs, |x| x.digamma();
}

struct Polygamma(u32);

impl Op for Polygamma {
    fn name(&self) -> &'static str {
        "polygamma"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].polygamma(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let slope = ctx.input(0).polygamma(self.0.saturating_add(1))?;
        Ok(Grads::from_iter([Some(ctx.grad().mul(&slope)?)]))
    }
}

impl Var {
    /// The n-th derivative of [`digamma`](Var::digamma), which is that of n = 0: `torch.polygamma`. An integer or bool
    /// tensor gives f32.
    #[track_caller]
    pub fn polygamma(&self, n: u32) -> Result<Var> {
        apply(Polygamma(n), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "lgamma",
    sample: |s| {
        let shape = s.shape(4);
        // On either side of the pole at 0.
        let x = if s.one_in(3) { s.tensor(&shape, -0.7, -0.3)? } else { s.tensor(&shape, 0.4, 6.0)? };
        match s.below(3) {
            // Γ(x) = Γ(x + 1) / x, and Γ is the library's for all x in the samples.
            0 => {
                let gamma = |x: f64| (stirling(x + 1.0) / x).abs().ln();
                let expected = x.to_vec::<f64>()?.into_iter().map(gamma).collect();
                Ok(Sample::new(vec![x], |x| x[0].lgamma()).expect(expected))
            }
            // The gradients chain lgamma to them; their values are tested with the kernel.
            1 => Ok(Sample::new(vec![x], |x| x[0].digamma())),
            _ => {
                let n = s.below(3) as u32;
                Ok(Sample::new(vec![x], move |x| x[0].polygamma(n)))
            }
        }
    },
    order: 2,
};

/// Γ by Stirling's series after ten steps of the recurrence; good to 1e-13.
fn stirling(x: f64) -> f64 {
    let product: f64 = (0..10).map(|k| x + f64::from(k)).product();
    let z = x + 10.0;
    let series = 1.0 / (12.0 * z) - 1.0 / (360.0 * z.powi(3)) + 1.0 / (1260.0 * z.powi(5));
    let log = (z - 0.5) * z.ln() - z + 0.5 * (2.0 * std::f64::consts::PI).ln() + series;
    log.exp() / product
}
