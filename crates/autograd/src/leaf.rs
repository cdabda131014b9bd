//! A leaf: where a gradient comes to rest.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tensor_core::{DType, Shape, Tensor};

/// Changes or reads a gradient on its way; `Some` replaces it.
pub(crate) type Hook = Arc<dyn Fn(&crate::Var) -> Option<crate::Var> + Send + Sync>;

/// The gradient of one value that the user made, shared by all handles on the value.
pub(crate) struct Leaf {
    pub shape: Shape,
    pub dtype: DType,
    grad: Mutex<Option<Tensor>>,
    hooks: Mutex<Vec<Hook>>,
}

impl Leaf {
    pub fn new(value: &Tensor) -> Arc<Self> {
        let (shape, dtype) = (value.shape().clone(), value.dtype());
        Arc::new(Self { shape, dtype, grad: Mutex::new(None), hooks: Mutex::new(Vec::new()) })
    }

    /// The gradient, locked.
    pub fn grad(&self) -> MutexGuard<'_, Option<Tensor>> {
        // A panic while the lock was held leaves a whole Option behind.
        self.grad.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hooks, locked.
    pub fn hooks(&self) -> MutexGuard<'_, Vec<Hook>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
