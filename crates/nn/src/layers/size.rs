//! Sizes as PyTorch's constructors take them: a number, or one for each dimension.

use autograd::Shape;

/// A number for each of `N` dimensions: `3` for all, or `[3, 5]`.
pub trait PerDim<const N: usize> {
    /// One each.
    fn each(self) -> [usize; N];
}

impl<const N: usize> PerDim<N> for usize {
    fn each(self) -> [usize; N] {
        [self; N]
    }
}

impl<const N: usize> PerDim<N> for [usize; N] {
    fn each(self) -> [usize; N] {
        self
    }
}

/// The sizes of one or several dimensions: `64`, `[28, 28]`.
pub trait Sizes {
    /// The sizes.
    fn sizes(self) -> Shape;
}

impl Sizes for usize {
    fn sizes(self) -> Shape {
        Shape::from([self])
    }
}

impl<const N: usize> Sizes for [usize; N] {
    fn sizes(self) -> Shape {
        Shape::from(self)
    }
}

impl Sizes for &[usize] {
    fn sizes(self) -> Shape {
        Shape::new(self)
    }
}
