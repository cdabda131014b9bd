//! Weighted sums of elements along trailing dimensions: what average pooling and interpolation have in common.

use crate::dtype::dispatch_float;
use crate::kernel::resample::{self as kernel, Taps};
use crate::storage::Storage;
use crate::{Error, ErrorKind, Result, Shape, Tensor};
use std::sync::Arc;

/// A product with a sparse matrix along each of some trailing dimensions, for inputs of one shape. It is linear; the
/// gradient is the product with the [`transposed`](Resampling::transposed) matrices.
///
/// Made by `Resampling::avg_pool`, `adaptive_avg_pool` and `interpolate`, applied by [`Tensor::resample`].
#[derive(Clone, Debug)]
pub struct Resampling {
    op: &'static str,
    input: Shape,
    /// Of the trailing dimensions; None for one that stays as it is.
    taps: Arc<[Option<Taps>]>,
}

impl Resampling {
    /// Of the trailing dimensions of an input of shape `x`.
    pub(super) fn new(op: &'static str, x: &Shape, taps: Vec<Option<Taps>>) -> Self {
        Self { op, input: x.clone(), taps: taps.into() }
    }

    /// The operation's name.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// The gradient's: from the shape of the output to that of the input.
    pub fn transposed(&self) -> Self {
        let mut input = self.input.clone();
        let lead = input.len() - self.taps.len();
        for (size, taps) in input.sizes_mut()[lead..].iter_mut().zip(&*self.taps) {
            *size = taps.as_ref().map_or(*size, Taps::outputs);
        }
        let taps = self.taps.iter().map(|taps| taps.as_ref().map(Taps::transposed)).collect();
        Self { op: self.op, input, taps }
    }
}

/// Room for a matrix, or the error that there is none.
#[track_caller]
pub(super) fn room(op: &'static str, inputs: usize, outputs: usize, runs: usize) -> Result<Taps> {
    // The transposed matrix has a list for each input.
    Storage::expect_room(op, inputs.saturating_mul(size_of::<Vec<kernel::Run>>() / size_of::<usize>() + 1))?;
    match Taps::with_room(inputs, outputs, runs) {
        Ok(taps) => Ok(taps),
        Err(_) => {
            let bytes = outputs.saturating_mul(runs).saturating_mul(size_of::<kernel::Run>());
            Err(Error::new(op, ErrorKind::OutOfMemory { bytes }))
        }
    }
}

/// The trailing `N` dimensions of `[N, C, ..]` or `[C, ..]`, all positive.
#[track_caller]
pub(super) fn spatial<const N: usize>(op: &'static str, x: &Shape) -> Result<[usize; N]> {
    let lead = x.len().checked_sub(N).filter(|lead| matches!(lead, 1 | 2));
    match lead.and_then(|lead| <[usize; N]>::try_from(&x[lead..]).ok()) {
        Some(sizes) if !sizes.contains(&0) => Ok(sizes),
        _ => {
            let spatial = const { ["L", "H, W", "D, H, W"][N - 1] };
            let (found, expected) =
                (x.clone(), format!("[N, C, {spatial}] or [C, {spatial}], none of {spatial} 0"));
            Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }))
        }
    }
}

impl Tensor {
    /// The product of the trailing dimensions with the matrices of `resampling`, one after the other.
    ///
    /// # Errors
    /// If the shape is not the one that the resampling was made for or the dtype is not floating-point.
    #[track_caller]
    pub fn resample(&self, resampling: &Resampling) -> Result<Tensor> {
        let Resampling { op, input, taps } = resampling;
        if self.shape() != input {
            let (found, expected) = (self.shape().clone(), input.to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let (x, lead) = (self.contiguous()?, input.len() - taps.len());
        dispatch_float!(op, [x], T => {
            let mut y: Tensor = (*x).clone();
            for (d, taps) in taps.iter().enumerate() {
                let Some(taps) = taps else { continue };
                let inner = y.shape()[lead + d + 1..].iter().product();
                let mut shape = y.shape().clone();
                shape.sizes_mut()[lead + d] = taps.outputs();
                y = Tensor::build::<T>(op, shape, |out| kernel::resample(y.dense::<T>(), taps, inner, out))?;
            }
            Ok(y)
        })
    }
}
