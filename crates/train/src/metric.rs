//! What an epoch amounts to.

mod classes;
mod regression;

pub use classes::{Auroc, ConfusionMatrix, TopK};
pub use regression::{Perplexity, Regression};

use crate::{Error, Result};
use optim::{OptionValue, Value};
use tensor_core::{Shape, Tensor};

/// The classes `[N]` that belong to outputs `[N, classes]`, each below the number of classes.
fn classes_of(op: &'static str, output: &Tensor, target: &Tensor) -> Result<Vec<usize>> {
    if output.rank() != 2 || *target.shape() != Shape::new(&output.shape()[..1]) {
        let (data, target) = (output.shape().to_vec(), target.shape().to_vec());
        return Err(Error::SampleCount { op, data, target });
    }
    let count = output.shape()[1];
    let class = |class: i64| usize::try_from(class).ok().filter(|&class| class < count);
    let wrong = |found| Error::argument(op, "a class", found, format!("0 to {}", count.saturating_sub(1)));
    target.to_vec::<i64>()?.into_iter().map(|found| class(found).ok_or_else(|| wrong(found))).collect()
}

/// A mean over an epoch that is exact where batches differ in size: each value counts as often as it has samples.
///
/// ```
/// use train::metric::Mean;
///
/// let mut loss = Mean::default();
/// loss.add(1.0, 64);
/// loss.add(4.0, 32);
/// assert_eq!(loss.value(), 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    /// Adds the mean over `count` samples, such as a batch's loss.
    pub fn add(&mut self, mean: impl Into<f64>, count: usize) {
        self.sum += mean.into() * count as f64;
        self.count += count;
    }

    /// The mean over all samples so far; NaN before the first.
    pub fn value(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The number of samples so far.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl OptionValue for Mean {
    const EXPECTED: &'static str = "a sum and a count";

    fn to_value(&self) -> Value {
        (self.sum, self.count).to_value()
    }

    fn from_value(value: &Value) -> Option<Self> {
        let (sum, count) = value.get()?;
        Some(Self { sum, count })
    }
}

/// The share of samples whose largest output is their class.
///
/// ```
/// use train::metric::Accuracy;
/// use train::Tensor;
///
/// let mut accuracy = Accuracy::default();
/// let output = Tensor::from_vec(vec![0.1f32, 0.9, 0.8, 0.2], [2, 2])?;
/// accuracy.add(&output, &Tensor::from_vec(vec![1i64, 1], [2])?)?;
/// assert_eq!((accuracy.correct(), accuracy.value()), (1, 0.5));
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    correct: usize,
    count: usize,
}

impl Accuracy {
    /// Counts a batch: outputs `[N, classes]` (logits or probabilities) and classes `[N]` in i64. Of equal outputs the
    /// first is taken.
    ///
    /// # Errors
    /// If the shapes do not fit or the classes are not i64.
    pub fn add(&mut self, output: &Tensor, target: &Tensor) -> Result<()> {
        if output.rank() != 2 || *target.shape() != Shape::new(&output.shape()[..1]) {
            let (data, target) = (output.shape().to_vec(), target.shape().to_vec());
            return Err(Error::SampleCount { op: "Accuracy::add", data, target });
        }
        let (predicted, target) = (output.argmax(1, false)?, target.contiguous()?);
        let pairs = predicted.as_slice::<i64>()?.iter().zip(target.as_slice::<i64>()?);
        self.correct += pairs.filter(|(predicted, class)| predicted == class).count();
        self.count += target.numel();
        Ok(())
    }

    /// Correct samples so far.
    pub fn correct(&self) -> usize {
        self.correct
    }

    /// The number of samples so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The share of correct samples so far, 0 … 1; NaN before the first.
    pub fn value(&self) -> f64 {
        self.correct as f64 / self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::DType;

    #[test]
    fn uneven_batches_weigh_by_their_samples() {
        let samples: Vec<f64> = (0..10).map(f64::from).collect();
        let mut mean = Mean::default();
        for batch in samples.chunks(4) {
            mean.add(batch.iter().sum::<f64>() / batch.len() as f64, batch.len());
        }
        assert_eq!((mean.value(), mean.count()), (4.5, 10));
        assert!(Mean::default().value().is_nan());
    }

    #[test]
    fn accuracy_refuses_what_does_not_fit() {
        let mut accuracy = Accuracy::default();
        let output = Tensor::zeros([3, 2], DType::F32).unwrap();
        for target in [Tensor::zeros([2], DType::I64), Tensor::zeros([3, 1], DType::I64)] {
            let error = accuracy.add(&output, &target.unwrap()).unwrap_err();
            assert!(error.to_string().contains("[3, 2]"), "{error}");
        }
        assert!(accuracy.add(&output, &Tensor::zeros([3], DType::F32).unwrap()).is_err());
        assert!(
            accuracy
                .add(&Tensor::zeros([3, 0], DType::F32).unwrap(), &Tensor::zeros([3], DType::I64).unwrap())
                .is_err()
        );
        assert_eq!(accuracy, Accuracy::default());
    }
}
