//! `cargo xtask replay` and `cargo xtask gradcheck`: the commands of the package `conformance`.

use crate::{Error, Result};
use std::process::Command;

/// Replays the folders, or all recorded in the repository.
pub fn replay(arguments: &[String]) -> Result {
    let recorded = || {
        ["fixtures/ops", "fixtures/ops_more", "fixtures/optim", "fixtures/schedulers"]
            .map(String::from)
            .to_vec()
    };
    run("replay", &[], if arguments.is_empty() { recorded() } else { arguments.to_vec() })
}

/// Checks gradients on random calls.
pub fn gradcheck(arguments: &[String]) -> Result {
    // Optimized: a long check pays for the longer build many times over.
    run("gradcheck", &["--release"], arguments.to_vec())
}

fn run(command: &str, profile: &[&str], arguments: Vec<String>) -> Result {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet"])
        .args(profile)
        .args(["--package", "conformance", "--", command])
        .args(arguments)
        .status()
        .map_err(|e| Error::Broken(format!("cargo run: {e}")))?;
    if status.success() { Ok(()) } else { Err(Error::Findings) }
}
