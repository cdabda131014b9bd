//! Parameters in half precision: a step, a norm, a clipping reads them and their gradients as f32, computes in f32 and
//! rounds its result once. State is kept in f32: a running mean whose steps are below the last bit of half precision
//! would stand still.

use crate::Result;
use tensor_core::Tensor;

/// The tensor as it is computed with.
pub(crate) fn widened(x: &Tensor) -> tensor_core::Result<Tensor> {
    x.to_dtype(x.dtype().computed())
}

/// Lets `write` change the tensor, half precision as f32.
pub(crate) fn update<R>(x: &mut Tensor, write: impl FnOnce(&mut Tensor) -> Result<R>) -> Result<R> {
    if !x.dtype().is_half() {
        return write(x);
    }
    let mut wide = widened(x)?;
    let written = write(&mut wide)?;
    *x = wide.to_dtype(x.dtype())?;
    Ok(written)
}
