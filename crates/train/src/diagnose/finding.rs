//! What a diagnosis found.

use autograd::Shape;
use std::fmt;
use std::panic::Location;

/// A likely bug of a training loop: see [`diagnose`](crate::diagnose). Displayed, it says what to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Softmax's output goes into a loss that takes logits: gradients shrink, the loss stays far above 0.
    SoftmaxBeforeLoss {
        /// The loss.
        location: &'static Location<'static>,
    },
    /// Sigmoid's output goes into `binary_cross_entropy_with_logits`, which takes logits.
    SigmoidBeforeLoss {
        /// The loss.
        location: &'static Location<'static>,
    },
    /// `where` or `masked_fill` hides values that are not finite, or a square root of 0: in backward their slope, times
    /// the 0 that it lets through, is NaN.
    HiddenNan {
        /// The operation that made the hidden values.
        op: &'static str,
        /// The call that hides them.
        location: &'static Location<'static>,
    },
    /// Batch norm in training over a single sample: its statistics are of that sample alone.
    BatchOfOne {
        /// The call.
        location: &'static Location<'static>,
    },
    /// A prediction of `[n, 1]` against a target of `[n]`, or the other way round: a loss over n × n pairs.
    Broadcast {
        /// The operation.
        op: &'static str,
        /// Its operands' shapes.
        shapes: [Shape; 2],
        /// The call.
        location: &'static Location<'static>,
    },
    /// The gradient of the step before was still there when the next came: no `zero_grad` between them.
    NotCleared {
        /// The parameter.
        parameter: String,
    },
    /// A gradient went through a layer in evaluation.
    EvalInTraining {
        /// The layer.
        layer: String,
    },
    /// A layer in training ran under `no_grad`.
    TrainInValidation {
        /// The layer.
        layer: String,
    },
    /// A parameter that requires gradients and that the optimizer does not have.
    NotOptimized {
        /// The parameter.
        parameter: String,
    },
    /// The learning rate was changed before the first step: the schedule's first value is never used.
    ScheduleFirst,
    /// More than half of a ReLU's units were 0 for each sample.
    DeadRelu {
        /// The units that were.
        dead: usize,
        /// All.
        units: usize,
        /// The call.
        location: &'static Location<'static>,
    },
    /// The norm of a weight's gradient over the weight's own is far from what training needs.
    GradientRatio {
        /// The parameter.
        parameter: String,
        /// The ratio.
        ratio: f64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoftmaxBeforeLoss { location } => {
                write!(f, "{location}: softmax before cross_entropy, which takes logits; leave softmax out")
            }
            Self::SigmoidBeforeLoss { location } => write!(
                f,
                "{location}: sigmoid before binary_cross_entropy_with_logits, which takes logits; leave sigmoid out"
            ),
            Self::HiddenNan { op, location } => write!(
                f,
                "{location}: values of {op} are hidden, but not their gradients, which are NaN; choose the input of \
                 {op} instead"
            ),
            Self::BatchOfOne { location } => {
                write!(
                    f,
                    "{location}: batch norm over one sample; take larger batches, or call eval on the layer"
                )
            }
            Self::Broadcast { op, shapes: [a, b], location } => {
                write!(
                    f,
                    "{location}: {op} of {a} and {b} pairs all with all; give the target the output's shape"
                )
            }
            Self::NotCleared { parameter } => {
                write!(
                    f,
                    "{parameter}: the last step's gradient was added to; call zero_grad before backward"
                )
            }
            Self::EvalInTraining { layer } => write!(f, "{layer}: trained in evaluation; call model.train()"),
            Self::TrainInValidation { layer } => {
                write!(f, "{layer}: in training under no_grad; call model.eval() before validation")
            }
            Self::NotOptimized { parameter } => {
                write!(f, "{parameter}: not in the optimizer; give it over, or set requires_grad to false")
            }
            Self::ScheduleFirst => f.write_str(
                "the learning rate changed before the first step; step the schedule after the optimizer",
            ),
            Self::DeadRelu { dead, units, location } => write!(
                f,
                "{location}: {dead} of {units} units of a ReLU are 0 for each sample; lower the learning rate or the \
                 bias"
            ),
            Self::GradientRatio { parameter, ratio } => {
                write!(f, "{parameter}: gradient over weight is {ratio:.1e}, expected from 1e-7 to 1e2")
            }
        }
    }
}
