//! Whether operations write a graph: a switch of each thread, on at its start, as in PyTorch.

use std::cell::Cell;

thread_local! {
    static ENABLED: Cell<bool> = const { Cell::new(true) };
}

/// Whether operations on tracked values write a graph on this thread.
#[inline]
pub fn is_grad_enabled() -> bool {
    ENABLED.get()
}

/// Restores the mode that was in force when it was made; see [`set_grad_enabled`].
#[derive(Debug)]
#[must_use = "the mode is restored when this is dropped"]
pub struct GradMode {
    before: bool,
    // A guard restores its own thread's mode, so it must not be sent to another.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Drop for GradMode {
    fn drop(&mut self) {
        ENABLED.set(self.before);
    }
}

/// Switches graph writing on or off on this thread until the returned guard is dropped.
pub fn set_grad_enabled(enabled: bool) -> GradMode {
    GradMode { before: ENABLED.replace(enabled), _not_send: std::marker::PhantomData }
}

/// Runs `body` without writing a graph; the mode is restored afterwards, after a panic too.
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
