//! A tensor that belongs to a module and is not trained.

use crate::{Error, Result};
use autograd::Tensor;
use std::sync::{Arc, PoisonError, RwLock};

/// Part of a module's state that no optimizer changes: running statistics, tables, masks. Cloning copies a handle.
///
/// A persistent buffer is saved with the parameters.
#[derive(Clone)]
pub struct Buffer(Arc<Inner>);

struct Inner {
    value: RwLock<Tensor>,
    persistent: bool,
}

impl Buffer {
    /// A buffer that is saved in [`state_dict`](crate::Module::state_dict).
    pub fn new(value: Tensor) -> Self {
        Self(Arc::new(Inner { value: RwLock::new(value), persistent: true }))
    }

    /// A buffer that is not saved: one that the module's settings determine.
    pub fn non_persistent(value: Tensor) -> Self {
        Self(Arc::new(Inner { value: RwLock::new(value), persistent: false }))
    }

    /// Whether the buffer is saved.
    pub fn is_persistent(&self) -> bool {
        self.0.persistent
    }

    /// The value, sharing storage until the next write.
    pub fn value(&self) -> Tensor {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// If shape or dtype differ from the present value's.
    pub fn set_value(&self, value: Tensor) -> Result<()> {
        let mut held = self.0.value.write().unwrap_or_else(PoisonError::into_inner);
        if held.shape() != value.shape() || held.dtype() != value.dtype() {
            return Err(Error::BufferMismatch {
                found: value.shape().clone(),
                found_dtype: value.dtype(),
                expected: held.shape().clone(),
                expected_dtype: held.dtype(),
            });
        }
        *held = value;
        Ok(())
    }

    /// Lets `write` change the value in place, alone.
    pub fn update<R>(&self, write: impl FnOnce(&mut Tensor) -> R) -> R {
        write(&mut self.0.value.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether both are handles on one buffer.
    pub fn is(&self, other: &Buffer) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.value();
        write!(f, "Buffer {} {}", value.dtype(), value.shape())
    }
}
