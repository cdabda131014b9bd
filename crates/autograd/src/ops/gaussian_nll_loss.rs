//! Negative log-likelihoods: of a normal distribution and of a Poisson distribution.

use crate::losses::refused;
use crate::testing::{Row, Sample};
use crate::{Reduction, Result, Var};
use std::f64::consts::PI;

/// Keywords of `torch.nn.functional.gaussian_nll_loss`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNllOptions {
    /// Whether the constant `½ log 2π` is added. Default false.
    pub full: bool,
    /// The least variance; a smaller one is raised to it, its gradient passed all the same. Default 1e-6.
    pub eps: f64,
    /// Default [`Reduction::Mean`].
    pub reduction: Reduction,
}

impl Default for GaussianNllOptions {
    fn default() -> Self {
        Self { full: false, eps: 1e-6, reduction: Reduction::Mean }
    }
}

/// Keywords of `torch.nn.functional.poisson_nll_loss`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonNllOptions {
    /// Whether the input is the logarithm of the rate. Default true.
    pub log_input: bool,
    /// Whether Stirling's approximation of `log t!` is added, for targets above 1. Default false.
    pub full: bool,
    /// Added to the rate under the logarithm, where the input is no logarithm. Default 1e-8.
    pub eps: f64,
    /// Default [`Reduction::Mean`].
    pub reduction: Reduction,
}

impl Default for PoissonNllOptions {
    fn default() -> Self {
        Self { log_input: true, full: false, eps: 1e-8, reduction: Reduction::Mean }
    }
}

impl Var {
    /// The mean, the sum or each of `½ (log v + (x − t)² / v)` for means x, targets t and variances v:
    /// `torch.nn.functional.gaussian_nll_loss`. The target broadcasts; the variances have the input's shape, or its shape
    /// with dimensions as 1 or without the last.
    ///
    /// # Errors
    /// If a variance is negative, or shapes or dtypes do not fit.
    #[track_caller]
    pub fn gaussian_nll_loss(
        &self,
        target: impl Into<Var>,
        variance: impl Into<Var>,
        options: GaussianNllOptions,
    ) -> Result<Var> {
        const OP: &str = "gaussian_nll_loss";
        let (target, variance) = (target.into(), variance.into());
        if variance.value().lt_scalar(0)?.any()? {
            return Err(refused(OP, "the variance", "negative".to_string(), "numbers from 0"));
        }
        let (shape, of) = (self.shape(), variance.shape());
        let variance = if shape == of {
            variance
        } else if shape.split_last().is_some_and(|(_, lead)| of[..] == *lead) {
            variance.unsqueeze(-1)?
        } else if shape.len() == of.len() && of.broadcasts_to(shape) {
            variance
        } else {
            let expected = "the input's, or it with dimensions as 1 or without the last";
            return Err(refused(OP, "the variance's shape", format!("{of} for input {shape}"), expected));
        };
        let variance = variance.raised_to(options.eps)?;
        let distance = self.sub(&target)?;
        let mut loss = variance.log()?.add(&distance.mul(&distance)?.div(&variance)?)?.mul_scalar(0.5)?;
        if options.full {
            loss = loss.add_scalar(0.5 * (2.0 * PI).ln())?;
        }
        loss.reduced(options.reduction)
    }

    /// The mean, the sum or each of `eˣ − t x` for logarithms x of rates and targets t, or `x − t log(x + eps)` for rates
    /// x: `torch.nn.functional.poisson_nll_loss`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn poisson_nll_loss(&self, target: impl Into<Var>, options: PoissonNllOptions) -> Result<Var> {
        let target = target.into();
        let mut loss = if options.log_input {
            self.exp()?.sub(&target.mul(self)?)?
        } else {
            self.sub(&target.mul(&self.add_scalar(options.eps)?.log()?)?)?
        };
        if options.full {
            let small = target.value().le_scalar(1)?;
            // 1 in place of small targets, whose logarithms would spoil the gradient.
            let t = target.masked_fill(&small, 1.0)?;
            let root = t.mul_scalar(2.0 * PI)?.log()?.mul_scalar(0.5)?;
            let stirling = t.mul(&t.log()?)?.sub(&t)?.add(&root)?;
            loss = loss.add(&stirling.masked_fill(&small, 0.0)?)?;
        }
        loss.reduced(options.reduction)
    }
}

pub(crate) const ROW: Row = Row {
    name: "gaussian_nll_loss",
    sample: |s| {
        let shape = s.shape(3);
        let full = s.one_in(2);
        if s.one_in(2) {
            let log_input = s.one_in(2);
            let x = if log_input { s.tensor(&shape, -2.0, 2.0)? } else { s.tensor(&shape, 0.2, 3.0)? };
            let t = s.tensor(&shape, 1.1, 5.0)?;
            let losses = x.to_vec::<f64>()?.into_iter().zip(t.to_vec::<f64>()?).map(|(x, t)| {
                let stirling = if full { t * t.ln() - t + 0.5 * (2.0 * PI * t).ln() } else { 0.0 };
                stirling + if log_input { x.exp() - t * x } else { x - t * (x + 0.5).ln() }
            });
            let (reduction, expected) = s.reduced(losses.collect());
            let options = PoissonNllOptions { log_input, full, eps: 0.5, reduction };
            return Ok(Sample::new(vec![x, t], move |x| x[0].poisson_nll_loss(&x[1], options)).expect(expected));
        }
        let (x, t) = (s.tensor(&shape, -2.0, 2.0)?, s.tensor(&shape, -2.0, 2.0)?);
        let mut of = shape.to_vec();
        if let Some(last) = of.last_mut().filter(|_| s.one_in(2)) {
            *last = 1;
        }
        let variance = s.tensor(&of[..].into(), 0.3, 2.0)?;
        let wide = variance.broadcast_to(&shape)?.to_vec::<f64>()?;
        let pairs = x.to_vec::<f64>()?.into_iter().zip(t.to_vec::<f64>()?);
        let constant = if full { 0.5 * (2.0 * PI).ln() } else { 0.0 };
        let losses = pairs.zip(wide).map(|((x, t), v)| constant + 0.5 * (v.ln() + (x - t) * (x - t) / v));
        let (reduction, expected) = s.reduced(losses.collect());
        let options = GaussianNllOptions { full, reduction, ..GaussianNllOptions::default() };
        let drop = of.len() == shape.len() && of.last() == Some(&1) && s.one_in(2);
        Ok(Sample::new(vec![x, t, variance], move |x| {
            let variance = if drop { x[2].squeeze(-1)? } else { x[2].clone() };
            x[0].gaussian_nll_loss(&x[1], variance, options)
        })
        .expect(expected))
    },
    order: 2,
};
