//! Which records a folder holds.

use crate::{Result, Tally, ops, optim, schedulers};
use std::path::Path;

/// Replays the records of `folder` and of the folders in it, a line for each operation or run to `print`.
///
/// # Errors
/// If a record cannot be read, or there is none.
pub fn replay(folder: &Path, print: &mut dyn FnMut(String)) -> Result<Tally> {
    let found = replay_nested(folder, print)?;
    found.ok_or_else(|| format!("{}: no record here (NAME.json, traj.json or lr.json)", folder.display()))
}

fn replay_nested(folder: &Path, print: &mut dyn FnMut(String)) -> Result<Option<Tally>> {
    let mut tally = None;
    let mut add = |found: Tally| *tally.get_or_insert_with(Tally::default) += found;
    if folder.join("traj.json").exists() {
        add(optim::replay(folder, print)?);
    } else if folder.join("lr.json").exists() {
        add(schedulers::replay(folder, print)?);
    } else if let names = ops::names(folder)?
        && !names.is_empty()
    {
        add(ops::replay(folder, &names, print)?);
    }
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut nested: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    nested.sort();
    for path in nested {
        if let Some(found) = replay_nested(&path, print)? {
            add(found);
        }
    }
    Ok(tally)
}
