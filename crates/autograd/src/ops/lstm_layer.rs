//! A layer of an LSTM over all steps, as one operation: h and the last c of `c = f ∘ c + i ∘ g`, `h = o ∘ tanh(c)` with
//! `[i f g o] = [σ σ tanh σ](x + h W_hhᵀ + b_hh)`.
//!
//! With `G` the gradient of the gates before their functions, which the kernel finds step by step from the last, the
//! gradients are `G` of x and, over all steps, `Σ Gᵀ h` of `W_hh`, with the h before the step, and `Σ G` of `b_hh`.

use crate::op::{Context, Forward, Grads, Keep, Op, apply_array};
use crate::testing::{Row, Sample};
use crate::{Grad, Result, Var};
use tensor_core::{Activation, Shape, Tensor};

struct LstmLayer {
    reverse: bool,
}

impl LstmLayer {
    /// The step whose h and c are the last.
    fn last(&self) -> isize {
        if self.reverse { 0 } else { -1 }
    }
}

impl Op for LstmLayer {
    fn name(&self) -> &'static str {
        "lstm_layer"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let bias = inputs.get(4).copied();
        let (h, c, gates) = inputs[0].lstm_layer(inputs[1], inputs[2], inputs[3], bias, self.reverse)?;
        let last = c.select(0, self.last())?;
        Ok(Forward::many([h, last]).with_extra(c).with_extra(gates))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let zeros = |like: &Var| Ok::<Var, crate::Error>(like.value().zeros_like()?.into());
        let (h, last) = (ctx.output(0), ctx.output(1));
        let grad_h = ctx.output_grad(0).cloned().map_or_else(|| zeros(&h), Ok)?;
        let grad_c = ctx.output_grad(1).cloned().map_or_else(|| zeros(&last), Ok)?;
        if ctx.create_graph() {
            return self.differentiable(ctx, &grad_h, &grad_c);
        }
        let [h0, c0, weight] = [1, 2, 3].map(|i| ctx.input(i));
        let (c, gates) = (ctx.extra(0), ctx.extra(1));
        let (dgates, dh0, dc0) = grad_h.value().lstm_layer_backward(
            grad_c.value(),
            (gates, c, c0.value()),
            weight.value(),
            self.reverse,
        )?;
        let mut grads = Grads::from_iter([Some(dgates.clone().into()), Some(dh0.into()), Some(dc0.into())]);
        grads.push(if ctx.needs_grad(3) {
            Some(self.weight_gradient(&dgates, h.value(), h0.value())?.into())
        } else {
            None
        });
        if ctx.input_shape(4).is_some() {
            let bias = ctx.needs_grad(4).then(|| dgates.sum_dim(&[0, 1][..], false));
            grads.push(bias.transpose()?.map(Var::from));
        }
        Ok(grads)
    }
}

impl LstmLayer {
    /// `Σ Gᵀ h` with the h before each step, as one product over all steps but the first and one of the first.
    fn weight_gradient(&self, dgates: &Tensor, h: &Tensor, h0: &Tensor) -> Result<Tensor> {
        let length = dgates.size(0)?;
        let (later, earlier, first) = if self.reverse { (0, 1, -1) } else { (1, 0, 0) };
        let rows = |x: &Tensor, start: isize| x.narrow(0, start, length - 1)?.flatten(0, 1);
        let others = rows(dgates, later)?.t()?.matmul(&rows(h, earlier)?)?;
        Ok(dgates.select(0, first)?.t()?.matmul(h0)?.add(&others)?)
    }

    /// The gradients, with history: those of the steps made of other operations.
    fn differentiable(&self, ctx: &Context, grad_h: &Var, grad_c: &Var) -> Result<Grads> {
        // Views are inputs of this operation alone, also where one input was computed from another or is passed twice.
        let view = |i: usize| ctx.input(i).view_as(ctx.shape(i));
        let inputs =
            (0..5).filter(|&i| ctx.input_shape(i).is_some()).map(view).collect::<Result<Vec<Var>>>()?;
        let [x, h0, c0, weight] = [0, 1, 2, 3].map(|i| &inputs[i]);
        let (h, c) = self.steps(x, h0, c0, weight, inputs.get(4))?;
        let wanted: Vec<&Var> = inputs.iter().filter(|x| x.requires_grad()).collect();
        let options = Grad { create_graph: true, allow_unused: true, ..Grad::default() };
        let seeds = [Some(grad_h.clone()), Some(grad_c.clone())];
        let mut found = options.of(&[&h, &c], &wanted, &seeds)?.into_iter();
        Ok(inputs.iter().map(|x| if x.requires_grad() { found.next().flatten() } else { None }).collect())
    }

    /// The outputs, of other operations.
    fn steps(&self, x: &Var, h0: &Var, c0: &Var, weight: &Var, bias: Option<&Var>) -> Result<(Var, Var)> {
        let (mut h, mut c) = (h0.clone(), c0.clone());
        let mut steps = x.unbind(0)?;
        if self.reverse {
            steps.reverse();
        }
        let mut all = Vec::with_capacity(steps.len());
        for x in &steps {
            let gates = x.add(&h.linear(weight, bias, Activation::Identity)?)?.chunk(4, -1)?;
            let (i, f, g, o) = (gates[0].sigmoid()?, gates[1].sigmoid()?, gates[2].tanh()?, gates[3].sigmoid()?);
            c = f.mul(&c)?.add(&i.mul(&g)?)?;
            h = o.mul(&c.tanh()?)?;
            all.push(h.clone());
        }
        if self.reverse {
            all.reverse();
        }
        Ok((Var::stack(&all.iter().collect::<Vec<_>>(), 0)?, c))
    }
}

impl Var {
    /// All steps of one layer of an LSTM in one direction, as `torch.nn.LSTM` does them; `self` is the inputs' part of
    /// the gates, `x W_ihᵀ + b_ih`, `[L, N, 4 H]`, in the order i, f, g, o; the first states are `[N, H]`, `weight_hh` is
    /// `[4 H, H]` and `bias_hh` `[4 H]`. With `reverse`, the steps go from the last to the first. Returns h at all steps,
    /// `[L, N, H]`, and c behind the last, `[N, H]`. See [`Tensor::lstm_layer`] for the formula.
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn lstm_layer(
        &self,
        h0: &Var,
        c0: &Var,
        weight_hh: &Var,
        bias_hh: Option<&Var>,
        reverse: bool,
    ) -> Result<(Var, Var)> {
        let inputs: Vec<&Var> = [Some(self), Some(h0), Some(c0), Some(weight_hh), bias_hh].into_iter().flatten().collect();
        let [h, c] = apply_array(LstmLayer { reverse }, &inputs)?;
        Ok((h, c))
    }
}

pub(crate) const ROW: Row = Row {
    name: "lstm_layer",
    sample: |s| {
        let (length, batch, hidden) = (1 + s.below(4), s.size(), 1 + s.below(5));
        let mut tensor = |shape: &[usize]| s.tensor(&Shape::new(shape), -1.0, 1.0);
        let x = vec![
            tensor(&[length, batch, 4 * hidden])?,
            tensor(&[batch, hidden])?,
            tensor(&[batch, hidden])?,
            tensor(&[4 * hidden, hidden])?,
            tensor(&[4 * hidden])?,
        ];
        let (bias, reverse, c_alone) = (!s.one_in(3), s.one_in(2), s.one_in(4));
        let expected = naive(&x, bias, reverse, c_alone)?;
        let call = move |x: &[Var]| {
            let (h, c) = x[0].lstm_layer(&x[1], &x[2], &x[3], bias.then_some(&x[4]), reverse)?;
            if c_alone { Ok(c) } else { Var::cat(&[&h.flatten(0, -1)?, &c.flatten(0, -1)?], 0) }
        };
        Ok(Sample::new(x, call).expect(expected))
    },
    order: 2,
};

fn naive(x: &[Tensor], bias: bool, reverse: bool, c_alone: bool) -> Result<Vec<f64>> {
    let (length, batch, hidden) = (x[0].size(0)?, x[0].size(1)?, x[3].size(1)?);
    let values = x.iter().map(|x| Ok(x.to_vec::<f64>()?)).collect::<Result<Vec<_>>>()?;
    let [gates, h0, c0, weight, b] = [0, 1, 2, 3, 4].map(|i| &values[i]);
    let (mut all, mut last) = (vec![0.0; length * batch * hidden], c0.clone());
    for n in 0..batch {
        let (mut h, c) = (h0[n * hidden..][..hidden].to_vec(), &mut last[n * hidden..][..hidden]);
        for step in 0..length {
            let t = if reverse { length - 1 - step } else { step };
            let before = h.clone();
            let gate = |gate: usize, j: usize| {
                let row = gate * hidden + j;
                let product: f64 = (0..hidden).map(|k| weight[row * hidden + k] * before[k]).sum();
                gates[(t * batch + n) * 4 * hidden + row] + product + if bias { b[row] } else { 0.0 }
            };
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            for j in 0..hidden {
                c[j] = sigmoid(gate(1, j)) * c[j] + sigmoid(gate(0, j)) * gate(2, j).tanh();
                h[j] = sigmoid(gate(3, j)) * c[j].tanh();
            }
            all[(t * batch + n) * hidden..][..hidden].copy_from_slice(&h);
        }
    }
    Ok(if c_alone { last } else { all.into_iter().chain(last).collect() })
}
