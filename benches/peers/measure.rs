//! What the peers written in Rust share: the command line, the clock and the result lines of the project's own runner.

#[path = "../src/memory.rs"]
mod memory;

use std::process::ExitCode;
use std::time::{Duration, Instant};

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A workload's name and what runs it.
pub type Workload = (&'static str, fn(&Settings) -> Result);

/// As in `benches/src/measure.rs`.
const WARM_UP: usize = 3;
const WINDOWS: usize = 3;

pub struct Settings {
    peer: &'static str,
    seconds: f64,
}

/// Runs the workloads that the command line names, or all: `NAME... [--threads N] [--secs S]`.
pub fn main(peer: &'static str, workloads: &[Workload]) -> ExitCode {
    match run(peer, workloads) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(peer: &'static str, workloads: &[Workload]) -> Result {
    let (mut names, mut settings) = (Vec::new(), Settings { peer, seconds: 3.0 });
    let mut threads = std::thread::available_parallelism()?.to_string();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} without a number"));
        match argument.as_str() {
            "--threads" => threads = value()?,
            "--secs" => settings.seconds = value()?.parse()?,
            _ => names.push(argument),
        }
    }
    // Both peers read it when they first need a thread; none runs yet.
    std::env::set_var("RAYON_NUM_THREADS", threads);
    if names.is_empty() {
        names.extend(workloads.iter().map(|(name, _)| name.to_string()));
    }
    for name in names {
        let (_, run) = workloads.iter().find(|(n, _)| *n == name).ok_or(format!("no workload {name}"))?;
        run(&settings)?;
    }
    Ok(())
}

impl Settings {
    /// Seconds of one call: the best of three windows' means.
    fn time<T>(&self, mut call: impl FnMut() -> Result<T>) -> Result<f64> {
        for _ in 0..WARM_UP {
            call()?;
        }
        let window = Duration::from_secs_f64(self.seconds / WINDOWS as f64);
        let mut best = f64::INFINITY;
        for _ in 0..WINDOWS {
            let (start, mut calls) = (Instant::now(), 0);
            while calls == 0 || start.elapsed() < window {
                call()?;
                calls += 1;
            }
            best = best.min(start.elapsed().as_secs_f64() / f64::from(calls));
        }
        Ok(best)
    }

    /// Times a training step that returns its loss; `count` things are done in each.
    pub fn train(
        &self,
        workload: &str,
        batch: usize,
        (count, unit): (usize, &str),
        mut step: impl FnMut() -> Result<f32>,
    ) -> Result {
        let first = step()?;
        let mut last = first;
        let seconds = self.time(|| {
            last = step()?;
            Ok(())
        })?;
        let rest = format!(" batch={batch} loss_first={first:.4} loss_last={last:.4}");
        self.print(workload, count as f64 / seconds, unit, &rest);
        Ok(())
    }

    /// Times a call; a rate of `count` things in each.
    pub fn rate<T>(
        &self,
        workload: &str,
        (count, unit): (f64, &str),
        call: impl FnMut() -> Result<T>,
    ) -> Result {
        let seconds = self.time(call)?;
        self.print(workload, count / seconds, unit, "");
        Ok(())
    }

    /// Times a call in which `count` things are done; microseconds of one.
    pub fn micros<T>(
        &self,
        workload: &str,
        (count, unit): (f64, &str),
        call: impl FnMut() -> Result<T>,
    ) -> Result {
        let seconds = self.time(call)?;
        self.print(workload, seconds * 1e6 / count, unit, "");
        Ok(())
    }

    /// Says why a workload, or all whose names begin so, is not run.
    pub fn skip(&self, workload: &str, why: &str) -> Result {
        println!("SKIP peer={} workload={workload} {why}", self.peer);
        Ok(())
    }

    fn print(&self, workload: &str, value: f64, unit: &str, rest: &str) {
        let peak = memory::peak_mib().map_or(String::new(), |mib| format!(" peak_mib={mib:.0}"));
        println!("RESULT peer={} workload={workload} value={value:.4} unit={unit}{rest}{peak}", self.peer);
    }
}
