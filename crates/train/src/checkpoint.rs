//! The state of a run in one file, written so that no failure loses the one before.
//!
//! ```
//! use train::checkpoint::Checkpoint;
//! use train::prelude::*;
//!
//! let rng = Rng::seed(0);
//! let model = Linear::new(4, 2, &rng)?;
//! let mut opt = Adam::new(model.parameters(), 1e-3)?;
//!
//! let mut checkpoint = Checkpoint::new();
//! checkpoint.put("model", &model.state_dict());
//! checkpoint.put("optimizer", &opt.state_dict()?);
//! checkpoint.put("rng", &rng);
//! checkpoint.put("step", &1000usize);
//! let path = std::env::temp_dir().join("train_doc_checkpoint.safetensors");
//! checkpoint.save(&path)?;
//!
//! let checkpoint = Checkpoint::load(&path)?;
//! model.load_state_dict(&checkpoint.get("model")?, true)?;
//! opt.load_state_dict(&checkpoint.get("optimizer")?)?;
//! rng.set_state(&checkpoint.get::<Rng>("rng")?.state())?;
//! let step: usize = checkpoint.get("step")?;
//! # assert_eq!(step, 1000);
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), train::Error>(())
//! ```
//!
//! The file is a safetensors file: other programs find the tensors in it by name (`model.weight`). Its metadata hold, as
//! JSON, everything that is no tensor, and dtype, shape and CRC-32C of each tensor; and the CRC-32C of that JSON. So a
//! changed bit anywhere is found, or changes nothing.

mod folder;

pub use folder::Checkpoints;

use crate::checksum::{crc32c, crc32c_append};
use crate::{Error, Result, json};
use optim::{Dict, OptionValue, Value};
use std::collections::BTreeMap;
use std::path::Path;
use tensor_core::Tensor;
use tensor_core::io::safetensors::{self, SafeTensors};
use tensor_core::io::{Files, SystemFiles, replace_file_on};

/// The version of the format, and the key in the metadata that holds it.
const VERSION: &str = "1";
const VERSION_KEY: &str = "checkpoint";
/// The keys of the JSON and of its checksum.
const MANIFEST: &str = "manifest";
const CHECKSUM: &str = "manifest_crc32c";
/// Elements that go into a checksum at a time.
const CHUNK: usize = 1 << 14;

/// Named values: whatever a run needs to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    state: Dict,
}

impl Checkpoint {
    /// Without any value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a snapshot of a value under a name, in place of what the name had: numbers, text, tensors, the
    /// `state_dict()` of a module, an optimizer, a schedule, an average or a loss scaler, an [`Rng`](crate::Rng), a
    /// loader's [`Position`](crate::data::Position), and lists of these.
    pub fn put(&mut self, name: &str, value: &impl OptionValue) {
        self.state.insert(name.to_string(), value.to_value());
    }

    /// The value under a name.
    ///
    /// # Errors
    /// If there is none, or it is of another kind.
    pub fn get<T: OptionValue>(&self, name: &str) -> Result<T> {
        entry(&self.state, name)
    }

    /// Whether there is a value under a name.
    pub fn has(&self, name: &str) -> bool {
        self.state.contains_key(name)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.state.keys().map(String::as_str)
    }

    /// Writes the file. Whatever fails on the way, also the system's power, what `path` held before is still there.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_on(&SystemFiles, path)
    }

    /// As [`save`](Self::save), on another disk than the system's.
    ///
    /// # Errors
    /// If `files` refuses.
    pub fn save_on(&self, files: &dyn Files, path: impl AsRef<Path>) -> Result<()> {
        let (tensors, metadata) = self.pack()?;
        Ok(replace_file_on(files, path, |out| safetensors::write_to(out, &tensors, &metadata))?)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let (tensors, metadata) = self.pack()?;
        Ok(safetensors::to_bytes(&tensors, &metadata)?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is no checkpoint, or is damaged in any bit that matters.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::unpack(&path.display().to_string(), safetensors::read(path)?)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::unpack("checkpoint bytes", safetensors::from_bytes(bytes)?)
    }

    /// The tensors by name, and the metadata.
    fn pack(&self) -> Result<(BTreeMap<String, Tensor>, BTreeMap<String, String>)> {
        let mut tensors = BTreeMap::new();
        let mut keep = |path: &str, tensor: &Tensor| {
            let mut name = path.to_string();
            // A dot in a key can make two paths equal.
            while tensors.contains_key(&name) {
                name.push('\'');
            }
            tensors.insert(name.clone(), tensor.clone());
            name
        };
        let state = json::write(&Value::Dict(self.state.clone()), &mut keep);
        let described: Dict = tensors
            .iter()
            .map(|(name, tensor)| Ok((name.clone(), describe(tensor)?)))
            .collect::<Result<_>>()?;
        let described = Value::Dict(described);
        let described_text = json::write(&described, &mut |_, _| String::new());
        let mut manifest = format!("{{\"state\":{state},\"tensors\":{described_text}}}");
        // A reader gives values the room of the file that they come from: where they take more, the file is as long.
        let values = Value::Dict(self.state.clone());
        let cost = json::cost(&values) + json::cost(&described) + json::cost(&frame());
        let more = json::room_for(cost).saturating_sub(room(&manifest, &tensors));
        manifest.push_str(&" ".repeat(more));
        let metadata = [
            (VERSION_KEY, VERSION.to_string()),
            (CHECKSUM, format!("{:08x}", crc32c(manifest.as_bytes()))),
            (MANIFEST, manifest),
            ("format", "pt".to_string()),
        ];
        Ok((tensors, metadata.map(|(key, value)| (key.to_string(), value)).into()))
    }

    fn unpack(path: &str, file: SafeTensors) -> Result<Self> {
        let damaged = |reason: String| Error::Damaged { path: path.to_string(), reason };
        let text = |key: &str| file.metadata.get(key).map(String::as_str);
        match text(VERSION_KEY) {
            Some(VERSION) => {}
            Some(version) => {
                return Err(damaged(format!("a checkpoint of format {version:?}, expected {VERSION:?}")));
            }
            None => return Err(damaged("a safetensors file, but no checkpoint".into())),
        }
        let manifest = text(MANIFEST).ok_or_else(|| damaged("the manifest is missing".into()))?;
        let checksum = format!("{:08x}", crc32c(manifest.as_bytes()));
        // Behind a checksum a fuzzer would find nothing.
        if !cfg!(fuzzing) && text(CHECKSUM) != Some(&checksum) {
            return Err(damaged("the manifest's checksum differs".into()));
        }
        let room = room(manifest, &file.tensors);
        let parsed = json::parse(manifest, room, &mut |name| file.tensors.get(name).cloned())
            .map_err(|fault| damaged(format!("the manifest at byte {}: {}", fault.at, fault.reason)))?;
        let entry = |name: &str| -> Option<Dict> { parsed.get::<Dict>()?.get(name)?.get() };
        let (Some(state), Some(described)) = (entry("state"), entry("tensors")) else {
            return Err(damaged("the manifest lacks \"state\" or \"tensors\"".into()));
        };
        if let Some(name) = file.tensors.keys().find(|name| !described.contains_key(*name)) {
            return Err(damaged(format!("the manifest does not know the tensor {name:?}")));
        }
        for (name, expected) in &described {
            let tensor = file.tensors.get(name);
            let tensor = tensor.ok_or_else(|| damaged(format!("the tensor {name:?} is missing")))?;
            if describe(tensor)? != *expected {
                return Err(damaged(format!("the tensor {name:?} is not what was saved")));
            }
        }
        Ok(Self { state })
    }
}

/// The memory that a manifest's values may take: as much as the rest of the file.
fn room(manifest: &str, tensors: &BTreeMap<String, Tensor>) -> usize {
    manifest.len() + tensors.values().map(|tensor| tensor.numel() * tensor.dtype().size()).sum::<usize>()
}

/// What is around the state and the descriptions of tensors in a manifest.
fn frame() -> Value {
    let none = || Value::None;
    Value::Dict([("state".to_string(), none()), ("tensors".to_string(), none())].into())
}

/// The value under a name.
pub(crate) fn entry<T: OptionValue>(state: &Dict, name: &str) -> Result<T> {
    let value = state.get(name);
    let wrong = || Error::Entry {
        name: name.to_string(),
        found: value.map_or_else(|| "missing".to_string(), Value::kind),
        expected: T::EXPECTED,
    };
    value.and_then(Value::get).ok_or_else(wrong)
}

/// What the manifest says of a tensor: dtype, shape and checksum.
fn describe(tensor: &Tensor) -> Result<Value> {
    // Piece by piece: a copy of the whole would be as large as the file.
    let flat = tensor.flatten(0, -1)?;
    let mut checksum = 0;
    for start in (0..flat.numel()).step_by(CHUNK) {
        let piece = flat.narrow(0, start as isize, CHUNK.min(flat.numel() - start))?;
        checksum = crc32c_append(checksum, &piece.to_le_bytes()?);
    }
    Ok(Value::List(vec![
        tensor.dtype().to_string().to_value(),
        tensor.shape().to_vec().to_value(),
        Value::Int(checksum.into()),
    ]))
}
