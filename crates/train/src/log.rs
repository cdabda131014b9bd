//! Logs of a run in files.

mod file;

pub(crate) use file::LogFile;

use crate::callback::{Callback, Event, Flow};
use crate::{Result, checkpoint, json};
use optim::{Dict, OptionValue, Value};
use std::path::Path;

/// Which columns and lines a log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// A JSON object a line.
    JsonLines,
    /// A line `kind,epoch,step,name,value` for each value: the names need not be known before.
    Csv,
}

const CSV_HEADER: &str = "kind,epoch,step,name,value\n";

/// Writes the values of each step and epoch to a file: as JSON lines, or as CSV. What is written depends on the run
/// alone, not on the clock: a resumed run leaves the same file, byte for byte, as one that was not interrupted.
///
/// ```
/// use train::{Callback, FileLog};
///
/// let path = std::env::temp_dir().join("train_doc_log.jsonl");
/// let mut log = FileLog::json_lines(&path)?;
/// // trainer.callback(log), or in a loop of one's own:
/// let values = [("loss".to_string(), 0.25)].into();
/// log.write("step", 0, 1, &values)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "{\"epoch\":0,\"kind\":\"step\",\"loss\":0.25,\"step\":1}\n");
/// # std::fs::remove_file(path).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileLog {
    name: String,
    format: Format,
    file: LogFile,
}

impl FileLog {
    /// A JSON object a line. What the file held stays until the first line is written: a resumed run cuts it at where
    /// its checkpoint was.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn json_lines(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(path.as_ref(), Format::JsonLines)
    }

    /// Lines `kind,epoch,step,name,value`.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn csv(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(path.as_ref(), Format::Csv)
    }

    fn open(path: &Path, format: Format) -> Result<Self> {
        let name = format!("log {}", path.file_name().unwrap_or_default().to_string_lossy());
        Ok(Self { name, format, file: LogFile::open(path)? })
    }

    /// Writes values under a kind, such as `step` or `epoch`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write(&mut self, kind: &str, epoch: usize, step: usize, values: &crate::Values) -> Result<()> {
        let text = match self.format {
            Format::JsonLines => {
                let mut entries: Dict =
                    values.iter().map(|(name, x)| (name.clone(), Value::Float(*x))).collect();
                entries.insert("kind".into(), Value::Str(kind.into()));
                entries.insert("epoch".into(), epoch.to_value());
                entries.insert("step".into(), step.to_value());
                json::line(&entries) + "\n"
            }
            Format::Csv => {
                let header = if self.file.length() == 0 { CSV_HEADER } else { "" };
                let line =
                    |(name, x): (&String, &f64)| format!("{kind},{epoch},{step},{},{x:?}\n", quoted(name));
                header.to_string() + &values.iter().map(line).collect::<String>()
            }
        };
        self.file.append(text.as_bytes())
    }
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

impl Callback for FileLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn on_step(&mut self, event: &Event<'_>) -> Result<Flow> {
        self.write("step", event.epoch, event.step, event.values).map(|()| Flow::Continue)
    }

    fn on_epoch(&mut self, event: &Event<'_>) -> Result<Flow> {
        self.write("epoch", event.epoch, event.step, event.values).map(|()| Flow::Continue)
    }

    fn state_dict(&self) -> Dict {
        [("length".into(), self.file.length().to_value())].into()
    }

    /// Cuts the file at where the checkpoint was. Lines that were lost with the machine are not made up for.
    fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        self.file.cut(checkpoint::entry(state, "length")?)
    }
}
