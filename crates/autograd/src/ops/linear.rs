//! `Y = X Wᵀ + b`, with an optional ReLU applied while the product is in cache.
//!
//! The gradients are `G W`, `Gᵀ X` and the column sums of G, with G masked by Y > 0 first where there is a ReLU.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::{Activation, Shape, Tensor};

struct Linear {
    activation: Activation,
}

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn keep(&self) -> Keep {
        match self.activation {
            Activation::Identity => Keep::Inputs,
            Activation::Relu => Keep::Both,
        }
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].linear(inputs[1], inputs.get(2).copied(), self.activation)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, weight) = (ctx.input(0), ctx.input(1));
        let g = match self.activation {
            Activation::Identity => ctx.grad().clone(),
            Activation::Relu if ctx.create_graph() => {
                let mask: Var = ctx.output(0).value().le_scalar(0)?.logical_not()?.to_dtype(x.dtype())?.into();
                ctx.grad().mul(&mask)?
            }
            Activation::Relu => ctx.grad().value().relu_backward(ctx.output(0).value())?.into(),
        };
        let rows = x.numel().checked_div(weight.shape()[1]).unwrap_or(g.numel() / weight.shape()[0].max(1));
        let flat = g.view_as(&Shape::from([rows, weight.shape()[0]]))?;
        let dx = if ctx.needs_grad(0) { Some(g.matmul(&weight)?) } else { None };
        let dw = if ctx.needs_grad(1) {
            Some(flat.t()?.matmul(&x.view_as(&Shape::from([rows, weight.shape()[1]]))?)?)
        } else {
            None
        };
        let mut grads = Grads::from_iter([dx, dw]);
        if ctx.input_shape(2).is_some() {
            grads.push(if ctx.needs_grad(2) { Some(flat.sum_dim(0, false)?) } else { None });
        }
        Ok(grads)
    }
}

impl Var {
    /// `self · weightᵀ + bias`, as `torch.nn.functional.linear`: `[.., in] × [out, in] + [out] → [.., out]`; a weight
    /// `[in]` with a 0-d bias gives `[..]`. With
    /// [`Activation::Relu`] the result is max(·, 0), computed in the same pass.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn linear(&self, weight: &Var, bias: Option<&Var>, activation: Activation) -> Result<Var> {
        if weight.rank() == 1 {
            let bias = bias.map(|bias| bias.unsqueeze(0)).transpose()?;
            return self.linear(&weight.unsqueeze(0)?, bias.as_ref(), activation)?.squeeze(-1);
        }
        match bias {
            Some(bias) => apply(Linear { activation }, &[self, weight, bias]),
            None => apply(Linear { activation }, &[self, weight]),
        }
    }
}

pub(crate) const ROW: Row = Row {
    name: "linear",
    sample: |s| {
        let (inputs, outputs) = (s.size(), s.size());
        let lead = s.shape(2);
        let shape = lead.iter().copied().chain([inputs]).collect();
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let w = s.tensor(&Shape::from([outputs, inputs]), -2.0, 2.0)?;
        let b = s.tensor(&Shape::from([outputs]), -2.0, 2.0)?;
        let expected = naive(&x, &w, &b)?;
        Ok(Sample::new(vec![x, w, b], |x| x[0].linear(&x[1], Some(&x[2]), Activation::Identity)).expect(expected))
    },
    order: 2,
};

fn naive(x: &Tensor, w: &Tensor, b: &Tensor) -> Result<Vec<f64>> {
    let inputs = w.size(1)?;
    let (x, w, b) = (x.to_vec::<f64>()?, w.to_vec::<f64>()?, b.to_vec::<f64>()?);
    let mut y = Vec::new();
    for row in x.chunks(inputs) {
        for (j, b) in b.iter().enumerate() {
            y.push(row.iter().zip(&w[j * inputs..]).map(|(x, w)| x * w).sum::<f64>() + b);
        }
    }
    Ok(y)
}
