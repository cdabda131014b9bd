//! The switch between training and evaluation.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a layer is in training. A layer that computes differently in training and evaluation has a field of this
/// type and asks it; [`Module::train`](crate::Module::train) and [`Module::eval`](crate::Module::eval) set it.
///
/// ```
/// let training = nn::Training::default();
/// assert!(training.get());
/// ```
#[derive(Debug)]
pub struct Training(AtomicBool);

impl Training {
    /// Whether the layer is in training.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Switches.
    pub fn set(&self, training: bool) {
        self.0.store(training, Ordering::Relaxed);
    }
}

/// In training, as PyTorch's modules start.
impl Default for Training {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}
