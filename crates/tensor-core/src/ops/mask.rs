//! Elements chosen by a mask, and where a tensor is not zero.

use crate::dtype::dispatch_all;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

impl Tensor {
    /// The positions of the elements that are not zero (NaN is not), one a row, in row-major order: i64 `[n, rank]`,
    /// `torch.nonzero`.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![0i64, 3, 5, 0], [2, 2])?;
    /// assert_eq!(x.nonzero()?.to_vec::<i64>()?, [0, 1, 1, 0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn nonzero(&self) -> Result<Tensor> {
        let places = self.nonzero_places()?;
        let (rank, sizes) = (self.rank(), self.shape());
        Tensor::build::<i64>("nonzero", Shape::from([places.len(), rank]), |out| {
            // Places ascend: the leading coordinates are worked out once a line of the last dimension.
            let (mut line, mut lead) = (usize::MAX, vec![0i64; rank]);
            let width = sizes.last().copied().unwrap_or(1);
            for (row, place) in out.chunks_exact_mut(rank.max(1)).zip(places) {
                if line == usize::MAX || place - line >= width {
                    line = place / width * width;
                    let mut rest = line;
                    for (y, size) in lead.iter_mut().zip(sizes.iter()).rev() {
                        *y = (rest % size) as i64;
                        rest /= size;
                    }
                }
                row.copy_from_slice(&lead);
                if let Some(last) = row.last_mut() {
                    *last = (place - line) as i64;
                }
            }
        })
    }

    /// [`nonzero`](Tensor::nonzero) with an index tensor for each dimension, as [`index`](Tensor::index) takes them;
    /// a 0-d tensor counts as one of one dimension: `torch.nonzero(as_tuple=True)`.
    #[track_caller]
    pub fn nonzero_tuple(&self) -> Result<Vec<Tensor>> {
        let rows = if self.rank() == 0 { self.unsqueeze(0)?.nonzero()? } else { self.nonzero()? };
        (0..self.rank().max(1) as isize).map(|dim| rows.select(1, dim)?.contiguous()).collect()
    }

    /// The row-major positions of the elements that are not zero.
    #[track_caller]
    fn nonzero_places(&self) -> Result<Vec<usize>> {
        let x = self.contiguous()?;
        Ok(dispatch_all!(self.dtype(), T => {
            let zero = T::default();
            let x = x.dense::<T>();
            let mut places = Vec::with_capacity(x.iter().filter(|v| **v != zero).count());
            places.extend(x.iter().enumerate().filter(|(_, v)| **v != zero).map(|(i, _)| i));
            places
        }))
    }

    /// The row-major positions where this mask, broadcast to `shape`, is true, as an index (i64).
    ///
    /// # Errors
    /// If the dtype is not bool or the mask does not broadcast to `shape`.
    #[track_caller]
    pub fn mask_places(&self, shape: &Shape) -> Result<Tensor> {
        if self.dtype() != DType::Bool {
            let found = self.dtype();
            let kind = ErrorKind::DType { argument: "mask", found, expected: "bool" };
            return Err(Error::new("mask_places", kind));
        }
        let places = self.broadcast_to(shape)?.nonzero_places()?;
        Tensor::build::<i64>("mask_places", Shape::from([places.len()]), |out| {
            out.iter_mut().zip(places).for_each(|(y, place)| *y = place as i64);
        })
    }

    /// The elements where `mask` (bool) is true, in row-major order, 1-d. Shapes broadcast: `torch.masked_select`.
    ///
    /// # Errors
    /// If the mask is not bool or the shapes do not broadcast.
    #[track_caller]
    pub fn masked_select(&self, mask: &Tensor) -> Result<Tensor> {
        const OP: &str = "masked_select";
        let shape = self.shape().broadcast(OP, mask.shape())?;
        let places = mask.mask_places(&shape).map_err(|e| e.of(OP))?;
        self.broadcast_to(&shape)?.take(&places)
    }

    /// This tensor with the first elements of `source`, in row-major order, where `mask` (bool) is true:
    /// `torch.masked_scatter`. Shapes of tensor and mask broadcast.
    ///
    /// # Errors
    /// If the mask is not bool, the shapes do not broadcast, dtypes differ, or `source` has too few elements.
    #[track_caller]
    pub fn masked_scatter(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "masked_scatter";
        let shape = self.shape().broadcast(OP, mask.shape())?;
        let places = mask.mask_places(&shape).map_err(|e| e.of(OP))?;
        if source.numel() < places.numel() {
            let (found, expected) = (source.shape().clone(), format!("at least {} elements", places.numel()));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "source", found, expected }));
        }
        let values = source.reshape([-1])?.narrow(0, 0, places.numel())?;
        let flat = self.broadcast_to(&shape)?.reshape([-1])?;
        flat.index_copy(0, &places, &values).map_err(|e| e.of(OP))?.view_as(&shape)
    }
}
