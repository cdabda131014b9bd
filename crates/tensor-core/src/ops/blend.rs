//! What mixes or replaces elements: the numbers among two, substitutes for NaN, interpolation, fused products.

use super::{binary, unary};
use crate::dtype::dispatch_float;
use crate::{DType, Result, Scalar, Tensor, bf16};

impl Tensor {
    /// The larger of the two, element by element; of a number and NaN the number: `torch.fmax`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn fmax(&self, other: &Tensor) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return self.maximum(other).map_err(|e| e.of("fmax"));
        }
        self.same_dtype("fmax", other)?;
        let (a, b) = (self, other);
        dispatch_float!("fmax", [a, b], T => {
            binary::apply("fmax", &a, &b, |a: T, b: T| if a >= b || b.is_nan() { a } else { b })
        })
    }

    /// The smaller of the two, element by element; of a number and NaN the number: `torch.fmin`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn fmin(&self, other: &Tensor) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return self.minimum(other).map_err(|e| e.of("fmin"));
        }
        self.same_dtype("fmin", other)?;
        let (a, b) = (self, other);
        dispatch_float!("fmin", [a, b], T => {
            binary::apply("fmin", &a, &b, |a: T, b: T| if a <= b || b.is_nan() { a } else { b })
        })
    }

    /// The elements, with `nan` for NaN, and `posinf` and `neginf` for the infinities: `torch.nan_to_num`. `None`
    /// stands for the largest and the smallest number of the dtype. Integers stay as they are.
    #[track_caller]
    pub fn nan_to_num(&self, nan: f64, posinf: Option<f64>, neginf: Option<f64>) -> Result<Tensor> {
        const OP: &str = "nan_to_num";
        if !self.dtype().is_float() {
            return Ok(self.clone());
        }
        let x = self;
        let largest = match self.dtype() {
            DType::F16 => 65504.0,
            DType::BF16 => bf16::from_bits(0x7f7f).to_f32().into(),
            DType::F32 => f32::MAX.into(),
            _ => f64::MAX,
        };
        let (high, low) = (posinf.unwrap_or(largest), neginf.unwrap_or(-largest));
        dispatch_float!(OP, [x], T => {
            let (nan, high, low) = (nan as T, high as T, low as T);
            unary::apply(OP, &x, move |x: T| match x {
                T::INFINITY => high,
                T::NEG_INFINITY => low,
                x if x.is_nan() => nan,
                x => x,
            })
        })
    }

    /// self + weight · (end − self) for one number: `torch.lerp`. Exactly `self` at 0 and `end` at 1. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn lerp_scalar(&self, end: &Tensor, weight: f64) -> Result<Tensor> {
        const OP: &str = "lerp";
        self.same_dtype(OP, end)?;
        let (a, b) = (self, end);
        dispatch_float!(OP, [a, b], T => {
            let (weight, rest) = (weight as T, 1.0 - weight as T);
            // From the nearer end, as PyTorch.
            if weight.abs() < 0.5 {
                binary::apply(OP, &a, &b, move |a: T, b: T| a + weight * (b - a))
            } else {
                binary::apply(OP, &a, &b, move |a: T, b: T| b - (b - a) * rest)
            }
        })
    }

    /// self + weight · (end − self), element by element: `torch.lerp`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn lerp(&self, end: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let lerp = || {
            let way = end.sub(self)?;
            let (from_start, back) = (self.add(&weight.mul(&way)?)?, way.mul(&weight.sub_scalar(1.0)?)?);
            from_start.where_cond(&weight.abs()?.lt_scalar(0.5)?, &end.add(&back)?)
        };
        lerp().map_err(|e| e.of("lerp"))
    }

    /// self + value · a · b: `torch.addcmul`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are bool.
    #[track_caller]
    pub fn addcmul(&self, a: &Tensor, b: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let product = || self.add(&scaled(&a.mul(b)?, value.into())?);
        product().map_err(|e| e.of("addcmul"))
    }

    /// self + value · a / b: `torch.addcdiv`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn addcdiv(&self, a: &Tensor, b: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let quotient = || self.add(&scaled(&a.div(b)?, value.into())?);
        quotient().map_err(|e| e.of("addcdiv"))
    }

    /// `min(max(self, min), max)`, element by element, with either bound left out for `None`: `torch.clamp` with
    /// tensors as bounds. NaN in any of the three gives NaN. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn clamp_tensor(&self, min: Option<&Tensor>, max: Option<&Tensor>) -> Result<Tensor> {
        let x = min.map_or_else(|| Ok(self.clone()), |min| self.maximum(min));
        let y = x.and_then(|x| max.map_or_else(|| Ok(x.clone()), |max| x.minimum(max)));
        y.map_err(|e| e.of("clamp"))
    }
}

/// The product with a number, in the tensor's own dtype.
#[track_caller]
fn scaled(x: &Tensor, value: Scalar) -> Result<Tensor> {
    match value {
        value if value.to::<f64>() == 1.0 => Ok(x.clone()),
        Scalar::Float(value) if !x.dtype().is_float() && x.dtype() != DType::Bool => {
            x.mul_scalar(value as i64)
        }
        value => x.mul_scalar(value),
    }
}
