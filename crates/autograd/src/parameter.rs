//! The parameter: the leaf that a module owns and an optimizer writes.

use crate::graph::Edge;
use crate::leaf::Leaf;
use crate::var::set_leaf_grad;
use crate::{Error, Result, Var};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use tensor_core::{DType, Shape, Tensor};

/// A value that is trained. Cloning copies a handle: two modules that hold clones of one parameter share it (weight
/// tying), and an optimizer updates it once.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// let w = Parameter::new(Tensor::scalar(3.0f32)?)?;
/// w.var().mul(&w.var())?.backward()?;
/// assert_eq!(w.grad().unwrap().item::<f32>()?, 6.0);
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone)]
pub struct Parameter(Arc<Inner>);

struct Inner {
    value: RwLock<Tensor>,
    leaf: Arc<Leaf>,
    requires_grad: AtomicBool,
}

/// A handle on a parameter that may be gone.
pub(crate) struct WeakParameter(Weak<Inner>);

impl WeakParameter {
    pub fn upgrade(&self) -> Option<Parameter> {
        self.0.upgrade().map(Parameter)
    }
}

impl Parameter {
    /// A parameter with this value, which requires gradients.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn new(value: Tensor) -> Result<Self> {
        if !value.dtype().is_float() {
            return Err(Error::NotFloat {
                op: "Parameter::new",
                found: value.dtype(),
                location: Location::caller(),
            });
        }
        let leaf = Leaf::new(&value);
        Ok(Self(Arc::new(Inner { value: RwLock::new(value), leaf, requires_grad: AtomicBool::new(true) })))
    }

    /// The parameter as it is now, to compute with.
    pub fn var(&self) -> Var {
        let edge = self.requires_grad().then(|| Edge::Leaf(Arc::clone(&self.0.leaf)));
        Var::with_edge(self.value(), edge)
    }

    /// The value, sharing storage until the next write.
    pub fn value(&self) -> Tensor {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value: how weights are loaded.
    ///
    /// # Errors
    /// If shape or dtype differ from the parameter's.
    #[track_caller]
    pub fn set_value(&self, value: Tensor) -> Result<()> {
        if *value.shape() != self.0.leaf.shape || value.dtype() != self.0.leaf.dtype {
            return Err(Error::GradMismatch {
                op: "set_value",
                found: value.shape().clone(),
                found_dtype: value.dtype(),
                expected: self.0.leaf.shape.clone(),
                expected_dtype: self.0.leaf.dtype,
                location: Location::caller(),
            });
        }
        *self.0.value.write().unwrap_or_else(PoisonError::into_inner) = value;
        Ok(())
    }

    /// Lets `write` change the value in place: how an optimizer steps. Storage that a live graph still reads is
    /// copied first, so no saved value ever changes.
    pub fn update<R>(&self, write: impl FnOnce(&mut Tensor) -> R) -> R {
        write(&mut self.0.value.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The gradient gathered so far; `None` before the first backward and after [`zero_grad`](Parameter::zero_grad).
    pub fn grad(&self) -> Option<Tensor> {
        self.0.leaf.grad().clone()
    }

    /// Sets or clears the gradient.
    ///
    /// # Errors
    /// If the shape or dtype differs from the value's.
    #[track_caller]
    pub fn set_grad(&self, grad: Option<Tensor>) -> Result<()> {
        set_leaf_grad(&self.0.leaf, grad, "set_grad", Location::caller())
    }

    /// Clears the gradient to none: the next backward starts from nothing, and a step skips this parameter.
    pub fn zero_grad(&self) {
        *self.0.leaf.grad() = None;
    }

    /// Lets `write` change the gradient in place: how gradients are clipped.
    pub fn update_grad<R>(&self, write: impl FnOnce(&mut Tensor) -> R) -> Option<R> {
        self.0.leaf.grad().as_mut().map(write)
    }

    /// Whether gradients are gathered.
    pub fn requires_grad(&self) -> bool {
        self.0.requires_grad.load(Ordering::Relaxed)
    }

    /// Freezes (`false`) or frees the parameter. It acts on computations from then on.
    pub fn set_requires_grad(&self, requires_grad: bool) {
        self.0.requires_grad.store(requires_grad, Ordering::Relaxed);
    }

    /// The sizes of the dimensions; they never change.
    pub fn shape(&self) -> &Shape {
        &self.0.leaf.shape
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.0.leaf.shape.numel()
    }

    /// The type of the elements; it never changes.
    pub fn dtype(&self) -> DType {
        self.0.leaf.dtype
    }

    pub(crate) fn leaf(&self) -> &Arc<Leaf> {
        &self.0.leaf
    }

    /// A handle that does not keep the parameter alive.
    pub(crate) fn downgrade(&self) -> WeakParameter {
        WeakParameter(Arc::downgrade(&self.0))
    }

    /// Whether both are handles on one parameter.
    pub fn is(&self, other: &Parameter) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameter {} {}", self.dtype(), self.shape())
    }
}
