//! Putting tensors together.

use crate::dtype::dispatch_all;
use crate::kernel::copy;
use crate::{Error, ErrorKind, Result, Shape, Tensor};

impl Tensor {
    /// The tensors one after another along `dim`; other sizes must be equal. (A tensor of shape `[0]` is passed over
    /// beside others, as in PyTorch.)
    ///
    /// # Errors
    /// If the list is empty, or shapes or dtypes differ beyond `dim`.
    #[track_caller]
    pub fn cat(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
        const OP: &str = "cat";
        let counted = |x: &&&Tensor| **x.shape() != [0];
        let Some(&first) = tensors.iter().find(counted).or(tensors.first()) else {
            let value = "an empty list".to_string();
            return Err(Error::new(
                OP,
                ErrorKind::Argument { argument: "tensors", value, expected: "at least one" },
            ));
        };
        let at = first.shape().dim(OP, dim)?;
        let mut shape = first.shape().clone();
        if shape.is_empty() {
            let (found, expected) = (shape, "at least 1 dimension".to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let mut total = 0usize;
        for tensor in tensors {
            first.same_dtype(OP, tensor)?;
            if **tensor.shape() == [0] {
                continue;
            }
            let fits = tensor.rank() == shape.len()
                && tensor.shape().iter().zip(shape.iter()).enumerate().all(|(d, (a, b))| d == at || a == b);
            if !fits {
                let expected = format!("{} but for dimension {at}", first.shape());
                let found = tensor.shape().clone();
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
            }
            total = total.saturating_add(tensor.shape()[at]);
        }
        shape.sizes_mut()[at] = total;
        let inner: usize = shape[at + 1..].iter().product();
        let parts = tensors.iter().filter(|x| x.numel() > 0).map(|x| match x.strides().last() {
            Some(1) => Ok((*x).clone()),
            // Columns are gathered by tiles first.
            _ => x.contiguous(),
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        dispatch_all!(first.dtype(), T => Tensor::build::<T>(OP, shape, |out| {
            let mut rows = Vec::with_capacity(parts.len());
            for x in &parts {
                rows.push(copy::Part::new(&x.layout, x.storage.slice::<T>(), x.shape()[at] * inner));
            }
            copy::join(&rows, out);
        }))
    }

    /// The tensors, all of one shape, along a new dimension `dim`.
    #[track_caller]
    pub fn stack(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
        let lifted = tensors.iter().map(|t| t.unsqueeze(dim)).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&lifted.iter().collect::<Vec<_>>(), dim).map_err(|e| e.of("stack"))
    }

    /// Zeros of `shape` with this tensor written at `start`, `step` apart, along `dim`: what undoes a
    /// [`slice`](Tensor::slice).
    ///
    /// # Errors
    /// If the tensor does not fit there.
    #[track_caller]
    pub fn slice_scatter_zeros(
        &self,
        shape: &Shape,
        dim: isize,
        start: usize,
        step: usize,
    ) -> Result<Tensor> {
        const OP: &str = "slice_scatter_zeros";
        let at = shape.dim(OP, dim)?;
        let last = |length: usize| (length - 1).checked_mul(step)?.checked_add(start);
        let fits = self.rank() == shape.len()
            && step > 0
            && self.shape().iter().zip(shape.iter()).enumerate().all(|(d, (a, b))| match d == at {
                true => *a == 0 || last(*a).is_some_and(|last| last < *b),
                false => a == b,
            });
        if !fits {
            let expected = format!("a part of {shape} from {start} by {step} along dimension {at}");
            let found = self.shape().clone();
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let x = self.contiguous()?;
        let inner: usize = shape[at + 1..].iter().product();
        let (rows, width) = (shape[at], x.shape()[at]);
        dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, shape.clone(), |out| {
            out.fill(T::default());
            if width * inner == 0 {
                return;
            }
            let planes = out.chunks_exact_mut(rows * inner).zip(x.dense::<T>().chunks_exact(width * inner));
            for (to, from) in planes {
                for (i, row) in from.chunks_exact(inner).enumerate() {
                    to[(start + i * step) * inner..][..inner].copy_from_slice(row);
                }
            }
        }))
    }
}
