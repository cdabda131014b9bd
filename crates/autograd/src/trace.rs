//! Notes on every call, for a report of the gradients: which values met, tracked or not.

use crate::Var;
use crate::mode::{self, GradMode};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::panic::Location;
use tensor_core::Tensor;

/// What happened to values. The tensors are held, so that storage stands for the value in it.
pub(crate) enum Event {
    Call(Call),
    Detach { value: Tensor, location: &'static Location<'static> },
}

/// An applied operation, as [`record_calls`] noted it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The operation.
    pub op: &'static str,
    /// The source line that applied it.
    pub location: &'static Location<'static>,
    /// Its inputs, each with whether it was tracked.
    pub inputs: Vec<(Tensor, bool)>,
    /// Its outputs.
    pub outputs: SmallVec<[Tensor; 1]>,
    /// Whether a graph was written at all: false under [`no_grad`](crate::no_grad).
    pub enabled: bool,
}

thread_local! {
    static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

/// Runs `body` and gives what happened.
pub(crate) fn record<R>(body: impl FnOnce() -> R) -> (R, Vec<Event>) {
    let _outer = Outer { events: EVENTS.take(), _mode: mode::enter(|mode| mode.traced = true) };
    let result = body();
    (result, EVENTS.take())
}

/// Runs `body` and gives every operation that it applied on this thread, in order. The tensors are held, which costs
/// memory: for looking into a model, not for each step.
///
/// ```
/// use autograd::{Tensor, Var, record_calls};
/// let x = Var::leaf(Tensor::scalar(3.0f32)?)?;
/// let (y, calls) = record_calls(|| x.exp()?.neg());
/// assert_eq!(calls.iter().map(|call| call.op).collect::<Vec<_>>(), ["exp", "neg"]);
/// assert!(calls[1].inputs[0].0.shares_storage(&calls[0].outputs[0]));
/// # y?;
/// # Ok::<(), autograd::Error>(())
/// ```
pub fn record_calls<R>(body: impl FnOnce() -> R) -> (R, Vec<Call>) {
    let (result, events) = record(body);
    let call = |event| match event {
        Event::Call(call) => Some(call),
        Event::Detach { .. } => None,
    };
    (result, events.into_iter().filter_map(call).collect())
}

/// Puts back what a recording around this one has noted, after a panic too.
struct Outer {
    events: Vec<Event>,
    _mode: GradMode,
}

impl Drop for Outer {
    fn drop(&mut self) {
        EVENTS.set(std::mem::take(&mut self.events));
    }
}

#[cold]
pub(crate) fn call(
    op: &'static str,
    inputs: &[&Var],
    outputs: &SmallVec<[Tensor; 1]>,
    location: &'static Location<'static>,
) {
    let inputs = inputs.iter().map(|x| (x.value().clone(), x.edge().is_some())).collect();
    let call = Call { op, location, inputs, outputs: outputs.clone(), enabled: mode::current().grad };
    EVENTS.with_borrow_mut(|events| events.push(Event::Call(call)));
}

#[cold]
pub(crate) fn detach(value: &Tensor, location: &'static Location<'static>) {
    EVENTS.with_borrow_mut(|events| events.push(Event::Detach { value: value.clone(), location }));
}
