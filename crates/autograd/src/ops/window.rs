//! Views through other strides; the gradient is added back to the places that were read.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Tensor;

/// Element `i` of `shape` lies at `offset + Σ i[d] · strides[d]` of the row-major input.
#[derive(Clone)]
struct Window {
    shape: Shape,
    strides: Vec<usize>,
    offset: usize,
}

impl Op for Window {
    fn name(&self) -> &'static str {
        "as_strided"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].as_strided(&self.shape, &self.strides, self.offset)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let sum = WindowSum { window: self.clone(), base: ctx.shape(0).clone() };
        Ok(Grads::from_iter([Some(apply(sum, &[ctx.grad()])?)]))
    }
}

/// Zeros of the shape `base` with the input added to the places of a window.
struct WindowSum {
    window: Window,
    base: Shape,
}

impl Op for WindowSum {
    fn name(&self) -> &'static str {
        "as_strided_scatter_zeros"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let Window { strides, offset, .. } = &self.window;
        Ok(inputs[0].as_strided_scatter_zeros(&self.base, strides, *offset)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(apply(self.window.clone(), &[ctx.grad()])?)]))
    }
}

struct DiagEmbed {
    offset: isize,
    dim1: isize,
    dim2: isize,
}

impl Op for DiagEmbed {
    fn name(&self) -> &'static str {
        "diag_embed"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].diag_embed(self.offset, self.dim1, self.dim2)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().diagonal(self.offset, self.dim1, self.dim2)?)]))
    }
}

impl Var {
    /// Element `i` of `shape` is the one at row-major position `offset + Σ i[d] · strides[d]` of this value:
    /// `torch.as_strided` of a contiguous tensor. Places may overlap.
    ///
    /// # Errors
    /// If there is not one stride for each size, or a place lies outside the value.
    #[track_caller]
    pub fn as_strided(&self, shape: impl AsRef<[usize]>, strides: &[usize], offset: usize) -> Result<Var> {
        let shape = Shape::new(shape.as_ref());
        apply(Window { shape, strides: strides.to_vec(), offset }, &[self])
    }

    /// The view that `view` makes of the row-major value.
    #[track_caller]
    fn window(&self, view: impl Fn(&Tensor) -> tensor_core::Result<Tensor>) -> Result<Var> {
        let (base, caller) = (self.value().contiguous()?, std::panic::Location::caller());
        let view = view(&base).map_err(|e| e.at(caller))?;
        // A view without elements starts at 0, wherever the base does.
        let offset = view.storage_offset().saturating_sub(base.storage_offset());
        self.as_strided(view.shape(), view.strides(), offset)
    }

    /// All windows of `size` elements of dimension `dim`, `step` apart, as a new last dimension:
    /// `torch.Tensor.unfold`.
    ///
    /// # Errors
    /// If `size` exceeds the dimension or `step` is 0.
    #[track_caller]
    pub fn unfold(&self, dim: isize, size: usize, step: usize) -> Result<Var> {
        self.window(|x| x.unfold(dim, size, step))
    }

    /// Diagonal number `offset` (0 is the main one, positive ones lie above it) of the matrices in dimensions `dim1`
    /// and `dim2`, as a new last dimension: `torch.diagonal`, whose defaults are 0, 0, 1.
    ///
    /// # Errors
    /// If there are no such two dimensions.
    #[track_caller]
    pub fn diagonal(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Var> {
        self.window(|x| x.diagonal(offset, dim1, dim2))
    }

    /// Matrices in dimensions `dim1` and `dim2` of the result, 0 but on diagonal number `offset`, which holds the last
    /// dimension of this value: `torch.diag_embed`, whose defaults are 0, -2, -1.
    ///
    /// # Errors
    /// If the value is 0-d or the result has no such two dimensions.
    #[track_caller]
    pub fn diag_embed(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Var> {
        apply(DiagEmbed { offset, dim1, dim2 }, &[self])
    }

    /// Diagonal number `diagonal` of a matrix, or the matrix with this 1-d value on that diagonal: `torch.diag`.
    ///
    /// # Errors
    /// If there are not one or two dimensions.
    #[track_caller]
    pub fn diag(&self, diagonal: isize) -> Result<Var> {
        match self.rank() {
            1 => self.diag_embed(diagonal, 0, 1),
            2 => self.diagonal(diagonal, 0, 1),
            _ => Ok(self.value().diag(diagonal)?.into()),
        }
    }
}

pub(crate) const ROW: Row = Row {
    name: "window",
    sample: |s| {
        let rank = 2 + s.below(2);
        let shape = s.shape_of_rank(rank);
        let offset = s.below(5) as isize - 2;
        let (a, b) = (s.below(rank), 1 + s.below(rank - 1));
        let (dim1, dim2) = (a as isize, ((a + b) % rank) as isize - rank as isize);
        match s.below(4) {
            0 => {
                let x = s.tensor(&shape, -2.0, 2.0)?;
                Ok(Sample::new(vec![x], move |x| x[0].diagonal(offset, dim1, dim2)))
            }
            1 => {
                let x = s.tensor(&Shape::new(&shape[1..]), -2.0, 2.0)?;
                Ok(Sample::new(vec![x], move |x| x[0].diag_embed(offset, dim1, dim2)))
            }
            2 => {
                let rank = 1 + s.below(2);
                let x = s.tensor(&Shape::new(&shape[..rank]), -2.0, 2.0)?;
                Ok(Sample::new(vec![x], move |x| x[0].diag(offset)))
            }
            _ => {
                let shape = s.shape(2);
                let dim = s.dim(shape.len());
                let length = shape.get(shape.dim("sample", dim)?).copied().unwrap_or(1);
                let (size, step) = (s.below(length + 1), 1 + s.below(3));
                let x = s.tensor(&shape, -2.0, 2.0)?;
                Ok(Sample::new(vec![x], move |x| x[0].unfold(dim, size, step)))
            }
        }
    },
    order: 2,
};
