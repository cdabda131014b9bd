//! Where elements lie in storage: shape, strides and offset.

use crate::Shape;
use crate::shape::INLINE_RANK;
use smallvec::SmallVec;

/// Steps between neighbours of each dimension, in elements.
pub(crate) type Strides = SmallVec<[usize; INLINE_RANK]>;

/// Element `i` of the shape lies at `offset + Σ i[d] * strides[d]`. Tensors share it: a result of its input's shape
/// has its input's layout.
#[derive(Debug)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub strides: Strides,
    pub offset: usize,
    /// The number of elements, which every operation asks for.
    pub numel: usize,
    /// Whether elements lie side by side in row-major order, which every operation asks for.
    pub contiguous: bool,
}

impl Layout {
    #[inline]
    pub fn new(shape: Shape, strides: Strides, offset: usize) -> Self {
        let numel = shape.numel();
        let contiguous = numel == 0 || is_row_major(&shape, &strides);
        // A view without elements may start anywhere, also past the end of a storage without elements.
        let offset = if numel == 0 { 0 } else { offset };
        Self { shape, strides, offset, numel, contiguous }
    }

    /// A row-major layout that starts at 0.
    #[inline]
    pub fn contiguous(shape: Shape) -> Self {
        let strides = shape.contiguous_strides();
        let numel = shape.numel();
        Self { shape, strides, offset: 0, numel, contiguous: true }
    }

    /// Strides that read this layout as if it had the larger shape `target`: 0 where a size is repeated.
    #[inline]
    pub fn broadcast_strides(&self, target: &Shape) -> Strides {
        let lead = target.len() - self.shape.len();
        let mut strides: Strides = SmallVec::from_elem(0, target.len());
        for (i, (&dim, &stride)) in self.shape.iter().zip(&self.strides).enumerate() {
            strides[lead + i] = if dim == 1 { 0 } else { stride };
        }
        strides
    }
}

fn is_row_major(shape: &Shape, strides: &[usize]) -> bool {
    let mut step = 1;
    for (&dim, &stride) in shape.iter().zip(strides).rev() {
        if dim != 1 {
            if stride != step {
                return false;
            }
            step *= dim;
        }
    }
    true
}
