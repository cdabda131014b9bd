//! What a run came to.

use crate::callback::Values;
use std::fmt;

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// All epochs were run.
    Epochs,
    /// The limit of steps was reached.
    Steps,
    /// The limit of time was reached.
    Time,
    /// A [`StopFlag`](crate::StopFlag) was set.
    Stopped,
    /// The callback of this name ended it.
    Callback(String),
}

/// What [`Trainer::fit`](crate::Trainer::fit) returns. It prints as a few lines.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Epochs that were finished, those before a resume included; so for all counts.
    pub epochs: usize,
    /// Steps of the optimizer.
    pub steps: usize,
    /// Samples that were trained on.
    pub samples: usize,
    /// Seconds.
    pub seconds: f64,
    /// Steps that were left out because of a loss or gradient that was not finite.
    pub skipped: usize,
    /// The values of the last epoch that was finished.
    pub values: Values,
    /// The best value that a checkpoint was kept for.
    pub best: Option<f64>,
    /// Why it ended.
    pub ending: Ending,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epochs, steps, samples, seconds, skipped, values, best, ending } = self;
        let rate = *samples as f64 / seconds.max(1e-9);
        let why = match ending {
            Ending::Epochs => "all epochs".to_string(),
            Ending::Steps => "limit of steps".to_string(),
            Ending::Time => "limit of time".to_string(),
            Ending::Stopped => "stopped".to_string(),
            Ending::Callback(name) => name.clone(),
        };
        writeln!(f, "{epochs} epochs, {steps} steps in {seconds:.1} s ({rate:.0} samples/s); end: {why}")?;
        if *skipped > 0 {
            writeln!(f, "{skipped} steps left out: not finite")?;
        }
        for (name, value) in values {
            writeln!(f, "{name:<24} {value:.6}")?;
        }
        best.map_or(Ok(()), |best| writeln!(f, "{:<24} {best:.6}", "best"))
    }
}
