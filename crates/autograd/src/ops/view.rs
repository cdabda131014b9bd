//! The elements in another shape, order, or repeated: reshape, permute, expand. Each undoes another: a reshape a
//! reshape, a permutation its inverse, and a repetition is undone by a sum.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use smallvec::SmallVec;
use tensor_core::{Dims, Tensor};

enum View {
    Reshape(Shape),
    Permute(SmallVec<[isize; 4]>),
    Expand(Shape),
    SumTo(Shape),
}

impl Op for View {
    fn name(&self) -> &'static str {
        match self {
            View::Reshape(_) => "reshape",
            View::Permute(_) => "permute",
            View::Expand(_) => "expand",
            View::SumTo(_) => "sum_to",
        }
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let x = inputs[0];
        Ok(match self {
            View::Reshape(shape) => x.view_as(shape)?,
            View::Permute(dims) => x.permute(&dims[..])?,
            View::Expand(shape) => x.broadcast_to(shape)?,
            View::SumTo(shape) => x.sum_to(shape)?,
        }
        .into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let dx = match self {
            View::Reshape(_) => g.view_as(ctx.shape(0))?,
            View::Permute(dims) => g.permute(inverse(dims))?,
            // The engine sums a gradient down to the shape of its input.
            View::Expand(_) => g.clone(),
            View::SumTo(shape) => {
                let lead = ctx.shape(0).len() - shape.len();
                let padded = std::iter::repeat_n(1, lead).chain(shape.iter().copied()).collect();
                g.view_as(&padded)?.broadcast_to(ctx.shape(0))?
            }
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
}

fn inverse(dims: &[isize]) -> SmallVec<[isize; 4]> {
    let rank = dims.len() as isize;
    let mut inverse = SmallVec::from_elem(0, dims.len());
    for (i, &dim) in dims.iter().enumerate() {
        inverse[dim.rem_euclid(rank) as usize] = i as isize;
    }
    inverse
}

impl Var {
    /// The elements, in the same order, in another shape. One size may be -1: it is worked out from the rest.
    #[track_caller]
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Var> {
        let shape = self.value().reshape(shape)?.shape().clone();
        apply(View::Reshape(shape), &[self])
    }

    /// `reshape` to sizes that are all known.
    #[track_caller]
    pub fn view_as(&self, shape: &Shape) -> Result<Var> {
        apply(View::Reshape(shape.clone()), &[self])
    }

    /// Dimensions `start..=end` joined into one; a 0-d value becomes `[1]`.
    #[track_caller]
    pub fn flatten(&self, start: isize, end: isize) -> Result<Var> {
        let shape = self.value().flatten(start, end)?.shape().clone();
        apply(View::Reshape(shape), &[self])
    }

    /// As [`reshape`](Var::reshape), but never a copy: `torch.Tensor.view`.
    ///
    /// # Errors
    /// If the number of elements differs, more than one size is -1, or no strides over this storage show the shape.
    #[track_caller]
    pub fn view(&self, shape: impl AsRef<[isize]>) -> Result<Var> {
        let shape = self.value().view(shape)?.shape().clone();
        apply(View::Reshape(shape), &[self])
    }

    /// All elements in one dimension: `torch.ravel`.
    #[track_caller]
    pub fn ravel(&self) -> Result<Var> {
        self.flatten(0, -1)
    }

    /// Dimension `dim` divided up into `sizes`, at most one of them -1: `torch.unflatten`.
    ///
    /// # Errors
    /// If the product of `sizes` is not the size of the dimension.
    #[track_caller]
    pub fn unflatten(&self, dim: isize, sizes: impl AsRef<[isize]>) -> Result<Var> {
        let shape = self.value().unflatten(dim, sizes)?.shape().clone();
        apply(View::Reshape(shape), &[self])
    }

    /// A dimension of size 1 inserted before position `dim`; -1 appends one.
    #[track_caller]
    pub fn unsqueeze(&self, dim: isize) -> Result<Var> {
        let shape = self.value().unsqueeze(dim)?.shape().clone();
        apply(View::Reshape(shape), &[self])
    }

    /// Dimensions of size 1 removed: those of `dims` that are, or all for an empty list: `torch.squeeze`.
    #[track_caller]
    pub fn squeeze(&self, dims: impl Dims) -> Result<Var> {
        let shape = self.value().squeeze(dims)?.shape().clone();
        apply(View::Reshape(shape), &[self])
    }

    /// Dimensions in another order: dimension `i` of the result is dimension `dims[i]` of this value.
    #[track_caller]
    pub fn permute(&self, dims: impl AsRef<[isize]>) -> Result<Var> {
        apply(View::Permute(SmallVec::from_slice(dims.as_ref())), &[self])
    }

    /// Two dimensions swapped.
    #[track_caller]
    pub fn transpose(&self, dim0: isize, dim1: isize) -> Result<Var> {
        let (a, b) = (self.shape().dim("transpose", dim0)?, self.shape().dim("transpose", dim1)?);
        let mut dims: SmallVec<[isize; 4]> = (0..self.rank() as isize).collect();
        if !dims.is_empty() {
            dims.swap(a, b);
        }
        apply(View::Permute(dims), &[self])
    }

    /// Dimensions `source` moved to the places `destination`, the others kept in order: `torch.movedim`.
    ///
    /// # Errors
    /// If the lists differ in length or name a dimension twice.
    #[track_caller]
    pub fn movedim(&self, source: impl Dims, destination: impl Dims) -> Result<Var> {
        apply(View::Permute(self.shape().moved(&source, &destination)?.into()), &[self])
    }

    /// Two dimensions swapped: [`transpose`](Var::transpose) by NumPy's name.
    #[track_caller]
    pub fn swapaxes(&self, axis0: isize, axis1: isize) -> Result<Var> {
        self.transpose(axis0, axis1)
    }

    /// The matrix transposed: at most two dimensions, swapped.
    #[track_caller]
    pub fn t(&self) -> Result<Var> {
        let rank = self.value().t()?.rank() as isize;
        apply(View::Permute((0..rank).rev().collect()), &[self])
    }

    /// The value repeated, as if of the larger `shape`: sizes of 1 are repeated, missing leading dimensions are
    /// added. -1 keeps a size.
    #[track_caller]
    pub fn expand(&self, shape: impl AsRef<[isize]>) -> Result<Var> {
        let shape = self.value().expand(shape)?.shape().clone();
        apply(View::Expand(shape), &[self])
    }

    /// `expand` to sizes that are all known.
    #[track_caller]
    pub fn broadcast_to(&self, shape: &Shape) -> Result<Var> {
        apply(View::Expand(shape.clone()), &[self])
    }

    /// The sum down to `shape`, which broadcasts to this shape: what undoes a broadcast.
    #[track_caller]
    pub fn sum_to(&self, shape: &Shape) -> Result<Var> {
        apply(View::SumTo(shape.clone()), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "view",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        Ok(match s.below(6) {
            0 => {
                let expected = x.to_vec::<f64>()?;
                Sample::new(vec![x], move |x| x[0].flatten(0, -1)?.unsqueeze(1)?.squeeze(-1)).expect(expected)
            }
            1 => {
                let (a, b) = (s.dim(shape.len()), s.dim(shape.len()));
                Sample::new(vec![x], move |x| x[0].transpose(a, b))
            }
            2 => {
                let narrow = s.narrowed(&shape);
                let x = s.tensor(&narrow, -2.0, 2.0)?;
                Sample::new(vec![x], move |x| x[0].broadcast_to(&shape))
            }
            3 if !shape.is_empty() => {
                let (from, to) = (s.dim(shape.len()), s.dim(shape.len()));
                Sample::new(vec![x], move |x| x[0].movedim(from, to))
            }
            4 => {
                let expected = x.to_vec::<f64>()?;
                let call = move |x: &[Var]| {
                    let flat = x[0].ravel()?;
                    let size = flat.numel() as isize;
                    flat.unflatten(0, [1, size, 1])?.squeeze([0, 2])?.view([size, 1])?.swapaxes(0, 1)
                };
                Sample::new(vec![x], call).expect(expected)
            }
            _ => {
                let narrow = s.narrowed(&shape);
                Sample::new(vec![x], move |x| x[0].sum_to(&narrow))
            }
        })
    },
    order: 2,
};
