//! All parameters' numbers in one vector.

use crate::{Result, half};
use tensor_core::step::{Real, sum, update};
use tensor_core::{DType, Tensor};

/// A vector of f32 or f64 over all parameters.
#[derive(Clone, Debug)]
pub(super) struct Flat(pub(super) Tensor);

impl Flat {
    /// The elements of `tensors`, one after the other.
    pub(super) fn join(tensors: impl Iterator<Item = tensor_core::Result<Tensor>>) -> Result<Self> {
        let flat = tensors
            .map(|tensor| half::widened(&tensor?)?.reshape([-1]))
            .collect::<tensor_core::Result<Vec<_>>>()?;
        Ok(Self(Tensor::cat(&flat.iter().collect::<Vec<_>>(), 0)?.contiguous()?))
    }

    pub(super) fn dot(&self, other: &Self) -> Result<f64> {
        fn dot<F: Real>(x: &Tensor, y: &Tensor) -> Result<f64> {
            Ok(sum([x.as_slice::<F>()?, y.as_slice()?], |[x, y]| x.to_f64() * y.to_f64())?)
        }
        if self.0.dtype() == DType::F64 {
            dot::<f64>(&self.0, &other.0)
        } else {
            dot::<f32>(&self.0, &other.0)
        }
    }

    pub(super) fn scaled(&self, factor: f64) -> Result<Self> {
        Ok(Self(self.0.mul_scalar(factor)?))
    }

    pub(super) fn sub(&self, other: &Self) -> Result<Self> {
        Ok(Self(self.0.sub(&other.0)?))
    }

    /// The largest absolute element; NaN if there is one.
    pub(super) fn abs_max(&self) -> Result<f64> {
        if self.0.numel() == 0 {
            return Ok(0.0);
        }
        Ok(self.0.abs()?.amax(0, false)?.to_dtype(DType::F64)?.item()?)
    }

    pub(super) fn abs_sum(&self) -> Result<f64> {
        Ok(self.0.abs()?.sum()?.to_dtype(DType::F64)?.item()?)
    }

    /// `self += factor * other`.
    pub(super) fn add_scaled(&mut self, factor: f64, other: &Self) -> Result<()> {
        other.add_part(0, factor, &mut self.0)
    }

    /// `target += factor * self[offset..]`, as many elements as `target` has.
    pub(super) fn add_part(&self, offset: usize, factor: f64, target: &mut Tensor) -> Result<()> {
        fn add<F: Real>(part: &Tensor, factor: f64, target: &mut Tensor) -> Result<()> {
            let [factor] = F::array([factor]);
            Ok(update(target.as_slice_mut::<F>()?, part.as_slice()?, [], |x, d, []| (x + factor * d, []))?)
        }
        let part = self.0.narrow(0, isize::try_from(offset).unwrap_or(isize::MAX), target.numel())?;
        half::update(target, |target| match part.dtype() {
            DType::F64 => add::<f64>(&part, factor, target),
            _ => add::<f32>(&part, factor, target),
        })
    }
}
