//! Tensors side by side, in rows, in blocks and as coordinates.

use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// The order of the first two dimensions of [`Tensor::meshgrid`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Indexing {
    /// The first tensor runs along dimension 0, as matrix rows do: PyTorch's default.
    #[default]
    Ij,
    /// The first tensor runs along dimension 1, the second along 0, as x and y of an image do.
    Xy,
}

impl Tensor {
    /// The tensors side by side: along dimension 1, or 0 if they have one dimension at most: `torch.hstack`.
    ///
    /// # Errors
    /// As [`cat`](Tensor::cat).
    #[track_caller]
    pub fn hstack(tensors: &[&Tensor]) -> Result<Tensor> {
        let dim = isize::from(tensors.iter().any(|x| x.rank() > 1));
        joined("hstack", tensors, 1, dim)
    }

    /// The tensors one below another, those of one dimension as rows: `torch.vstack`.
    ///
    /// # Errors
    /// As [`cat`](Tensor::cat).
    #[track_caller]
    pub fn vstack(tensors: &[&Tensor]) -> Result<Tensor> {
        joined("vstack", tensors, 2, 0)
    }

    /// The tensors one behind another along dimension 2, `[n]` as `[1, n, 1]` and `[m, n]` as `[m, n, 1]`:
    /// `torch.dstack`.
    ///
    /// # Errors
    /// As [`cat`](Tensor::cat).
    #[track_caller]
    pub fn dstack(tensors: &[&Tensor]) -> Result<Tensor> {
        joined("dstack", tensors, 3, 2)
    }

    /// The matrices along the diagonal of one, 0 elsewhere; a 1-d tensor counts as a row: `torch.block_diag`.
    ///
    /// # Errors
    /// If a tensor has more than two dimensions, the dtypes differ, or the list is empty.
    #[track_caller]
    pub fn block_diag(tensors: &[&Tensor]) -> Result<Tensor> {
        const OP: &str = "block_diag";
        let blocks = tensors.iter().map(|x| x.at_least(2)).collect::<Result<Vec<_>>>()?;
        if let Some(wide) = blocks.iter().find(|block| block.rank() > 2) {
            let (found, expected) = (wide.shape().clone(), "at most 2 dimensions".to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let cols: usize = blocks.iter().map(|block| block.shape()[1]).sum();
        let mut left = 0;
        let mut bands = Vec::with_capacity(blocks.len());
        for block in &blocks {
            let [rows, width] = [block.shape()[0], block.shape()[1]];
            let zeros = |width| Tensor::zeros([rows, width], block.dtype());
            bands.push(Tensor::cat(&[&zeros(left)?, block, &zeros(cols - left - width)?], 1)?);
            left += width;
        }
        Tensor::cat(&bands.iter().collect::<Vec<_>>(), 0).map_err(|e| e.of(OP))
    }

    /// For each of the 1-d (or 0-d) tensors its values over the grid of all of them: result `i` has the size of tensor
    /// `i` in dimension `i` and varies along it alone, but for the swap of the first two by [`Indexing::Xy`]:
    /// `torch.meshgrid`. Views.
    ///
    /// # Errors
    /// If a tensor has more than one dimension.
    ///
    /// ```
    /// use tensor_core::{Indexing, Tensor};
    /// let (x, y) = (Tensor::from_vec(vec![1i64, 2, 3], [3])?, Tensor::from_vec(vec![4i64, 5], [2])?);
    /// let grid = Tensor::meshgrid(&[&x, &y], Indexing::Xy)?;
    /// assert_eq!(grid[0].to_vec::<i64>()?, [1, 2, 3, 1, 2, 3]);
    /// assert_eq!(grid[1].to_vec::<i64>()?, [4, 4, 4, 5, 5, 5]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn meshgrid(tensors: &[&Tensor], indexing: Indexing) -> Result<Vec<Tensor>> {
        const OP: &str = "meshgrid";
        if let Some(wide) = tensors.iter().find(|x| x.rank() > 1) {
            let (found, expected) = (wide.shape().clone(), "at most 1 dimension".to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let swapped = indexing == Indexing::Xy && tensors.len() > 1;
        let place = |i: usize| if swapped && i < 2 { 1 - i } else { i };
        let grid: Shape = (0..tensors.len()).map(|i| tensors[place(i)].numel()).collect();
        let along = |i: usize, x: &Tensor| {
            let line = (0..tensors.len()).map(|d| if d == place(i) { x.numel() } else { 1 }).collect();
            x.view_as(&line)?.broadcast_to(&grid)
        };
        tensors.iter().enumerate().map(|(i, x)| along(i, x).map_err(|e| e.of(OP))).collect()
    }

    /// The tensor with at least `rank` dimensions (3 at most), as NumPy adds them: `[n]` becomes `[1, n]`, and then
    /// `[1, n, 1]`: `torch.atleast_1d`, `_2d` and `_3d`.
    #[track_caller]
    pub fn at_least(&self, rank: usize) -> Result<Tensor> {
        let mut x = self.clone();
        while x.rank() < rank.min(3) {
            x = x.unsqueeze(if x.rank() == 2 { -1 } else { 0 })?;
        }
        Ok(x)
    }
}

/// The tensors, lifted to `rank` dimensions, one after another along `dim`.
#[track_caller]
fn joined(op: &'static str, tensors: &[&Tensor], rank: usize, dim: isize) -> Result<Tensor> {
    let lifted = tensors.iter().map(|x| x.at_least(rank)).collect::<Result<Vec<_>>>()?;
    Tensor::cat(&lifted.iter().collect::<Vec<_>>(), dim).map_err(|e| e.of(op))
}
