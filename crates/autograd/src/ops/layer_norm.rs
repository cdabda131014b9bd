//! `y = n w + b` with `n = (x − mean) rstd`, over trailing dimensions; RMS norm is the same without the mean and b.
//!
//! With `h = g w` the gradients are `dx = rstd (h − mean(h) − n mean(h n))`, without mean(h) for RMS norm,
//! `dw = Σ g n` and `db = Σ g` over the rows. Kept: the inputs, and mean and rstd of each row.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Tensor;

/// Inputs: x, and weight and bias where there are such.
pub(super) struct Norm {
    /// RMS norm in place of layer norm.
    pub rms: bool,
    pub normalized_shape: Shape,
    pub weight: bool,
    pub bias: bool,
    pub eps: f64,
}

impl Op for Norm {
    fn name(&self) -> &'static str {
        if self.rms { "rms_norm" } else { "layer_norm" }
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let weight = self.weight.then(|| inputs[1]);
        let bias = if self.bias { inputs.last().copied() } else { None };
        let (y, kept) = match self.rms {
            true => inputs[0].rms_norm(&self.normalized_shape, weight, self.eps)?,
            false => inputs[0].layer_norm(&self.normalized_shape, weight, bias, self.eps)?,
        };
        Ok(Forward::from(y).with_extra(kept))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let weight = self.weight.then(|| ctx.input(1));
        let (dx, dweight, dbias) = if ctx.create_graph() {
            self.differentiable(ctx.grad(), &ctx.input(0), weight.as_ref())?
        } else {
            let (g, x, weight) = (ctx.grad().value(), ctx.input(0), weight.as_ref().map(Var::value));
            let rule = if self.rms { Tensor::rms_norm_backward } else { Tensor::layer_norm_backward };
            let (dx, dweight, dbias) = rule(g, x.value(), &self.normalized_shape, weight, ctx.extra(0))?;
            (dx.into(), dweight.into(), dbias.into())
        };
        let mut grads = Grads::from_iter([Some(dx)]);
        if self.weight {
            grads.push(Some(dweight));
        }
        if self.bias {
            grads.push(Some(dbias));
        }
        Ok(grads)
    }
}

impl Norm {
    /// The rule in differentiable steps. The engine sums the gradients of weight and bias over the rows.
    fn differentiable(&self, g: &Var, x: &Var, weight: Option<&Var>) -> Result<(Var, Var, Var)> {
        let dims: Vec<isize> = (1..=self.normalized_shape.len() as isize).map(|d| -d).collect();
        let mean = |x: &Var| x.mean_dim(&dims[..], true);
        let d = if self.rms { x.clone() } else { x.sub(&mean(x)?)? };
        let rstd = mean(&d.mul(&d)?)?.add_scalar(self.eps)?.pow_scalar(-0.5)?;
        let n = d.mul(&rstd)?;
        let h = weight.map_or_else(|| Ok(g.clone()), |weight| g.mul(weight))?;
        let centred = if self.rms { h.clone() } else { h.sub(&mean(&h)?)? };
        let dx = centred.sub(&n.mul(&mean(&h.mul(&n)?)?)?)?.mul(&rstd)?;
        Ok((dx, g.mul(&n)?, g.clone()))
    }
}

impl Var {
    /// `(x − mean) / √(var + eps) · weight + bias` over the trailing dimensions `normalized_shape`, with the biased
    /// variance: `torch.nn.functional.layer_norm` (eps 1e-5 there by default). Weight and bias have that shape.
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn layer_norm(
        &self,
        normalized_shape: impl AsRef<[usize]>,
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Result<Var> {
        let normalized_shape = Shape::new(normalized_shape.as_ref());
        let op = Norm { rms: false, normalized_shape, weight: weight.is_some(), bias: bias.is_some(), eps };
        let inputs: Vec<&Var> = [Some(self), weight, bias].into_iter().flatten().collect();
        apply(op, &inputs)
    }
}

/// A random call: with and without weight and bias.
pub(super) fn sample(s: &mut crate::testing::Sampler, rms: bool) -> Result<Sample> {
    let rank = 1 + s.below(2);
    // A row of one element is all zeros, whatever the input.
    let normalized_shape: Shape = (0..rank).map(|_| 1 + s.size()).collect();
    let shape = s.shape(2).iter().chain(normalized_shape.iter()).copied().collect();
    // An expanded layout would make rows of equal elements, where the derivative is too steep for differences.
    let x = s.distinct(&shape)?;
    let (has_weight, has_bias) = (!s.one_in(3), !rms && !s.one_in(3));
    let weight = s.tensor(&normalized_shape, -2.0, 2.0)?;
    let bias = s.tensor(&normalized_shape, -2.0, 2.0)?;
    let eps = 0.01;
    let expected =
        naive(&x, &normalized_shape, has_weight.then_some(&weight), has_bias.then_some(&bias), eps, rms)?;
    let call = move |x: &[Var]| {
        let (weight, bias) = (has_weight.then_some(&x[1]), has_bias.then_some(&x[2]));
        if rms {
            x[0].rms_norm(&normalized_shape, weight, eps)
        } else {
            x[0].layer_norm(&normalized_shape, weight, bias, eps)
        }
    };
    Ok(Sample::new(vec![x, weight, bias], call).expect(expected))
}

fn naive(
    x: &Tensor,
    normalized_shape: &Shape,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
    rms: bool,
) -> Result<Vec<f64>> {
    let columns = normalized_shape.numel();
    let weight = weight.map_or_else(|| Ok(vec![1.0; columns]), |w| w.to_vec::<f64>())?;
    let bias = bias.map_or_else(|| Ok(vec![0.0; columns]), |b| b.to_vec::<f64>())?;
    let mut y = Vec::new();
    for row in x.to_vec::<f64>()?.chunks(columns) {
        let mean = if rms { 0.0 } else { row.iter().sum::<f64>() / columns as f64 };
        let var = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / columns as f64;
        let normed = row.iter().map(|x| (x - mean) / (var + eps).sqrt());
        y.extend(normed.zip(weight.iter().zip(&bias)).map(|(n, (w, b))| n * w + b));
    }
    Ok(y)
}

pub(crate) const ROW: Row = Row { name: "layer_norm", sample: |s| sample(s, false), order: 2 };
