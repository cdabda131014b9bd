//! Averages of the weights over the steps.

use crate::saved::check_tensor;
use crate::value::entry;
use crate::{Dict, Invalid, NamedParameter, OptionValue, Result, StateFault};
use autograd::Parameter;
use std::panic::Location;
use std::sync::Arc;
use tensor_core::step::{Real, update};
use tensor_core::{DType, Tensor};

/// Which average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Average {
    /// The mean of all: stochastic weight averaging. Izmailov et al., "Averaging Weights Leads to Wider Optima and
    /// Better Generalization" (2018).
    Swa,
    /// `decay * average + (1 - decay) * weight`: the exponential moving average. PyTorch's decay is 0.999.
    Ema {
        /// Share of the old average.
        decay: f64,
    },
}

/// An average of a model's weights, beside the weights: `torch.optim.swa_utils.AveragedModel`. The first update copies
/// the weights, each later one moves the average towards them.
///
/// Running statistics of batch norm belong to the weights they were seen with: either they are averaged too
/// ([`with_buffers`](AveragedModel::with_buffers); `train::averaged_model` does it for a module), or they are estimated
/// again under the averages (`train::update_bn`).
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Average, AveragedModel};
///
/// let w = Parameter::new(Tensor::scalar(0.0f64)?)?;
/// let mut ema = AveragedModel::new([&w], Average::Ema { decay: 0.9 })?;
/// for x in [1.0, 2.0] {
///     w.set_value(Tensor::scalar(x)?)?;
///     ema.update_parameters()?;
/// }
/// let average = ema.with_averages(|| w.value().item::<f64>())??;
/// assert!((average - 1.1).abs() < 1e-15);
/// assert_eq!(w.value().item::<f64>()?, 2.0);
/// # Ok::<(), optim::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AveragedModel {
    members: Vec<Member>,
    averages: Vec<Tensor>,
    average: Average,
    n_averaged: usize,
}

/// A tensor that is averaged: a parameter, or a buffer of a module, which this crate does not know.
pub trait AveragedValue: Send + Sync {
    /// The present value.
    fn value(&self) -> Tensor;

    /// Replaces the value by one of the same shape and dtype.
    ///
    /// # Errors
    /// If it does not fit.
    fn set_value(&self, value: Tensor) -> Result<()>;
}

impl AveragedValue for Parameter {
    fn value(&self) -> Tensor {
        self.value()
    }

    fn set_value(&self, value: Tensor) -> Result<()> {
        Ok(self.set_value(value)?)
    }
}

#[derive(Clone)]
struct Member {
    name: Option<String>,
    value: Arc<dyn AveragedValue>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}

impl AveragedModel {
    /// The average of these parameters, at first as they are now.
    ///
    /// # Errors
    /// If the decay is outside 0 to 1.
    #[track_caller]
    pub fn new(
        params: impl IntoIterator<Item = impl Into<NamedParameter>>,
        average: Average,
    ) -> Result<Self> {
        let location = Location::caller();
        if let Average::Ema { decay } = average {
            Invalid::unless((0.0..=1.0).contains(&decay), "decay value", decay, "0 <= decay <= 1")
                .map_err(|invalid| invalid.of("AveragedModel", location))?;
        }
        let member = |named: NamedParameter| Member { name: named.name, value: Arc::new(named.parameter) };
        let members: Vec<Member> = NamedParameter::list(params).into_iter().map(member).collect();
        let averages = members.iter().map(|member| member.value.value()).collect();
        Ok(Self { members, averages, average, n_averaged: 0 })
    }

    /// Averages these too: `use_buffers=True`. Integers are averaged in f32 and cut to integers at each update, as in
    /// PyTorch.
    #[must_use]
    pub fn with_buffers(
        mut self,
        buffers: impl IntoIterator<Item = (String, Arc<dyn AveragedValue>)>,
    ) -> Self {
        for (name, value) in buffers {
            self.averages.push(value.value());
            self.members.push(Member { name: Some(name), value });
        }
        self
    }

    /// Takes the present weights in: after each step for [`Average::Ema`], after each epoch for [`Average::Swa`].
    ///
    /// # Errors
    /// If memory runs out.
    pub fn update_parameters(&mut self) -> Result<()> {
        let weight = match self.average {
            _ if self.n_averaged == 0 => 1.0,
            Average::Swa => 1.0 / (self.n_averaged as f64 + 1.0),
            Average::Ema { decay } => 1.0 - decay,
        };
        for (member, average) in self.members.iter().zip(&mut self.averages) {
            let value = member.value.value();
            match value.dtype() {
                _ if self.n_averaged == 0 => *average = value.deep_clone()?,
                DType::F64 => move_towards::<f64>(average, &value, weight)?,
                DType::F32 => move_towards::<f32>(average, &value, weight)?,
                dtype => {
                    let mut float = average.to_dtype(DType::F32)?;
                    move_towards::<f32>(&mut float, &value.to_dtype(DType::F32)?, weight)?;
                    *average = float.to_dtype(dtype)?;
                }
            }
        }
        self.n_averaged += 1;
        Ok(())
    }

    /// The averages, in the order of the parameters, those of buffers behind them.
    pub fn averages(&self) -> &[Tensor] {
        &self.averages
    }

    /// The number of updates so far.
    pub fn n_averaged(&self) -> usize {
        self.n_averaged
    }

    /// Runs `body` with the averages in place of the weights, and puts the weights back, also if it panics: how the
    /// average is evaluated or saved.
    ///
    /// # Errors
    /// If a parameter does not take its average.
    pub fn with_averages<R>(&self, body: impl FnOnce() -> R) -> Result<R> {
        struct Restore<'a>(&'a [Member], Vec<Tensor>);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                for (member, value) in self.0.iter().zip(self.1.drain(..)) {
                    // It is the value that was taken from this member, so it fits.
                    let _fits = member.value.set_value(value);
                }
            }
        }
        let values = self.members.iter().map(|member| member.value.value()).collect();
        let _restore = Restore(&self.members, values);
        for (member, average) in self.members.iter().zip(&self.averages) {
            member.value.set_value(average.clone())?;
        }
        Ok(body())
    }

    /// The state: `n_averaged`, and `module.NAME` for each average, where NAME is the parameter's name or place.
    pub fn state_dict(&self) -> Dict {
        let averages = self.keys().into_iter().zip(self.averages.iter().map(Tensor::to_value));
        averages.chain([("n_averaged".to_string(), self.n_averaged.to_value())]).collect()
    }

    /// Takes `state` over.
    ///
    /// # Errors
    /// If an entry is missing or does not fit its parameter. Nothing is then changed.
    #[track_caller]
    pub fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        let location = Location::caller();
        let read = || -> Result<(usize, Vec<Tensor>), StateFault> {
            let averages = self.keys().into_iter().zip(&self.averages).map(|(key, here)| {
                let tensor: Tensor = entry(state, &key)?;
                check_tensor(key, &tensor, here.shape(), here.dtype())?;
                Ok(tensor)
            });
            Ok((entry(state, "n_averaged")?, averages.collect::<Result<_, StateFault>>()?))
        };
        (self.n_averaged, self.averages) = read().map_err(|reason| reason.of("AveragedModel", location))?;
        Ok(())
    }

    fn keys(&self) -> Vec<String> {
        let name = |(place, member): (usize, &Member)| match &member.name {
            Some(name) => format!("module.{name}"),
            None => format!("module.{place}"),
        };
        self.members.iter().enumerate().map(name).collect()
    }
}

fn move_towards<F: Real>(average: &mut Tensor, value: &Tensor, weight: f64) -> Result<()> {
    let [weight] = F::array([weight]);
    let value = value.contiguous()?;
    Ok(update(average.as_slice_mut::<F>()?, value.as_slice()?, [], |a, p, []| (a.lerp(p, weight), []))?)
}
