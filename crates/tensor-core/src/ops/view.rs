//! Other shapes over the same storage. None of these copies, but `reshape` where no view can show the new shape.

use crate::layout::{Layout, Strides};
use crate::{Error, ErrorKind, Result, Shape, Tensor};
use smallvec::SmallVec;

impl Tensor {
    /// The elements, in the same order, in another shape. One size may be -1: it is worked out from the rest.
    /// A view where strides allow it, else a copy, as `torch.reshape`.
    ///
    /// # Errors
    /// If the number of elements differs, or more than one size is -1.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let x = Tensor::arange(0.0, 6.0, 1.0, DType::F32)?;
    /// assert_eq!(*x.reshape([2, -1])?.shape(), [2, 3]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Tensor> {
        let shape = self.infer_shape("reshape", shape.as_ref())?;
        self.reshape_to("reshape", shape)
    }

    /// `reshape` to sizes that are all known.
    #[track_caller]
    pub fn view_as(&self, shape: &Shape) -> Result<Tensor> {
        self.reshape_to("view_as", shape.clone())
    }

    #[track_caller]
    fn infer_shape(&self, op: &'static str, sizes: &[isize]) -> Result<Shape> {
        let unknown = sizes.iter().filter(|&&s| s == -1).count();
        let known = sizes
            .iter()
            .filter(|&&s| s != -1)
            .try_fold(1usize, |n, &s| usize::try_from(s).ok().and_then(|s| n.checked_mul(s)));
        let inferred = match (unknown, known) {
            (0, Some(_)) => 0,
            (1, Some(known)) if known > 0 && self.numel().is_multiple_of(known) => self.numel() / known,
            _ => {
                let value = format!("{sizes:?} for {} elements", self.numel());
                let expected = "sizes whose product is the number of elements, at most one of them -1";
                return Err(Error::new(op, ErrorKind::Argument { argument: "shape", value, expected }));
            }
        };
        Ok(sizes.iter().map(|&s| if s == -1 { inferred } else { s as usize }).collect())
    }

    #[track_caller]
    pub(crate) fn reshape_to(&self, op: &'static str, shape: Shape) -> Result<Tensor> {
        if shape.checked_numel(op, self.dtype().size())? != self.numel() {
            return Err(Error::new(op, ErrorKind::ElementCount { shape, elements: self.numel() }));
        }
        if self.is_contiguous() {
            let strides = shape.contiguous_strides();
            return Ok(self.with_layout(Layout::new(shape, strides, self.layout.offset)));
        }
        if let Some(strides) = self.view_strides(&shape) {
            return Ok(self.with_layout(Layout::new(shape, strides, self.layout.offset)));
        }
        let dense = self.contiguous()?;
        let strides = shape.contiguous_strides();
        Ok(dense.with_layout(Layout::new(shape, strides, dense.layout.offset)))
    }

    /// Strides under which this storage shows `shape`, if there are such. Old dimensions that lie side by side form
    /// blocks; each block must be divided up by new dimensions exactly.
    fn view_strides(&self, shape: &Shape) -> Option<Strides> {
        let old: SmallVec<[(usize, usize); 4]> = self
            .shape()
            .iter()
            .copied()
            .zip(self.layout.strides.iter().copied())
            .filter(|&(size, _)| size != 1)
            .collect();
        let mut strides: Strides = SmallVec::from_elem(1, shape.len());
        let mut new = shape.len();
        let mut last = old.len();
        while last > 0 {
            // A block: old[first..last], each stride the product of what lies inside it.
            let (mut numel, step) = old[last - 1];
            let mut first = last - 1;
            while first > 0 && old[first - 1].1 == numel * step {
                first -= 1;
                numel *= old[first].0;
            }
            let mut stride = step;
            while numel > 1 || (new > 0 && shape[new - 1] == 1) {
                new = new.checked_sub(1)?;
                if shape[new] == 0 || numel % shape[new] != 0 {
                    return None;
                }
                strides[new] = stride;
                stride *= shape[new];
                numel /= shape[new];
            }
            last = first;
        }
        Some(strides)
    }

    /// Shape, strides and offset, to change.
    fn layout_parts(&self) -> (Shape, Strides, usize) {
        (self.shape().clone(), SmallVec::from_slice(&self.layout.strides), self.layout.offset)
    }

    /// Dimensions in another order: dimension `i` of the result is dimension `dims[i]` of this tensor.
    ///
    /// # Errors
    /// If `dims` does not name every dimension once.
    #[track_caller]
    pub fn permute(&self, dims: impl AsRef<[isize]>) -> Result<Tensor> {
        let dims = dims.as_ref();
        if dims.len() != self.rank() {
            let value = format!("{dims:?} for shape {}", self.shape());
            let expected = "every dimension once";
            return Err(Error::new("permute", ErrorKind::Argument { argument: "dims", value, expected }));
        }
        let mut used: SmallVec<[bool; 4]> = SmallVec::from_elem(false, self.rank());
        let (mut shape, mut strides, offset) = self.layout_parts();
        for (i, &dim) in dims.iter().enumerate() {
            let dim = self.shape().dim("permute", dim)?;
            if std::mem::replace(&mut used[dim], true) {
                return Err(Error::new("permute", ErrorKind::DimRepeated { dim }));
            }
            shape.sizes_mut()[i] = self.shape()[dim];
            strides[i] = self.layout.strides[dim];
        }
        Ok(self.with_layout(Layout::new(shape, strides, offset)))
    }

    /// Two dimensions swapped.
    #[track_caller]
    pub fn transpose(&self, dim0: isize, dim1: isize) -> Result<Tensor> {
        let (a, b) = (self.shape().dim("transpose", dim0)?, self.shape().dim("transpose", dim1)?);
        let (mut shape, mut strides, offset) = self.layout_parts();
        if self.rank() > 0 {
            shape.sizes_mut().swap(a, b);
            strides.swap(a, b);
        }
        Ok(self.with_layout(Layout::new(shape, strides, offset)))
    }

    /// The matrix transposed: at most two dimensions, swapped.
    ///
    /// # Errors
    /// If the tensor has more than two dimensions; `transpose` takes any two.
    #[track_caller]
    pub fn t(&self) -> Result<Tensor> {
        match self.rank() {
            0 | 1 => Ok(self.clone()),
            2 => self.transpose(0, 1),
            _ => {
                let expected = "at most 2 dimensions; use transpose(-2, -1)".to_string();
                let found = self.shape().clone();
                Err(Error::new("t", ErrorKind::ShapeMismatch { argument: "input", found, expected }))
            }
        }
    }

    /// The tensor repeated without copying, as if of the larger `shape`: sizes of 1 are repeated, missing leading
    /// dimensions are added. -1 keeps a size, as in PyTorch.
    ///
    /// # Errors
    /// If a size other than 1 would change.
    #[track_caller]
    pub fn expand(&self, shape: impl AsRef<[isize]>) -> Result<Tensor> {
        let sizes = shape.as_ref();
        let lead = sizes.len().checked_sub(self.rank());
        let target: Option<Shape> = lead.and_then(|lead| {
            let size = |(i, &s): (usize, &isize)| {
                if s == -1 && i >= lead { Some(self.shape()[i - lead]) } else { usize::try_from(s).ok() }
            };
            sizes
                .iter()
                .enumerate()
                .map(size)
                .collect::<Option<SmallVec<[usize; 4]>>>()
                .map(|s| Shape::new(&s))
        });
        match target {
            Some(target) if self.shape().broadcasts_to(&target) => self.broadcast_to(&target),
            _ => {
                let value = format!("{sizes:?} for shape {}", self.shape());
                let expected = "at least as many dimensions, where only sizes of 1 change";
                Err(Error::new("expand", ErrorKind::Argument { argument: "shape", value, expected }))
            }
        }
    }

    /// `expand` to sizes that are all known.
    #[track_caller]
    pub fn broadcast_to(&self, shape: &Shape) -> Result<Tensor> {
        if !self.shape().broadcasts_to(shape) {
            let (left, right) = (self.shape().clone(), shape.clone());
            return Err(Error::new("broadcast_to", ErrorKind::Broadcast { left, right }));
        }
        // A view that claims more elements than memory can address would overflow in every loop over it.
        shape.checked_numel("broadcast_to", self.dtype().size())?;
        let strides = self.layout.broadcast_strides(shape);
        Ok(self.with_layout(Layout::new(shape.clone(), strides, self.layout.offset)))
    }

    /// Elements `start..start + length` of dimension `dim`. A negative start counts from the end.
    ///
    /// # Errors
    /// If the range leaves the dimension.
    #[track_caller]
    pub fn narrow(&self, dim: isize, start: isize, length: usize) -> Result<Tensor> {
        self.range("narrow", dim, start, length, 1)
    }

    /// Every `step`-th element of `start..end` of dimension `dim`, as Python's `x[start:end:step]`: negative bounds
    /// count from the end, bounds outside are cut, an empty range is allowed.
    ///
    /// # Errors
    /// If `step` is 0.
    #[track_caller]
    pub fn slice(&self, dim: isize, start: isize, end: isize, step: usize) -> Result<Tensor> {
        let size = self.size_of("slice", dim)? as isize;
        if step == 0 {
            let value = "0".to_string();
            return Err(Error::new(
                "slice",
                ErrorKind::Argument { argument: "step", value, expected: "at least 1" },
            ));
        }
        let bound = |at: isize| (if at < 0 { at.saturating_add(size) } else { at }).clamp(0, size);
        let (start, end) = (bound(start), bound(end));
        let length = (end - start).max(0) as usize;
        self.range("slice", dim, start, length.div_ceil(step), step)
    }

    /// Element `index` of dimension `dim`, without that dimension. A negative index counts from the end.
    #[track_caller]
    pub fn select(&self, dim: isize, index: isize) -> Result<Tensor> {
        let at = self.shape().dim("select", dim)?;
        let size = self.size_of("select", dim)?;
        let start = if index < 0 { index + size as isize } else { index };
        if !(0..size as isize).contains(&start) {
            return Err(Error::new(
                "select",
                ErrorKind::IndexOutOfRange { index: index as i64, dim: at, size },
            ));
        }
        let (mut shape, mut strides, mut offset) = self.layout_parts();
        shape.remove(at);
        let stride = strides.remove(at);
        offset += start as usize * stride;
        Ok(self.with_layout(Layout::new(shape, strides, offset)))
    }

    /// The size of `dim`; a 0-d tensor, which has none, is an error.
    #[track_caller]
    fn size_of(&self, op: &'static str, dim: isize) -> Result<usize> {
        let at = self.shape().dim(op, dim)?;
        let out_of_range = || Error::new(op, ErrorKind::DimOutOfRange { dim, shape: self.shape().clone() });
        self.shape().get(at).copied().ok_or_else(out_of_range)
    }

    #[track_caller]
    fn range(
        &self,
        op: &'static str,
        dim: isize,
        start: isize,
        length: usize,
        step: usize,
    ) -> Result<Tensor> {
        let at = self.shape().dim(op, dim)?;
        let size = self.size_of(op, dim)?;
        let first = if start < 0 { start + size as isize } else { start };
        let fits = usize::try_from(first).is_ok_and(|first| match length {
            0 => first <= size,
            _ => (length - 1)
                .checked_mul(step)
                .and_then(|l| l.checked_add(first))
                .is_some_and(|last| last < size),
        });
        if !fits {
            let value = format!("start {start}, length {length} for dimension {at} of size {size}");
            let expected = "a range inside the dimension";
            return Err(Error::new(op, ErrorKind::Argument { argument: "range", value, expected }));
        }
        let (mut shape, mut strides, mut offset) = self.layout_parts();
        if length > 0 {
            offset += first as usize * strides[at];
        }
        shape.sizes_mut()[at] = length;
        // Of one element and of none the stride does not matter; of more it is within the storage.
        strides[at] = strides[at].saturating_mul(step);
        Ok(self.with_layout(Layout::new(shape, strides, offset)))
    }

    /// A dimension of size 1 inserted before position `dim`; -1 appends one.
    #[track_caller]
    pub fn unsqueeze(&self, dim: isize) -> Result<Tensor> {
        let span = self.rank() as isize + 1;
        let at = if dim < 0 { dim + span } else { dim };
        if !(0..span).contains(&at) {
            return Err(Error::new(
                "unsqueeze",
                ErrorKind::DimOutOfRange { dim, shape: self.shape().clone() },
            ));
        }
        let at = at as usize;
        let (mut shape, mut strides, offset) = self.layout_parts();
        let stride = strides.get(at).zip(shape.get(at)).map_or(1, |(&s, &n)| s * n);
        shape.insert(at, 1);
        strides.insert(at, stride);
        Ok(self.with_layout(Layout::new(shape, strides, offset)))
    }

    /// Dimensions `start..=end` joined into one, as `torch.flatten`; a 0-d tensor becomes `[1]`.
    #[track_caller]
    pub fn flatten(&self, start: isize, end: isize) -> Result<Tensor> {
        let (first, last) = (self.shape().dim("flatten", start)?, self.shape().dim("flatten", end)?);
        if self.rank() == 0 {
            return self.reshape_to("flatten", Shape::from([1]));
        }
        if first > last {
            let value = format!("{start}, {end}");
            let expected = "start not after end";
            return Err(Error::new(
                "flatten",
                ErrorKind::Argument { argument: "dimensions", value, expected },
            ));
        }
        let sizes = self.shape();
        let joined: usize = sizes[first..=last].iter().product();
        let shape =
            sizes[..first].iter().copied().chain([joined]).chain(sizes[last + 1..].iter().copied()).collect();
        self.reshape_to("flatten", shape)
    }
}
