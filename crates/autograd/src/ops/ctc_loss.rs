//! Connectionist temporal classification: the likelihood of labels summed over their alignments to the steps.
//!
//! As PyTorch's, the gradient takes the input for the output of a log-softmax: it is `g (p − share)`, with the
//! probabilities p and the share of the likelihood that passes each class at each step. The log-softmax's own gradient
//! leaves that as it is, and of it alone it is the gradient.

use crate::losses::refused;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Reduction, Result, Shape, Var};
use tensor_core::{CtcTargets, Tensor};

/// Keywords of `torch.nn.functional.ctc_loss`, with its defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtcLossOptions {
    /// The class that stands for no label. Default 0.
    pub blank: usize,
    /// Whether an infinite loss, of too few steps for the labels, counts 0 and has no gradient. Default false.
    pub zero_infinity: bool,
    /// Default [`Reduction::Mean`]: of the losses, each divided by the number of its labels.
    pub reduction: Reduction,
}

/// The losses `[N]`, one by one.
struct CtcLoss(CtcTargets);

impl Op for CtcLoss {
    fn name(&self) -> &'static str {
        "ctc_loss"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].ctc_loss(&self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, g) = (ctx.input(0), ctx.grad());
        let dx = if ctx.create_graph() {
            let share = crate::grad(&composed(&x, &self.0)?, &[&x], true)?;
            let share = share.first().cloned().unwrap_or_else(|| x.clone());
            // The share is the derivative itself, with the other sign; steps past a length have neither.
            let past = steps_past(x.shape(), &self.0)?;
            x.exp()?.masked_fill(&past, 0.0)?.add(&share)?.mul(&g.unsqueeze(1)?)?
        } else {
            g.value().ctc_loss_backward(x.value(), &self.0)?.into()
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
}

/// Which steps `[T, N, 1]` lie past the length of their sequence.
fn steps_past(shape: &Shape, targets: &CtcTargets) -> Result<Tensor> {
    let lengths = &targets.input_lengths;
    let past = (0..shape[0]).flat_map(|t| lengths.iter().map(move |&length| t >= length)).collect();
    Ok(Tensor::from_vec::<bool>(past, [shape[0], lengths.len(), 1])?)
}

/// The sum of the losses, of operations that have derivatives of any order.
fn composed(x: &Var, targets: &CtcTargets) -> Result<Var> {
    let mut total = x.sum()?.mul_scalar(0)?;
    for (n, labels) in targets.labels(x.shape())?.into_iter().enumerate() {
        let (steps, places) = (targets.input_lengths[n], labels.len());
        if steps == 0 {
            continue;
        }
        let index = labels.iter().map(|&label| label as i64).collect::<Vec<i64>>();
        let index = Tensor::from_vec(index, [places])?;
        let emitted = x.select(1, n as isize)?.index_select(1, &index)?;
        let no_start = Tensor::from_vec((0..places).map(|s| s >= 2).collect::<Vec<bool>>(), [places])?;
        let no_skip = |s: usize| s < 2 || s.is_multiple_of(2) || labels[s] == labels[s - 2];
        let no_skip = Tensor::from_vec((0..places).map(no_skip).collect::<Vec<bool>>(), [places])?;
        let mut paths = emitted.select(0, 0)?.masked_fill(&no_start, f64::NEG_INFINITY)?;
        for t in 1..steps as isize {
            let step = moved(&paths, 1)?;
            let skip = moved(&paths, 2)?.masked_fill(&no_skip, f64::NEG_INFINITY)?;
            let reached = Var::stack(&[&paths, &step, &skip], 0)?.logsumexp(0, false)?;
            paths = reached.add(&emitted.select(0, t)?)?;
        }
        let ends = places.min(2);
        let likelihood = paths.narrow(0, (places - ends) as isize, ends)?.logsumexp(0, false)?;
        total = total.sub(&likelihood)?;
    }
    Ok(total)
}

/// The elements `by` places later, −∞ before them.
fn moved(x: &Var, by: usize) -> Result<Var> {
    let by = by.min(x.numel());
    let before: Var = Tensor::full([by], f64::NEG_INFINITY, x.dtype())?.into();
    Var::cat(&[&before, &x.narrow(0, 0, x.numel() - by)?], 0)
}

impl Var {
    /// The negative log-likelihoods of label sequences, each summed over its alignments to the steps, for
    /// log-probabilities `[T, N, C]` or `[T, C]`, which must come from a [`log_softmax`](Var::log_softmax):
    /// `torch.nn.functional.ctc_loss`. `targets` (i64) are `[N, S]`, of which each row counts up to its length, or all
    /// labels one after another. The loss is ∞ where the steps are too few.
    ///
    /// # Errors
    /// If lengths, shapes or classes do not fit, or the dtype is not floating-point.
    ///
    /// ```
    /// use autograd::{CtcLossOptions, DType, Tensor, Var};
    /// // Two steps of three classes, each as likely: one label has three alignments of nine.
    /// let x = Var::from(Tensor::zeros([2, 1, 3], DType::F64)?).log_softmax(-1)?;
    /// let target = Tensor::from_vec(vec![2i64], [1, 1])?;
    /// let loss = x.ctc_loss(&target, &[2], &[1], CtcLossOptions::default())?;
    /// assert!((loss.item::<f64>()? - 3f64.ln()).abs() < 1e-12);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn ctc_loss(
        &self,
        targets: &Tensor,
        input_lengths: &[usize],
        target_lengths: &[usize],
        options: CtcLossOptions,
    ) -> Result<Var> {
        let x = match self.rank() {
            2 => self.unsqueeze(1)?,
            3 => self.clone(),
            _ => {
                let shape = self.shape().to_string();
                return Err(refused("ctc_loss", "the input's shape", shape, "[T, N, C] or [T, C]"));
            }
        };
        let operands = CtcTargets {
            targets: targets.clone(),
            input_lengths: input_lengths.to_vec(),
            target_lengths: target_lengths.to_vec(),
            blank: options.blank,
        };
        let mut losses = apply(CtcLoss(operands), &[&x])?;
        if options.zero_infinity {
            losses = losses.masked_fill(&losses.value().eq_scalar(f64::INFINITY)?, 0.0)?;
        }
        if options.reduction == Reduction::Mean {
            let labels = target_lengths.iter().map(|&n| n.max(1) as f64).collect::<Vec<f64>>();
            let labels = Tensor::from_vec(labels, [target_lengths.len()])?.to_dtype(x.dtype())?;
            return losses.div(&labels.into())?.mean();
        }
        let losses = losses.reduced(options.reduction)?;
        if self.rank() == 2 && losses.rank() == 1 { losses.squeeze(0) } else { Ok(losses) }
    }
}

pub(crate) const ROW: Row = Row {
    name: "ctc_loss",
    sample: |s| {
        let (batch, width) = (s.size(), s.below(3));
        let (steps, classes) = (2 * width + s.size(), 1 + s.size());
        let x = s.tensor(&Shape::from([steps, batch, classes]), -2.0, 2.0)?;
        let blank = s.below(classes);
        let targets = s.indices(&Shape::from([batch, width]), classes)?;
        // Enough steps for any labels, so that no loss is infinite.
        let input_lengths: Vec<usize> = (0..batch).map(|_| 2 * width + s.below(steps - 2 * width + 1)).collect();
        let target_lengths: Vec<usize> = (0..batch).map(|_| s.below(width + 1)).collect();
        let reduction = [Reduction::Mean, Reduction::Sum, Reduction::None][s.below(3)];
        let options = CtcLossOptions { blank, zero_infinity: s.one_in(2), reduction };
        Ok(Sample::new(vec![x], move |x| {
            x[0].log_softmax(-1)?.ctc_loss(&targets, &input_lengths, &target_lengths, options)
        }))
    },
    order: 2,
};
