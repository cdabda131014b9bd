//! The workloads, a file for each family.

mod adamw;
mod chain;
mod cnn;
pub mod gpt;
mod loader;
mod lstm;
mod matmul;
pub mod mlp;
mod ops;
mod tiny;

use crate::measure::Settings;
use train::Result;
use train::autograd::record_function;
use train::prelude::{Optimizer, Var};

/// A workload by its name.
pub struct Workload {
    /// The name on the command line.
    pub name: &'static str,
    /// Runs it and prints its results.
    pub run: fn(&Settings) -> Result<()>,
}

/// All workloads.
pub const ALL: &[Workload] = &[
    Workload { name: "mlp64", run: |s| mlp::run(s, 64) },
    Workload { name: "mlp512", run: |s| mlp::run(s, 512) },
    Workload { name: "cnn", run: cnn::run },
    Workload { name: "gpt", run: gpt::small },
    Workload { name: "gptbig", run: gpt::big },
    Workload { name: "lstm", run: lstm::run },
    Workload { name: "tiny", run: tiny::run },
    Workload { name: "chain10k", run: |s| chain::run(s, 10_000) },
    Workload { name: "chain200k", run: |s| chain::run(s, 200_000) },
    Workload { name: "loader", run: loader::run },
    Workload { name: "adamw", run: adamw::run },
    Workload { name: "matmul", run: matmul::run },
    Workload { name: "ops", run: ops::run },
];

/// One training step, whose loss is read back.
fn step(opt: &mut dyn Optimizer, loss: impl FnOnce() -> Result<Var>) -> Result<f32> {
    let loss = loss()?;
    opt.zero_grad();
    loss.backward()?;
    record_function("optimizer", || opt.step())?;
    Ok(loss.detach().item::<f32>()?)
}
