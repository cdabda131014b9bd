//! Optimizers and learning-rate schedules with PyTorch's names, defaults and arithmetic.
//!
//! ```
//! use autograd::{Parameter, Tensor};
//! use optim::{AdamW, Optimizer};
//!
//! let w = Parameter::new(Tensor::from_vec(vec![1.0f32, 2.0], [2])?)?;
//! let mut opt = AdamW::new([w.clone()], 1e-2)?;
//! opt.zero_grad();
//! w.var().mul(&w.var())?.sum()?.backward()?;
//! opt.step()?;
//! # Ok::<(), optim::Error>(())
//! ```
//!
//! Options go by struct update: `AdamWOptions { weight_decay: 0.1, ..1e-2.into() }` is PyTorch's
//! `AdamW(params, lr=1e-2, weight_decay=0.1)`.

mod accumulation;
mod averaging;
mod by_name;
mod clip;
mod error;
mod group;
mod half;
mod hook;
mod lbfgs;
mod optimizer;
mod options;
mod per_parameter;
mod rule;
mod saved;
mod scaler;
pub mod schedule;
mod value;

pub use accumulation::Accumulation;
pub use averaging::{Average, AveragedModel, AveragedValue};
pub use by_name::by_name;
pub use clip::{ClipOptions, clip_grad_norm, clip_grad_value, clip_grads_with_norm, total_norm};
pub use error::{Error, Invalid, Result, StateFault};
pub use group::{NamedParameter, ParamGroup};
pub use hook::{Hook, HookId, Hooks};
pub use lbfgs::{LBFGS, LBFGSOptions, LineSearch};
pub use optimizer::Optimizer;
pub use options::Options;
pub use per_parameter::PerParameter;
pub use rule::{
    ASGD, ASGDOptions, Adadelta, AdadeltaOptions, Adafactor, AdafactorOptions, Adagrad, AdagradOptions, Adam,
    AdamOptions, AdamW, AdamWOptions, Adamax, AdamaxOptions, AdjustLr, Lion, LionOptions, Muon, MuonOptions,
    NAdam, NAdamOptions, Parts, RAdam, RAdamOptions, RMSprop, RMSpropOptions, Rprop, RpropOptions, Rule, SGD,
    SGDOptions, Slot, Step,
};
pub use scaler::{GradScaler, GradScalerOptions};
pub use tensor_core::step::Real;
pub use value::{Dict, OptionValue, StateDict, Value};
