//! PyTorch's `.pt` files: what `torch.save` writes and `torch.load` reads.
//!
//! A file is a zip archive of stored entries: a pickle (`data.pkl`) of the object, and the bytes of each tensor's
//! storage (`data/0`, `data/1`, …). A pickle is a program; the one here is never run as such: values, lists, tuples,
//! dictionaries and tensors are built, and any name of code that is not on a short list of PyTorch's own is an error
//! that tells the name. What [`write()`] makes loads with `torch.load(path, weights_only=True)`.
//!
//! ```
//! use std::collections::BTreeMap;
//! use tensor_core::Tensor;
//! use tensor_core::io::{OptionValue, pt};
//!
//! let path = std::env::temp_dir().join("tensor_core_doc.pt");
//! let state = BTreeMap::from([("weight".to_string(), Tensor::from_vec(vec![1.0f32, 2.0], [2])?)]);
//! pt::write(&path, &state.to_value())?;
//!
//! let read: BTreeMap<String, Tensor> = pt::read(&path)?.get().expect("tensors by name");
//! assert_eq!(read["weight"].to_vec::<f32>()?, [1.0, 2.0]);
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), tensor_core::Error>(())
//! ```

mod load;
mod opcode;
mod pickle;
mod save;
mod tensor;

use super::input::{Input, file_error};
use super::output::replace;
use super::value::Value;
use super::zip::Archive;
use crate::{DType, Result};
use std::panic::Location;
use std::path::Path;

/// PyTorch's names of the types of storage.
const STORAGES: &[(&str, DType)] = &[
    ("FloatStorage", DType::F32),
    ("DoubleStorage", DType::F64),
    ("LongStorage", DType::I64),
    ("IntStorage", DType::I32),
    ("ByteStorage", DType::U8),
    ("BoolStorage", DType::Bool),
    ("HalfStorage", DType::F16),
    ("BFloat16Storage", DType::BF16),
];

/// Reads a file. Tensors that shared storage in PyTorch share it here, until one of them is written.
///
/// A dictionary's keys are all text or all integers; the attributes of a dictionary (`state_dict()._metadata`) are
/// passed over; a `Parameter` is its tensor, an `OrderedDict` or `Counter` a dictionary.
///
/// # Errors
/// [`ErrorKind::File`](crate::ErrorKind::File) if the file cannot be read;
/// [`ErrorKind::UnknownGlobal`](crate::ErrorKind::UnknownGlobal) if it names code or a type that is not known;
/// [`ErrorKind::Format`](crate::ErrorKind::Format) with the offset of what is wrong otherwise: no zip archive (as before
/// PyTorch 1.6), a damaged one, another dtype, a tensor beyond its storage, values nested without end.
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> Result<Value> {
    const OP: &str = "pt::read";
    let location = Location::caller();
    let path = path.as_ref();
    std::fs::read(path)
        .map_err(|error| file_error(OP, path, &error.to_string()))
        .and_then(|bytes| parse(OP, path.display().to_string(), &bytes))
        .map_err(|error| error.at(location))
}

/// Reads the bytes of a file: see [`read`].
///
/// # Errors
/// As [`read`].
#[track_caller]
pub fn from_bytes(bytes: &[u8]) -> Result<Value> {
    let location = Location::caller();
    parse("pt::from_bytes", ".pt bytes".to_string(), bytes).map_err(|error| error.at(location))
}

/// Writes a file that `torch.load(path, weights_only=True)` reads. A tensor that stands in several places is written
/// once, and is one tensor there too. A failure leaves what `path` held before: see
/// [`replace_file`](crate::io::replace_file).
///
/// # Errors
/// [`ErrorKind::File`](crate::ErrorKind::File) if the system refuses.
#[track_caller]
pub fn write(path: impl AsRef<Path>, value: &Value) -> Result<()> {
    let location = Location::caller();
    replace("pt::write", path.as_ref(), |file| save::write(value, file)).map_err(|error| error.at(location))
}

fn parse(op: &'static str, path: String, bytes: &[u8]) -> Result<Value> {
    let archive = Archive::open(op, path.clone(), bytes)?;
    // All entries lie in one folder, which bears the name under which the file was first saved.
    let pickle = archive.names().find(|name| *name == "data.pkl" || name.ends_with("/data.pkl"));
    let pickle =
        pickle.ok_or_else(|| archive.error(0, "no entry data.pkl: this is no file of torch.save"))?;
    let storages = tensor::Storages::new(&archive, pickle.strip_suffix("data.pkl").unwrap_or_default())?;
    let Some((program, _)) = archive.get(pickle)? else { return Err(archive.error(0, "no entry data.pkl")) };
    let input = Input::bytes(op, &format!("{path}/{pickle}"), program);
    load::load(pickle::Machine::new(input, storages).run()?)
}
