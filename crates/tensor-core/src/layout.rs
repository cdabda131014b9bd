//! Where elements lie in storage: shape, strides and offset.

use crate::Shape;
use crate::shape::INLINE_RANK;
use smallvec::SmallVec;

/// Steps between neighbours of each dimension, in elements.
pub(crate) type Strides = SmallVec<[usize; INLINE_RANK]>;

/// Element `i` of the shape lies at `offset + Σ i[d] * strides[d]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub strides: Strides,
    pub offset: usize,
}

impl Layout {
    /// A row-major layout that starts at 0.
    #[inline]
    pub fn contiguous(shape: Shape) -> Self {
        let strides = shape.contiguous_strides();
        Self { shape, strides, offset: 0 }
    }

    /// Whether elements lie side by side in row-major order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        let mut step = 1;
        for (&dim, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if dim != 1 {
                if stride != step {
                    // A tensor without elements has no neighbours to be out of place.
                    return self.shape.contains(&0);
                }
                step *= dim;
            }
        }
        true
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
