//! Views through other strides: windows, diagonals, and the sum that undoes them.

use super::binary::Arithmetic;
use crate::dtype::dispatch_number;
use crate::kernel::walk::Walk;
use crate::layout::{Layout, Strides};
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};
use smallvec::SmallVec;

impl Tensor {
    /// A view that reads element `i` of `shape` at row-major position `offset + Σ i[d] · strides[d]` of this tensor:
    /// `torch.as_strided` of a contiguous tensor. Places may overlap.
    ///
    /// # Errors
    /// If there is not one stride for each size, or a place lies outside the tensor.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let x = Tensor::arange(0.0, 4.0, 1.0, DType::I64)?;
    /// assert_eq!(x.as_strided([3, 2], &[1, 1], 0)?.to_vec::<i64>()?, [0, 1, 1, 2, 2, 3]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn as_strided(&self, shape: impl AsRef<[usize]>, strides: &[usize], offset: usize) -> Result<Tensor> {
        const OP: &str = "as_strided";
        let shape = Shape::new(shape.as_ref());
        shape.checked_numel(OP, self.dtype().size())?;
        self.shape().holds(OP, &shape, strides, offset)?;
        let base = self.contiguous()?;
        let offset = offset.saturating_add(base.layout.offset);
        Ok(base.with_layout(Layout::new(shape, Strides::from_slice(strides), offset)))
    }

    /// Zeros of `shape` with each element of this tensor added where [`as_strided`](Tensor::as_strided) with these
    /// strides and offset would read it: the gradient of that view.
    ///
    /// # Errors
    /// If a place lies outside `shape`.
    #[track_caller]
    pub fn as_strided_scatter_zeros(
        &self,
        shape: &Shape,
        strides: &[usize],
        offset: usize,
    ) -> Result<Tensor> {
        const OP: &str = "as_strided_scatter_zeros";
        shape.holds(OP, self.shape(), strides, offset)?;
        if self.dtype() == DType::Bool {
            let bytes = self.to_dtype(DType::U8)?;
            return bytes.as_strided_scatter_zeros(shape, strides, offset)?.to_dtype(DType::Bool);
        }
        let x = self.contiguous()?;
        let walk = Walk::new(self.shape(), [strides]);
        dispatch_number!(OP, [x], T => Tensor::build::<T>(OP, shape.clone(), |out| {
            out.fill(T::default());
            let (x, [step]) = (x.dense::<T>(), walk.inner_strides());
            for (at, length, [to]) in walk.rows(0, x.len()) {
                for (i, &value) in x[at..at + length].iter().enumerate() {
                    let y = &mut out[offset + to + i * step];
                    *y = y.plus(value);
                }
            }
        }))
    }

    /// Where the first element lies in storage, in elements: `torch.Tensor.storage_offset`.
    pub fn storage_offset(&self) -> usize {
        self.layout.offset
    }

    /// All windows of `size` elements of dimension `dim`, `step` apart, as a new last dimension:
    /// `torch.Tensor.unfold`. A view.
    ///
    /// # Errors
    /// If `size` exceeds the dimension or `step` is 0.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let x = Tensor::arange(0.0, 5.0, 1.0, DType::I64)?;
    /// assert_eq!(x.unfold(0, 3, 2)?.to_vec::<i64>()?, [0, 1, 2, 2, 3, 4]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn unfold(&self, dim: isize, size: usize, step: usize) -> Result<Tensor> {
        const OP: &str = "unfold";
        let at = self.shape().dim(OP, dim)?;
        let length = self.shape().get(at).copied().unwrap_or(1);
        if size > length || step == 0 {
            let value = format!("{size}, {step} for dimension {at} of size {length}");
            let expected = "a size within the dimension and a step of at least 1";
            return Err(Error::new(OP, ErrorKind::Argument { argument: "size, step", value, expected }));
        }
        let (mut shape, mut strides) = (self.shape().clone(), Strides::from_slice(self.strides()));
        let stride = strides.get(at).copied().unwrap_or(1);
        if let (Some(n), Some(s)) = (shape.sizes_mut().get_mut(at), strides.get_mut(at)) {
            *n = (length - size) / step + 1;
            *s = stride.saturating_mul(step);
        }
        shape.push(size);
        strides.push(stride);
        shape.checked_numel(OP, self.dtype().size())?;
        Ok(self.with_layout(Layout::new(shape, strides, self.layout.offset)))
    }

    /// Diagonal number `offset` (0 is the main one, positive ones lie above it) of the matrices in dimensions `dim1`
    /// and `dim2`, as a new last dimension: `torch.diagonal`, whose defaults are 0, 0, 1. A view.
    ///
    /// # Errors
    /// If there are no such two dimensions.
    #[track_caller]
    pub fn diagonal(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
        let layout = diagonal("diagonal", &self.layout, offset, dim1, dim2)?;
        Ok(self.with_layout(layout))
    }

    /// Matrices in dimensions `dim1` and `dim2` of the result, 0 but on diagonal number `offset`, which holds the last
    /// dimension of this tensor: `torch.diag_embed`, whose defaults are 0, -2, -1.
    ///
    /// # Errors
    /// If the tensor is 0-d or the result has no such two dimensions.
    #[track_caller]
    pub fn diag_embed(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
        const OP: &str = "diag_embed";
        let Some((&length, lead)) = self.shape().split_last() else {
            let (found, expected) = (self.shape().clone(), "at least 1 dimension".to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        };
        let size = length.saturating_add(offset.unsigned_abs());
        let mut shape: Shape = lead.iter().copied().chain([size, size]).collect();
        let (a, b) = (shape.dim(OP, dim1)?, shape.dim(OP, dim2)?);
        let mut sizes = lead.iter().copied();
        for d in 0..shape.len() {
            shape.sizes_mut()[d] = if d == a || d == b { size } else { sizes.next().unwrap_or(size) };
        }
        shape.checked_numel(OP, self.dtype().size())?;
        let layout = diagonal(OP, &Layout::contiguous(shape.clone()), offset, dim1, dim2)?;
        self.as_strided_scatter_zeros(&shape, &layout.strides, layout.offset)
    }

    /// Diagonal number `diagonal` of a matrix, or the matrix with this 1-d tensor on that diagonal: `torch.diag`.
    ///
    /// # Errors
    /// If there are not one or two dimensions.
    #[track_caller]
    pub fn diag(&self, diagonal: isize) -> Result<Tensor> {
        match self.rank() {
            1 => self.diag_embed(diagonal, 0, 1),
            2 => self.diagonal(diagonal, 0, 1),
            _ => {
                let (found, expected) = (self.shape().clone(), "1 or 2 dimensions".to_string());
                Err(Error::new("diag", ErrorKind::ShapeMismatch { argument: "input", found, expected }))
            }
        }
    }
}

/// The layout of a diagonal of the matrices in two dimensions of `layout`.
#[track_caller]
fn diagonal(op: &'static str, layout: &Layout, offset: isize, dim1: isize, dim2: isize) -> Result<Layout> {
    let (a, b) = (layout.shape.dim(op, dim1)?, layout.shape.dim(op, dim2)?);
    if a == b {
        return Err(Error::new(op, ErrorKind::DimRepeated { dim: a }));
    }
    let (down, right) = if offset < 0 { (offset.unsigned_abs(), 0) } else { (0, offset.unsigned_abs()) };
    let (rows, cols) = (layout.shape[a].saturating_sub(down), layout.shape[b].saturating_sub(right));
    let length = rows.min(cols);
    let rest = |values: &[usize]| -> SmallVec<[usize; 4]> {
        (0..values.len()).filter(|&d| d != a && d != b).map(|d| values[d]).collect()
    };
    let (mut shape, mut strides) = (rest(&layout.shape), rest(&layout.strides));
    shape.push(length);
    strides.push(layout.strides[a] + layout.strides[b]);
    // A diagonal that misses the matrix has no elements, and its start does not count.
    let start = if length == 0 { 0 } else { down * layout.strides[a] + right * layout.strides[b] };
    Ok(Layout::new(Shape::new(&shape), strides, layout.offset + start))
}

impl Shape {
    /// Whether a row-major tensor of this shape has all places of a view.
    #[track_caller]
    fn holds(&self, op: &'static str, view: &Shape, strides: &[usize], offset: usize) -> Result<()> {
        let last = view
            .iter()
            .zip(strides)
            .try_fold(offset, |last, (&n, &step)| n.saturating_sub(1).checked_mul(step)?.checked_add(last));
        let inside = view.numel() == 0 || last.is_some_and(|last| last < self.numel());
        if view.len() == strides.len() && inside {
            return Ok(());
        }
        let value = format!("{view}, {strides:?}, {offset} for {} elements", self.numel());
        let expected = "a stride for each size and places inside the tensor";
        Err(Error::new(op, ErrorKind::Argument { argument: "shape, strides, offset", value, expected }))
    }
}
