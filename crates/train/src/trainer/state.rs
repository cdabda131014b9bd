//! The state of a run, out and in.

use super::{Means, Trainer};
use crate::checkpoint::{Checkpoint, entry};
use crate::data::Position;
use crate::metric::Mean;
use crate::{Error, Result, Rng};
use optim::{Dict, Value};

/// How far a run has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progressed {
    pub epoch: usize,
    pub step: usize,
    pub samples: usize,
    pub seconds: f64,
    /// Steps that were left out, and times that the run went back.
    pub skipped: usize,
    pub rolled_back: usize,
    pub best: Option<f64>,
    /// Within an epoch: where, and what it has brought so far.
    pub position: Option<Position>,
    pub means: Means,
    /// The step of the last checkpoint on disk.
    pub saved: Option<usize>,
}

impl Trainer<'_> {
    /// Everything that the run needs to go on from here with the same bits: model, optimizer, schedule, averages, loss
    /// scaler, generators, the loader's position, callbacks, counters.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let mut checkpoint = self.learned()?;
        let progressed = &self.progressed;
        checkpoint.put("epoch", &progressed.epoch);
        checkpoint.put("step", &progressed.step);
        checkpoint.put("samples", &progressed.samples);
        checkpoint.put("seconds", &progressed.seconds);
        checkpoint.put("skipped", &progressed.skipped);
        checkpoint.put("rolled_back", &progressed.rolled_back);
        checkpoint.put("best", &progressed.best);
        checkpoint.put("position", &progressed.position);
        checkpoint.put("means", &progressed.means);
        checkpoint.put("rngs", &self.rngs);
        let callbacks = self.callbacks.iter();
        let callbacks: Dict =
            callbacks.map(|c| (c.name().to_string(), Value::Dict(c.state_dict()))).collect();
        checkpoint.put("callbacks", &callbacks);
        Ok(checkpoint)
    }

    /// What the steps have changed: all that a rollback puts back.
    pub(super) fn learned(&self) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint::new();
        checkpoint.put("model", &self.model.state_dict());
        checkpoint.put("optimizer", &self.optimizer.state_dict()?);
        if let Some((scheduler, _)) = &self.scheduler {
            checkpoint.put("scheduler", &scheduler.state_dict());
        }
        if let Some(ema) = &self.ema {
            checkpoint.put("ema", &ema.state_dict());
        }
        if let Some(scaler) = &self.scaler {
            checkpoint.put("scaler", &scaler.state_dict());
        }
        Ok(checkpoint)
    }

    pub(super) fn load_learned(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.model.load_state_dict(&checkpoint.get("model")?, true)?;
        self.optimizer.load_state_dict(&checkpoint.get("optimizer")?)?;
        if let Some((scheduler, _)) = &mut self.scheduler {
            scheduler.load_state_dict(&checkpoint.get("scheduler")?)?;
        }
        if let Some(ema) = &mut self.ema {
            ema.load_state_dict(&checkpoint.get("ema")?)?;
        }
        if let Some(scaler) = &mut self.scaler {
            scaler.load_state_dict(&checkpoint.get("scaler")?)?;
        }
        Ok(())
    }

    /// Goes on from a checkpoint of a run with the same parts: the next [`fit`](Trainer::fit) makes the steps that the
    /// other run would have made, with the same bits.
    ///
    /// # Errors
    /// If a part of the run is not in the checkpoint or does not fit.
    pub fn resume(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let rngs: Vec<Rng> = checkpoint.get("rngs")?;
        if rngs.len() != self.rngs.len() {
            let expected = format!("{}, as in the checkpoint", rngs.len());
            return Err(Error::argument("resume", "the number of generators", self.rngs.len(), expected));
        }
        let callbacks: Dict = checkpoint.get("callbacks")?;
        let progressed = Progressed {
            epoch: checkpoint.get("epoch")?,
            step: checkpoint.get("step")?,
            samples: checkpoint.get("samples")?,
            seconds: checkpoint.get("seconds")?,
            skipped: checkpoint.get("skipped")?,
            rolled_back: checkpoint.get("rolled_back")?,
            best: checkpoint.get("best")?,
            position: checkpoint.get("position")?,
            means: checkpoint.get::<Vec<(String, Mean)>>("means")?,
            saved: Some(checkpoint.get("step")?),
        };
        self.load_learned(checkpoint)?;
        for callback in &mut self.callbacks {
            let state: Dict = entry(&callbacks, callback.name())?;
            callback.load_state_dict(&state)?;
        }
        for (rng, saved) in self.rngs.iter().zip(&rngs) {
            rng.set_state(&saved.state())?;
        }
        self.progressed = progressed;
        Ok(())
    }

    /// Goes on from the newest whole checkpoint of [`checkpoints`](Trainer::checkpoints); false if there is none.
    ///
    /// # Errors
    /// As [`resume`](Trainer::resume), and if all checkpoints are damaged.
    pub fn resume_latest(&mut self) -> Result<bool> {
        let latest = self.checkpoints.as_ref().map_or(Ok(None), |checkpoints| checkpoints.latest())?;
        latest.map_or(Ok(false), |(_, checkpoint)| self.resume(&checkpoint).map(|()| true))
    }

    /// Saves a checkpoint, if there is a folder for it.
    pub(super) fn save(&mut self) -> Result<()> {
        if let Some(checkpoints) = self.checkpoints.as_ref().filter(|_| !self.settings.fast_dev_run) {
            checkpoints.save(self.progressed.step, &self.checkpoint()?)?;
            self.progressed.saved = Some(self.progressed.step);
        }
        Ok(())
    }
}
