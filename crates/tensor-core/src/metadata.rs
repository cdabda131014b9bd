//! What is known of a tensor without its elements.

use crate::layout::Layout;
use crate::{DType, Shape, Tensor};
use std::sync::Arc;

/// The shape and the dtype of a tensor, without its elements: what a graph keeps of each input. Cloning copies a handle.
///
/// ```
/// use tensor_core::{DType, Tensor};
/// let x = Tensor::ones([2, 3], DType::F64)?.metadata();
/// assert_eq!((x.shape().to_string().as_str(), x.dtype()), ("[2, 3]", DType::F64));
/// # Ok::<(), tensor_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Metadata {
    layout: Arc<Layout>,
    dtype: DType,
}

impl Metadata {
    /// The sizes of the dimensions.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.layout.shape
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Whether `tensor` has this shape and dtype.
    #[inline]
    pub fn fits(&self, tensor: &Tensor) -> bool {
        // Results of one shape mostly share one layout.
        let same_shape =
            Arc::ptr_eq(&self.layout, &tensor.layout) || self.layout.shape == tensor.layout.shape;
        same_shape && self.dtype == tensor.dtype()
    }
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.dtype, self.shape())
    }
}

impl Tensor {
    /// The shape and the dtype, without the elements.
    #[inline]
    pub fn metadata(&self) -> Metadata {
        Metadata { layout: Arc::clone(&self.layout), dtype: self.dtype() }
    }
}
