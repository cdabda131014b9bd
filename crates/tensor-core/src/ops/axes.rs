//! Dimensions moved, divided and dropped.

use crate::layout::Layout;
use crate::{Dims, Error, ErrorKind, Result, Shape, Tensor};

impl Tensor {
    /// As [`reshape`](Tensor::reshape), but never a copy: `torch.Tensor.view`.
    ///
    /// # Errors
    /// If the number of elements differs, more than one size is -1, or no strides over this storage show the shape.
    #[track_caller]
    pub fn view(&self, shape: impl AsRef<[isize]>) -> Result<Tensor> {
        let view = self.reshape(shape).map_err(|e| e.of("view"))?;
        if view.shares_storage(self) {
            return Ok(view);
        }
        Err(Error::new("view", ErrorKind::NotContiguous { shape: self.shape().clone() }))
    }

    /// Dimensions `source` moved to the places `destination`, the others kept in order: `torch.movedim`.
    ///
    /// # Errors
    /// If the lists differ in length or name a dimension twice.
    #[track_caller]
    pub fn movedim(&self, source: impl Dims, destination: impl Dims) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        let order = self.shape().moved(&source, &destination).map_err(|e| e.at(location))?;
        self.permute(order)
    }

    /// Two dimensions swapped: [`transpose`](Tensor::transpose) by NumPy's name.
    #[track_caller]
    pub fn swapaxes(&self, axis0: isize, axis1: isize) -> Result<Tensor> {
        self.transpose(axis0, axis1).map_err(|e| e.of("swapaxes"))
    }

    /// All elements in one dimension: `torch.ravel`.
    #[track_caller]
    pub fn ravel(&self) -> Result<Tensor> {
        self.flatten(0, -1).map_err(|e| e.of("ravel"))
    }

    /// Dimension `dim` divided up into `sizes`, at most one of them -1: `torch.unflatten`.
    ///
    /// # Errors
    /// If the product of `sizes` is not the size of the dimension.
    #[track_caller]
    pub fn unflatten(&self, dim: isize, sizes: impl AsRef<[isize]>) -> Result<Tensor> {
        const OP: &str = "unflatten";
        let (at, sizes) = (self.shape().dim(OP, dim)?, sizes.as_ref());
        let size = self.size(dim).map_err(|e| e.of(OP))?;
        let known = sizes
            .iter()
            .filter(|&&n| n != -1)
            .try_fold(1usize, |product, &n| usize::try_from(n).ok().and_then(|n| product.checked_mul(n)));
        let unknown = sizes.iter().filter(|&&n| n == -1).count();
        let inferred = match (unknown, known) {
            (0, Some(known)) if known == size && !sizes.is_empty() => 0,
            (1, Some(known)) if known > 0 && size.is_multiple_of(known) => size / known,
            _ => {
                let value = format!("{sizes:?} for dimension {at} of size {size}");
                let expected = "sizes whose product is the dimension's size, at most one of them -1";
                return Err(Error::new(OP, ErrorKind::Argument { argument: "sizes", value, expected }));
            }
        };
        let parts = sizes.iter().map(|&n| if n == -1 { inferred } else { n as usize });
        let (before, after) = (&self.shape()[..at], &self.shape()[at + 1..]);
        let shape = before.iter().copied().chain(parts).chain(after.iter().copied()).collect();
        self.reshape_to(OP, shape)
    }

    /// Dimensions of size 1 removed: those of `dims` that are, or all for an empty list: `torch.squeeze`.
    ///
    /// # Errors
    /// If there is no such dimension or one is named twice.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let x = Tensor::zeros([1, 2, 1, 3], DType::F32)?;
    /// assert_eq!(*x.squeeze(0)?.shape(), [2, 1, 3]);
    /// assert_eq!(*x.squeeze([0, 1, 2])?.shape(), [2, 3]);
    /// assert_eq!(*x.squeeze([])?.shape(), [2, 3]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn squeeze(&self, dims: impl Dims) -> Result<Tensor> {
        let flags = dims.flags("squeeze", self.shape())?;
        let kept = |d: &usize| !flags[*d] || self.shape()[*d] != 1;
        let kept: Vec<usize> = (0..self.rank()).filter(kept).collect();
        let shape = kept.iter().map(|&d| self.shape()[d]).collect();
        let strides = kept.iter().map(|&d| self.layout.strides[d]).collect();
        Ok(self.with_layout(Layout::new(shape, strides, self.layout.offset)))
    }
}

impl Shape {
    /// The order of dimensions in which those of `source` stand at `destination`, as `movedim` permutes them.
    ///
    /// # Errors
    /// If the lists differ in length or name a dimension twice.
    #[track_caller]
    pub fn moved(&self, source: &impl Dims, destination: &impl Dims) -> Result<Vec<isize>> {
        const OP: &str = "movedim";
        let location = std::panic::Location::caller();
        let places = |dims: &[isize]| -> Result<Vec<usize>> {
            let places: Vec<usize> = dims.iter().map(|&d| self.dim(OP, d)).collect::<Result<_>>()?;
            match (1..places.len()).find(|&i| places[..i].contains(&places[i])) {
                Some(i) => Err(Error::new(OP, ErrorKind::DimRepeated { dim: places[i] })),
                None => Ok(places),
            }
        };
        let (from, to) = (source.with(places), destination.with(places));
        let (from, to) = (from.map_err(|e| e.at(location))?, to.map_err(|e| e.at(location))?);
        if from.len() != to.len() {
            let value = format!("{from:?} and {to:?}");
            let expected = "as many as there are sources";
            return Err(Error::new(OP, ErrorKind::Argument { argument: "destination", value, expected }));
        }
        let mut rest = (0..self.len()).filter(|d| !from.contains(d));
        let order = (0..self.len()).filter_map(|place| {
            to.iter().position(|&t| t == place).map_or_else(|| rest.next(), |i| from.get(i).copied())
        });
        Ok(order.map(|d| d as isize).collect())
    }
}
