//! The loop as a whole, for runs of one model and one optimizer.

mod finder;
mod fit;
mod look;
mod state;
mod summary;

pub use finder::{LrFinder, LrSweep, overfit_one_batch};
pub use summary::{Ending, Summary};

use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::metric::Mean;
use crate::optim::schedule::{Mode, Scheduler};
use crate::{Callback, Result, Rng, Var};
use nn::Module;
use optim::{Accumulation, AveragedModel, ClipOptions, GradScaler, Optimizer};
use state::Progressed;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What the closure of [`Trainer::fit`] makes of a batch.
#[derive(Clone, Debug)]
pub struct Output {
    loss: Var,
    samples: usize,
    values: Vec<(&'static str, f64)>,
}

impl Output {
    /// A mean loss over `samples` samples.
    pub fn new(loss: Var, samples: usize) -> Self {
        Self { loss, samples, values: Vec::new() }
    }

    /// Another mean over the batch's samples, such as an accuracy. Over the epoch it is weighted by their number.
    #[must_use]
    pub fn value(mut self, name: &'static str, value: f64) -> Self {
        self.values.push((name, value));
        self
    }
}

/// What is done about a loss or a gradient that is infinite or NaN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFinite {
    /// The run ends with [`Error::NonFinite`](crate::Error::NonFinite), which names the first bad parameter. Parameters
    /// and optimizer are as they were.
    #[default]
    Stop,
    /// The step is left out; parameters and optimizer stay as they are to the last bit.
    Skip,
    /// Parameters, buffers, optimizer, schedule and averages go back to the last checkpoint, or to the start of the
    /// epoch, and the run goes on behind the bad batch. At most this many times, then as [`NonFinite::Stop`].
    RollBack(usize),
}

/// When the schedule steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After each step of the optimizer.
    Step,
    /// After each epoch.
    Epoch,
}

/// Ends a run from elsewhere: from a signal handler, another thread, a callback. The run saves a checkpoint first.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks the run to end after the step under way.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there is another handle on it.
    #[cfg(feature = "ctrlc")]
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// Trains one model with one optimizer: the plain loop with limits, validation, gradient accumulation, clipping, a
/// schedule, averages, checkpoints, exact resume and callbacks. It calls what the plain loop calls; a loop that it does
/// not fit (GANs, reinforcement learning) is written by hand with the same parts.
///
/// ```
/// use train::prelude::*;
/// use train::{Output, Trainer};
///
/// # fn main() -> train::Result<()> {
/// let rng = Rng::seed(0);
/// let x = rng.randn([256, 2], DType::F32)?;
/// let y = x.select(1, 0)?.gt_scalar(0.0)?.to_dtype(DType::I64)?;
/// let loader = DataLoader::new(TensorDataset::new(x, y)?, 16)?.shuffle(&rng);
/// let model = sequential![Linear::new(2, 16, &rng)?, ReLU, Linear::new(16, 2, &rng)?];
/// let mut opt = Adam::new(model.parameters(), 1e-2)?;
///
/// let mut trainer = Trainer::new(&model, &mut opt).epochs(3).clip_grad_norm(1.0).rng(&rng).quiet();
/// let summary = trainer.fit(&loader, |(x, y)| {
///     let loss = model.forward(&x.into())?.cross_entropy(&y)?;
///     Ok(Output::new(loss, y.numel()))
/// })?;
/// assert_eq!(summary.steps, 48);
/// assert!(summary.values["loss"] < 0.3);
/// # Ok(())
/// # }
/// ```
pub struct Trainer<'a> {
    model: &'a dyn Module,
    optimizer: &'a mut dyn Optimizer,
    settings: Settings,
    scheduler: Option<(Scheduler, Every)>,
    ema: Option<AveragedModel>,
    scaler: Option<GradScaler>,
    accumulation: Option<Accumulation>,
    rngs: Vec<Rng>,
    validation: Option<Validation<'a>>,
    checkpoints: Option<Checkpoints>,
    callbacks: Vec<Box<dyn Callback + 'a>>,
    stop: StopFlag,
    progressed: Progressed,
    /// What a rollback goes back to.
    last_good: Option<Checkpoint>,
    /// When the seconds of the run were counted last.
    clock: Instant,
}

type Validation<'a> = Box<dyn FnMut() -> Result<Vec<(&'static str, f64)>> + 'a>;

#[derive(Clone, Debug, Default)]
struct Settings {
    epochs: Option<usize>,
    steps: Option<usize>,
    time: Option<Duration>,
    clip: Option<ClipOptions>,
    non_finite: NonFinite,
    checkpoint_every: Option<usize>,
    best: Option<(String, Mode)>,
    fast_dev_run: bool,
    quiet: bool,
}

impl<'a> Trainer<'a> {
    /// Trains `model` with `optimizer`, for one epoch if nothing else is said.
    pub fn new(model: &'a dyn Module, optimizer: &'a mut dyn Optimizer) -> Self {
        Self {
            model,
            optimizer,
            settings: Settings::default(),
            scheduler: None,
            ema: None,
            scaler: None,
            accumulation: None,
            rngs: Vec::new(),
            validation: None,
            checkpoints: None,
            callbacks: Vec::new(),
            stop: StopFlag::default(),
            progressed: Progressed::default(),
            last_good: None,
            clock: Instant::now(),
        }
    }

    /// Ends after this many epochs. Of several limits the first that is reached counts.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = Some(epochs);
        self
    }

    /// Ends after this many steps of the optimizer.
    pub fn steps(mut self, steps: usize) -> Self {
        self.settings.steps = Some(steps);
        self
    }

    /// Ends after this time, counted over all resumed parts of the run.
    pub fn time(mut self, time: Duration) -> Self {
        self.settings.time = Some(time);
        self
    }

    /// A step after every `batches` batches, with the mean of their gradients; at the end of an epoch with what is
    /// there.
    ///
    /// # Errors
    /// If `batches` is 0.
    pub fn accumulate(mut self, batches: usize) -> Result<Self> {
        self.accumulation = Some(Accumulation::new(batches)?);
        Ok(self)
    }

    /// Scales gradients down to this norm before each step.
    pub fn clip_grad_norm(mut self, options: impl Into<ClipOptions>) -> Self {
        self.settings.clip = Some(options.into());
        self
    }

    /// A learning-rate schedule, and when it steps.
    pub fn schedule(mut self, scheduler: Scheduler, every: Every) -> Self {
        self.scheduler = Some((scheduler, every));
        self
    }

    /// An average of the weights, updated after each step. Validation sees the average.
    pub fn ema(mut self, ema: AveragedModel) -> Self {
        self.ema = Some(ema);
        self
    }

    /// Scales the loss; steps whose gradients overflow are then left out.
    pub fn scaler(mut self, scaler: GradScaler) -> Self {
        self.scaler = Some(scaler);
        self
    }

    /// A generator that the run draws from: for shuffling, for dropout. Its state goes into checkpoints. Handles on
    /// one generator are given once.
    pub fn rng(mut self, rng: &Rng) -> Self {
        self.rngs.push(rng.clone());
        self
    }

    /// Called after each epoch, with the model in evaluation and no gradients recorded; returns values by name, such as
    /// `val_loss`.
    pub fn validation(mut self, validation: impl FnMut() -> Result<Vec<(&'static str, f64)>> + 'a) -> Self {
        self.validation = Some(Box::new(validation));
        self
    }

    /// Saves checkpoints here: after each epoch, every `steps` steps if given, and where the run ends.
    pub fn checkpoints(mut self, checkpoints: Checkpoints, steps: Option<usize>) -> Self {
        self.checkpoints = Some(checkpoints);
        self.settings.checkpoint_every = steps;
        self
    }

    /// Also keeps the checkpoint of the epoch whose value of this name is best.
    pub fn keep_best(mut self, value: impl Into<String>, mode: Mode) -> Self {
        self.settings.best = Some((value.into(), mode));
        self
    }

    /// Something that listens.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// What is done about a loss or a gradient that is not finite. Default: the run stops.
    pub fn non_finite(mut self, policy: NonFinite) -> Self {
        self.settings.non_finite = policy;
        self
    }

    /// One step and one validation, without checkpoints: whether all parts fit together.
    pub fn fast_dev_run(mut self) -> Self {
        self.settings.fast_dev_run = true;
        self
    }

    /// Shows no progress.
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// Ends the run from elsewhere, with a checkpoint. For Ctrl-C see `stop_on_ctrl_c` (feature `ctrlc`).
    pub fn stop_flag(&self) -> StopFlag {
        self.stop.clone()
    }

    /// The average of the weights.
    pub fn averages(&self) -> Option<&AveragedModel> {
        self.ema.as_ref()
    }

    /// The steps of the optimizer so far.
    pub fn step(&self) -> usize {
        self.progressed.step
    }

    /// The epoch that is next or under way, counted from 0.
    pub fn epoch(&self) -> usize {
        self.progressed.epoch
    }
}

/// Means over the epoch, by name, in the order in which they came first.
type Means = Vec<(String, Mean)>;
