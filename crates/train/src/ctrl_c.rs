//! Ctrl-C that ends a run with a checkpoint.

use crate::{Error, Result, StopFlag, Trainer};
use std::sync::{Mutex, PoisonError};

/// The flags that a signal sets; none before the handler is there. A process has one handler, and may have many runs.
static FLAGS: Mutex<Vec<StopFlag>> = Mutex::new(Vec::new());

/// What a shell says of a process that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

impl StopFlag {
    /// Sets this flag at Ctrl-C (`SIGINT`), also where a shell has started the process with that signal ignored, as it
    /// does in the background: the run ends after the step under way, with a checkpoint. The second Ctrl-C ends the
    /// process at once. `SIGHUP` and `SIGTERM` do what they did: `nohup` still works.
    ///
    /// # Errors
    /// If the crate `ctrlc` has set a handler for someone else, or the system refuses.
    pub fn set_on_ctrl_c(&self) -> Result<()> {
        let mut flags = FLAGS.lock().unwrap_or_else(PoisonError::into_inner);
        if flags.is_empty() {
            ctrlc::set_handler(interrupted).map_err(|error| {
                Error::argument("set_on_ctrl_c", "the handler", error, "one that can be set, once")
            })?;
        }
        // Those of runs that are over go.
        flags.retain(StopFlag::is_shared);
        flags.push(self.clone());
        Ok(())
    }
}

fn interrupted() {
    let flags = FLAGS.lock().unwrap_or_else(PoisonError::into_inner);
    if flags.iter().filter(|flag| flag.is_shared()).all(StopFlag::is_set) {
        std::process::exit(INTERRUPTED);
    }
    flags.iter().for_each(StopFlag::stop);
}

impl Trainer<'_> {
    /// Ctrl-C ends the run with a checkpoint: [`StopFlag::set_on_ctrl_c`].
    ///
    /// # Errors
    /// As [`StopFlag::set_on_ctrl_c`].
    pub fn stop_on_ctrl_c(self) -> Result<Self> {
        self.stop_flag().set_on_ctrl_c()?;
        Ok(self)
    }
}
