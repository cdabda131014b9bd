//! The lower or upper triangle of matrices, 0 elsewhere; the gradient is the same triangle.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Tensor;

#[derive(Clone, Copy)]
struct Triangle {
    upper: bool,
    diagonal: isize,
}

impl Op for Triangle {
    fn name(&self) -> &'static str {
        if self.upper { "triu" } else { "tril" }
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let triangle = if self.upper { Tensor::triu } else { Tensor::tril };
        Ok(triangle(inputs[0], self.diagonal)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(apply(*self, &[ctx.grad()])?)]))
    }
}

impl Var {
    /// The lower triangle of the matrices `[.., rows, cols]`, 0 above diagonal number `diagonal` (0 is the main one,
    /// positive ones lie above it): `torch.tril`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    #[track_caller]
    pub fn tril(&self, diagonal: isize) -> Result<Var> {
        apply(Triangle { upper: false, diagonal }, &[self])
    }

    /// The upper triangle of the matrices `[.., rows, cols]`, 0 below diagonal number `diagonal`: `torch.triu`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    #[track_caller]
    pub fn triu(&self, diagonal: isize) -> Result<Var> {
        apply(Triangle { upper: true, diagonal }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "tril",
    sample: |s| {
        let shape: Shape = s.shape(1).iter().copied().chain([s.size(), s.size()]).collect();
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (upper, diagonal) = (s.one_in(2), s.below(5) as isize - 2);
        let (rows, cols) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        let expected = x.to_vec::<f64>()?.into_iter().enumerate().map(|(i, x)| {
            let offset = (i % cols) as isize - (i / cols % rows) as isize;
            let kept = if upper { offset >= diagonal } else { offset <= diagonal };
            if kept { x } else { 0.0 }
        });
        let expected = expected.collect();
        let call = move |x: &[Var]| if upper { x[0].triu(diagonal) } else { x[0].tril(diagonal) };
        Ok(Sample::new(vec![x], call).expect(expected))
    },
    order: 2,
};
