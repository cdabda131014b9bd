//! Sizes as PyTorch's constructors take them: a number, or one for each dimension.

use autograd::Shape;

/// Height and width: `3` for both, or `[3, 5]`.
pub trait Pair {
    /// Height, width.
    fn pair(self) -> [usize; 2];
}

impl Pair for usize {
    fn pair(self) -> [usize; 2] {
        [self; 2]
    }
}

impl Pair for [usize; 2] {
    fn pair(self) -> [usize; 2] {
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
