//! Losses: cross-entropy of class indices, and squared error.

use super::binary;
use crate::dtype::dispatch_float;
use crate::half::Widen;
use crate::kernel::cross_entropy::{self as kernel, KEPT, RowGradient};
use crate::{DType, Element, Error, ErrorKind, Result, Shape, Tensor};
use std::borrow::Cow;

/// What becomes of the losses of a batch: `reduction` in PyTorch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// They are returned one by one.
    None,
}

/// Keywords of `torch.nn.functional.cross_entropy`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropyOptions {
    /// Targets of this value have no loss and no gradient. Default −100.
    pub ignore_index: i64,
    /// Share of each target that is spread over all classes, from 0 to 1. Default 0.
    pub label_smoothing: f64,
    /// Default [`Reduction::Mean`]: the losses' sum over the sum of the weights of the targets.
    pub reduction: Reduction,
}

impl Default for CrossEntropyOptions {
    fn default() -> Self {
        Self { ignore_index: -100, label_smoothing: 0.0, reduction: Reduction::Mean }
    }
}

/// Checked operands: logits with the classes last, targets and weights, all row-major.
struct Operands {
    logits: Tensor,
    target: Tensor,
    weight: Option<Tensor>,
    options: CrossEntropyOptions,
}

impl Operands {
    #[track_caller]
    fn new(
        op: &'static str,
        logits: &Tensor,
        target: &Tensor,
        weight: Option<&Tensor>,
        options: CrossEntropyOptions,
    ) -> Result<Self> {
        if target.dtype() != DType::I64 {
            let (found, expected) = (target.dtype(), "i64 class indices; convert with to_dtype(DType::I64)");
            return Err(Error::new(op, ErrorKind::DType { argument: "target", found, expected }));
        }
        if !(0.0..=1.0).contains(&options.label_smoothing) {
            let value = options.label_smoothing.to_string();
            let expected = "a number from 0 to 1";
            return Err(Error::new(op, ErrorKind::Argument { argument: "label_smoothing", value, expected }));
        }
        let (rows, lead, classes) = classes_last(op, logits)?;
        if *target.shape() != lead {
            let (found, expected) = (target.shape().clone(), lead.to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "target", found, expected }));
        }
        if let Some(weight) = weight {
            logits.same_dtype(op, weight)?;
            if *weight.shape() != [classes] {
                let (found, expected) = (weight.shape().clone(), format!("[{classes}], one for each class"));
                return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "weight", found, expected }));
            }
        }
        let weight = weight.map(Tensor::contiguous).transpose()?;
        Ok(Self { logits: rows.contiguous()?, target: target.contiguous()?, weight, options })
    }

    fn dtype(&self) -> DType {
        self.logits.dtype()
    }

    fn kernel_options<T: Element>(&self) -> kernel::CrossEntropy<'_, T> {
        kernel::CrossEntropy {
            classes: self.logits.shape().last().copied().unwrap_or(1),
            weight: self.weight.as_ref().map(|w| w.dense::<T>()),
            ignore_index: self.options.ignore_index,
            label_smoothing: self.options.label_smoothing,
        }
    }
}

impl Widen for Operands {
    type Wide<'a> = Operands;
    fn widen(&self) -> Result<Operands> {
        let weight = self.weight.widen()?.map(Cow::into_owned);
        let (logits, target) = (self.logits.widen()?.into_owned(), self.target.clone());
        Ok(Operands { logits, target, weight, options: self.options })
    }
}

/// `[C]` and `[N, C]` as they are, `[N, C, d…]` as `[N, d…, C]`; the shape of their targets; and C.
#[track_caller]
fn classes_last(op: &'static str, logits: &Tensor) -> Result<(Tensor, Shape, usize)> {
    let shape = logits.shape();
    let at = if shape.len() == 1 { 0 } else { 1 };
    let classes = match shape.get(at) {
        Some(&classes) if classes > 0 => classes,
        _ => {
            let (found, expected) = (shape.clone(), "[C], [N, C] or [N, C, d1, ..] with C > 0".to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
    };
    let mut order: Vec<isize> = (0..shape.len() as isize).filter(|&d| d != at as isize).collect();
    let lead = order.iter().map(|&d| shape[d as usize]).collect();
    order.push(at as isize);
    Ok((logits.permute(order)?, lead, classes))
}

impl Tensor {
    /// The cross-entropy of these logits (`[C]`, `[N, C]` or `[N, C, d…]`) and class indices (i64, the same shape
    /// without C), as `torch.nn.functional.cross_entropy`; with `weight` `[C]` each class counts that much.
    ///
    /// Returned beside the loss is what [`cross_entropy_backward`](Tensor::cross_entropy_backward) needs.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit, a target is neither a class nor `ignore_index`, or `label_smoothing` is not
    /// from 0 to 1.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let (logits, target) = (Tensor::zeros([3, 4], DType::F64)?, Tensor::zeros([3], DType::I64)?);
    /// let (loss, _) = logits.cross_entropy(&target, None, Default::default())?;
    /// assert!((loss.item::<f64>()? - 4f64.ln()).abs() < 1e-12);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn cross_entropy(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        options: CrossEntropyOptions,
    ) -> Result<(Tensor, Tensor)> {
        const OP: &str = "cross_entropy";
        let operands = Operands::new(OP, self, target, weight, options)?;
        let targets = operands.target.dense::<i64>();
        let rows = targets.len();
        let (loss, kept) = dispatch_float!(OP, [operands], T => {
            let mut outcome = None;
            let mut kept = crate::storage::Storage::recycled(OP, operands.dtype(), rows * KEPT + 1)?;
            let (row_kept, weight_sum) = kept.slice_mut::<T>().split_at_mut(rows * KEPT);
            let losses = Tensor::build::<T>(OP, operands.target.shape().clone(), |losses| {
                let logits = operands.logits.dense::<T>();
                outcome = Some(kernel::cross_entropy(logits, targets, operands.kernel_options::<T>(), losses, row_kept));
            })?;
            let totals = match outcome {
                Some(Ok(totals)) => totals,
                Some(Err(bad)) => {
                    let size = operands.kernel_options::<T>().classes;
                    let dim = usize::from(self.rank() > 1);
                    return Err(Error::new(OP, ErrorKind::IndexOutOfRange { index: bad.target, dim, size }));
                }
                None => kernel::Totals { loss: T::default(), weight: T::default() },
            };
            weight_sum[0] = totals.weight;
            let loss = match options.reduction {
                Reduction::None => losses,
                Reduction::Sum => Tensor::scalar(totals.loss)?,
                Reduction::Mean => Tensor::scalar(totals.mean())?,
            };
            Ok((loss, kept))
        })?;
        Ok((loss, Tensor::from_storage(kept, Shape::from([rows * KEPT + 1]))))
    }

    /// The gradient of the logits (this tensor) of [`cross_entropy`](Tensor::cross_entropy), from what that returned
    /// as `kept` and the gradient `g` of its loss.
    ///
    /// # Errors
    /// As for `cross_entropy`, and if `kept` or `g` are not of that call.
    #[track_caller]
    pub fn cross_entropy_backward(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        options: CrossEntropyOptions,
        kept: &Tensor,
        g: &Tensor,
    ) -> Result<Tensor> {
        const OP: &str = "cross_entropy_backward";
        let operands = Operands::new(OP, self, target, weight, options)?;
        let rows = operands.target.numel();
        self.same_dtype(OP, g)?;
        let g_shape = match options.reduction {
            Reduction::None => target.shape().clone(),
            _ => Shape::default(),
        };
        for (argument, tensor, expected) in
            [("kept", kept, Shape::from([rows * KEPT + 1])), ("g", g, g_shape)]
        {
            if *tensor.shape() != expected {
                let (found, expected) = (tensor.shape().clone(), expected.to_string());
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument, found, expected }));
            }
        }
        let (kept, g) = (kept.contiguous()?, g.contiguous()?);
        let dx = dispatch_float!(OP, [operands, g], T => {
            operands.logits.same_dtype(OP, &kept)?;
            Tensor::build::<T>(OP, operands.logits.shape().clone(), |dx| {
                let (kept, g) = (kept.dense::<T>(), g.dense::<T>());
                let row_gradient = match options.reduction {
                    Reduction::None => RowGradient::Each(g),
                    Reduction::Sum => RowGradient::Same(g[0]),
                    Reduction::Mean => RowGradient::Same(g[0] / kept[rows * KEPT]),
                };
                let (logits, targets) = (operands.logits.dense::<T>(), operands.target.dense::<i64>());
                let kept = &kept[..rows * KEPT];
                kernel::cross_entropy_backward(logits, targets, operands.kernel_options(), kept, row_gradient, dx);
            })
        })?;
        // The classes back to where they were.
        let rank = self.rank() as isize;
        if rank <= 2 {
            return Ok(dx);
        }
        let order: Vec<isize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        dx.permute(order)
    }

    /// The mean, the sum or each of `(x − target)²`: `torch.nn.functional.mse_loss`. The mean over nothing is NaN.
    ///
    /// # Errors
    /// If the shapes differ, or the dtypes are not one float dtype.
    #[track_caller]
    pub fn mse_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        const OP: &str = "mse_loss";
        self.same_dtype(OP, target)?;
        // PyTorch warns and broadcasts, which gives another loss than was meant.
        if self.shape() != target.shape() {
            let (found, expected) = (target.shape().clone(), format!("{}, that of the input", self.shape()));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "target", found, expected }));
        }
        let (x, t) = (self, target);
        let squares = dispatch_float!(OP, [x, t], T => {
            binary::apply::<T, T, T>(OP, &x, &t, |x: T, t: T| (x - t) * (x - t))
        })?;
        match reduction {
            Reduction::Mean => squares.mean(),
            Reduction::Sum => squares.sum(),
            Reduction::None => Ok(squares),
        }
    }
}
