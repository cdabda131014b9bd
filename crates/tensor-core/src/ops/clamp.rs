//! Bounding elements.

use super::unary;
use crate::dtype::dispatch_number;
use crate::{Element, Result, Tensor};

impl Tensor {
    /// `min(max(x, min), max)`, element by element, with either bound left out for `None`; NaN stays NaN:
    /// `torch.clamp` with numbers as bounds. Bounds are converted to the tensor's dtype; where `min` is above `max`,
    /// the result is `max`.
    ///
    /// # Errors
    /// If the dtype is bool.
    #[track_caller]
    pub fn clamp(&self, min: Option<f64>, max: Option<f64>) -> Result<Tensor> {
        let x = self;
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
