//! `y = n w + b` with `n = (x − mean) rstd` for each channel of `[N, C, ..]`, with mean and variance of the batch or
//! given ones.
//!
//! With `h = g w` the gradients are `dx = rstd (h − mean(h) − n mean(h n))` in training and `rstd h` in evaluation,
//! `dw = Σ g n` and `db = Σ g` over the channel. Kept: the inputs, and mean and rstd in f64.

use crate::op::{Context, Forward, Grads, Keep, Op, apply, apply_array};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Tensor;

/// Inputs: x, and weight and bias where there are such.
struct BatchNorm {
    /// Mean and variance in evaluation; those of the batch, if absent.
    given: Option<(Tensor, Tensor)>,
    weight: bool,
    bias: bool,
    eps: f64,
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let weight = self.weight.then(|| inputs[1]);
        let bias = if self.bias { inputs.last().copied() } else { None };
        if let Some((mean, var)) = &self.given {
            let (y, kept) = inputs[0].batch_norm_eval(mean, var, weight, bias, self.eps)?;
            return Ok(Forward::from(y).with_extra(kept));
        }
        let normed = inputs[0].batch_norm(weight, bias, self.eps)?;
        Ok(Forward::many([normed.output, normed.mean, normed.var]).with_extra(normed.kept))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let weight = self.weight.then(|| ctx.input(1));
        let (dx, dweight, dbias) = if ctx.create_graph() {
            self.differentiable(ctx, weight.as_ref())?
        } else {
            let (x, weight) = (ctx.input(0), weight.as_ref().map(Var::value));
            let g = ctx.grad().value();
            let (dx, dweight, dbias) =
                g.batch_norm_backward(x.value(), weight, ctx.extra(0), self.given.is_none())?;
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

impl BatchNorm {
    /// The rule in differentiable steps.
    fn differentiable(&self, ctx: &Context, weight: Option<&Var>) -> Result<(Var, Var, Var)> {
        let (g, x) = (ctx.grad(), ctx.input(0));
        let dims: Vec<isize> = (0..x.rank() as isize).filter(|&d| d != 1).collect();
        let channels: Shape = (0..x.rank()).map(|d| if d == 1 { x.shape()[1] } else { 1 }).collect();
        let mean = |x: &Var| x.mean_dim(&dims[..], true);
        let h = weight.map_or_else(|| Ok(g.clone()), |weight| g.mul(&weight.view_as(&channels)?))?;
        let (n, dx) = if self.given.is_none() {
            let d = x.sub(&mean(&x)?)?;
            let rstd = mean(&d.mul(&d)?)?.add_scalar(self.eps)?.pow_scalar(-0.5)?;
            let n = d.mul(&rstd)?;
            let dx = h.sub(&mean(&h)?)?.sub(&n.mul(&mean(&h.mul(&n)?)?)?)?.mul(&rstd)?;
            (n, dx)
        } else {
            let kept = |row| -> Result<Var> {
                Ok(ctx.extra(0).select(0, row)?.to_dtype(x.dtype())?.view_as(&channels)?.into())
            };
            let rstd = kept(1)?;
            (x.sub(&kept(0)?)?.mul(&rstd)?, h.mul(&rstd)?)
        };
        Ok((dx, g.mul(&n)?.sum_dim(&dims[..], false)?, g.sum_dim(&dims[..], false)?))
    }
}

impl Var {
    /// `(x − mean) / √(var + eps) · weight + bias` for each channel of `[N, C, ..]`, with mean and biased variance of
    /// the batch: `torch.nn.functional.batch_norm` with `training=True`. Weight and bias are `[C]`. Returned beside it
    /// are the mean and the unbiased variance of each channel, which running statistics take.
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or a channel has fewer than two elements.
    #[track_caller]
    pub fn batch_norm(
        &self,
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Result<(Var, Tensor, Tensor)> {
        let op = BatchNorm { given: None, weight: weight.is_some(), bias: bias.is_some(), eps };
        let inputs: Vec<&Var> = [Some(self), weight, bias].into_iter().flatten().collect();
        let [y, mean, var] = apply_array(op, &inputs)?;
        Ok((y, mean.detach(), var.detach()))
    }

    /// [`batch_norm`](Var::batch_norm) with `mean` and `var` `[C]` given: `training=False`.
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn batch_norm_eval(
        &self,
        mean: &Tensor,
        var: &Tensor,
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Result<Var> {
        let given = Some((mean.clone(), var.clone()));
        let op = BatchNorm { given, weight: weight.is_some(), bias: bias.is_some(), eps };
        let inputs: Vec<&Var> = [Some(self), weight, bias].into_iter().flatten().collect();
        apply(op, &inputs)
    }
}

pub(crate) const ROW: Row = Row {
    name: "batch_norm",
    sample: |s| {
        let (batch, channels) = (2 + s.below(2), s.size());
        let rank = s.below(3);
        let shape: Shape = [batch, channels].iter().chain(s.shape_of_rank(rank).iter()).copied().collect();
        let x = s.distinct(&shape)?;
        let column = Shape::from([channels]);
        let (weight, bias) = (s.tensor(&column, -2.0, 2.0)?, s.tensor(&column, -2.0, 2.0)?);
        let (mean, var) = (s.tensor(&column, -1.0, 1.0)?, s.tensor(&column, 0.3, 2.0)?);
        let (has_weight, has_bias, training) = (!s.one_in(3), !s.one_in(3), s.one_in(2));
        Ok(Sample::new(vec![x, weight, bias], move |x| {
            let (weight, bias) = (has_weight.then_some(&x[1]), has_bias.then_some(&x[2]));
            if training {
                return Ok(x[0].batch_norm(weight, bias, 0.01)?.0);
            }
            let (mean, var) = (mean.to_dtype(x[0].dtype())?, var.to_dtype(x[0].dtype())?);
            x[0].batch_norm_eval(&mean, &var, weight, bias, 0.01)
        }))
    },
    order: 2,
};
