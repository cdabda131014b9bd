//! The checkpoints of a run.

use super::Checkpoint;
use crate::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tensor_core::io::{Files, SystemFiles, sweep_temporaries};

const PREFIX: &str = "step-";
const SUFFIX: &str = ".safetensors";
const BEST: &str = "best.safetensors";

/// A folder of checkpoints: the last few, `step-000001000.safetensors`, and the best, `best.safetensors`.
///
/// ```
/// use train::checkpoint::{Checkpoint, Checkpoints};
///
/// # let folder = std::env::temp_dir().join(format!("train_doc_checkpoints_{}", std::process::id()));
/// let checkpoints = Checkpoints::open(&folder)?.keep_last(2);
/// for step in [100usize, 200, 300] {
///     let mut checkpoint = Checkpoint::new();
///     checkpoint.put("step", &step);
///     checkpoints.save(step, &checkpoint)?;
/// }
/// let (step, checkpoint) = checkpoints.latest()?.expect("three were saved");
/// assert_eq!((step, checkpoint.get::<usize>("step")?), (300, 300));
/// assert_eq!(checkpoints.steps()?, [200, 300]);
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    keep_last: usize,
    files: Arc<dyn Files>,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which is made if it is not there. What writers that were killed left half done is
    /// swept.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|error| refused(&folder, error))?;
        sweep_temporaries(&folder)?;
        Ok(Self { folder, keep_last: 3, files: Arc::new(SystemFiles) })
    }

    /// How many of the last are kept; default 3, at least 1.
    pub fn keep_last(self, keep_last: usize) -> Self {
        Self { keep_last: keep_last.max(1), ..self }
    }

    /// Writes on another disk than the system's: for tests.
    pub fn on(self, files: Arc<dyn Files>) -> Self {
        Self { files, ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Saves the checkpoint of a step, then removes those that are older than the last few. If saving fails, none is
    /// removed.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn save(&self, step: usize, checkpoint: &Checkpoint) -> Result<PathBuf> {
        sweep_temporaries(&self.folder)?;
        let path = self.path(step);
        checkpoint.save_on(&*self.files, &path)?;
        let steps = self.steps()?;
        for old in &steps[..steps.len().saturating_sub(self.keep_last)] {
            // A run that was set back to an earlier step writes below the later ones: its newest stays too.
            if *old != step {
                let path = self.path(*old);
                self.files.remove(&path).map_err(|error| refused(&path, error))?;
            }
        }
        Ok(path)
    }

    /// Saves the best checkpoint so far.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn save_best(&self, checkpoint: &Checkpoint) -> Result<PathBuf> {
        let path = self.folder.join(BEST);
        checkpoint.save_on(&*self.files, &path)?;
        Ok(path)
    }

    /// The steps whose checkpoints are here, damaged or not, ascending.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn steps(&self) -> Result<Vec<usize>> {
        let entries = fs::read_dir(&self.folder).map_err(|error| refused(&self.folder, error))?;
        let mut steps = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| refused(&self.folder, error))?.file_name();
            steps.extend(name.to_str().and_then(step_of));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// The newest checkpoint that is whole, and its step; `None` if there are none at all. It is found by looking at
    /// the files: there is no list that could be wrong.
    ///
    /// # Errors
    /// If there are checkpoints and all are damaged: what is wrong with the newest.
    pub fn latest(&self) -> Result<Option<(usize, Checkpoint)>> {
        let mut newest = None;
        for step in self.steps()?.into_iter().rev() {
            match Checkpoint::load(self.path(step)) {
                Ok(checkpoint) => return Ok(Some((step, checkpoint))),
                Err(error) => drop(newest.get_or_insert(error)),
            }
        }
        newest.map_or(Ok(None), Err)
    }

    /// The best checkpoint; `None` if none was saved.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn best(&self) -> Result<Option<Checkpoint>> {
        let path = self.folder.join(BEST);
        if path.exists() { Checkpoint::load(path).map(Some) } else { Ok(None) }
    }

    fn path(&self, step: usize) -> PathBuf {
        self.folder.join(format!("{PREFIX}{step:09}{SUFFIX}"))
    }
}

fn step_of(name: &str) -> Option<usize> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    digits.parse().ok().filter(|step: &usize| format!("{step:09}") == digits)
}

fn refused(path: &Path, source: io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}

impl std::fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpoints({}, the last {})", self.folder.display(), self.keep_last)
    }
}
