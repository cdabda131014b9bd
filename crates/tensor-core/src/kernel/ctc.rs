//! Connectionist temporal classification (Graves et al., 2006): the likelihood of a label sequence summed over its
//! alignments to the steps, in logarithms and f64.

use super::math::Float;

/// One sequence: step t has the log-probabilities `log_probs[t · stride..][..classes]`; the labels have a blank before,
/// between and after them.
pub(crate) struct Sequence<'a, F> {
    pub log_probs: &'a [F],
    pub stride: usize,
    pub steps: usize,
    pub labels: &'a [usize],
}

/// log(Σ exp), −∞ for nothing but −∞.
fn log_sum(terms: [f64; 3]) -> f64 {
    let max = terms.into_iter().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + terms.into_iter().map(|term| (term - max).exp()).sum::<f64>().ln()
}

impl<F: Float> Sequence<'_, F> {
    fn log_prob(&self, step: usize, class: usize) -> f64 {
        self.log_probs[step * self.stride + class].to_f64()
    }

    /// Whether a path may come to place `to` from two before it: past a blank that parts two different labels.
    fn skips(&self, to: usize) -> bool {
        to >= 2 && to % 2 == 1 && self.labels[to] != self.labels[to - 2]
    }

    /// The log-likelihoods of all paths from the start to place s at step t, both ends counted: `[steps, places]`.
    fn forward(&self) -> Vec<f64> {
        let places = self.labels.len();
        let mut alpha = vec![f64::NEG_INFINITY; self.steps * places];
        for (s, &label) in self.labels.iter().enumerate().take(2) {
            alpha[s] = self.log_prob(0, label);
        }
        for t in 1..self.steps {
            let (done, rest) = alpha.split_at_mut(t * places);
            let before = &done[(t - 1) * places..];
            for (s, alpha) in rest[..places].iter_mut().enumerate() {
                let step = if s > 0 { before[s - 1] } else { f64::NEG_INFINITY };
                let skip = if self.skips(s) { before[s - 2] } else { f64::NEG_INFINITY };
                *alpha = log_sum([before[s], step, skip]) + self.log_prob(t, self.labels[s]);
            }
        }
        alpha
    }

    /// The log-likelihoods of all paths from place s at step t to the end, both ends counted.
    fn backward(&self) -> Vec<f64> {
        let places = self.labels.len();
        let mut beta = vec![f64::NEG_INFINITY; self.steps * places];
        for s in places.saturating_sub(2)..places {
            beta[(self.steps - 1) * places + s] = self.log_prob(self.steps - 1, self.labels[s]);
        }
        for t in (0..self.steps - 1).rev() {
            let (head, after) = beta.split_at_mut((t + 1) * places);
            for (s, beta) in head[t * places..].iter_mut().enumerate() {
                let step = if s + 1 < places { after[s + 1] } else { f64::NEG_INFINITY };
                let skip = if s + 2 < places && self.skips(s + 2) { after[s + 2] } else { f64::NEG_INFINITY };
                *beta = log_sum([after[s], step, skip]) + self.log_prob(t, self.labels[s]);
            }
        }
        beta
    }

    /// The negative log-likelihood of the labels; ∞ where the steps are too few for them.
    pub fn loss(&self) -> f64 {
        if self.steps == 0 {
            return if self.labels.len() == 1 { 0.0 } else { f64::INFINITY };
        }
        let alpha = self.forward();
        let ends = &alpha[alpha.len() - self.labels.len().min(2)..];
        -ends.iter().fold(f64::NEG_INFINITY, |sum, &end| log_sum([sum, end, f64::NEG_INFINITY]))
    }

    /// `g · (p − the share of the likelihood that passes class c at step t)` for every step and class, where p is the
    /// probability: the gradient of what a log-softmax was taken of, which that operation's own gradient leaves as it is.
    pub fn gradient(&self, g: f64, classes: usize, mut write: impl FnMut(&[f64])) {
        if self.steps == 0 {
            return;
        }
        let (places, loss, alpha, beta) = (self.labels.len(), self.loss(), self.forward(), self.backward());
        let mut through = vec![f64::NEG_INFINITY; classes];
        for t in 0..self.steps {
            through.fill(f64::NEG_INFINITY);
            for (s, &label) in self.labels.iter().enumerate() {
                let path = alpha[t * places + s] + beta[t * places + s];
                through[label] = log_sum([through[label], path, f64::NEG_INFINITY]);
            }
            for (class, through) in through.iter_mut().enumerate() {
                let p = self.log_prob(t, class);
                *through = (p.exp() - (*through + loss - p).exp()) * g;
            }
            write(&through);
        }
    }
}
