//! Losses as modules. The functions behind them are methods of [`Var`].

use crate::error::OfModule;
use crate::{Buffer, Module, Result};
use autograd::{
    BceWithLogitsOptions, CrossEntropyOptions, GaussianNllOptions, KlDivOptions, KlDivReduction,
    MultiMarginOptions, PoissonNllOptions, Reduction, Tensor, TripletMarginOptions, Var,
};

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

/// A loss with its settings: one method each, of the field's name.
macro_rules! loss {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)*
            $(; $($(#[$tensor_doc:meta])* $tensor:ident,)*)?
        }
        $this:ident($($argument:ident),*) $body:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Module)]
        pub struct $name {
            $($field: $type,)*
            $($($tensor: Option<Buffer>,)*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* $($($tensor: None,)*)? }
            }
        }

        impl $name {
            /// PyTorch's defaults.
            pub fn new() -> Self {
                Self::default()
            }

            $($(#[$field_doc])*
            pub fn $field(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            })*

            $($($(#[$tensor_doc])*
            pub fn $tensor(mut self, $tensor: Tensor) -> Self {
                self.$tensor = Some(Buffer::new($tensor));
                self
            })*)?

            /// The loss.
            ///
            /// # Errors
            /// If shapes or dtypes do not fit, or a value is outside its range.
            #[track_caller]
            pub fn forward(&self, $($argument: impl Into<Var>),*) -> Result<Var> {
                let $this = self;
                $(let $argument: Var = $argument.into();)*
                $body.of(self)
            }
        }
    };
}

loss! {
    /// The mean of (input − target)²: `nn.MSELoss`.
    ///
    /// Shapes must be equal. PyTorch warns and broadcasts, which gives another loss than was meant: of `[N, 1]` and `[N]`
    /// it takes all N² pairs. So for all losses of an input and a target of one shape.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{Tensor, Var};
    ///
    /// let prediction = Var::from(Tensor::from_vec(vec![1.0f32, 2.0], [2, 1])?);
    /// let target = Tensor::from_vec(vec![0.0f32, 4.0], [2])?;
    /// let criterion = MSELoss::new();
    /// assert!(criterion.forward(&prediction, &target).is_err());
    /// let loss = criterion.forward(&prediction, target.unsqueeze(1)?)?;
    /// assert_eq!(loss.item::<f32>()?, 2.5);
    /// # Ok::<(), nn::Error>(())
    /// ```
    MSELoss {
        /// What becomes of the squares; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target) input.mse_loss(target, this.reduction)
}
loss! {
    /// The mean of |input − target|: `nn.L1Loss`.
    L1Loss {
        /// What becomes of the distances; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target) input.l1_loss(target, this.reduction)
}
loss! {
    /// The mean of ½ d² / beta where d = |input − target| is below beta, else d − ½ beta: `nn.SmoothL1Loss`.
    SmoothL1Loss {
        /// Where the square ends; default 1.
        beta: f64 = 1.0,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target) input.smooth_l1_loss(target, this.beta, this.reduction)
}
loss! {
    /// The mean of ½ d² where d = |input − target| is at most delta, else delta (d − ½ delta): `nn.HuberLoss`.
    HuberLoss {
        /// Where the square ends; default 1.
        delta: f64 = 1.0,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target) input.huber_loss(target, this.delta, this.reduction)
}
loss! {
    /// Binary cross-entropy of probabilities, −t log x − (1 − t) log(1 − x), logs below −100 counted as −100: `nn.BCELoss`.
    /// Of logits, [`BCEWithLogitsLoss`] is exact.
    BCELoss {
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
        ;
        /// A factor of each term, which broadcasts; default none.
        weight,
    }
    this(input, target) {
        input.binary_cross_entropy(target, this.weight.as_ref().map(Buffer::value).as_ref(), this.reduction)
    }
}
loss! {
    /// Binary cross-entropy of logits, (1 − t) x + log(1 + e⁻ˣ): `nn.BCEWithLogitsLoss`.
    BCEWithLogitsLoss {
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
        ;
        /// A factor of each term, which broadcasts; default none.
        weight,
        /// A factor of the terms of positive targets, which broadcasts; default none.
        pos_weight,
    }
    this(input, target) {
        let [weight, pos_weight] = [&this.weight, &this.pos_weight].map(|w| w.as_ref().map(Buffer::value));
        let (weight, pos_weight) = (weight.as_ref(), pos_weight.as_ref());
        let options = BceWithLogitsOptions { weight, pos_weight, reduction: this.reduction };
        input.binary_cross_entropy_with_logits(target, options)
    }
}
loss! {
    /// Negative log-likelihood `−x[t]` of log-probabilities `[N, C]`, `[C]` or `[N, C, d1, ..]` for class indices t: `nn.NLLLoss`.
    NLLLoss {
        /// A target that has neither loss nor gradient; default −100.
        ignore_index: i64 = -100,
        /// What becomes of the terms; default the mean, over the weights of the targets.
        reduction: Reduction = Reduction::Mean,
        ;
        /// A factor `[C]` for each class; default none.
        weight,
    }
    this(input, target) {
        let (ignore_index, reduction) = (this.ignore_index, this.reduction);
        let options = CrossEntropyOptions { ignore_index, reduction, ..CrossEntropyOptions::default() };
        input.nll_loss(&target.detach(), this.weight.as_ref().map(Buffer::value).as_ref(), options)
    }
}
loss! {
    /// Kullback-Leibler divergence t (log t − x) of log-probabilities x from probabilities t: `nn.KLDivLoss`. The mean over
    /// a batch, which the definition asks for, is [`KlDivReduction::BatchMean`].
    KLDivLoss {
        /// Whether targets are logarithms too; default false.
        log_target: bool = false,
        /// What becomes of the terms; default the mean over all elements, as in PyTorch.
        reduction: KlDivReduction = KlDivReduction::Mean,
    }
    this(input, target) {
        input.kl_div(target, KlDivOptions { log_target: this.log_target, reduction: this.reduction })
    }
}
loss! {
    /// ½ (log v + (x − t)² / v) of means x, targets t and variances v: `nn.GaussianNLLLoss`.
    GaussianNLLLoss {
        /// Whether ½ log 2π is added; default false.
        full: bool = false,
        /// The least variance; default 1e-6.
        eps: f64 = 1e-6,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target, variance) {
        let (full, eps, reduction) = (this.full, this.eps, this.reduction);
        input.gaussian_nll_loss(target, variance, GaussianNllOptions { full, eps, reduction })
    }
}
loss! {
    /// eˣ − t x of logarithms of rates x and counts t: `nn.PoissonNLLLoss`.
    PoissonNLLLoss {
        /// Whether the input is the logarithm of the rate; default true.
        log_input: bool = true,
        /// Whether Stirling's approximation of log t! is added; default false.
        full: bool = false,
        /// Added to a rate under the logarithm; default 1e-8.
        eps: f64 = 1e-8,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target) {
        let (log_input, full, eps, reduction) = (this.log_input, this.full, this.eps, this.reduction);
        input.poisson_nll_loss(target, PoissonNllOptions { log_input, full, eps, reduction })
    }
}
loss! {
    /// x where the target is 1, max(0, margin − x) where it is −1: `nn.HingeEmbeddingLoss`.
    HingeEmbeddingLoss {
        /// How far apart what differs should be; default 1.
        margin: f64 = 1.0,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target) input.hinge_embedding_loss(&target.detach(), this.margin, this.reduction)
}
loss! {
    /// max(0, margin − t (x₁ − x₂)), t 1 where x₁ should be larger, else −1: `nn.MarginRankingLoss`.
    MarginRankingLoss {
        /// How far apart the two should be; default 0.
        margin: f64 = 0.0,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input1, input2, target) {
        input1.margin_ranking_loss(&input2, target.to_dtype(input1.dtype())?, this.margin, this.reduction)
    }
}
loss! {
    /// 1 − cos(x₁, x₂) where the target is 1, max(0, cos(x₁, x₂) − margin) where it is −1: `nn.CosineEmbeddingLoss`.
    CosineEmbeddingLoss {
        /// The cosine from which what differs is too close; default 0.
        margin: f64 = 0.0,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input1, input2, target) {
        input1.cosine_embedding_loss(&input2, &target.detach(), this.margin, this.reduction)
    }
}
loss! {
    /// max(0, d(a, p) − d(a, n) + margin) with the p-norm as distance: `nn.TripletMarginLoss`.
    TripletMarginLoss {
        /// How much farther the negative should be; default 1.
        margin: f64 = 1.0,
        /// The norm; default 2.
        p: f64 = 2.0,
        /// Added to each difference; default 1e-6.
        eps: f64 = 1e-6,
        /// Whether the distance of positive and negative counts where it is smaller; default false.
        swap: bool = false,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(anchor, positive, negative) {
        let (margin, p, eps, swap, reduction) = (this.margin, this.p, this.eps, this.swap, this.reduction);
        let options = TripletMarginOptions { margin, p, eps, swap, reduction };
        anchor.triplet_margin_loss(&positive, &negative, options)
    }
}
loss! {
    /// `Σ max(0, margin − x[t] + x[j])ᵖ / C` over the classes j other than t: `nn.MultiMarginLoss`.
    MultiMarginLoss {
        /// 1 or 2; default 1.
        p: u32 = 1,
        /// How much the right class should be ahead; default 1.
        margin: f64 = 1.0,
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
        ;
        /// A factor `[C]` for each class; default none.
        weight,
    }
    this(input, target) {
        let weight = this.weight.as_ref().map(Buffer::value);
        let (p, margin, weight, reduction) = (this.p, this.margin, weight.as_ref(), this.reduction);
        input.multi_margin_loss(&target.detach(), MultiMarginOptions { p, margin, weight, reduction })
    }
}
loss! {
    /// log(1 + exp(−t x)) for targets 1 and −1: `nn.SoftMarginLoss`.
    SoftMarginLoss {
        /// What becomes of the terms; default the mean.
        reduction: Reduction = Reduction::Mean,
    }
    this(input, target) input.soft_margin_loss(target, this.reduction)
}
