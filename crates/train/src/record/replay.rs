//! A record that a run is held against.

use crate::{Error, Result, json};
use optim::{Dict, Value};
use std::fs;
use std::path::Path;

/// What is compared, causes before effects. Versions are not.
const COMPARED: [&str; 8] = ["kind", "config", "seed", "epoch", "step", "data", "values", "weights"];

pub(super) struct Replay {
    path: String,
    /// Whole lines: a process that was killed may have left half of one.
    text: String,
    at: usize,
}

impl Replay {
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let mut text =
            fs::read_to_string(path).map_err(|source| Error::File { path: name.clone(), source })?;
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        Ok(Self { path: name, text, at: 0 })
    }

    pub fn at(&self) -> usize {
        self.at
    }

    /// Where a resumed run goes on.
    pub fn go_on_at(&mut self, at: usize) -> Result<()> {
        if !self.text.is_char_boundary(at) || !matches!(self.text.as_bytes()[..at].last(), None | Some(b'\n'))
        {
            return Err(self.damaged(at, "no line begins where the checkpoint was saved"));
        }
        self.at = at;
        Ok(())
    }

    /// The next recorded line and where it ends; `None` at the end.
    fn next(&self) -> Result<Option<(Dict, usize)>> {
        let Some(line) = self.text.get(self.at..).and_then(|rest| rest.split('\n').next()) else {
            return Ok(None);
        };
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let parsed = json::parse(line, usize::MAX, &mut |_| None)
            .map_err(|fault| self.damaged(self.at + fault.at, &fault.reason))?;
        let entries = parsed.get().ok_or_else(|| self.damaged(self.at, "no JSON object"))?;
        Ok(Some((entries, self.at + line.len() + 1)))
    }

    /// Holds what a run did against the next line.
    pub fn compare(&mut self, step: usize, found: &Dict) -> Result<()> {
        let Some((recorded, end)) = self.next()? else {
            return Err(self.differs(step, "the run", "still going on", "at its end"));
        };
        if let Some((what, found, recorded)) = difference(found, &recorded) {
            return Err(self.differs(step, what, text(found), text(recorded)));
        }
        self.at = end;
        Ok(())
    }

    /// Says if the record goes on behind the run's end.
    pub fn end(&self, step: usize) -> Result<()> {
        let Some((recorded, _)) = self.next()? else { return Ok(()) };
        let step = recorded.get("step").and_then(Value::get).unwrap_or(step);
        Err(self.differs(step, "the run", "at its end", "still going on"))
    }

    fn differs(
        &self,
        step: usize,
        what: &str,
        found: impl Into<String>,
        recorded: impl Into<String>,
    ) -> Error {
        let (found, recorded) = (found.into(), recorded.into());
        Error::Replay { path: self.path.clone(), step, what: what.to_string(), found, recorded }
    }

    fn damaged(&self, offset: usize, reason: &str) -> Error {
        Error::Format { path: self.path.clone(), offset: offset as u64, reason: reason.to_string() }
    }
}

type Difference<'a> = (&'a str, Option<&'a Value>, Option<&'a Value>);

/// The first entry that differs, within `config` and `values` by its own name.
fn difference<'a>(found: &'a Dict, recorded: &'a Dict) -> Option<Difference<'a>> {
    let name = COMPARED.into_iter().find(|name| found.get(*name) != recorded.get(*name))?;
    let (found, recorded) = (found.get(name), recorded.get(name));
    let (Some(Value::Dict(a)), Some(Value::Dict(b))) = (found, recorded) else {
        return Some((name, found, recorded));
    };
    let inner = a.keys().chain(b.keys()).find(|name| a.get(*name) != b.get(*name))?;
    Some((inner, a.get(inner), b.get(inner)))
}

fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_string(), |value| json::write(value, &mut |_, _| String::new()))
}
