//! Reverse-mode differentiation with PyTorch's semantics.
//!
//! [`Var`] is a [`Tensor`] with an optional history. Operations on it write a graph; [`Var::backward`] walks the
//! graph and adds into the [`grad`](Var::grad) of every leaf; [`Var::detach`] hands the value out without history.
//!
//! ```
//! use autograd::{Tensor, Var};
//!
//! let x = Var::leaf(Tensor::from_vec(vec![1.0f64, 2.0, 3.0], [3])?)?;
//! let loss = x.mul(&x)?.sum()?;
//! loss.backward()?;
//! assert_eq!(loss.detach().item::<f64>()?, 14.0);
//! assert_eq!(x.grad().unwrap().to_vec::<f64>()?, [2.0, 4.0, 6.0]);
//! # Ok::<(), autograd::Error>(())
//! ```

mod anomaly;
mod backward;
mod check;
mod checkpoint;
mod comparison;
mod dot;
mod error;
mod functional;
mod graph;
mod hook;
mod hooked;
mod leaf;
mod losses;
mod mode;
mod op;
pub mod ops;
mod parameter;
mod pending;
mod pointwise;
mod profile;
mod report;
#[cfg(feature = "proptest")]
pub mod strategies;
mod targets;
pub mod testing;
mod trace;
mod var;

pub use anomaly::{detect_anomaly, detect_nan, set_detect_anomaly};
pub use backward::{Grad, backward, grad};
pub use check::{GradCheck, Outputs, gradcheck, gradgradcheck};
pub use checkpoint::checkpoint;
pub use dot::graph_to_dot;
pub use error::{Error, Result};
pub use functional::{hessian, hvp, jacobian, jvp, vhp, vjp};
pub use hook::{HookHandle, HookResult};
pub use mode::{GradMode, enable_grad, is_grad_enabled, no_grad, set_grad_enabled};
pub use op::{Context, Forward, Grads, Keep, Op, apply, apply_array, apply_multi};
pub use ops::{
    AttentionOptions, BagMode, BceWithLogitsOptions, CtcLossOptions, EmbeddingBagOptions, EmbeddingOptions,
    GaussianNllOptions, GridSampleMode, GridSampleOptions, GridSamplePadding, Interpolation, KlDivOptions,
    KlDivReduction, MatrixNorm, MultiMarginOptions, PoissonNllOptions, TripletMarginOptions,
};
pub use parameter::Parameter;
pub use profile::{OpCost, PassCost, profile, record_function};
pub use report::{Cut, GradReport, GradState, grad_report};
pub use tensor_core::{
    self, Approximate, AvgPoolOptions, ConvOptions, ConvTransposeOptions, CrossEntropyOptions, DType, Dims,
    Element, Index, Indexing, Indices, InterpolateMode, InterpolateOptions, MaxPoolOptions, PadMode, Padding,
    Reduction, Resize, RoundingMode, Scalar, ScatterReduce, Shape, Tensor, UnfoldOptions, bf16, f16,
};
pub use trace::{Call, record_calls};
pub use var::Var;

/// The code of the guide, built and run.
#[cfg(all(doctest, feature = "proptest"))]
#[doc = include_str!("../../../docs/adding-an-op.md")]
mod adding_an_op {}
