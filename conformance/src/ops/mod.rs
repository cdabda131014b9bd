//! From a recorded call of PyTorch to a call of this project: a file for each family, a line for each operation.

mod activation;
mod conv;
mod distance;
mod index;
mod join;
mod linalg;
mod loss;
mod matmul;
mod norm;
mod pointwise;
mod pool;
mod reduce;
mod shared;
mod sort;
mod spatial;
mod view;

use crate::call::{Call, Outcome, Replayed};
use crate::record::{self, list};
use crate::{Result, Tally};
use std::collections::BTreeMap;
use std::path::Path;

/// How the recorded calls of one PyTorch operation are made here.
pub struct Adapter {
    /// The row of `autograd::ops::TABLE` that they test; empty for an operation without a gradient.
    pub row: &'static str,
    /// The name of the record.
    pub recorded: &'static str,
    /// Makes the call.
    pub call: fn(&Call) -> Replayed,
}

const fn adapter(row: &'static str, recorded: &'static str, call: fn(&Call) -> Replayed) -> Adapter {
    Adapter { row, recorded, call }
}

const FAMILIES: &[&[Adapter]] = &[
    activation::ADAPTERS,
    conv::ADAPTERS,
    distance::ADAPTERS,
    index::ADAPTERS,
    join::ADAPTERS,
    linalg::ADAPTERS,
    loss::ADAPTERS,
    matmul::ADAPTERS,
    norm::ADAPTERS,
    pointwise::ADAPTERS,
    pool::ADAPTERS,
    reduce::ADAPTERS,
    sort::ADAPTERS,
    spatial::ADAPTERS,
    view::ADAPTERS,
];

/// Every adapter.
pub fn adapters() -> impl Iterator<Item = &'static Adapter> {
    FAMILIES.iter().copied().flatten()
}

/// The names recorded in `folder`: those of a JSON file beside a file of tensors.
///
/// # Errors
/// If the folder cannot be read.
pub fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|e| e == "json") && path.with_extension("safetensors").exists()
        })
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()))
        .collect();
    names.sort();
    Ok(names)
}

/// What the calls of one operation came to.
#[derive(Default)]
struct Report {
    calls: usize,
    passed: usize,
    differentiable: usize,
    gradients_passed: usize,
    failed: usize,
    first_failure: Option<String>,
    /// Forms that are not offered, and how many calls have them.
    unsupported: BTreeMap<&'static str, usize>,
}

/// Replays the calls of `names` in `folder`, a line for each to `print`.
///
/// # Errors
/// If a record cannot be read.
pub fn replay(folder: &Path, names: &[String], print: &mut dyn FnMut(String)) -> Result<Tally> {
    let mut tally = Tally::default();
    for name in names {
        let (cases, tensors) = record::read(folder, name)?;
        let cases = list(&cases, name)?;
        let Some(adapter) = adapters().find(|a| a.recorded == name) else {
            tally.not_offered += cases.len();
            print(format!("{name} not offered: {} calls", cases.len()));
            continue;
        };
        let mut report = Report::default();
        for (i, case) in cases.iter().enumerate() {
            let call = Call::parse(case, &tensors).map_err(|e| format!("{name} call {i}: {e}"))?;
            report.add(i, &call, adapter);
        }
        print(report.line(name));
        tally += report.tally();
    }
    Ok(tally)
}

impl Report {
    fn add(&mut self, index: usize, call: &Call, adapter: &Adapter) {
        self.calls += 1;
        let differentiable = usize::from(call.differentiable());
        self.differentiable += differentiable;
        let (value, gradient, why) = match call.replay(adapter.call) {
            Ok(()) => (1, differentiable, None),
            Err(Outcome::FailedGradient(why)) => (1, 0, Some(why)),
            Err(Outcome::Failed(why)) => (0, 0, Some(why)),
            Err(Outcome::Unsupported(why)) => {
                *self.unsupported.entry(why).or_default() += 1;
                return;
            }
        };
        self.passed += value;
        self.gradients_passed += gradient;
        if let Some(why) = why {
            self.failed += 1;
            self.first_failure.get_or_insert_with(|| format!("call {index} {}: {why}", call.describe()));
        }
    }

    fn line(&self, name: &str) -> String {
        let mut line = format!(
            "{name} {}/{}, gradients {}/{}",
            self.passed, self.calls, self.gradients_passed, self.differentiable
        );
        for (why, count) in &self.unsupported {
            line += &format!("; {count} not offered: {why}");
        }
        if let Some(failure) = &self.first_failure {
            line += &format!("; FAILED {failure}");
        }
        line
    }

    fn tally(&self) -> Tally {
        let not_offered = self.unsupported.values().sum();
        Tally { passed: self.calls - self.failed - not_offered, failed: self.failed, not_offered }
    }
}
