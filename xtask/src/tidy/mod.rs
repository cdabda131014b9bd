//! `cargo xtask tidy`: what compilers do not check.
//!
//! A rule is a function of the tree's text files, so a test hands it small made-up ones.

mod file;
mod leftover;
mod manifest;
mod op_table;
mod size;
mod source;
mod unsafe_code;

use crate::metadata::Workspace;
use crate::{Error, Result, no_arguments};

use file::File;

/// What a rule found.
#[derive(Default)]
struct Findings {
    /// Lines that fail the check.
    failures: Vec<String>,
    /// Lines that are worth reading and fail nothing.
    notes: Vec<String>,
}

const RULES: &[fn(&[File]) -> Findings] =
    &[unsafe_code::check, manifest::check, leftover::check, size::check, op_table::check];

/// Runs every rule on the workspace and prints what it finds.
pub fn run(arguments: &[String]) -> Result {
    no_arguments(arguments)?;
    let files = file::read_tree(&Workspace::load()?.root)?;
    let mut failures = 0;
    for rule in RULES {
        let findings = rule(&files);
        for note in &findings.notes {
            println!("note: {note}");
        }
        for failure in &findings.failures {
            println!("{failure}");
        }
        failures += findings.failures.len();
    }
    println!("tidy: {} files, {failures} violations", files.len());
    if failures == 0 { Ok(()) } else { Err(Error::Findings) }
}
