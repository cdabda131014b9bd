//! The record of a run, and its replay.
//!
//! A record is a file of JSON lines: what the run was (configuration, seed, versions, the weights at its start), a line
//! for each step and a line for each epoch. Numbers stand there to the last bit, weights and data as hashes of 64 bits.
//! The same program, run again with [`RunRecord::verify`] in place of [`RunRecord::create`], ends with
//! [`Error::Replay`](crate::Error::Replay) at the first step that is not the recorded one.
//!
//! ```
//! use train::prelude::*;
//! use train::{Error, RunRecord};
//!
//! # let path = std::env::temp_dir().join(format!("train_doc_record_{}.jsonl", std::process::id()));
//! let run = |lr: f64, verify: bool| {
//!     let rng = Rng::seed(0);
//!     let (x, y) = (rng.randn([64, 2], DType::F32)?, rng.randint(0, 2, [64])?);
//!     let loader = DataLoader::new(TensorDataset::new(x, y)?, 16)?.shuffle(&rng);
//!     let model = Linear::new(2, 2, &rng)?;
//!     let mut opt = SGD::new(model.parameters(), lr)?;
//!
//!     let record = if verify { RunRecord::verify(&path, &model)? } else { RunRecord::create(&path, &model)? };
//!     let loader = record.watch(&loader);
//!     Trainer::new(&model, &mut opt).epochs(2).rng(&rng).quiet().callback(record.seed(0)).fit(&loader, |(x, y)| {
//!         Ok(Output::new(model.forward(&x.into())?.cross_entropy(&y)?, y.numel()))
//!     })
//! };
//! run(0.1, false)?;
//! run(0.1, true)?;
//! assert!(matches!(run(0.2, true), Err(Error::Replay { step: 1, what, .. }) if what == "lr"));
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), Error>(())
//! ```

mod replay;
mod watched;

pub use watched::{Tensors, Watched};

use crate::callback::{Callback, Event, Flow};
use crate::checksum::Hash;
use crate::data::Loader;
use crate::log::LogFile;
use crate::{Result, checkpoint, json};
use nn::Module;
use optim::{Dict, OptionValue, Value};
use replay::Replay;
use std::path::Path;
use watched::Seen;

/// Writes the record of a run, or holds the run against one: a [`Callback`]. A resumed run leaves the same record as
/// one that was not interrupted.
pub struct RunRecord<'a> {
    model: &'a dyn Module,
    about: Dict,
    weights_every: Option<usize>,
    seen: Seen,
    sink: Sink,
}

/// Where the lines of a run go.
enum Sink {
    File(LogFile),
    Replay(Replay),
}

impl<'a> RunRecord<'a> {
    /// Records a run of `model`, whose weights are those that the run starts with, in the file `path`. What the file
    /// held stays until the first step.
    ///
    /// # Errors
    /// If the file cannot be opened or memory runs out.
    pub fn create(path: impl AsRef<Path>, model: &'a dyn Module) -> Result<Self> {
        Self::new(Sink::File(LogFile::open(path.as_ref())?), model)
    }

    /// Holds a run against a record. Versions may differ.
    ///
    /// # Errors
    /// If the file cannot be read or memory runs out.
    pub fn verify(path: impl AsRef<Path>, model: &'a dyn Module) -> Result<Self> {
        Self::new(Sink::Replay(Replay::read(path.as_ref())?), model)
    }

    fn new(sink: Sink, model: &'a dyn Module) -> Result<Self> {
        let versions = [
            ("train", env!("CARGO_PKG_VERSION")),
            ("arch", std::env::consts::ARCH),
            ("os", std::env::consts::OS),
        ];
        let versions: Dict =
            versions.map(|(name, version)| (name.to_string(), Value::Str(version.to_string()))).into();
        let about = Dict::from([
            ("kind".into(), Value::Str("run".into())),
            ("config".into(), Value::Dict(Dict::new())),
            ("versions".into(), Value::Dict(versions)),
            ("weights".into(), weights(model)?),
        ]);
        Ok(Self { model, about, weights_every: None, seen: Seen::default(), sink })
    }

    /// An entry of the configuration. In a replay it must be the same.
    pub fn config(mut self, name: &str, value: impl ToString) -> Self {
        if let Some(Value::Dict(config)) = self.about.get_mut("config") {
            config.insert(name.to_string(), Value::Str(value.to_string()));
        }
        self
    }

    /// The seed. In a replay it must be the same.
    pub fn seed(mut self, seed: u64) -> Self {
        let number = i64::try_from(seed).map_or_else(|_| Value::Str(seed.to_string()), Value::Int);
        self.about.insert("seed".into(), number);
        self
    }

    /// Hashes the weights every `steps` steps too, not at the end of epochs alone. The loss of a step shows what went
    /// wrong before it in almost every case; the hash shows the step itself, and reads all weights.
    pub fn weights_every(mut self, steps: usize) -> Self {
        self.weights_every = Some(steps.max(1));
        self
    }

    /// The loader, its batches hashed for this record: data that have changed are then found as such.
    pub fn watch<'l, L: Loader<Batch: Tensors> + ?Sized>(&self, loader: &'l L) -> Watched<'l, L> {
        Watched::new(loader, self.seen.clone())
    }

    fn put(&mut self, kind: &str, event: &Event<'_>, weights: Option<Value>) -> Result<()> {
        let mut line = Dict::from([
            ("kind".into(), Value::Str(kind.into())),
            ("epoch".into(), event.epoch.to_value()),
            ("step".into(), event.step.to_value()),
            ("values".into(), event.values.to_value()),
        ]);
        line.extend(self.seen.hash().map(|hash| ("data".to_string(), hash.to_value())));
        line.extend(weights.map(|hash| ("weights".to_string(), hash)));
        if self.length() == 0 {
            let about = self.about.clone();
            self.line(0, about)?;
        }
        self.line(event.step, line)
    }

    fn line(&mut self, step: usize, line: Dict) -> Result<()> {
        match &mut self.sink {
            Sink::File(file) => {
                let text = json::write(&Value::Dict(line), &mut |_, _| String::new());
                file.append((text + "\n").as_bytes())
            }
            Sink::Replay(replay) => replay.compare(step, &line),
        }
    }

    fn length(&self) -> usize {
        match &self.sink {
            Sink::File(file) => file.length(),
            Sink::Replay(replay) => replay.at(),
        }
    }
}

/// The hash of a model's parameters and buffers.
fn weights(model: &dyn Module) -> Result<Value> {
    let mut hash = Hash::START;
    for (name, tensor) in model.state_dict() {
        hash.bytes(name.as_bytes());
        hash.tensor(&tensor)?;
    }
    Ok(hash.to_value())
}

impl OptionValue for Hash {
    const EXPECTED: &'static str = "16 hexadecimal digits";

    fn to_value(&self) -> Value {
        Value::Str(format!("{:016x}", self.0))
    }

    fn from_value(value: &Value) -> Option<Self> {
        let text: String = value.get()?;
        u64::from_str_radix(&text, 16).ok().map(Self)
    }
}

impl Callback for RunRecord<'_> {
    fn name(&self) -> &str {
        "run record"
    }

    fn on_step(&mut self, event: &Event<'_>) -> Result<Flow> {
        let due = self.weights_every.is_some_and(|every| event.step.is_multiple_of(every));
        let hash = due.then(|| weights(self.model)).transpose()?;
        self.put("step", event, hash).map(|()| Flow::Continue)
    }

    fn on_epoch(&mut self, event: &Event<'_>) -> Result<Flow> {
        let hash = weights(self.model)?;
        self.put("epoch", event, Some(hash)).map(|()| Flow::Continue)
    }

    fn on_end(&mut self, event: &Event<'_>) -> Result<()> {
        match &self.sink {
            Sink::File(_) => Ok(()),
            Sink::Replay(replay) => replay.end(event.step),
        }
    }

    fn state_dict(&self) -> Dict {
        [("length".into(), self.length().to_value()), ("data".into(), self.seen.hash().to_value())].into()
    }

    fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        let length = checkpoint::entry(state, "length")?;
        self.seen.set(checkpoint::entry(state, "data")?);
        match &mut self.sink {
            Sink::File(file) => file.cut(length),
            Sink::Replay(replay) => replay.go_on_at(length),
        }
    }
}

impl std::fmt::Debug for RunRecord<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if matches!(self.sink, Sink::File(_)) { "writes" } else { "verifies" };
        write!(f, "RunRecord({what}, {} bytes so far)", self.length())
    }
}
