//! Bounding elements.

use super::unary;
use crate::dtype::dispatch_number;
use crate::{Element, Result, Scalar, Tensor};

impl Tensor {
    /// `min(max(x, min), max)`, element by element, with either bound left out for `None`; NaN stays NaN:
    /// `torch.clamp` with numbers as bounds. Where `min` is above `max`, the result is `max`. Whole bounds are integers
    /// beside an integer or bool tensor; any other makes it f32.
    ///
    /// # Errors
    /// If the dtype is bool and there is no bound.
    #[track_caller]
    pub fn clamp(&self, min: Option<f64>, max: Option<f64>) -> Result<Tensor> {
        let bounds = [min, max].into_iter().flatten();
        let numbers = bounds.map(|b| if b.fract() == 0.0 { Scalar::Int(b as i64) } else { Scalar::Float(b) });
        let x = numbers.into_iter().try_fold(self.clone(), |x, bound| x.promoted(bound))?;
        dispatch_number!("clamp", [x], T => {
            let (min, max) = (min.map(T::from_f64), max.map(T::from_f64));
            // Comparisons with NaN are false, so it passes both.
            unary::apply("clamp", &x, move |x: T| {
                let x = match min { Some(min) if x < min => min, _ => x };
                match max { Some(max) if x > max => max, _ => x }
            })
        })
    }
}
