//! Whether operations write a graph, and what watches them: switches of each thread, as in PyTorch.

use std::cell::Cell;
use std::marker::PhantomData;

/// What an operation looks at before it writes its node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mode {
    /// Whether a graph is written at all.
    pub grad: bool,
    /// Which values are reported as anomalies.
    pub anomaly: Anomaly,
    /// Where a node's kept values go.
    pub saving: Saving,
    /// Whether every call is noted for a report of the gradients.
    pub traced: bool,
    /// Whether the time of every call is noted.
    pub profiled: bool,
}

/// Which values are reported as anomalies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anomaly {
    Nothing,
    Nan,
    NonFinite,
}

/// Where a node's kept values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saving {
    /// Into the node.
    Node,
    /// Nowhere: a checkpoint computes them again.
    Dropped,
    /// Into the list of a checkpoint that is computing them again.
    Recomputed,
}

impl Mode {
    /// What a thread starts with.
    pub const START: Mode =
        Mode { grad: true, anomaly: Anomaly::Nothing, saving: Saving::Node, traced: false, profiled: false };
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::START) };
}

/// What is in force on this thread.
#[inline]
pub(crate) fn current() -> Mode {
    MODE.get()
}

/// Changes what is in force until the returned guard is dropped.
pub(crate) fn enter(change: impl FnOnce(&mut Mode)) -> GradMode {
    let before = MODE.get();
    let mut mode = before;
    change(&mut mode);
    MODE.set(mode);
    GradMode { before, _not_send: PhantomData }
}

/// Whether operations on tracked values write a graph on this thread. A new thread starts with yes.
#[inline]
pub fn is_grad_enabled() -> bool {
    MODE.get().grad
}

/// Restores the mode that was in force when it was made; see [`set_grad_enabled`].
#[derive(Debug)]
#[must_use = "the mode is restored when this is dropped"]
pub struct GradMode {
    before: Mode,
    // A guard restores its own thread's mode, so it must not be sent to another.
    _not_send: PhantomData<*const ()>,
}

impl Drop for GradMode {
    fn drop(&mut self) {
        MODE.set(self.before);
    }
}

/// Switches graph writing on or off on this thread until the returned guard is dropped.
pub fn set_grad_enabled(enabled: bool) -> GradMode {
    enter(|mode| mode.grad = enabled)
}

/// Runs `body` without writing a graph; the mode is restored afterwards, after a panic too.
///
/// PyTorch's `inference_mode` has no counterpart: what it saves, version counters and the tracking of views, does not
/// exist beside copy-on-write values, and a result of `no_grad` may be used anywhere.
///
/// ```
/// use autograd::{Tensor, Var, no_grad};
/// let x = Var::leaf(Tensor::scalar(2.0f32)?)?;
/// assert!(!no_grad(|| x.mul(&x))?.requires_grad());
/// # Ok::<(), autograd::Error>(())
/// ```
pub fn no_grad<R>(body: impl FnOnce() -> R) -> R {
    let _mode = set_grad_enabled(false);
    body()
}

/// Runs `body` writing a graph, inside [`no_grad`] too.
pub fn enable_grad<R>(body: impl FnOnce() -> R) -> R {
    let _mode = set_grad_enabled(true);
    body()
}
