//! Strategies of the crate `proptest` for shapes, dimensions and tensors in every layout, so that an operation of your
//! own is checked by property (feature `proptest`).
//!
//! A failing case shrinks to fewer dimensions, smaller sizes and the plainest layout. Values come from a seed and do not
//! shrink.
//!
//! ```
//! use autograd::{Result, Var, gradcheck, gradgradcheck, strategies};
//! use proptest::prelude::*;
//!
//! /// x · tanh(x)
//! fn my_op(x: &Var) -> Result<Var> {
//!     x.mul(&x.tanh()?)
//! }
//!
//! proptest! {
//!     # /*
//!     #[test]
//!     # */
//!     fn my_op_is_right(x in strategies::tensor(strategies::shape(3, 3), -2.0..2.0)) {
//!         gradcheck(|x| my_op(&x[0]), &[x.clone()])?;
//!         gradgradcheck(|x| my_op(&x[0]), &[x])?;
//!     }
//! }
//! # my_op_is_right();
//! ```

use crate::Tensor;
use crate::testing::{Layout, Sampler};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::ops::Range;
use tensor_core::Shape;

/// Shapes of up to `max_rank` dimensions with sizes up to `max_size`: 0-d, sizes of 1, and now and then 0, among them.
pub fn shape(max_rank: usize, max_size: usize) -> impl Strategy<Value = Shape> + Clone {
    let size = prop_oneof![11 => 1..=max_size.max(1), 1 => Just(0)];
    vec(size, 0..=max_rank).prop_map(Shape::from_iter)
}

/// Shapes of exactly `rank` dimensions with sizes from 1 to `max_size`.
pub fn shape_of_rank(rank: usize, max_size: usize) -> impl Strategy<Value = Shape> + Clone {
    vec(1..=max_size.max(1), rank).prop_map(Shape::from_iter)
}

/// Shapes that broadcast to `full`: some sizes are 1, some leading dimensions are missing.
pub fn broadcasting_to(full: Shape) -> impl Strategy<Value = Shape> + Clone {
    let rank = full.len();
    (0..=rank, vec(prop::bool::weighted(0.25), rank)).prop_map(move |(dropped, ones)| {
        let sizes = full.iter().zip(&ones).map(|(&size, &one)| if one { 1 } else { size });
        sizes.skip(dropped).collect()
    })
}

/// Two shapes that broadcast together, of up to `max_rank` dimensions with sizes up to `max_size`.
pub fn broadcast_pair(max_rank: usize, max_size: usize) -> impl Strategy<Value = (Shape, Shape)> + Clone {
    shape(max_rank, max_size).prop_flat_map(|full| (broadcasting_to(full.clone()), broadcasting_to(full)))
}

/// A dimension of a tensor of `rank` dimensions, counted from the left or from the right. Rank 0 has what PyTorch
/// allows it: 0 and -1.
pub fn dim(rank: usize) -> impl Strategy<Value = isize> + Clone {
    let span = rank.max(1) as isize;
    (0..span, any::<bool>()).prop_map(move |(dim, from_right)| if from_right { dim - span } else { dim })
}

/// Every layout.
pub fn layout() -> impl Strategy<Value = Layout> + Clone {
    select(&Layout::ALL[..])
}

/// f64 tensors of these shapes in every layout, with values of the range.
pub fn tensor(shape: impl Strategy<Value = Shape>, values: Range<f64>) -> impl Strategy<Value = Tensor> {
    let seed = any::<u64>().no_shrink();
    (shape, layout(), any::<usize>().no_shrink(), seed).prop_filter_map(
        "a tensor that memory has no room for",
        move |(shape, layout, dim, seed)| {
            let mut sampler = Sampler::new(seed);
            layout.build(&shape, dim, |base| sampler.dense(base, values.start, values.end)).ok()
        },
    )
}

/// Two f64 tensors whose shapes broadcast together, in every layout, with values of the range.
pub fn broadcast_tensors(
    max_rank: usize,
    max_size: usize,
    values: Range<f64>,
) -> impl Strategy<Value = (Tensor, Tensor)> {
    broadcast_pair(max_rank, max_size)
        .prop_flat_map(move |(a, b)| (tensor(Just(a), values.clone()), tensor(Just(b), values.clone())))
}
