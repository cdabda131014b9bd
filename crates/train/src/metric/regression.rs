//! How far numbers are off.

use crate::{DType, Error, Result};
use tensor_core::Tensor;

/// Errors of predicted numbers: mean squared, mean absolute, and the coefficient of determination, each over all elements
/// so far.
///
/// ```
/// use train::Tensor;
/// use train::metric::Regression;
///
/// let mut errors = Regression::default();
/// errors.add(&Tensor::from_vec(vec![2.5f32, 0.0], [2])?, &Tensor::from_vec(vec![3.0f32, -0.5], [2])?)?;
/// assert_eq!((errors.mse(), errors.mae()), (0.25, 0.5));
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Regression {
    count: usize,
    squared: f64,
    absolute: f64,
    /// Of the targets: their mean, and the sum of squared differences from it.
    mean: f64,
    spread: f64,
}

impl Regression {
    /// Takes a batch in: predictions and targets of one shape.
    ///
    /// # Errors
    /// If the shapes differ.
    pub fn add(&mut self, prediction: &Tensor, target: &Tensor) -> Result<()> {
        if prediction.shape() != target.shape() {
            let (data, target) = (prediction.shape().to_vec(), target.shape().to_vec());
            return Err(Error::SampleCount { op: "Regression::add", data, target });
        }
        let prediction = prediction.to_dtype(DType::F64)?.to_vec::<f64>()?;
        for (x, y) in prediction.into_iter().zip(target.to_dtype(DType::F64)?.to_vec::<f64>()?) {
            self.count += 1;
            self.squared += (x - y) * (x - y);
            self.absolute += (x - y).abs();
            // Welford's recurrence: no difference of large sums.
            let from_old = y - self.mean;
            self.mean += from_old / self.count as f64;
            self.spread += from_old * (y - self.mean);
        }
        Ok(())
    }

    /// The mean squared error.
    pub fn mse(&self) -> f64 {
        self.squared / self.count as f64
    }

    /// The mean absolute error.
    pub fn mae(&self) -> f64 {
        self.absolute / self.count as f64
    }

    /// 1 − squared errors / squared differences of the targets from their mean: R². Of targets that are all equal it is
    /// 1 if they are met and else 0, as with scikit-learn.
    pub fn r2(&self) -> f64 {
        match (self.squared, self.spread) {
            (_, spread) if spread != 0.0 => 1.0 - self.squared / spread,
            (squared, _) => f64::from(u8::from(squared == 0.0)),
        }
    }
}

/// e to the mean loss in nats a token.
///
/// ```
/// use train::metric::Perplexity;
///
/// let mut perplexity = Perplexity::default();
/// perplexity.add(10f64.ln(), 64);
/// assert!((perplexity.value() - 10.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Perplexity(super::Mean);

impl Perplexity {
    /// Adds the mean loss over `count` tokens.
    pub fn add(&mut self, mean_loss: impl Into<f64>, count: usize) {
        self.0.add(mean_loss, count);
    }

    /// The perplexity over all tokens so far; NaN before the first.
    pub fn value(&self) -> f64 {
        self.0.value().exp()
    }
}
