//! How well classes are told apart.

use super::classes_of;
use crate::{DType, Error, Result};
use tensor_core::Tensor;

/// The share of samples whose class is among the `k` largest outputs: scikit-learn's `top_k_accuracy_score`. Of equal
/// outputs the earlier class counts as larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    k: usize,
    correct: usize,
    count: usize,
}

impl TopK {
    /// Among the `k` largest.
    pub fn new(k: usize) -> Self {
        Self { k, correct: 0, count: 0 }
    }

    /// Counts a batch: outputs `[N, classes]` and classes `[N]` in i64.
    ///
    /// # Errors
    /// If the shapes do not fit, the classes are not i64, or one is none.
    pub fn add(&mut self, output: &Tensor, target: &Tensor) -> Result<()> {
        let classes = classes_of("TopK::add", output, target)?;
        let width = output.shape()[1];
        let scores = output.to_dtype(DType::F64)?.to_vec::<f64>()?;
        for (row, &class) in scores.chunks(width.max(1)).zip(&classes) {
            let own = row[class];
            let before = row.iter().enumerate().filter(|&(i, &x)| x > own || x == own && i < class).count();
            self.correct += usize::from(before < self.k);
        }
        self.count += classes.len();
        Ok(())
    }

    /// The share so far; NaN before the first sample.
    pub fn value(&self) -> f64 {
        self.correct as f64 / self.count as f64
    }
}

/// How often each class was taken for each other, and what follows from it. A class that was never predicted has
/// precision 0, one that never occurs recall 0, as with scikit-learn's `zero_division=0`.
///
/// ```
/// use train::Tensor;
/// use train::metric::ConfusionMatrix;
///
/// let mut matrix = ConfusionMatrix::new(2);
/// let output = Tensor::from_vec(vec![0.9f32, 0.1, 0.2, 0.8, 0.7, 0.3], [3, 2])?;
/// matrix.add(&output, &Tensor::from_vec(vec![0i64, 1, 1], [3])?)?;
/// assert_eq!(matrix.rows(), [[1, 0], [1, 1]]);
/// assert_eq!((matrix.precision(1), matrix.recall(1)), (1.0, 0.5));
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// Row-major: the true class, then the predicted one.
    counts: Vec<usize>,
}

impl ConfusionMatrix {
    /// Of this many classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes.saturating_mul(classes)] }
    }

    /// Counts a batch: outputs `[N, classes]` and classes `[N]` in i64. The largest output is the prediction.
    ///
    /// # Errors
    /// If the shapes do not fit, the classes are not i64, or one is none.
    pub fn add(&mut self, output: &Tensor, target: &Tensor) -> Result<()> {
        const OP: &str = "ConfusionMatrix::add";
        let classes = classes_of(OP, output, target)?;
        if output.shape()[1] != self.classes {
            let expected = self.classes.to_string();
            return Err(Error::argument(OP, "the number of classes", output.shape()[1], expected));
        }
        let predicted = output.argmax(1, false)?;
        for (&class, &predicted) in classes.iter().zip(predicted.as_slice::<i64>()?) {
            self.counts[class * self.classes + predicted as usize] += 1;
        }
        Ok(())
    }

    /// A row for each true class, with a count for each predicted one.
    pub fn rows(&self) -> Vec<&[usize]> {
        self.counts.chunks(self.classes.max(1)).collect()
    }

    /// The share of samples of a class, among those that were predicted to be of it, that are; 0 for no such class.
    pub fn precision(&self, class: usize) -> f64 {
        share(self.count(class, class), (0..self.classes).map(|truth| self.count(truth, class)).sum())
    }

    /// The share of a class's samples that were predicted to be of it; 0 for no such class.
    pub fn recall(&self, class: usize) -> f64 {
        share(self.count(class, class), (0..self.classes).map(|predicted| self.count(class, predicted)).sum())
    }

    /// The harmonic mean of precision and recall, 0 if both are.
    pub fn f1(&self, class: usize) -> f64 {
        let (precision, recall) = (self.precision(class), self.recall(class));
        if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
    }

    /// The mean of a measure over the classes that occur or were predicted: `macro`.
    pub fn macro_mean(&self, measure: impl Fn(&Self, usize) -> f64) -> f64 {
        let seen = |class: &usize| {
            (0..self.classes).any(|other| self.count(*class, other) + self.count(other, *class) > 0)
        };
        let values: Vec<f64> = (0..self.classes).filter(seen).map(|class| measure(self, class)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// The share of right predictions; NaN before the first sample. Precision, recall and F1 in the sense of `micro` are
    /// the same number.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.classes).map(|class| self.count(class, class)).sum();
        right as f64 / self.counts.iter().sum::<usize>() as f64
    }

    fn count(&self, truth: usize, predicted: usize) -> usize {
        let inside = truth < self.classes && predicted < self.classes;
        if inside { self.counts[truth * self.classes + predicted] } else { 0 }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The area under the receiver operating characteristic: the share of pairs of a positive and a negative sample of which
/// the positive one has the higher score; equal scores count half. Scores are kept, so the value is exact.
#[derive(Clone, Debug, Default)]
pub struct Auroc {
    scored: Vec<(f64, bool)>,
}

impl Auroc {
    /// Takes a batch in: scores `[N]` and labels `[N]` in i64, of which those that are not 0 are positive.
    ///
    /// # Errors
    /// If the shapes differ or the labels are not i64.
    pub fn add(&mut self, scores: &Tensor, labels: &Tensor) -> Result<()> {
        if scores.rank() != 1 || scores.shape() != labels.shape() {
            let (data, target) = (scores.shape().to_vec(), labels.shape().to_vec());
            return Err(Error::SampleCount { op: "Auroc::add", data, target });
        }
        let scores = scores.to_dtype(DType::F64)?.to_vec::<f64>()?;
        let labels = labels.to_vec::<i64>()?;
        self.scored.extend(scores.into_iter().zip(labels).map(|(score, label)| (score, label != 0)));
        Ok(())
    }

    /// The area; NaN unless there are positive and negative samples, or if a score is NaN.
    pub fn value(&self) -> f64 {
        if self.scored.iter().any(|(score, _)| score.is_nan()) {
            return f64::NAN;
        }
        let mut sorted = self.scored.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Twice the pairs that are won, so that a tie counts one.
        let (mut won, mut negatives, mut positives) = (0u128, 0u128, 0u128);
        for ties in sorted.chunk_by(|a, b| a.0 == b.0) {
            let up = ties.iter().filter(|(_, positive)| *positive).count() as u128;
            let down = ties.len() as u128 - up;
            won += up * (2 * negatives + down);
            (negatives, positives) = (negatives + down, positives + up);
        }
        won as f64 / (2 * negatives * positives) as f64
    }
}
