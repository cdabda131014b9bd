//! Named tensors in one file: the safetensors format.
//!
//! A file is the header's length (u64, little-endian), the header (JSON: a name to dtype, shape and the range of its
//! bytes, and `__metadata__`, strings to strings), then the elements, little-endian, without gaps. Format and checks:
//! <https://huggingface.co/docs/safetensors>. The reader is this crate's own, and stricter than the reference: it also
//! refuses duplicate keys and unknown keys, and headers above 16 MiB.
//!
//! ```
//! use std::collections::BTreeMap;
//! use tensor_core::{Tensor, io::safetensors};
//!
//! let path = std::env::temp_dir().join("tensor_core_doc.safetensors");
//! let tensors = BTreeMap::from([("weight".to_string(), Tensor::from_vec(vec![1.0f32, 2.0], [2])?)]);
//! let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
//! safetensors::write(&path, &tensors, &metadata)?;
//!
//! let read = safetensors::read(&path)?;
//! assert_eq!(read.tensors["weight"].to_vec::<f32>()?, [1.0, 2.0]);
//! assert_eq!(read.metadata, metadata);
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), tensor_core::Error>(())
//! ```

mod header;

use super::input::{ByteOrder, Input};
use super::output::{replace, write_elements};
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};
use header::{Entry, Header, Place};
use std::collections::BTreeMap;
use std::io::Read;
use std::panic::Location;
use std::path::Path;

/// The longest header read. The reference allows 100 MB; a header of 16 MiB describes some 100,000 tensors.
const MAX_HEADER: u64 = 16 * 1024 * 1024;
/// Bytes of the header's length.
const PREAMBLE: usize = 8;

/// What a safetensors file holds.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SafeTensors {
    /// The tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// Free text by name; empty if the file has none.
    pub metadata: BTreeMap<String, String>,
}

/// Reads a file. Dtypes F32, F64, F16, BF16, I64, I32, U8 and BOOL are read; any other is an error that names the
/// tensor.
///
/// # Errors
/// [`ErrorKind::File`] if the file cannot be read; [`ErrorKind::Format`] with the offset of what is wrong in it: a
/// header that is too long or malformed, duplicate names, ranges that overlap, leave holes, pass the end or do not fit
/// the shape, bytes after the last tensor.
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> Result<SafeTensors> {
    let location = Location::caller();
    Input::open("safetensors::read", path.as_ref())
        .and_then(|mut input| read_input(&mut input))
        .map_err(|error| error.at(location))
}

/// Reads the bytes of a file: see [`read`].
///
/// # Errors
/// As [`read`].
#[track_caller]
pub fn from_bytes(bytes: &[u8]) -> Result<SafeTensors> {
    let location = Location::caller();
    read_input(&mut Input::bytes("safetensors::from_bytes", "safetensors bytes", bytes))
        .map_err(|error| error.at(location))
}

/// Writes a file that every safetensors reader takes, byte for byte what the reference implementation writes. A failure
/// leaves what `path` held before: see [`replace_file`](crate::io::replace_file).
///
/// # Errors
/// [`ErrorKind::Argument`] if a name comes twice or is `__metadata__`; [`ErrorKind::File`] if the system refuses.
#[track_caller]
pub fn write<'a, S: AsRef<str>>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (S, &'a Tensor)>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    const OP: &str = "safetensors::write";
    let location = Location::caller();
    let tensors: Vec<_> = tensors.into_iter().collect();
    arrange(OP, &tensors, metadata)
        .and_then(|(header, order)| {
            replace(OP, path.as_ref(), |file| {
                std::io::Write::write_all(file, &header)?;
                order.iter().try_for_each(|tensor| write_elements(tensor, file))
            })
        })
        .map_err(|error| error.at(location))
}

/// Writes what [`write()`] writes to `out`, at once: for callers with files of their own.
///
/// # Errors
/// As [`write()`].
pub fn write_to<'a, S: AsRef<str>>(
    out: &mut impl std::io::Write,
    tensors: impl IntoIterator<Item = (S, &'a Tensor)>,
    metadata: &BTreeMap<String, String>,
) -> std::io::Result<()> {
    let tensors: Vec<_> = tensors.into_iter().collect();
    let (header, order) =
        arrange("safetensors::write_to", &tensors, metadata).map_err(std::io::Error::other)?;
    out.write_all(&header)?;
    order.iter().try_for_each(|tensor| write_elements(tensor, out))
}

/// The bytes of a file: see [`write()`].
///
/// # Errors
/// [`ErrorKind::Argument`] if a name comes twice or is `__metadata__`.
#[track_caller]
pub fn to_bytes<'a, S: AsRef<str>>(
    tensors: impl IntoIterator<Item = (S, &'a Tensor)>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    const OP: &str = "safetensors::to_bytes";
    let location = Location::caller();
    let tensors: Vec<_> = tensors.into_iter().collect();
    let (mut bytes, order) = arrange(OP, &tensors, metadata).map_err(|error| error.at(location))?;
    for tensor in order {
        bytes.extend(tensor.to_le_bytes().map_err(|error| error.of(OP).at(location))?);
    }
    Ok(bytes)
}

/// The file up to the elements, and the tensors in the order of the file.
fn arrange<'a, S: AsRef<str>>(
    op: &'static str,
    tensors: &[(S, &'a Tensor)],
    metadata: &BTreeMap<String, String>,
) -> Result<(Vec<u8>, Vec<&'a Tensor>)> {
    let mut named: Vec<(&str, &Tensor)> =
        tensors.iter().map(|(name, tensor)| (name.as_ref(), *tensor)).collect();
    named.sort_by_key(|&(name, tensor)| (rank(tensor.dtype()), name));
    let mut names: Vec<&str> = named.iter().map(|&(name, _)| name).collect();
    names.sort_unstable();
    let repeated = names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    if let Some(value) = repeated.or_else(|| names.into_iter().find(|name| *name == header::METADATA)) {
        let expected = "names that differ from each other and from __metadata__";
        let value = format!("{value:?}");
        return Err(Error::new(op, ErrorKind::Argument { argument: "tensors", value, expected }));
    }
    let header = header::write(&named, metadata);
    let length = (header.len() - PREAMBLE) as u64;
    if length > MAX_HEADER {
        let expected = "names, shapes and metadata for a header of at most 16777216 bytes";
        let value = format!("for a header of {length} bytes");
        return Err(Error::new(op, ErrorKind::Argument { argument: "tensors", value, expected }));
    }
    Ok((header, named.into_iter().map(|(_, tensor)| tensor).collect()))
}

/// The place of a dtype in a file: widest first, so that all elements are aligned; the reference implementation's order.
fn rank(dtype: DType) -> usize {
    use DType::{BF16, Bool, F16, F32, F64, I32, I64, U8};
    [I64, F64, F32, I32, BF16, F16, U8, Bool].iter().position(|&other| other == dtype).unwrap_or(usize::MAX)
}

fn read_input<R: Read>(input: &mut Input<R>) -> Result<SafeTensors> {
    let length = u64::from_le_bytes(input.array("the header's length")?);
    if length > MAX_HEADER {
        return Err(input.error(0, format!("a header of {length} bytes, expected at most {MAX_HEADER}")));
    }
    let text = input.vec(length as usize, "the header")?;
    let fault = |fault: super::cursor::Fault| input.error((PREAMBLE + fault.at) as u64, fault.reason);
    let Header { mut places, metadata } = header::parse(&text).map_err(fault)?;
    check_ranges(input, &text, &mut places)?;
    let mut tensors = BTreeMap::new();
    for place in places {
        let fault = |fault: super::cursor::Fault| input.error((PREAMBLE + fault.at) as u64, fault.reason);
        let Entry { name, dtype, shape, .. } = header::read(&text, place).map_err(fault)?;
        tensors.insert(name, input.tensor(Shape::new(&shape), dtype, ByteOrder::Little)?);
    }
    Ok(SafeTensors { tensors, metadata })
}

/// Sorts the tensors by place and checks that their ranges cover the rest of the input without gap or overlap.
fn check_ranges<R: Read>(input: &Input<R>, text: &[u8], places: &mut [Place]) -> Result<()> {
    let start = input.position();
    let mut covered = 0;
    places.sort_unstable_by_key(|place| (place.range, place.at));
    let name = |place| header::read(text, place).map_or_else(|_| String::new(), |entry| entry.name);
    for &mut place in places {
        let (begin, end) = place.range;
        if begin != covered {
            let what = if begin > covered { "a gap" } else { "an overlap" };
            let reason =
                format!("{what}: tensor {:?} begins at {begin} of the data, expected {covered}", name(place));
            return Err(input.error(start + covered.min(begin), reason));
        }
        if end > input.remaining() {
            let reason = format!(
                "tensor {:?} ends at {end} of the data, which has {}",
                name(place),
                input.remaining()
            );
            return Err(input.error(start + input.remaining(), reason));
        }
        covered = end;
    }
    match input.remaining() - covered {
        0 => Ok(()),
        more => Err(input.error(start + covered, format!("{more} bytes after the last tensor"))),
    }
}
