//! A leaf: where a gradient comes to rest.

use crate::hook::{GradHook, LeafHook};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tensor_core::{DType, Shape, Tensor};

/// The gradient of one value that the user made, shared by all handles on the value.
pub(crate) struct Leaf {
    pub shape: Shape,
    pub dtype: DType,
    grad: Mutex<Option<Tensor>>,
    hooks: Mutex<Hooks>,
}

/// What runs when a backward has brought the last gradient, each with its number.
#[derive(Default)]
pub(crate) struct Hooks {
    pub grad: Vec<(u64, GradHook)>,
    pub accumulated: Vec<(u64, LeafHook)>,
}

impl Hooks {
    pub fn is_empty(&self) -> bool {
        self.grad.is_empty() && self.accumulated.is_empty()
    }
}

impl Leaf {
    pub fn new(value: &Tensor) -> Arc<Self> {
        let (shape, dtype) = (value.shape().clone(), value.dtype());
        Arc::new(Self { shape, dtype, grad: Mutex::new(None), hooks: Mutex::default() })
    }

    /// The gradient, locked.
    pub fn grad(&self) -> MutexGuard<'_, Option<Tensor>> {
        // A panic while the lock was held leaves a whole Option behind.
        self.grad.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hooks, locked.
    pub fn hooks(&self) -> MutexGuard<'_, Hooks> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
