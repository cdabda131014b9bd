//! What is tried before a run.

use super::Output;
use crate::data::Loader;
use crate::{DType, Error, Result, Var};
use nn::Module;
use optim::Optimizer;

/// Steps `optimizer` on one batch again and again, and returns the losses: a model and a loss that are wired right
/// learn a batch by heart. `loss` computes the loss of that batch.
///
/// ```
/// use train::prelude::*;
///
/// let model = Linear::new(2, 1, &Rng::seed(0))?;
/// let (x, y) = (Tensor::ones([4, 2], DType::F32)?, Tensor::ones([4, 1], DType::F32)?);
/// let mut opt = Adam::new(model.parameters(), 0.1)?;
/// let losses = train::overfit_one_batch(&mut opt, 200, || {
///     let y_hat = model.forward(&x.clone().into())?;
///     Ok(y_hat.mse_loss(&y, train::autograd::Reduction::Mean)?)
/// })?;
/// assert!(losses[199] < 1e-3 * losses[0]);
/// # Ok::<(), train::Error>(())
/// ```
///
/// # Errors
/// Those of `loss` and of the optimizer.
pub fn overfit_one_batch(
    optimizer: &mut dyn Optimizer,
    steps: usize,
    mut loss: impl FnMut() -> Result<Var>,
) -> Result<Vec<f64>> {
    (0..steps).map(|_| step(optimizer, loss()?)).collect()
}

/// One step; returns the loss before it.
fn step(optimizer: &mut dyn Optimizer, loss: Var) -> Result<f64> {
    optimizer.zero_grad();
    loss.backward()?;
    optimizer.step()?;
    Ok(loss.detach().to_dtype(DType::F64)?.item()?)
}

/// The learning-rate range test: Smith, "Cyclical Learning Rates for Training Neural Networks" (2015). The learning
/// rate rises exponentially, step by step; where the loss falls fastest is a good one to start with. Names, defaults and
/// arithmetic are PyTorch Lightning's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrFinder {
    /// The first learning rate; default 1e-8.
    pub min_lr: f64,
    /// The last learning rate; default 1.
    pub max_lr: f64,
    /// Steps; default 100.
    pub num_training: usize,
    /// The search ends where the smoothed loss is this many times the best; default 4.
    pub early_stop_threshold: f64,
}

impl Default for LrFinder {
    fn default() -> Self {
        Self { min_lr: 1e-8, max_lr: 1.0, num_training: 100, early_stop_threshold: 4.0 }
    }
}

/// What an [`LrFinder`] found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LrSweep {
    /// The learning rates.
    pub lr: Vec<f64>,
    /// The smoothed loss at each.
    pub loss: Vec<f64>,
}

/// Share of the loss so far in its smoothed value.
const SMOOTHING: f64 = 0.98;
/// Losses at the start and at the end that a suggestion does not look at.
const SKIPPED: (usize, usize) = (10, 1);

impl LrFinder {
    /// Runs the test, and puts model and optimizer back as they were.
    ///
    /// # Errors
    /// Those of the loader, of `loss` and of the optimizer.
    pub fn run<L: Loader + ?Sized>(
        &self,
        model: &dyn Module,
        optimizer: &mut dyn Optimizer,
        loader: &L,
        mut loss: impl FnMut(L::Batch) -> Result<Output>,
    ) -> Result<LrSweep> {
        let before = (model.state_dict(), optimizer.state_dict()?);
        let found = self.sweep(optimizer, loader, &mut loss);
        model.load_state_dict(&before.0, true)?;
        optimizer.load_state_dict(&before.1)?;
        optimizer.zero_grad();
        found
    }

    fn sweep<L: Loader + ?Sized>(
        &self,
        optimizer: &mut dyn Optimizer,
        loader: &L,
        loss: &mut dyn FnMut(L::Batch) -> Result<Output>,
    ) -> Result<LrSweep> {
        let mut found = LrSweep { lr: Vec::new(), loss: Vec::new() };
        let (mut average, mut best, mut epoch) = (0.0, f64::INFINITY, 0);
        let mut pass = loader.pass(epoch);
        while found.lr.len() < self.num_training {
            let Some(batch) = pass.next() else {
                epoch += 1;
                pass = loader.pass(epoch);
                if pass.size_hint().1 == Some(0) {
                    return Err(Error::argument("LrFinder::run", "loader", "empty", "at least one batch"));
                }
                continue;
            };
            let n = found.lr.len();
            let lr = self.min_lr * (self.max_lr / self.min_lr).powf(n as f64 / self.num_training as f64);
            optimizer.set_lr(lr);
            average = SMOOTHING * average + (1.0 - SMOOTHING) * step(optimizer, loss(batch?)?.loss)?;
            let smoothed = average / (1.0 - SMOOTHING.powi(n as i32 + 1));
            found.lr.push(lr);
            found.loss.push(smoothed);
            if n > 0 && (smoothed.is_nan() || smoothed > self.early_stop_threshold * best) {
                break;
            }
            best = best.min(smoothed);
        }
        Ok(found)
    }
}

impl LrSweep {
    /// The learning rate where the loss falls fastest; `None` if there are too few losses.
    pub fn suggestion(&self) -> Option<f64> {
        let loss = self.loss.get(SKIPPED.0..self.loss.len().saturating_sub(SKIPPED.1))?;
        let slope = |i: usize| match (i.checked_sub(1).and_then(|i| loss.get(i)), loss.get(i + 1)) {
            (Some(before), Some(after)) => (after - before) / 2.0,
            (None, Some(after)) => after - loss[i],
            (Some(before), None) => loss[i] - before,
            (None, None) => f64::NAN,
        };
        let slopes = (0..loss.len()).map(|i| (i, slope(i))).filter(|(_, slope)| slope.is_finite());
        let (steepest, _) = slopes.min_by(|a, b| a.1.total_cmp(&b.1))?;
        self.lr.get(SKIPPED.0 + steepest).copied()
    }
}
