//! Shapes: sizes with checked products, broadcasting, and dimension arguments.

use crate::{Error, ErrorKind, Result};
use smallvec::SmallVec;

/// Sizes of up to this many dimensions are stored without an allocation.
pub(crate) const INLINE_RANK: usize = 4;

/// The sizes of a tensor's dimensions. Reads as a slice of `usize`; prints as `[2, 3]`.
///
/// ```
/// use tensor_core::Shape;
/// let shape = Shape::from([2, 3]);
/// assert_eq!(shape[1], 3);
/// assert_eq!(shape.to_string(), "[2, 3]");
/// assert_eq!(shape.numel(), 6);
/// ```
#[derive(Eq, Default)]
pub struct Shape(SmallVec<[usize; INLINE_RANK]>);

impl Clone for Shape {
    #[inline]
    fn clone(&self) -> Self {
        // Copies the sizes at once, where the derived clone would push one after another.
        Self::new(&self.0)
    }
}

impl PartialEq for Shape {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // A loop, where slices would be compared by a call, which costs more than the few sizes.
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a == b)
    }
}

impl std::hash::Hash for Shape {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Shape {
    /// The sizes `dims`, copied.
    #[inline]
    pub fn new(dims: &[usize]) -> Self {
        Self(SmallVec::from_slice(dims))
    }

    /// The number of elements. A shape inside a tensor never overflows; for any other the product saturates.
    #[inline]
    pub fn numel(&self) -> usize {
        if self.0.contains(&0) {
            return 0;
        }
        self.0.iter().fold(1usize, |n, &d| n.saturating_mul(d))
    }

    /// The number of elements of `size` bytes each, or an error where their bytes exceed what memory can address.
    #[track_caller]
    pub(crate) fn checked_numel(&self, op: &'static str, size: usize) -> Result<usize> {
        // A zero size must not hide an overflow beside it: PyTorch refuses [0, 2^40, 2^40] strides too.
        let bytes = self.0.iter().filter(|&&d| d != 0).try_fold(size, |n, &d| n.checked_mul(d));
        match bytes {
            Some(bytes) if bytes <= isize::MAX as usize => Ok(self.numel()),
            _ => Err(Error::new(op, ErrorKind::ShapeOverflow { shape: self.to_vec() })),
        }
    }

    /// Strides of a row-major layout, in elements.
    #[inline]
    pub(crate) fn contiguous_strides(&self) -> SmallVec<[usize; INLINE_RANK]> {
        let mut strides: SmallVec<[usize; INLINE_RANK]> = SmallVec::from_elem(1, self.0.len());
        let mut step = 1usize;
        for (stride, &dim) in strides.iter_mut().zip(&self.0).rev() {
            *stride = step;
            step = step.saturating_mul(dim.max(1));
        }
        strides
    }

    /// Refuses a shape of another number of dimensions.
    ///
    /// # Errors
    /// If there are not `rank` dimensions, of `op` for its `argument`.
    #[track_caller]
    pub fn expect_rank(&self, op: &'static str, argument: &'static str, rank: usize) -> Result<()> {
        if self.len() == rank {
            return Ok(());
        }
        let expected = format!("{rank} dimension{}", if rank == 1 { "" } else { "s" });
        Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found: self.clone(), expected }))
    }

    /// The dimension that `dim` names, counted from the right if negative.
    #[track_caller]
    pub fn dim(&self, op: &'static str, dim: isize) -> Result<usize> {
        let rank = self.0.len();
        // PyTorch lets a 0-d tensor be addressed as if it had one dimension.
        let span = rank.max(1) as isize;
        let index = if dim < 0 { dim + span } else { dim };
        if (0..span).contains(&index) {
            Ok(index as usize)
        } else {
            Err(Error::new(op, ErrorKind::DimOutOfRange { dim, shape: self.clone() }))
        }
    }

    /// The shape that both broadcast to: sizes must match or be 1, counted from the right.
    #[track_caller]
    pub fn broadcast(&self, op: &'static str, other: &Shape) -> Result<Shape> {
        if self == other {
            return Ok(self.clone());
        }
        let (long, short) = if self.len() >= other.len() { (self, other) } else { (other, self) };
        let mut out = long.clone();
        let lead = long.len() - short.len();
        for (o, &s) in out.0[lead..].iter_mut().zip(short.iter()) {
            *o = match (*o, s) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => {
                    return Err(Error::new(
                        op,
                        ErrorKind::Broadcast { left: self.clone(), right: other.clone() },
                    ));
                }
            };
        }
        Ok(out)
    }

    /// Whether a tensor of this shape broadcasts to exactly `target`.
    pub fn broadcasts_to(&self, target: &[usize]) -> bool {
        self.len() <= target.len()
            && self.iter().rev().zip(target.iter().rev()).all(|(&from, &to)| from == to || from == 1)
    }

    /// Appends a dimension.
    pub(crate) fn push(&mut self, size: usize) {
        self.0.push(size);
    }

    /// Removes a dimension.
    pub(crate) fn remove(&mut self, dim: usize) -> usize {
        self.0.remove(dim)
    }

    /// Inserts a dimension.
    pub(crate) fn insert(&mut self, dim: usize, size: usize) {
        self.0.insert(dim, size);
    }

    /// The sizes, to change.
    pub(crate) fn sizes_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }
}

impl std::ops::Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl AsRef<[usize]> for Shape {
    fn as_ref(&self) -> &[usize] {
        &self.0
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self::new(&dims)
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Self::new(dims)
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(dims: I) -> Self {
        Self(dims.into_iter().collect())
    }
}

impl PartialEq<[usize]> for Shape {
    fn eq(&self, other: &[usize]) -> bool {
        self.0[..] == *other
    }
}

impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self.0[..] == other[..]
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", &self.0[..])
    }
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", &self.0[..])
    }
}

/// One dimension or several: `-1`, `[0, 2]`, `&[0, 2][..]`. Negative dimensions count from the right.
/// An empty list names all dimensions, as in PyTorch's reductions.
pub trait Dims {
    /// Calls `read` with the dimensions as a slice.
    fn with<R>(&self, read: impl FnOnce(&[isize]) -> R) -> R;

    /// The named dimensions of `shape` as flags, each named at most once.
    #[track_caller]
    fn flags(&self, op: &'static str, shape: &Shape) -> Result<SmallVec<[bool; INLINE_RANK]>> {
        let location = std::panic::Location::caller();
        self.with(|dims| {
            let mut flags = SmallVec::from_elem(dims.is_empty(), shape.len());
            for &dim in dims {
                let dim = shape.dim(op, dim).map_err(|e| e.at(location))?;
                // A 0-d tensor has no flag to set: reducing its dimension 0 leaves it as it is.
                if let Some(flag) = flags.get_mut(dim) {
                    if *flag {
                        return Err(Error::new(op, ErrorKind::DimRepeated { dim }).at(location));
                    }
                    *flag = true;
                }
            }
            Ok(flags)
        })
    }
}

impl Dims for isize {
    fn with<R>(&self, read: impl FnOnce(&[isize]) -> R) -> R {
        read(std::slice::from_ref(self))
    }
}

impl Dims for &[isize] {
    fn with<R>(&self, read: impl FnOnce(&[isize]) -> R) -> R {
        read(self)
    }
}

impl<const N: usize> Dims for [isize; N] {
    fn with<R>(&self, read: impl FnOnce(&[isize]) -> R) -> R {
        read(self)
    }
}
