//! Sizes as PyTorch's constructors take them: a number, or one for each dimension.

use autograd::Shape;

/// A value for each of `N` dimensions or sides: `3` for all, or `[3, 5]`.
pub trait PerDim<const N: usize, T = usize> {
    /// One each.
    fn each(self) -> [T; N];
}

impl<const N: usize, T: Copy> PerDim<N, T> for T {
    fn each(self) -> [T; N] {
        [self; N]
    }
}

impl<const N: usize, T> PerDim<N, T> for [T; N] {
    fn each(self) -> [T; N] {
        self
    }
}

/// Sizes of which each may be None.
impl<const N: usize> PerDim<N, Option<usize>> for usize {
    fn each(self) -> [Option<usize>; N] {
        [Some(self); N]
    }
}

impl<const N: usize> PerDim<N, Option<usize>> for [usize; N] {
    fn each(self) -> [Option<usize>; N] {
        self.map(Some)
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
