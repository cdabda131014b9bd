//! Norms of matrices.

use crate::testing::{Row, Sample};
use crate::{Result, Var};

/// Which norm of a matrix: `ord` of `torch.linalg.matrix_norm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixNorm {
    /// The root of the sum of squares, `'fro'`: PyTorch's default.
    Frobenius,
    /// The sum of the singular values, `'nuc'`.
    Nuclear,
    /// The largest sum of sizes of a row, `inf`.
    LargestRow,
    /// The smallest sum of sizes of a row, `-inf`.
    SmallestRow,
    /// The largest sum of sizes of a column, `1`.
    LargestColumn,
    /// The smallest sum of sizes of a column, `-1`.
    SmallestColumn,
    /// The largest singular value, `2`.
    LargestSingular,
    /// The smallest singular value, `-2`.
    SmallestSingular,
}

impl Var {
    /// The norm of the matrices that `dims`, (rows, columns), span; with `keepdim` those stay with size 1:
    /// `torch.linalg.matrix_norm`, whose default is `(-2, -1)`. Equal largest sums share the gradient; that of the
    /// Frobenius norm is 0 at 0.
    ///
    /// ```
    /// use autograd::{MatrixNorm, Tensor, Var};
    /// let x = Var::from(Tensor::from_vec(vec![3.0f64, 0.0, 0.0, -4.0], [2, 2])?);
    /// assert_eq!(x.matrix_norm(MatrixNorm::Frobenius, (-2, -1), false)?.detach().item::<f64>()?, 5.0);
    /// assert_eq!(x.matrix_norm(MatrixNorm::Nuclear, (-2, -1), false)?.detach().item::<f64>()?, 7.0);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the dimensions do not exist or are the same, there is no element to choose from, or the dtype is not
    /// floating-point.
    #[track_caller]
    pub fn matrix_norm(&self, ord: MatrixNorm, dims: (isize, isize), keepdim: bool) -> Result<Var> {
        let place = |dim| self.shape().dim("matrix_norm", dim);
        let (rows, columns) = (place(dims.0)?, place(dims.1)?);
        let others = (0..self.rank()).filter(|d| *d != rows && *d != columns);
        // Refuses one dimension named twice.
        let order: Vec<isize> = others.chain([rows, columns]).map(|d| d as isize).collect();
        let x = self.permute(order)?;
        let sums = |dim: isize| x.abs()?.sum_dim([dim], false);
        let norm = match ord {
            MatrixNorm::Frobenius => x.vector_norm(2.0, [-2, -1], false)?,
            MatrixNorm::Nuclear => x.svdvals()?.sum_dim([-1], false)?,
            MatrixNorm::LargestRow => sums(-1)?.amax([-1], false)?,
            MatrixNorm::SmallestRow => sums(-1)?.amin([-1], false)?,
            MatrixNorm::LargestColumn => sums(-2)?.amax([-1], false)?,
            MatrixNorm::SmallestColumn => sums(-2)?.amin([-1], false)?,
            MatrixNorm::LargestSingular => x.svdvals()?.amax([-1], false)?,
            MatrixNorm::SmallestSingular => x.svdvals()?.amin([-1], false)?,
        };
        if !keepdim {
            return Ok(norm);
        }
        let (first, second) = (rows.min(columns) as isize, rows.max(columns) as isize);
        norm.unsqueeze(first)?.unsqueeze(second)
    }
}

pub(crate) const ROW: Row = Row {
    name: "matrix_norm",
    sample: |s| {
        let (m, n) = (1 + s.below(3), 1 + s.below(3));
        let shape = s.shape(1).iter().copied().chain([m, n]).collect();
        let far: Vec<f64> = (0..m * n).map(|i| 2.0 + (i * i) as f64).collect();
        let x = s.tensor(&shape, -0.4, 0.4)?.add(&tensor_core::Tensor::from_vec(far, [m, n])?)?;
        let ord = [
            MatrixNorm::Frobenius,
            MatrixNorm::Nuclear,
            MatrixNorm::LargestRow,
            MatrixNorm::SmallestRow,
            MatrixNorm::LargestColumn,
            MatrixNorm::SmallestColumn,
            MatrixNorm::LargestSingular,
        ][s.below(7)];
        let (keepdim, turned) = (s.one_in(2), s.one_in(2));
        let dims = if turned { (-1, -2) } else { (-2, -1) };
        Ok(Sample::new(vec![x], move |x| x[0].matrix_norm(ord, dims, keepdim)))
    },
    order: 2,
};
