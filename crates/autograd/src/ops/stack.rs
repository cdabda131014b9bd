//! Values side by side, in rows, in blocks and over a grid; each gets its part of the gradient.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::{Indexing, Tensor};

struct BlockDiag;

impl Op for BlockDiag {
    fn name(&self) -> &'static str {
        "block_diag"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(Tensor::block_diag(inputs)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (mut top, mut left) = (0, 0);
        let shapes = (0..).map_while(|i| ctx.input_shape(i));
        let block = |shape: &Shape| -> Result<Option<Var>> {
            let (rows, cols) = match **shape {
                [rows, cols] => (rows, cols),
                _ => (1, shape.numel()),
            };
            let part = ctx.grad().narrow(0, top, rows)?.narrow(1, left, cols)?;
            (top, left) = (top + rows as isize, left + cols as isize);
            Ok(Some(part.view_as(shape)?))
        };
        shapes.map(block).collect()
    }
}

impl Var {
    /// The values side by side: along dimension 1, or 0 if they have one dimension at most: `torch.hstack`.
    ///
    /// # Errors
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn hstack(vars: &[&Var]) -> Result<Var> {
        let dim = isize::from(vars.iter().any(|x| x.rank() > 1));
        joined(vars, 1, dim)
    }

    /// The values one below another, those of one dimension as rows: `torch.vstack`.
    ///
    /// # Errors
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn vstack(vars: &[&Var]) -> Result<Var> {
        joined(vars, 2, 0)
    }

    /// The values one behind another along dimension 2, `[n]` as `[1, n, 1]` and `[m, n]` as `[m, n, 1]`:
    /// `torch.dstack`.
    ///
    /// # Errors
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn dstack(vars: &[&Var]) -> Result<Var> {
        joined(vars, 3, 2)
    }

    /// The matrices along the diagonal of one, 0 elsewhere; a 1-d value counts as a row: `torch.block_diag`.
    ///
    /// # Errors
    /// If a value has more than two dimensions, the dtypes differ, or the list is empty.
    #[track_caller]
    pub fn block_diag(vars: &[&Var]) -> Result<Var> {
        apply(BlockDiag, vars)
    }

    /// For each of the 1-d (or 0-d) values its elements over the grid of all of them: see [`Tensor::meshgrid`].
    ///
    /// # Errors
    /// If a value has more than one dimension.
    #[track_caller]
    pub fn meshgrid(vars: &[&Var], indexing: Indexing) -> Result<Vec<Var>> {
        let values: Vec<&Tensor> = vars.iter().map(|x| x.value()).collect();
        let grid = Tensor::meshgrid(&values, indexing)?;
        let along = |(i, (x, over)): (usize, (&&Var, &Tensor))| {
            // The dimension that the value runs along: its own, but for the swap of the first two.
            let swapped = indexing == Indexing::Xy && vars.len() > 1 && i < 2;
            let at = if swapped { 1 - i } else { i };
            let line = (0..vars.len()).map(|d| if d == at { x.numel() } else { 1 }).collect();
            x.view_as(&line)?.broadcast_to(over.shape())
        };
        vars.iter().zip(&grid).enumerate().map(along).collect()
    }

    /// The value with at least `rank` dimensions (3 at most), as NumPy adds them: `torch.atleast_1d`, `_2d`, `_3d`.
    #[track_caller]
    pub fn at_least(&self, rank: usize) -> Result<Var> {
        self.view_as(self.value().at_least(rank)?.shape())
    }
}

#[track_caller]
fn joined(vars: &[&Var], rank: usize, dim: isize) -> Result<Var> {
    let lifted = vars.iter().map(|x| x.at_least(rank)).collect::<Result<Vec<_>>>()?;
    Var::cat(&lifted.iter().collect::<Vec<_>>(), dim)
}

pub(crate) const ROW: Row = Row {
    name: "stack",
    sample: |s| {
        let form = s.below(5);
        let count = 1 + s.below(3);
        let rank = s.below(if form == 4 { 2 } else { 3 });
        let shape = s.shape_of_rank(rank);
        let inputs = (0..count)
            .map(|_| match form {
                3 | 4 => {
                    let rank = s.below(if form == 3 { 3 } else { 2 });
                    let shape = s.shape_of_rank(rank);
                    s.tensor(&shape, -2.0, 2.0)
                }
                _ => s.tensor(&shape, -2.0, 2.0),
            })
            .collect::<Result<Vec<_>>>()?;
        let (last, indexing) = (s.below(count), [Indexing::Ij, Indexing::Xy][s.below(2)]);
        Ok(Sample::new(inputs, move |x| {
            let x: Vec<&Var> = x.iter().collect();
            match form {
                0 => Var::hstack(&x),
                1 => Var::vstack(&x),
                2 => Var::dstack(&x),
                3 => Var::block_diag(&x),
                _ => {
                    let grid = Var::meshgrid(&x, indexing)?;
                    grid[0].mul(&grid[last])
                }
            }
        }))
    },
    order: 2,
};
