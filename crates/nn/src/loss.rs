//! Losses as modules. The functions behind them are methods of [`Var`].

use crate::error::OfModule;
use crate::{Buffer, Module, Result};
use autograd::{CrossEntropyOptions, Reduction, Tensor, Var};

/// Softmax cross-entropy: `nn.CrossEntropyLoss`. The input is scores `[N, C]`, `[N, C, d1, ..]` or `[C]`; the target is
/// class indices (i64, the input's shape without C) or probabilities (the input's shape and dtype).
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor};
///
/// let criterion = CrossEntropyLoss::new().label_smoothing(0.1);
/// let scores = Tensor::zeros([2, 10], DType::F32)?.into();
/// let loss = criterion.forward(&scores, Tensor::from_vec(vec![3i64, 7], [2])?)?;
/// assert!((loss.item::<f32>()? - 10f32.ln()).abs() < 1e-6);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Default, Module)]
pub struct CrossEntropyLoss {
    weight: Option<Buffer>,
    options: CrossEntropyOptions,
}

impl CrossEntropyLoss {
    /// The mean over all targets.
    pub fn new() -> Self {
        Self::default()
    }

    /// A factor `[C]` for the loss of each class, saved with the module; default none. The mean is then over the
    /// factors of the targets.
    pub fn weight(self, weight: Tensor) -> Self {
        Self { weight: Some(Buffer::new(weight)), ..self }
    }

    /// A target that has neither loss nor gradient; default −100.
    pub fn ignore_index(mut self, ignore_index: i64) -> Self {
        self.options.ignore_index = ignore_index;
        self
    }

    /// The share of each target that is spread over all classes, 0 to 1; default 0.
    pub fn label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.options.label_smoothing = label_smoothing;
        self
    }

    /// What becomes of the losses of a batch; default the mean.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.options.reduction = reduction;
        self
    }

    /// The loss.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit, or a target is no class.
    #[track_caller]
    pub fn forward(&self, input: &Var, target: impl Into<Var>) -> Result<Var> {
        let weight = self.weight.as_ref().map(Buffer::value);
        input.cross_entropy_with(target, weight.as_ref(), self.options).of(self)
    }
}

/// The mean of (input − target)²: `nn.MSELoss`.
///
/// Shapes must be equal. PyTorch warns and broadcasts, which gives another loss than was meant: of `[N, 1]` and `[N]`
/// it takes all N² pairs.
///
/// ```
/// use nn::prelude::*;
/// use autograd::Tensor;
///
/// let prediction = Tensor::from_vec(vec![1.0f32, 2.0], [2, 1])?.into();
/// let target = Tensor::from_vec(vec![0.0f32, 4.0], [2])?;
/// let criterion = MSELoss::new();
/// assert!(criterion.forward(&prediction, &target).is_err());
/// let loss = criterion.forward(&prediction, target.unsqueeze(1)?)?;
/// assert_eq!(loss.item::<f32>()?, 2.5);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Module)]
pub struct MSELoss {
    reduction: Reduction,
}

impl MSELoss {
    /// The mean over all elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of the squares; default the mean.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction }
    }

    /// The loss.
    ///
    /// # Errors
    /// If the shapes or dtypes differ; reshape the target, as in the example.
    #[track_caller]
    pub fn forward(&self, input: &Var, target: impl Into<Var>) -> Result<Var> {
        input.mse_loss(target, self.reduction).of(self)
    }
}
