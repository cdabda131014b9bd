//! Connectionist temporal classification.

use crate::dtype::dispatch_float;
use crate::kernel::ctc::Sequence;
use crate::kernel::parallel::map_tasks;
use crate::{DType, Element, Error, ErrorKind, Result, Shape, Tensor};

/// Label sequences and lengths of a batch.
#[derive(Clone, Debug)]
pub struct CtcTargets {
    /// Class indices (i64): `[N, S]` of which each row counts up to its length, or all of them one after another.
    pub targets: Tensor,
    /// Steps of each sequence.
    pub input_lengths: Vec<usize>,
    /// Labels of each sequence.
    pub target_lengths: Vec<usize>,
    /// The class that stands for no label.
    pub blank: usize,
}

impl CtcTargets {
    /// The labels of each sequence of `[T, N, C]` log-probabilities with a blank before, between and after them.
    ///
    /// # Errors
    /// If lengths, shapes or classes do not fit.
    #[track_caller]
    pub fn labels(&self, log_probs: &Shape) -> Result<Vec<Vec<usize>>> {
        let location = std::panic::Location::caller();
        let refuse = |argument, value: String, expected| {
            Err(Error::new("ctc_loss", ErrorKind::Argument { argument, value, expected }).at(location))
        };
        let [steps, batch, classes] = log_probs[..] else {
            return refuse("the shape of the log-probabilities", log_probs.to_string(), "[T, N, C]");
        };
        if self.blank >= classes {
            return refuse("blank", self.blank.to_string(), "a class");
        }
        let lengths = &self.target_lengths;
        if self.input_lengths.len() != batch || lengths.len() != batch {
            let value = format!("{} and {} for {batch} sequences", self.input_lengths.len(), lengths.len());
            return refuse("the number of input lengths and target lengths", value, "one for each sequence");
        }
        if let Some(length) = self.input_lengths.iter().find(|&&length| length > steps) {
            return refuse("an input length", format!("{length} of {steps} steps"), "at most all steps");
        }
        let total = lengths.iter().try_fold(0usize, |sum, &n| sum.checked_add(n));
        let starts = match self.targets.shape()[..] {
            [rows, width] if rows == batch && lengths.iter().all(|&n| n <= width) => {
                (0..batch).map(|n| n * width).collect()
            }
            [all] if Some(all) == total => lengths
                .iter()
                .scan(0, |start, &n| Some(std::mem::replace(start, *start + n)))
                .collect::<Vec<usize>>(),
            _ => {
                let value = format!("{} for target lengths {lengths:?}", self.targets.shape());
                return refuse(
                    "the shape of the targets",
                    value,
                    "[N, S] or [the sum of the target lengths]",
                );
            }
        };
        if self.targets.dtype() != DType::I64 {
            return refuse("the dtype of the targets", self.targets.dtype().to_string(), "i64");
        }
        let targets = self.targets.to_vec::<i64>()?;
        let mut all = Vec::with_capacity(batch);
        for (start, &length) in starts.into_iter().zip(lengths) {
            let mut labels = vec![self.blank];
            for &label in &targets[start..start + length] {
                match usize::try_from(label) {
                    Ok(class) if class < classes => labels.extend([class, self.blank]),
                    _ => return refuse("a target", label.to_string(), "a class"),
                }
            }
            all.push(labels);
        }
        Ok(all)
    }
}

impl Tensor {
    /// The negative log-likelihoods `[N]` of label sequences, summed over their alignments, for log-probabilities
    /// `[T, N, C]`; ∞ where the steps are too few: `torch.nn.functional.ctc_loss` without reduction.
    ///
    /// # Errors
    /// If lengths, shapes or classes do not fit, or the dtype is not floating-point.
    #[track_caller]
    pub fn ctc_loss(&self, targets: &CtcTargets) -> Result<Tensor> {
        const OP: &str = "ctc_loss";
        let labels = targets.labels(self.shape())?;
        let x = self.contiguous()?;
        let stride = x.shape()[1..].iter().product();
        let classes = x.shape()[2];
        dispatch_float!(OP, [x], T => {
            let x = x.dense::<T>();
            let losses = map_tasks(labels.len(), |n| {
                let (log_probs, steps) = (x.get(n * classes..).unwrap_or(&[]), targets.input_lengths[n]);
                Sequence { log_probs, stride, steps, labels: &labels[n] }.loss() as T
            });
            Tensor::from_vec(losses, [labels.len()])
        })
    }

    /// The gradient of [`ctc_loss`](Tensor::ctc_loss), with this tensor as the gradient `[N]` of the losses. As in
    /// PyTorch it is the one of what a log-softmax gave `log_probs` for: the probabilities less the shares of the
    /// likelihood. A sequence whose gradient is 0 gets none, whatever its loss.
    ///
    /// # Errors
    /// As for `ctc_loss`, and if the shapes or dtypes do not fit.
    #[track_caller]
    pub fn ctc_loss_backward(&self, log_probs: &Tensor, targets: &CtcTargets) -> Result<Tensor> {
        const OP: &str = "ctc_loss_backward";
        self.same_dtype(OP, log_probs)?;
        let labels = targets.labels(log_probs.shape())?;
        if *self.shape() != [labels.len()] {
            let (found, expected) = (self.shape().clone(), format!("[{}]", labels.len()));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "gradient", found, expected }));
        }
        let (g, x) = (self.contiguous()?, log_probs.contiguous()?);
        let stride: usize = x.shape()[1..].iter().product();
        let classes = x.shape()[2];
        dispatch_float!(OP, [x, g], T => {
            let (log_probs, g) = (x.dense::<T>(), g.dense::<T>());
            let parts = map_tasks(labels.len(), |n| {
                let steps = targets.input_lengths[n];
                let mut part = Vec::with_capacity(steps * classes);
                if g[n] != 0.0 {
                    let log_probs = log_probs.get(n * classes..).unwrap_or(&[]);
                    let sequence = Sequence { log_probs, stride, steps, labels: &labels[n] };
                    sequence.gradient(Element::to_f64(g[n]), classes, |row| part.extend(row.iter().map(|&v| v as T)));
                }
                part
            });
            Tensor::build::<T>(OP, x.shape().clone(), |dx| {
                dx.fill(0.0);
                for (n, part) in parts.iter().enumerate() {
                    for (t, row) in part.chunks_exact(classes).enumerate() {
                        dx[t * stride + n * classes..][..classes].copy_from_slice(row);
                    }
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every path of classes, one a step, that comes to the labels when repeats and then blanks are dropped.
    fn likelihood(probs: &[Vec<f64>], labels: &[usize], blank: usize) -> f64 {
        let classes = probs.first().map_or(1, Vec::len);
        let paths = classes.pow(probs.len() as u32);
        let read = |mut path: usize| -> (Vec<usize>, f64) {
            let (mut kept, mut last, mut p) = (Vec::new(), None, 1.0);
            for row in probs {
                let class = path % classes;
                path /= classes;
                p *= row[class];
                if Some(class) != last && class != blank {
                    kept.push(class);
                }
                last = Some(class);
            }
            (kept, p)
        };
        (0..paths).map(read).filter(|(kept, _)| kept == labels).map(|(_, p)| p).sum()
    }

    #[test]
    fn the_loss_sums_all_alignments() {
        let (steps, classes, blank) = (5, 3, 1);
        let cases: [(&[i64], usize); 7] =
            [(&[0, 2], 5), (&[0, 0], 5), (&[2, 2, 2], 5), (&[0, 2, 0], 3), (&[0, 0], 2), (&[], 4), (&[], 0)];
        let logits: Vec<f64> =
            (0..steps * cases.len() * classes).map(|i| ((i * 37) % 11) as f64 / 5.0).collect();
        let x = Tensor::from_vec(logits, [steps, cases.len(), classes]).unwrap().log_softmax(-1).unwrap();
        let targets = CtcTargets {
            targets: Tensor::from_vec(cases.map(|case| case.0).concat(), [12]).unwrap(),
            input_lengths: cases.iter().map(|c| c.1).collect(),
            target_lengths: cases.iter().map(|c| c.0.len()).collect(),
            blank,
        };
        let losses = x.ctc_loss(&targets).unwrap().to_vec::<f64>().unwrap();
        let probs = x.exp().unwrap().to_vec::<f64>().unwrap();
        for (n, (labels, length)) in cases.into_iter().enumerate() {
            let row = |t: usize| probs[(t * 7 + n) * classes..][..classes].to_vec();
            let labels: Vec<usize> = labels.iter().map(|&l| l as usize).collect();
            let expected = -likelihood(&(0..length).map(row).collect::<Vec<_>>(), &labels, blank).ln();
            let found = losses[n];
            assert!(
                found == expected || (found - expected).abs() < 1e-12,
                "{n}: {found}, expected {expected}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = Tensor::zeros([4, 1, 3], DType::F32).unwrap();
        let targets = |values: Vec<i64>, shape: &[usize], steps, length, blank| CtcTargets {
            targets: Tensor::from_vec(values, shape).unwrap(),
            input_lengths: vec![steps],
            target_lengths: vec![length],
            blank,
        };
        assert!(x.ctc_loss(&targets(vec![1, 2], &[2], 4, 2, 0)).is_ok());
        for bad in [
            targets(vec![1, 2], &[2], 5, 2, 0),
            targets(vec![1, 2], &[2], 4, 1, 0),
            targets(vec![1, 2], &[1, 2], 4, 3, 0),
            targets(vec![1, 3], &[2], 4, 2, 0),
            targets(vec![1, -1], &[2], 4, 2, 0),
            targets(vec![1, 2], &[2], 4, 2, 3),
            targets(vec![1, 2], &[2, 1], 4, 1, 0),
        ] {
            assert!(x.ctc_loss(&bad).is_err(), "{bad:?}");
        }
        assert!(
            Tensor::zeros([4, 3], DType::F32).unwrap().ctc_loss(&targets(vec![1], &[1], 4, 1, 0)).is_err()
        );
    }
}
