//! Choices by given probabilities, drawn word by word in the order in which PyTorch draws them.

use super::Rng;
use super::distribution::{Uniform, argument};
use crate::dtype::dispatch_float;
use crate::{Error, ErrorKind, Result, Shape, Tensor};

impl Rng {
    /// 1 with the probability that each element of `p` is, else 0, as `torch.bernoulli(p)`: one word an element in
    /// f32, two in f64.
    ///
    /// # Errors
    /// If `p` is not f32 or f64, or an element is not in 0..=1.
    #[track_caller]
    pub fn bernoulli_each(&self, p: &Tensor) -> Result<Tensor> {
        const OP: &str = "bernoulli";
        let dense = p.contiguous()?;
        dispatch_float!(OP, p.dtype(), T => {
            let p = dense.dense::<T>();
            if let Some(p) = p.iter().find(|p| !(0.0..=1.0).contains(*p)) {
                return Err(argument(OP, "p", p.to_string(), "probabilities, 0 to 1"));
            }
            let generator = &mut *self.lock();
            Tensor::build_like::<T>(OP, &dense, |out| {
                for (y, p) in out.iter_mut().zip(p) {
                    *y = if T::unit(&mut generator.words) < *p { 1.0 } else { 0.0 };
                }
            })
        })
    }

    /// For each row of `weights` (`[classes]` or `[rows, classes]`) the indices of `num_samples` classes (i64, `[n]` or
    /// `[rows, n]`), drawn with probabilities in proportion to the weights: `torch.multinomial`.
    ///
    /// Without replacement, and for one sample, an [`exponential`](Rng::exponential) is drawn for each weight, and the
    /// classes of the largest quotients are taken; with replacement, two words a sample find a class among the running
    /// sums.
    ///
    /// # Errors
    /// If the weights are not f32 or f64, negative, not finite or all 0, if there are no samples to draw, or more than
    /// classes without replacement.
    ///
    /// ```
    /// use tensor_core::{Rng, Tensor};
    /// let weights = Tensor::from_vec(vec![0.1f32, 0.2, 0.3, 0.4], [4])?;
    /// // torch.manual_seed(0); torch.multinomial(weights, 2)
    /// assert_eq!(Rng::seed(0).multinomial(&weights, 2, false)?.to_vec::<i64>()?, [2, 1]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn multinomial(&self, weights: &Tensor, num_samples: usize, replacement: bool) -> Result<Tensor> {
        const OP: &str = "multinomial";
        let (lead, classes) = match **weights.shape() {
            [classes] if classes > 0 => (None, classes),
            [rows, classes] if classes > 0 => (Some(rows), classes),
            _ => {
                let (found, expected) = (weights.shape().clone(), "[classes] or [rows, classes]".to_string());
                let kind = ErrorKind::ShapeMismatch { argument: "weights", found, expected };
                return Err(Error::new(OP, kind));
            }
        };
        if num_samples == 0 || (!replacement && num_samples > classes) {
            let expected = "at least 1, without replacement at most one for each class";
            return Err(argument(OP, "num_samples", num_samples.to_string(), expected));
        }
        let dense = weights.contiguous()?;
        let shape: Shape = lead.into_iter().chain([num_samples]).collect();
        dispatch_float!(OP, weights.dtype(), T => {
            let rows = dense.dense::<T>().chunks_exact(classes);
            for row in rows.clone() {
                let fits = row.iter().all(|w| w.is_finite() && *w >= 0.0) && row.iter().any(|w| *w > 0.0);
                if !fits {
                    return Err(argument(OP, "weights", format!("{row:?}"), "finite weights from 0 on, not all 0"));
                }
            }
            let keys = if replacement && num_samples > 1 {
                None
            } else {
                Some(dense.div(&self.exponential(weights.shape(), 1.0, weights.dtype())?)?)
            };
            Tensor::build::<i64>(OP, shape, |out| match keys {
                Some(keys) => {
                    let keys = keys.dense::<T>().chunks_exact(classes);
                    out.chunks_exact_mut(num_samples).zip(keys).for_each(|(out, keys)| largest(keys, out));
                }
                None => {
                    let words = &mut self.lock().words;
                    let uniform = || f64::unit(words);
                    let mut draw = by_sums(classes, uniform);
                    out.chunks_exact_mut(num_samples).zip(rows).for_each(|(out, row)| draw(row, out));
                }
            })
        })
    }
}

/// The places of the largest keys, the largest first.
fn largest<T: PartialOrd>(keys: &[T], out: &mut [i64]) {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    let larger = |&a: &usize, &b: &usize| {
        keys[b].partial_cmp(&keys[a]).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(&b))
    };
    if out.len() < order.len() {
        order.select_nth_unstable_by(out.len(), larger);
        order.truncate(out.len());
    }
    order.sort_unstable_by(larger);
    out.iter_mut().zip(order).for_each(|(y, place)| *y = place as i64);
}

/// Draws classes from a row of weights: the first whose running share of the sum, rounded as the weights are, is no
/// less than a uniform number.
fn by_sums<T: Uniform>(classes: usize, mut uniform: impl FnMut() -> f64) -> impl FnMut(&[T], &mut [i64]) {
    let mut shares = vec![0.0; classes];
    move |row, out| {
        let mut sum = T::default();
        for (share, &weight) in shares.iter_mut().zip(row) {
            sum = T::from_f64(sum.to_f64() + weight.to_f64());
            *share = sum.to_f64();
        }
        for share in &mut shares {
            *share = T::from_f64(*share / sum.to_f64()).to_f64();
        }
        if let Some(last) = shares.last_mut() {
            *last = 1.0;
        }
        for y in out {
            let u = uniform();
            *y = shares.partition_point(|&share| share < u) as i64;
        }
    }
}
