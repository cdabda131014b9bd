//! `yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)`; the gradient is `y (g − Σ g y)`.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample, Sampler};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Softmax {
    dim: isize,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn keep(&self) -> Keep {
        Keep::Output
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].softmax(self.dim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, y) = (ctx.grad(), ctx.output(0));
        let dx = if ctx.create_graph() {
            g.sub(&g.mul(&y)?.sum_dim(self.dim, true)?)?.mul(&y)?
        } else {
            g.value().softmax_backward(y.value(), self.dim)?.into()
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
}

impl Var {
    /// `exp(xᵢ) / Σⱼ exp(xⱼ)` along `dim`: `torch.softmax`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn softmax(&self, dim: isize) -> Result<Var> {
        apply(Softmax { dim }, &[self])
    }
}

impl Var {
    /// softmax(−x) along `dim`: `torch.nn.functional.softmin`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn softmin(&self, dim: isize) -> Result<Var> {
        self.neg()?.softmax(dim)
    }
}

/// A random call of softmax or of its logarithm.
pub(super) fn sample(s: &mut Sampler, log: bool) -> Result<Sample> {
    let shape = s.shape(3);
    let x = s.tensor(&shape, -3.0, 3.0)?;
    let dim = s.dim(shape.len());
    let at = shape.dim("sample", dim)?;
    let (size, inner) = match shape.get(at..) {
        Some([size, inner @ ..]) => (*size, inner.iter().product()),
        _ => (1, 1),
    };
    let values = x.to_vec::<f64>()?;
    let expected = (0..values.len()).map(|i| {
        let first = i / (size * inner) * size * inner + i % inner;
        let sum: f64 = (0..size).map(|k| values[first + k * inner].exp()).sum();
        if log { values[i] - sum.ln() } else { values[i].exp() / sum }
    });
    let expected = expected.collect();
    let call = move |x: &[Var]| if log { x[0].log_softmax(dim) } else { x[0].softmax(dim) };
    Ok(Sample::new(vec![x], call).expect(expected))
}

pub(crate) const ROW: Row = Row { name: "softmax", sample: |s| sample(s, false), order: 2 };
