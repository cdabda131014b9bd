//! Timing: a warm-up, then the best of three windows.

use crate::memory::peak_mib;
use std::time::{Duration, Instant};
use train::Result;

/// Steps ahead of the clock, in which buffers are taken that later steps use again.
pub const WARM_UP: usize = 3;

/// On a shared machine the best of three says what the program can do.
const WINDOWS: usize = 3;

/// How a workload is run.
pub struct Settings {
    /// Threads.
    pub threads: usize,
    /// Seconds of measurement, over all windows.
    pub seconds: f64,
    /// Whether to print where the time of a step goes in place of its result.
    pub profile: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, seconds: 3.0, profile: false }
    }
}

/// What is counted.
pub enum Unit {
    /// Things done in each call, and their name: more is better.
    Rate(f64, &'static str),
    /// Things done in each call whose time is given in microseconds: less is better.
    Microseconds(f64, &'static str),
}

impl Settings {
    /// Seconds of one call of `step`, the best of three windows' means. The result of a call is dropped inside it.
    pub fn time<T>(&self, mut step: impl FnMut() -> Result<T>) -> Result<f64> {
        for _ in 0..WARM_UP {
            step()?;
        }
        let window = Duration::from_secs_f64(self.seconds / WINDOWS as f64);
        let mut best = f64::INFINITY;
        for _ in 0..WINDOWS {
            let (start, mut calls) = (Instant::now(), 0);
            while calls == 0 || start.elapsed() < window {
                step()?;
                calls += 1;
            }
            best = best.min(start.elapsed().as_secs_f64() / f64::from(calls));
        }
        Ok(best)
    }

    /// Times a training step that returns its loss, and prints the result.
    pub fn train(
        &self,
        workload: &str,
        batch: usize,
        unit: Unit,
        mut step: impl FnMut() -> Result<f32>,
    ) -> Result<()> {
        if self.profile {
            return crate::profile::print(workload, self.seconds, || step().map(drop));
        }
        let first = step()?;
        let mut last = first;
        let seconds = self.time(|| {
            last = step()?;
            Ok(())
        })?;
        print(workload, Some(batch), &unit, seconds, &format!(" loss_first={first:.4} loss_last={last:.4}"));
        Ok(())
    }

    /// Times a call and prints the result.
    pub fn call<T>(&self, workload: &str, unit: Unit, mut call: impl FnMut() -> Result<T>) -> Result<()> {
        if self.profile {
            return crate::profile::print(workload, self.seconds, || call().map(drop));
        }
        let seconds = self.time(call)?;
        print(workload, None, &unit, seconds, "");
        Ok(())
    }
}

/// Prints one result.
pub fn print(workload: &str, batch: Option<usize>, unit: &Unit, seconds: f64, rest: &str) {
    let batch = batch.map_or(String::new(), |batch| format!(" batch={batch}"));
    let (value, unit) = match unit {
        Unit::Rate(count, unit) => (count / seconds, *unit),
        Unit::Microseconds(count, unit) => (seconds * 1e6 / count, *unit),
    };
    let peak = peak_mib().map_or(String::new(), |mib| format!(" peak_mib={mib:.0}"));
    println!("RESULT peer=ours workload={workload}{batch} value={value:.4} unit={unit}{rest}{peak}");
}
