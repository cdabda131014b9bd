//! Kullback-Leibler divergence.

use crate::testing::{Row, Sample};
use crate::{Reduction, Result, Var};

/// What becomes of the divergences: `reduction` of `torch.nn.functional.kl_div`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KlDivReduction {
    /// The mean over all elements, which is not the mean of the divergences.
    #[default]
    Mean,
    /// The sum over the size of the first dimension: the mean of the divergences of a batch.
    BatchMean,
    /// The sum.
    Sum,
    /// The terms are returned one by one.
    None,
}

/// Keywords of `torch.nn.functional.kl_div`, with its defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KlDivOptions {
    /// Default [`KlDivReduction::Mean`], as in PyTorch; [`KlDivReduction::BatchMean`] is what the name promises.
    pub reduction: KlDivReduction,
    /// Whether the target holds log-probabilities, too. Default false.
    pub log_target: bool,
}

impl Var {
    /// `t (log t − x)` for log-probabilities x and probabilities t (0 where t is), or `eᵗ (t − x)` for log-probabilities
    /// t, reduced: `torch.nn.functional.kl_div`.
    ///
    /// # Errors
    /// If the shapes or dtypes differ.
    #[track_caller]
    pub fn kl_div(&self, target: impl Into<Var>, options: KlDivOptions) -> Result<Var> {
        let target = target.into();
        self.same_shape("kl_div", &target)?;
        let terms = if options.log_target {
            target.sub(self)?.mul(&target.exp()?)?
        } else {
            let log = target.masked_fill(&target.value().eq_scalar(0)?, 1.0)?.log()?;
            target.mul(&log)?.sub(&target.mul(self)?)?
        };
        match options.reduction {
            KlDivReduction::Mean => terms.mean(),
            KlDivReduction::Sum => terms.sum(),
            KlDivReduction::None => Ok(terms),
            KlDivReduction::BatchMean => {
                terms.sum()?.div_scalar(self.shape().first().map_or(1.0, |&n| n as f64))
            }
        }
    }
}

pub(crate) const ROW: Row = Row {
    name: "kl_div",
    sample: |s| {
        let shape = s.shape(3);
        let log_target = s.one_in(2);
        let x = s.tensor(&shape, -3.0, 0.0)?;
        let t = if log_target { s.tensor(&shape, -3.0, 0.0)? } else { s.tensor(&shape, 0.1, 0.9)? };
        let terms = x.to_vec::<f64>()?.into_iter().zip(t.to_vec::<f64>()?).map(|(x, t)| match log_target {
            true => t.exp() * (t - x),
            false => t * (t.ln() - x),
        });
        let terms: Vec<f64> = terms.collect();
        let total = terms.iter().sum::<f64>();
        let (reduction, expected) = match (s.one_in(3), shape.first()) {
            (true, Some(&n)) if n > 0 => (KlDivReduction::BatchMean, vec![total / n as f64]),
            _ => match s.reduced(terms) {
                (Reduction::Mean, expected) => (KlDivReduction::Mean, expected),
                (Reduction::Sum, expected) => (KlDivReduction::Sum, expected),
                (Reduction::None, expected) => (KlDivReduction::None, expected),
            },
        };
        let options = KlDivOptions { reduction, log_target };
        Ok(Sample::new(vec![x, t], move |x| x[0].kl_div(&x[1], options)).expect(expected))
    },
    order: 2,
};
