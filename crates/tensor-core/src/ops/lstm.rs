//! A layer of an LSTM over all steps.

use crate::dtype::dispatch_float;
use crate::kernel::lstm::{self, Gradients, Inputs, Kept, Layer, Outputs};
use crate::ops::norm::fitting;
use crate::storage::Storage;
use crate::{Element, Error, ErrorKind, Result, Shape, Tensor};

impl Tensor {
    /// All steps of one layer of an LSTM in one direction, as `torch.nn.LSTM` does them; `self` is the inputs' part of
    /// the gates, `x W_ihᵀ + b_ih`, `[L, N, 4 H]`, in the order i, f, g, o. With the gates
    /// `[i f g o] = [σ σ tanh σ](self + h W_hhᵀ + b_hh)`, each step does `c = f ∘ c + i ∘ g`, `h = o ∘ tanh(c)`.
    ///
    /// The first states are `[N, H]`, `weight_hh` is `[4 H, H]` and `bias_hh` `[4 H]`. With `reverse`, the steps go from
    /// the last to the first. Returns h and c at all steps, `[L, N, H]`, and the gates for
    /// [`lstm_layer_backward`](Tensor::lstm_layer_backward).
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn lstm_layer(
        &self,
        h0: &Tensor,
        c0: &Tensor,
        weight_hh: &Tensor,
        bias_hh: Option<&Tensor>,
        reverse: bool,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        const OP: &str = "lstm_layer";
        let layer = self.lstm_sizes(OP, weight_hh, reverse)?;
        let Layer { length, batch, hidden, .. } = layer;
        let gates = self.contiguous()?;
        let h0 = fitting(OP, "h0", self, h0, &[batch, hidden])?;
        let c0 = fitting(OP, "c0", self, c0, &[batch, hidden])?;
        let bias = bias_hh.map(|bias| fitting(OP, "bias_hh", self, bias, &[4 * hidden])).transpose()?;
        // Rows of the transposed weights are read in place by each step's product.
        let weight = weight_hh.t()?.contiguous()?;
        let states = Shape::from([length, batch, hidden]);
        dispatch_float!(OP, [gates, h0, c0, weight, bias], T => {
            let mut c = Storage::recycled(OP, T::DTYPE, states.numel())?;
            let mut applied = Storage::recycled(OP, T::DTYPE, gates.numel())?;
            let h = Tensor::build::<T>(OP, states.clone(), |h| {
                let x = Inputs {
                    gates: gates.dense::<T>(),
                    h0: h0.dense(),
                    c0: c0.dense(),
                    weight: weight.dense(),
                    bias: bias.as_ref().map(|bias| bias.dense()),
                };
                lstm::forward(layer, x, Outputs { h, c: c.slice_mut(), gates: applied.slice_mut() });
            })?;
            Ok((h, Tensor::from_storage(c, states), Tensor::from_storage(applied, gates.shape().clone())))
        })
    }

    /// The gradients of [`lstm_layer`](Tensor::lstm_layer), with this tensor as the gradient of h at all steps and
    /// `grad_c` as that of the last c; `gates` and `c` are what it returned. Returns those of its input, `h0` and `c0`.
    ///
    /// That of the bias is the sum of the first over steps and samples, that of the weights its product with the h
    /// before each step.
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn lstm_layer_backward(
        &self,
        grad_c: &Tensor,
        (gates, c, c0): (&Tensor, &Tensor, &Tensor),
        weight_hh: &Tensor,
        reverse: bool,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        const OP: &str = "lstm_layer_backward";
        let layer = gates.lstm_sizes(OP, weight_hh, reverse)?;
        let Layer { length, batch, hidden, .. } = layer;
        let states = [length, batch, hidden];
        let (grad, c) = (fitting(OP, "grad", gates, self, &states)?, fitting(OP, "c", gates, c, &states)?);
        let grad_c = fitting(OP, "grad_c", gates, grad_c, &states[1..])?;
        let c0 = fitting(OP, "c0", gates, c0, &states[1..])?;
        let (gates, weight) = (gates.contiguous()?, weight_hh.contiguous()?);
        let first = Shape::from([batch, hidden]);
        dispatch_float!(OP, [gates, grad, c, c0, grad_c, weight], T => {
            let mut dh = Storage::recycled(OP, T::DTYPE, first.numel())?;
            let mut dc = Storage::recycled(OP, T::DTYPE, first.numel())?;
            dc.slice_mut::<T>().copy_from_slice(grad_c.dense());
            let dgates = Tensor::build::<T>(OP, gates.shape().clone(), |dgates| {
                let kept = Kept {
                    grad: grad.dense::<T>(),
                    gates: gates.dense(),
                    c: c.dense(),
                    c0: c0.dense(),
                    weight: weight.dense(),
                };
                lstm::backward(layer, kept, Gradients { gates: dgates, h0: dh.slice_mut(), c0: dc.slice_mut() });
            })?;
            Ok((dgates, Tensor::from_storage(dh, first.clone()), Tensor::from_storage(dc, first)))
        })
    }

    /// The sizes of a layer whose gates are `self`.
    #[track_caller]
    fn lstm_sizes(&self, op: &'static str, weight_hh: &Tensor, reverse: bool) -> Result<Layer> {
        self.same_dtype(op, weight_hh)?;
        let refuse = |argument, found: &Tensor, expected: String| {
            Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found: found.shape().clone(), expected }))
        };
        let [rows, hidden] = **weight_hh.shape() else {
            return refuse("weight_hh", weight_hh, "[4 H, H]".to_owned());
        };
        if hidden == 0 || hidden.checked_mul(4) != Some(rows) {
            return refuse("weight_hh", weight_hh, "[4 H, H], H at least 1".to_owned());
        }
        match **self.shape() {
            [length, batch, width] if width == rows && length > 0 => {
                Ok(Layer { length, batch, hidden, reverse })
            }
            _ => refuse("input", self, format!("[L, N, {rows}], L at least 1")),
        }
    }
}
