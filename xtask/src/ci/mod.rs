//! `cargo xtask ci`: every check, one line each.

mod budget;
mod example;
mod process;
mod report;
mod step;
mod tests_output;

use std::time::Instant;

use crate::metadata::Workspace;
use crate::{Error, Result};

use report::{Entry, Outcome};

/// Runs all steps, or those whose names are given, prints a line as each ends and the whole table last. A step that
/// fails fails the run; the steps after it still run.
pub fn run(arguments: &[String]) -> Result {
    let workspace = Workspace::load()?;
    let mut steps = step::all(&workspace);
    if let Some(unknown) = arguments.iter().find(|name| steps.iter().all(|step| !step.is_called(name))) {
        let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        return Err(Error::Usage(format!("no step `{unknown}`; the steps are: {}", names.join(", "))));
    }
    if !arguments.is_empty() {
        steps.retain(|step| arguments.iter().any(|name| step.is_called(name)));
    }
    let mut entries = Vec::new();
    for step in steps {
        println!("\n==== {}", step.name);
        let start = Instant::now();
        let outcome = (step.run)(&workspace.root);
        let entry = Entry { name: step.name, seconds: start.elapsed().as_secs_f64(), outcome };
        println!("{entry}");
        entries.push(entry);
    }
    println!("\n==== all steps");
    for entry in &entries {
        println!("{entry}");
    }
    println!("{}", report::closing_line(&entries));
    let failed = entries.iter().any(|entry| matches!(entry.outcome, Outcome::Fail(_)));
    if failed { Err(Error::Findings) } else { Ok(()) }
}
