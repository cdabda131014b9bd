//! `x[1, 2:5, None, mask]`: one list of integers, ranges, index tensors and masks for reading and for writing.

use super::binary::Arithmetic;
use super::index_select::checked_indices;
use crate::dtype::{dispatch_all, dispatch_number};
use crate::kernel::pick::Picks;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

/// What to take of a dimension. Integers, ranges and tensors convert into it: `x.index((1, .., 0..2, &mask))`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Index {
    /// One element, counted from the end if negative; the dimension goes away.
    At(isize),
    /// Every `step`-th element of `start..end`, as Python's slices: negative bounds count from the end, bounds outside
    /// are cut.
    Range {
        /// The first element.
        start: isize,
        /// The end, which is not taken; `isize::MAX` for all.
        end: isize,
        /// The step, at least 1.
        step: usize,
    },
    /// As many whole dimensions as the rest of the list leaves: Python's `...`.
    Ellipsis,
    /// A new dimension of size 1: Python's `None`.
    NewAxis,
    /// The elements that an i64 or i32 tensor names, or those where a bool tensor, which stands for as many dimensions
    /// as it has, is true.
    Tensor(Tensor),
}

impl Index {
    /// The range with another step: `Index::from(1..).step(2)`. Anything but a range stays as it is.
    pub fn step(self, step: usize) -> Self {
        match self {
            Index::Range { start, end, .. } => Index::Range { start, end, step },
            other => other,
        }
    }

    fn range(start: isize, end: isize) -> Self {
        Index::Range { start, end, step: 1 }
    }

    /// The dimensions that this stands for.
    fn consumed(&self) -> usize {
        match self {
            Index::At(_) | Index::Range { .. } => 1,
            Index::Ellipsis | Index::NewAxis => 0,
            Index::Tensor(mask) if mask.dtype() == DType::Bool => mask.rank(),
            Index::Tensor(_) => 1,
        }
    }
}

/// One past the last element of an inclusive range; -1 is the very last.
fn past(last: isize) -> isize {
    if last == -1 { isize::MAX } else { last.saturating_add(1) }
}

macro_rules! from {
    ($($t:ty, $x:ident => $index:expr;)*) => {$(
        impl From<$t> for Index {
            fn from($x: $t) -> Self {
                $index
            }
        }
    )*};
}
from! {
    isize, at => Index::At(at);
    std::ops::Range<isize>, range => Index::range(range.start, range.end);
    std::ops::RangeFrom<isize>, range => Index::range(range.start, isize::MAX);
    std::ops::RangeTo<isize>, range => Index::range(0, range.end);
    std::ops::RangeInclusive<isize>, range => Index::range(*range.start(), past(*range.end()));
    std::ops::RangeToInclusive<isize>, range => Index::range(0, past(range.end));
    std::ops::RangeFull, _range => Index::range(0, isize::MAX);
    Tensor, index => Index::Tensor(index);
    &Tensor, index => Index::Tensor(index.clone());
}

/// An index for each dimension from the first on: one [`Index`], a tuple of up to six, or a list.
pub trait Indices {
    /// The list.
    fn to_indices(self) -> Vec<Index>;
}

impl<T: Into<Index>> Indices for T {
    fn to_indices(self) -> Vec<Index> {
        vec![self.into()]
    }
}

impl Indices for &[Index] {
    fn to_indices(self) -> Vec<Index> {
        self.to_vec()
    }
}

macro_rules! tuples {
    ($(($($t:ident),*))*) => {$(
        impl<$($t: Into<Index>),*> Indices for ($($t,)*) {
            #[expect(non_snake_case, reason = "one name for the type and its value")]
            fn to_indices(self) -> Vec<Index> {
                let ($($t,)*) = self;
                vec![$($t.into()),*]
            }
        }
    )*};
}
tuples! { (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) }

/// A tensor with integers, ranges and new dimensions applied, and the index tensors of the rest.
struct Plan {
    view: Tensor,
    /// The first of the dimensions that have index tensors; they lie side by side.
    at: usize,
    indices: Vec<Tensor>,
    /// What the index tensors broadcast to.
    picked: Shape,
}

impl Plan {
    #[track_caller]
    fn new(op: &'static str, x: &Tensor, indices: &[Index]) -> Result<Plan> {
        let consumed: usize = indices.iter().map(Index::consumed).sum();
        let ellipses = indices.iter().filter(|index| matches!(index, Index::Ellipsis)).count();
        if consumed > x.rank() || ellipses > 1 {
            let value = format!("for {consumed} dimensions with {ellipses} ellipses");
            let expected = "no more dimensions than the tensor has, and at most one ellipsis";
            return Err(Error::new(op, ErrorKind::Argument { argument: "indices", value, expected }));
        }
        let mut view = x.clone();
        let mut dim = 0;
        let mut tensors: Vec<(usize, Tensor)> = Vec::new();
        for index in indices {
            let d = dim as isize;
            match index {
                Index::At(at) => view = view.select(d, *at).map_err(|e| e.of(op))?,
                Index::Range { start, end, step } => {
                    view = view.slice(d, *start, *end, *step).map_err(|e| e.of(op))?;
                    dim += 1;
                }
                Index::Ellipsis => dim += x.rank() - consumed,
                Index::NewAxis => {
                    view = view.unsqueeze(d)?;
                    dim += 1;
                }
                Index::Tensor(mask) if mask.dtype() == DType::Bool => {
                    if mask.rank() == 0 {
                        view = view.unsqueeze(d)?;
                    }
                    for places in mask_indices(op, mask, &view, dim)? {
                        tensors.push((dim, places));
                        dim += 1;
                    }
                }
                // PyTorch takes a 0-d index for the integer that it holds.
                Index::Tensor(at) if at.rank() == 0 && at.dtype() == DType::I64 => {
                    view = view.select(d, at.item::<i64>()? as isize).map_err(|e| e.of(op))?;
                }
                Index::Tensor(places) => {
                    tensors.push((dim, places.clone()));
                    dim += 1;
                }
            }
        }
        Plan::of(op, view, tensors)
    }

    /// Where index tensors are separated by other dimensions, theirs come first, as in PyTorch and NumPy.
    #[track_caller]
    fn of(op: &'static str, mut view: Tensor, tensors: Vec<(usize, Tensor)>) -> Result<Plan> {
        let mut picked = Shape::default();
        for (_, places) in &tensors {
            picked = picked.broadcast(op, places.shape())?;
        }
        let mut at = tensors.first().map_or(0, |(dim, _)| *dim);
        if tensors.windows(2).any(|pair| pair[0].0 + 1 != pair[1].0) {
            let indexed = |d: &usize| tensors.iter().any(|(dim, _)| dim == d);
            let (first, rest): (Vec<usize>, Vec<usize>) = (0..view.rank()).partition(indexed);
            let order: Vec<isize> = first.into_iter().chain(rest).map(|d| d as isize).collect();
            view = view.permute(order)?;
            at = 0;
        }
        let indices = tensors
            .into_iter()
            .map(|(_, places)| places.broadcast_to(&picked))
            .collect::<Result<Vec<_>>>()?;
        Ok(Plan { view, at, indices, picked })
    }

    fn end(&self) -> usize {
        self.at + self.indices.len()
    }

    fn shape(&self) -> Shape {
        let sizes = self.view.shape();
        let (before, after) = (&sizes[..self.at], &sizes[self.end()..]);
        before.iter().chain(self.picked.iter()).chain(after).copied().collect()
    }

    /// The places, counted from storage element `origin`.
    #[track_caller]
    fn picks(&self, op: &'static str, origin: usize) -> Result<Picks> {
        let (sizes, steps) = (self.view.shape(), self.view.strides());
        let mut offsets = Vec::new();
        for (d, places) in (self.at..).zip(&self.indices) {
            let places = checked_indices(op, places, d, sizes[d])?;
            let steps = places.dense::<i64>().iter().map(|&place| place as usize * steps[d]);
            if offsets.is_empty() {
                offsets = steps.collect();
            } else {
                offsets.iter_mut().zip(steps).for_each(|(offset, step)| *offset += step);
            }
        }
        if self.indices.is_empty() {
            offsets.push(0);
        }
        let (at, end) = (self.at, self.end());
        // A view without elements starts at 0, wherever the tensor does.
        let offset = self.view.layout.offset.saturating_sub(origin);
        let (before, after) = ((&sizes[..at], &steps[..at]), (&sizes[end..], &steps[end..]));
        Picks::new(offset, before, offsets, after).ok_or_else(|| no_memory(op, &sizes[..at]))
    }
}

/// There is no room for an offset of each element of `sizes`.
#[cold]
#[track_caller]
pub(super) fn no_memory(op: &'static str, sizes: &[usize]) -> Error {
    Error::new(
        op,
        ErrorKind::OutOfMemory { bytes: Shape::new(sizes).numel().saturating_mul(size_of::<usize>()) },
    )
}

/// The index tensors that a mask over dimensions `dim..` of `view` stands for.
#[track_caller]
fn mask_indices(op: &'static str, mask: &Tensor, view: &Tensor, dim: usize) -> Result<Vec<Tensor>> {
    if mask.rank() == 0 {
        let count = usize::from(mask.item::<bool>()?);
        return Ok(vec![Tensor::zeros([count], DType::I64)?]);
    }
    let masked = &view.shape()[dim..dim + mask.rank()];
    if **mask.shape() != *masked {
        let (found, expected) = (mask.shape().clone(), format!("{masked:?}, the dimensions that it masks"));
        return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "mask", found, expected }));
    }
    mask.nonzero_tuple()
}

impl Tensor {
    /// The elements that `indices` name, as `x[...]` in PyTorch: integers, ranges, [`Index::Ellipsis`],
    /// [`Index::NewAxis`], index tensors and bool masks, for the dimensions from the first on. Without tensors among
    /// them the result is a view.
    ///
    /// Index tensors broadcast together. Their dimensions replace the indexed ones where those lie side by side, and
    /// come first where they do not. (An integer beside an index tensor takes its dimension away first, as in PyTorch,
    /// where NumPy would broadcast it.)
    ///
    /// # Errors
    /// If there are more indices than dimensions, one is out of range, a mask has another shape than what it masks, or
    /// an index tensor is not i64, i32 or bool.
    ///
    /// ```
    /// use tensor_core::{DType, Index, Tensor};
    /// let x = Tensor::arange(0.0, 12.0, 1.0, DType::I64)?.reshape([3, 4])?;
    /// assert_eq!(x.index((1, ..2))?.to_vec::<i64>()?, [4, 5]);
    /// assert_eq!(x.index((Index::Ellipsis, Index::from(1..).step(2)))?.to_vec::<i64>()?, [1, 3, 5, 7, 9, 11]);
    /// let rows = Tensor::from_vec(vec![2i64, 0], [2])?;
    /// assert_eq!(x.index((&rows, -1))?.to_vec::<i64>()?, [11, 3]);
    /// assert_eq!(x.index(x.gt_scalar(8)?)?.to_vec::<i64>()?, [9, 10, 11]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn index(&self, indices: impl Indices) -> Result<Tensor> {
        const OP: &str = "index";
        let indices = indices.to_indices();
        if let [Index::Tensor(mask)] = &indices[..]
            && mask.dtype() == DType::Bool
            && mask.shape() == self.shape()
            && mask.rank() > 0
        {
            return self.masked_select(mask);
        }
        let plan = Plan::new(OP, self, &indices)?;
        if plan.indices.is_empty() {
            return Ok(plan.view);
        }
        let picks = plan.picks(OP, 0)?;
        dispatch_all!(self.dtype(), T => {
            Tensor::build::<T>(OP, plan.shape(), |out| picks.take(self.storage.slice::<T>(), out))
        })
    }

    /// This tensor with `values` at the places that `indices` name, as `x[...] = values` in PyTorch, or added there
    /// with `accumulate`: `torch.index_put`. `values` broadcasts to the shape of [`index`](Tensor::index). Where a
    /// place is named twice the last value stays, or all are added, in order.
    ///
    /// # Errors
    /// As [`index`](Tensor::index), and if `values` does not broadcast, has another dtype, or bools are to be added.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let x = Tensor::zeros([2, 3], DType::F32)?;
    /// let y = x.index_put((.., 1), &Tensor::scalar(5.0f32)?, false)?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 5.0, 0.0, 0.0, 5.0, 0.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn index_put(&self, indices: impl Indices, values: &Tensor, accumulate: bool) -> Result<Tensor> {
        const OP: &str = "index_put";
        self.same_dtype(OP, values)?;
        let base = self.contiguous()?;
        let plan = Plan::new(OP, &base, &indices.to_indices())?;
        let shape = plan.shape();
        if !values.shape().broadcasts_to(&shape) {
            let (found, expected) = (values.shape().clone(), format!("what broadcasts to {shape}"));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "values", found, expected }));
        }
        let picks = plan.picks(OP, base.layout.offset)?;
        base.put(OP, &picks, &values.broadcast_to(&shape)?, accumulate)
    }

    /// A copy of this row-major tensor with the elements of `source` written or added at `picks`.
    #[track_caller]
    pub(crate) fn put(
        &self,
        op: &'static str,
        picks: &Picks,
        source: &Tensor,
        accumulate: bool,
    ) -> Result<Tensor> {
        let (base, source) = (self, source.contiguous()?);
        if accumulate {
            return dispatch_number!(op, [base, source], T => Tensor::build::<T>(op, self.shape().clone(), |out| {
                out.copy_from_slice(base.dense::<T>());
                picks.put(out, source.dense::<T>(), |y, value| *y = y.plus(value));
            }));
        }
        dispatch_all!(self.dtype(), T => Tensor::build::<T>(op, self.shape().clone(), |out| {
            out.copy_from_slice(base.dense::<T>());
            picks.put(out, source.dense::<T>(), |y, value| *y = value);
        }))
    }
}
