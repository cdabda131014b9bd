//! The loss of label sequences without an alignment.

use crate::error::OfModule;
use crate::{Module, Result};
use autograd::{CtcLossOptions, Reduction, Tensor, Var};

/// The negative log-likelihood of label sequences, summed over their alignments to the steps: `nn.CTCLoss`
/// (Graves et al., 2006); see [`Var::ctc_loss`].
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, Var};
///
/// let log_probs = Var::from(Tensor::zeros([2, 1, 3], DType::F64)?).log_softmax(-1)?;
/// let targets = Tensor::from_vec(vec![2i64], [1, 1])?;
/// let loss = CTCLoss::new().forward(&log_probs, &targets, &[2], &[1])?;
/// assert!((loss.item::<f64>()? - 3f64.ln()).abs() < 1e-12);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Module)]
pub struct CTCLoss {
    #[module(skip)]
    options: CtcLossOptions,
}

impl CTCLoss {
    /// PyTorch's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The class that stands for no label; default 0.
    pub fn blank(mut self, blank: usize) -> Self {
        self.options.blank = blank;
        self
    }

    /// What becomes of the losses; default the mean of the losses, each divided by the number of its labels.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.options.reduction = reduction;
        self
    }

    /// Whether an infinite loss, of too few steps for the labels, counts 0 and has no gradient; default false.
    pub fn zero_infinity(mut self, zero_infinity: bool) -> Self {
        self.options.zero_infinity = zero_infinity;
        self
    }

    /// The loss of log-probabilities `[T, N, C]` or `[T, C]`, which must come from a log-softmax, for targets (i64)
    /// `[N, S]` or all one after another.
    ///
    /// # Errors
    /// If lengths, shapes or classes do not fit, or the dtype is not floating-point.
    #[track_caller]
    pub fn forward(
        &self,
        log_probs: &Var,
        targets: &Tensor,
        input_lengths: &[usize],
        target_lengths: &[usize],
    ) -> Result<Var> {
        log_probs.ctc_loss(targets, input_lengths, target_lengths, self.options).of(self)
    }
}
