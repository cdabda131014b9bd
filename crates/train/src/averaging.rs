//! Averages of whole models: what `torch.optim.swa_utils` does with modules.

use crate::model::Switches;
use crate::{Error, Result};
use nn::{BatchNorm, Buffer, Module};
use optim::{Average, AveragedModel, AveragedValue};
use std::any::Any;
use std::sync::Arc;
use tensor_core::Tensor;

/// The average of a model's weights and, with `use_buffers`, of its buffers:
/// `torch.optim.swa_utils.AveragedModel(model, use_buffers=use_buffers)`. Without, the averages are looked at with the
/// model's present buffers, or with those of [`update_bn`].
///
/// ```
/// use train::prelude::*;
/// use train::optim::Average;
///
/// let model = sequential![Linear::new(2, 3, &Rng::seed(0))?, BatchNorm1d::new(3)?];
/// let mut ema = train::averaged_model(&model, Average::Ema { decay: 0.99 }, true)?;
/// ema.update_parameters()?;
/// let saved = ema.with_averages(|| model.state_dict())?;
/// assert!(saved.contains_key("1.running_mean"));
/// # Ok::<(), train::Error>(())
/// ```
///
/// # Errors
/// If the decay is outside 0 to 1.
#[track_caller]
pub fn averaged_model(
    model: &(impl Module + ?Sized),
    average: Average,
    use_buffers: bool,
) -> Result<AveragedModel> {
    let averaged = AveragedModel::new(model.named_parameters(), average)?;
    let buffers = if use_buffers { model.named_buffers() } else { Vec::new() };
    Ok(averaged.with_buffers(buffers.into_iter().map(|(name, buffer)| -> (String, Arc<dyn AveragedValue>) {
        (name, Arc::new(AveragedBuffer(buffer)))
    })))
}

struct AveragedBuffer(Buffer);

impl AveragedValue for AveragedBuffer {
    fn value(&self) -> Tensor {
        self.0.value()
    }

    fn set_value(&self, value: Tensor) -> optim::Result<()> {
        // What is set was taken from this buffer or averaged with it, so shape and dtype fit.
        self.0.update(|held| *held = value);
        Ok(())
    }
}

/// Estimates the running statistics of all batch norms anew, as plain averages over `batches`:
/// `torch.optim.swa_utils.update_bn`. `forward` runs the model on a batch; no gradient is recorded. Afterwards momentum
/// and training switches are as before, also if `forward` fails or panics.
///
/// ```
/// use train::prelude::*;
///
/// let rng = Rng::seed(0);
/// let model = sequential![BatchNorm1d::new(3)?, Linear::new(3, 1, &rng)?];
/// let data = TensorDataset::new(rng.randn([64, 3], DType::F32)?, Tensor::zeros([64], DType::F32)?)?;
/// let loader = DataLoader::new(data, 16)?;
/// train::update_bn(&model, loader.epoch(0), |(x, _)| model.forward(&x.into()))?;
/// assert_eq!(model.state_dict()["0.num_batches_tracked"].item::<i64>()?, 4);
/// # Ok::<(), train::Error>(())
/// ```
///
/// # Errors
/// Those of `batches` and of `forward`.
pub fn update_bn<M: Module + ?Sized, B, R, E: Into<Error>>(
    model: &M,
    batches: impl IntoIterator<Item = Result<B>>,
    mut forward: impl FnMut(B) -> Result<R, E>,
) -> Result<()> {
    let restore = Restore { model, momenta: momenta(model), _switches: Switches::of(model) };
    if restore.momenta.is_empty() {
        return Ok(());
    }
    let mut reset = Ok(());
    batch_norms(model, &mut |norm| {
        norm.set_momentum(None);
        if reset.is_ok() {
            reset = norm.reset_running_stats();
        }
    });
    reset?;
    model.train();
    autograd::no_grad(|| {
        batches.into_iter().try_for_each(|batch| forward(batch?).map(drop).map_err(Into::into))
    })
}

/// What a pass changes and must leave as it was.
struct Restore<'a, M: Module + ?Sized> {
    model: &'a M,
    /// In the order of the batch norms.
    momenta: Vec<Option<f64>>,
    _switches: Switches<'a, M>,
}

impl<M: Module + ?Sized> Drop for Restore<'_, M> {
    fn drop(&mut self) {
        let mut momenta = self.momenta.drain(..);
        batch_norms(self.model, &mut |norm| norm.set_momentum(momenta.next().flatten()));
    }
}

fn momenta(model: &(impl Module + ?Sized)) -> Vec<Option<f64>> {
    let mut momenta = Vec::new();
    batch_norms(model, &mut |norm| momenta.push(norm.momentum()));
    momenta
}

/// A batch norm over any number of dimensions.
trait RunningStats {
    fn momentum(&self) -> Option<f64>;
    fn set_momentum(&self, momentum: Option<f64>);
    fn reset_running_stats(&self) -> nn::Result<()>;
}

impl<const DIMS: usize> RunningStats for BatchNorm<DIMS> {
    fn momentum(&self) -> Option<f64> {
        self.momentum()
    }

    fn set_momentum(&self, momentum: Option<f64>) {
        self.set_momentum(momentum);
    }

    fn reset_running_stats(&self) -> nn::Result<()> {
        self.reset_running_stats()
    }
}

/// Calls `f` with each batch norm of the model.
fn batch_norms(model: &(impl Module + ?Sized), f: &mut dyn FnMut(&dyn RunningStats)) {
    fn of<const DIMS: usize>(module: &dyn Module) -> Option<&dyn RunningStats> {
        let norm = (module as &dyn Any).downcast_ref::<BatchNorm<DIMS>>()?;
        Some(norm)
    }
    model.apply(&mut |_, module| {
        if let Some(norm) = of::<1>(module).or_else(|| of::<2>(module)).or_else(|| of::<3>(module)) {
            f(norm);
        }
    });
}
