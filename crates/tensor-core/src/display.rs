//! Printing, as PyTorch prints.

use crate::Tensor;

impl std::fmt::Display for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tensor({}, {})", self.shape(), self.dtype())
    }
}
