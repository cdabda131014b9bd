//! The loop itself.

use super::{Ending, Every, NonFinite, Output, Summary, Trainer};
use crate::callback::{Callback, Event, Flow, Values, is_better};
use crate::data::{Loader, Position};
use crate::metric::Mean;
use crate::progress::Progress;
use crate::{DType, Error, Result, evaluating};
use optim::{ClipOptions, NamedParameter, clip_grad_norm};
use std::time::Instant;

/// The batches since the last step.
#[derive(Default)]
struct Group {
    loss: Mean,
    /// What was not finite.
    bad: Option<String>,
}

impl Trainer<'_> {
    /// Runs to the first limit, or from where [`resume`](Trainer::resume) has put the run. `step` computes the loss of
    /// a batch; everything around it is done here: clearing gradients, backward, clipping, the optimizer's step, the
    /// schedule.
    ///
    /// Training switches stay as the model has them, so layers that are frozen in evaluation stay so.
    ///
    /// # Errors
    /// Those of the loader, of `step`, the validation and the callbacks; [`Error::NonFinite`]; and if a checkpoint
    /// cannot be saved.
    pub fn fit<L: Loader + ?Sized>(
        &mut self,
        loader: &L,
        mut step: impl FnMut(L::Batch) -> Result<Output>,
    ) -> Result<Summary> {
        self.clock = Instant::now();
        let epochs = self.epoch_limit();
        self.optimizer.zero_grad();
        let mut values = Values::new();
        let mut ending = self.limit();
        while ending.is_none() && self.progressed.epoch < epochs {
            ending = self.run_epoch(loader, &mut step)?;
            if self.progressed.position.is_none() || self.settings.fast_dev_run {
                values = self.end_epoch(&mut ending)?;
            } else {
                self.save()?;
            }
        }
        let event = Event { epoch: self.progressed.epoch, step: self.progressed.step, values: &values };
        self.callbacks.iter_mut().try_for_each(|callback| callback.on_end(&event))?;
        let progressed = &self.progressed;
        Ok(Summary {
            epochs: progressed.epoch,
            steps: progressed.step,
            samples: progressed.samples,
            seconds: progressed.seconds,
            skipped: progressed.skipped,
            values,
            best: progressed.best,
            ending: ending.unwrap_or(Ending::Epochs),
        })
    }

    fn epoch_limit(&self) -> usize {
        let settings = &self.settings;
        let other = settings.steps.is_some() || settings.time.is_some();
        let default = if other && !settings.fast_dev_run { usize::MAX } else { 1 };
        settings.epochs.unwrap_or(default)
    }

    /// Why the run ends here, if it does.
    fn limit(&mut self) -> Option<Ending> {
        let now = Instant::now();
        self.progressed.seconds += (now - self.clock).as_secs_f64();
        self.clock = now;
        let reached = |limit: Option<usize>, count: usize| limit.is_some_and(|limit| count >= limit);
        let seconds = self.progressed.seconds;
        match &self.settings {
            _ if self.stop.is_set() => Some(Ending::Stopped),
            settings if settings.fast_dev_run => {
                reached(Some(1), self.progressed.step).then_some(Ending::Steps)
            }
            settings if reached(settings.steps, self.progressed.step) => Some(Ending::Steps),
            settings if settings.time.is_some_and(|time| seconds >= time.as_secs_f64()) => Some(Ending::Time),
            _ => None,
        }
    }

    /// One pass, or the rest of one. Where it ends before the pass does, the position is kept.
    fn run_epoch<L: Loader + ?Sized>(
        &mut self,
        loader: &L,
        step: &mut dyn FnMut(L::Batch) -> Result<Output>,
    ) -> Result<Option<Ending>> {
        let mut pass = match self.progressed.position.take() {
            Some(position) => loader.pass_from(&position)?,
            None => {
                self.progressed.means.clear();
                loader.pass(self.progressed.epoch)
            }
        };
        if self.last_good.is_none() && matches!(self.settings.non_finite, NonFinite::RollBack(_)) {
            self.last_good = Some(self.learned()?);
        }
        let batches = loader.batches().map_or(0, |all| all.saturating_sub(pass.at().batches));
        let title = format!("epoch {}", self.progressed.epoch + 1);
        let mut progress = (!self.settings.quiet).then(|| Progress::new(title, batches));
        let (mut group, mut ending) = (Group::default(), None);
        while let Some(batch) = pass.next() {
            let output = step(batch?)?;
            self.learn(&output, &mut group)?;
            if self.is_full()? {
                ending = self.update(&mut group, pass.at())?;
            }
            if let Some(progress) = &mut progress {
                let means = self.progressed.means.iter();
                progress.step(
                    output.samples,
                    &means.map(|(name, mean)| (&**name, mean.value())).collect::<Vec<_>>(),
                );
            }
            if ending.is_some() && pass.size_hint().1 != Some(0) {
                self.progressed.position = Some(pass.at().clone());
                break;
            }
        }
        let params = self.optimizer.named_parameters();
        if ending.is_none() && self.accumulation.as_mut().map_or(Ok(false), |group| group.flush(params))? {
            ending = self.update(&mut group, pass.at())?;
        }
        progress.map(Progress::finish);
        Ok(ending)
    }

    /// Takes a batch's loss in, and adds its gradients.
    fn learn(&mut self, output: &Output, group: &mut Group) -> Result<()> {
        let loss = output.loss.detach().to_dtype(DType::F64)?.item::<f64>()?;
        if !loss.is_finite() {
            group.bad.get_or_insert_with(|| format!("the loss, {loss},"));
            return Ok(());
        }
        group.loss.add(loss, output.samples);
        self.progressed.samples += output.samples;
        for (name, value) in std::iter::once(("loss", loss)).chain(output.values.iter().copied()) {
            match self.progressed.means.iter_mut().find(|(known, _)| known == name) {
                Some((_, mean)) => mean.add(value, output.samples),
                None => {
                    let mut mean = Mean::default();
                    mean.add(value, output.samples);
                    self.progressed.means.push((name.to_string(), mean));
                }
            }
        }
        match &self.scaler {
            Some(scaler) => scaler.scale(&output.loss)?.backward()?,
            None => output.loss.backward()?,
        }
        Ok(())
    }

    /// Whether a step is due.
    fn is_full(&mut self) -> Result<bool> {
        let params = self.optimizer.named_parameters();
        Ok(self.accumulation.as_mut().map_or(Ok(true), |group| group.ready(params))?)
    }

    /// Makes a step of the gradients that are there.
    fn update(&mut self, group: &mut Group, position: &Position) -> Result<Option<Ending>> {
        let Group { loss, bad } = std::mem::take(group);
        let mut values = Values::from([("loss".into(), loss.value()), ("lr".into(), self.optimizer.lr())]);
        let bad = match (bad, &mut self.scaler) {
            (None, None) => self.bad_gradient()?,
            (None, Some(scaler)) => scaler.unscale(self.optimizer).map(|()| None)?,
            (bad, _) => bad,
        };
        if let Some(what) = bad {
            self.refuse(what)?;
            return Ok(self.limit());
        }
        if let Some(clip) = self.settings.clip {
            // What is not finite here was scaled, and the scaler leaves the step out.
            let clip = ClipOptions { error_if_nonfinite: false, ..clip };
            values.insert("grad_norm".into(), clip_grad_norm(self.optimizer.named_parameters(), clip)?);
        }
        let stepped = match &mut self.scaler {
            Some(scaler) => {
                let stepped = scaler.step(self.optimizer)?;
                scaler.update();
                stepped
            }
            None => self.optimizer.step().map(|()| true)?,
        };
        self.optimizer.zero_grad();
        if !stepped {
            self.progressed.skipped += 1;
            return Ok(self.limit());
        }
        self.progressed.step += 1;
        if let Some((scheduler, Every::Step)) = &mut self.scheduler {
            scheduler.step(self.optimizer)?;
        }
        if let Some(ema) = &mut self.ema {
            ema.update_parameters()?;
        }
        let stopped = self.tell(self.progressed.epoch, &values, |callback, event| callback.on_step(event))?;
        if self
            .settings
            .checkpoint_every
            .is_some_and(|every| self.progressed.step.is_multiple_of(every.max(1)))
        {
            self.progressed.position = Some(position.clone());
            self.save()?;
            self.progressed.position = None;
            self.last_good = None;
        }
        if self.last_good.is_none() && matches!(self.settings.non_finite, NonFinite::RollBack(_)) {
            self.last_good = Some(self.learned()?);
        }
        Ok(stopped.or_else(|| self.limit()))
    }

    /// The first parameter whose gradient is not finite.
    fn bad_gradient(&self) -> Result<Option<String>> {
        for (place, NamedParameter { name, parameter }) in
            self.optimizer.named_parameters().into_iter().enumerate()
        {
            if !parameter.grad().map_or(Ok(true), |grad| grad.is_finite())? {
                let known = self.model.named_parameters().into_iter().find(|(_, known)| known.is(&parameter));
                let name =
                    known.map(|(name, _)| name).or(name).unwrap_or_else(|| format!("parameter {place}"));
                return Ok(Some(format!("the gradient of {name}")));
            }
        }
        Ok(None)
    }

    /// Leaves a step out, goes back, or ends the run.
    fn refuse(&mut self, what: String) -> Result<()> {
        self.optimizer.zero_grad();
        match (self.settings.non_finite, self.last_good.take()) {
            (NonFinite::Skip, _) => self.progressed.skipped += 1,
            (NonFinite::RollBack(most), Some(good)) if self.progressed.rolled_back < most => {
                self.load_learned(&good)?;
                self.last_good = Some(good);
                self.progressed.rolled_back += 1;
            }
            _ => {
                let (step, epoch, checkpoint) =
                    (self.progressed.step, self.progressed.epoch, self.progressed.saved);
                return Err(Error::NonFinite { step, epoch, what, checkpoint });
            }
        }
        Ok(())
    }

    /// Tells all callbacks, also where one of them ends the run.
    fn tell(
        &mut self,
        epoch: usize,
        values: &Values,
        call: impl Fn(&mut dyn Callback, &Event<'_>) -> Result<Flow>,
    ) -> Result<Option<Ending>> {
        let event = Event { epoch, step: self.progressed.step, values };
        let mut ending = None;
        for callback in &mut self.callbacks {
            if call(&mut **callback, &event)? == Flow::Stop {
                ending.get_or_insert_with(|| Ending::Callback(callback.name().to_string()));
            }
        }
        Ok(ending)
    }

    /// Validation, schedule, callbacks and checkpoint after a pass.
    fn end_epoch(&mut self, ending: &mut Option<Ending>) -> Result<Values> {
        let means = self.progressed.means.iter();
        let mut values: Values = means.map(|(name, mean)| (name.clone(), mean.value())).collect();
        if let Some(validation) = &mut self.validation {
            let model = self.model;
            let validated = match &self.ema {
                Some(ema) if ema.n_averaged() > 0 => {
                    ema.with_averages(|| evaluating(model, &mut *validation))??
                }
                _ => evaluating(model, &mut *validation)?,
            };
            values.extend(validated.into_iter().map(|(name, value)| (name.to_string(), value)));
        }
        if let Some((scheduler, Every::Epoch)) = &mut self.scheduler {
            scheduler.step(self.optimizer)?;
        }
        let epoch = self.progressed.epoch;
        self.progressed.epoch += 1;
        self.progressed.position = None;
        self.last_good = None;
        let mut improved = false;
        if let Some((name, mode)) = &self.settings.best {
            let known = || format!("one of {}", values.keys().cloned().collect::<Vec<_>>().join(", "));
            let value =
                values.get(name).ok_or_else(|| Error::argument("keep_best", "value", name, known()))?;
            improved = is_better(*mode, *value, self.progressed.best, 0.0);
            self.progressed.best = if improved { Some(*value) } else { self.progressed.best };
        }
        let stopped = self.tell(epoch, &values, |callback, event| callback.on_epoch(event))?;
        *ending = ending.take().or(stopped).or_else(|| self.limit());
        self.save()?;
        if let Some(checkpoints) =
            self.checkpoints.as_ref().filter(|_| improved && !self.settings.fast_dev_run)
        {
            checkpoints.save_best(&self.checkpoint()?)?;
        }
        Ok(values)
    }
}
