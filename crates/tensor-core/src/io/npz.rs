//! NumPy's `.npz`: a zip archive of `.npy` files, stored or deflated. Needs the feature `npz`.
//!
//! ```
//! use std::collections::BTreeMap;
//! use tensor_core::{Tensor, io::npz};
//!
//! let path = std::env::temp_dir().join("tensor_core_doc.npz");
//! let tensors = BTreeMap::from([("x".to_string(), Tensor::from_vec(vec![1i64, 2], [2])?)]);
//! npz::write(&path, &tensors, npz::Compression::Deflated)?;
//! assert_eq!(npz::read(&path, 1 << 20)?["x"].to_vec::<i64>()?, [1, 2]);
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), tensor_core::Error>(())
//! ```

use super::input::{Input, file_error};
use super::npy;
use super::output::replace;
use crate::{Error, ErrorKind, Result, Tensor};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::panic::Location;
use std::path::Path;
use std::rc::Rc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// More than this many bytes cannot come out of one byte of deflate (zlib's technical notes): an archive that declares
/// more lies.
const MAX_RATIO: u64 = 1032;
/// Bytes of a small file that the ratio does not count: an empty deflate stream is two bytes long.
const RATIO_FLOOR: u64 = 4096;
/// The signature and the fixed part of a file's entry in the archive's directory.
const ENTRY_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
/// The same of the record that ends an archive.
const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;

/// Bytes that an archive's directory may have in any case. What is kept of a file takes seven times the bytes of its entry,
/// and a file with its array has three times as many as its entry: more than a quarter of the archive is no directory.
const FREE_DIRECTORY: u64 = 96 * 1024;

/// How the files of an archive are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are: `numpy.savez`.
    #[default]
    Stored,
    /// By deflate: `numpy.savez_compressed`.
    Deflated,
}

/// Reads all tensors of an archive, by name without `.npy`. `limit` is the most bytes that they may have together,
/// unpacked; it is checked before anything is unpacked.
///
/// # Errors
/// [`ErrorKind::File`] if the file cannot be read; [`ErrorKind::Format`], with the offset of what is wrong (within the
/// unpacked file, if the path names one), if it is no zip archive, a name is no `.npy` or
/// leads out of the archive (`../x`, `/x`), a name comes twice, the sizes pass `limit`, a checksum differs, or a file is
/// wrong as [`Tensor::read_npy`] says.
#[track_caller]
pub fn read(path: impl AsRef<Path>, limit: u64) -> Result<BTreeMap<String, Tensor>> {
    let location = Location::caller();
    const OP: &str = "npz::read";
    let path = path.as_ref();
    File::open(path)
        .map_err(|error| file_error(OP, path, &error.to_string()))
        .and_then(|file| Archive::open(OP, path.display().to_string(), BufReader::new(file))?.read(limit))
        .map_err(|error| error.at(location))
}

/// Reads the bytes of an archive: see [`read`].
///
/// # Errors
/// As [`read`].
#[track_caller]
pub fn from_bytes(bytes: &[u8], limit: u64) -> Result<BTreeMap<String, Tensor>> {
    let location = Location::caller();
    Archive::open("npz::from_bytes", ".npz bytes".to_string(), Cursor::new(bytes))
        .and_then(|mut archive| archive.read(limit))
        .map_err(|error| error.at(location))
}

/// Writes tensors by name: `numpy.load` reads them. The bytes depend on the tensors alone. A failure leaves what `path`
/// held before: see [`replace_file`](crate::io::replace_file).
///
/// # Errors
/// [`ErrorKind::Argument`] if a name comes twice, is empty or leads out of the archive; [`ErrorKind::File`] if the
/// system refuses.
#[track_caller]
pub fn write<'a, S: AsRef<str>>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (S, &'a Tensor)>,
    compression: Compression,
) -> Result<()> {
    const OP: &str = "npz::write";
    let location = Location::caller();
    let tensors: Vec<_> = tensors.into_iter().collect();
    check_names(OP, &tensors)
        .and_then(|()| tensors.iter().try_for_each(|(_, tensor)| npy::check(OP, tensor)))
        .and_then(|()| replace(OP, path.as_ref(), |file| write_archive(file, &tensors, compression)))
        .map_err(|error| error.at(location))
}

fn check_names<S: AsRef<str>>(op: &'static str, tensors: &[(S, &Tensor)]) -> Result<()> {
    let mut names = BTreeSet::new();
    for (name, _) in tensors {
        let name = name.as_ref();
        if !stays_inside(name) || !names.insert(name) {
            let expected =
                "names that differ, with no empty part, no \"..\", no \"\\\" and no \"/\" in front";
            let value = format!("{name:?}");
            return Err(Error::new(op, ErrorKind::Argument { argument: "tensors", value, expected }));
        }
    }
    Ok(())
}

fn write_archive<S: AsRef<str>>(
    out: &mut (impl Write + Seek),
    tensors: &[(S, &Tensor)],
    compression: Compression,
) -> io::Result<()> {
    let method = match compression {
        Compression::Stored => CompressionMethod::Stored,
        Compression::Deflated => CompressionMethod::Deflated,
    };
    let mut archive = ZipWriter::new(out);
    for (name, tensor) in tensors {
        // Sizes above 4 GiB need the wide fields, which must be asked for before the first byte.
        let wide = tensor.numel() * tensor.dtype().size() > (u32::MAX / 2) as usize;
        let options = SimpleFileOptions::default().compression_method(method).large_file(wide);
        archive.start_file(format!("{}.npy", name.as_ref()), options)?;
        npy::write(tensor, &mut archive)?;
    }
    archive.finish()?;
    Ok(())
}

/// Whether a name is a plain path below the archive's root.
fn stays_inside(name: &str) -> bool {
    !name.contains(['\\', '\0']) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Stops reading where too much was read, and tells where the last read began: what the archive's reader refuses lies
/// there.
struct Metered<R> {
    reader: R,
    left: u64,
    next: u64,
    place: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(bytes)?;
        self.place.set(self.next);
        self.next += count as u64;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("the directory is too large a part of the archive")),
        }
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.next = self.reader.seek(to)?;
        Ok(self.next)
    }
}

struct Archive<R> {
    zip: ZipArchive<Metered<R>>,
    /// Where the last read began.
    place: Rc<Cell<u64>>,
    op: &'static str,
    name: String,
}

impl<R: Read + Seek> Archive<R> {
    fn open(op: &'static str, name: String, mut reader: R) -> Result<Self> {
        let fault = |offset: u64, reason: String| {
            Error::new(op, ErrorKind::Format { path: name.clone(), offset, reason })
        };
        let broken = |error: io::Error| fault(0, error.to_string());
        let length = reader.seek(SeekFrom::End(0)).map_err(broken)?;
        let place = Rc::new(Cell::new(0));
        // The search for the end record, from the back, reads up to 64 KiB.
        let left = length / 4 + FREE_DIRECTORY;
        let metered = Metered { reader: &mut reader, left, next: length, place: Rc::clone(&place) };
        let found = ZipArchive::new(metered).map(|zip| (zip.len(), zip.central_directory_start()));
        let (kept, start) = match found {
            Ok(found) => found,
            Err(error) => return Err(fault(first_fault(&mut reader).map_err(broken)?, error.to_string())),
        };
        // The archive keeps one file a name: the others would vanish in silence.
        let (listed, end) = count_entries(&mut reader, start, left).map_err(broken)?;
        if listed != kept {
            return Err(fault(start, format!("{listed} files with {kept} different names")));
        }
        // The directory once more, and then all the files.
        let reader = Metered { reader, left: u64::MAX, next: end, place: Rc::clone(&place) };
        let zip = ZipArchive::new(reader).map_err(|error| fault(start, error.to_string()))?;
        Ok(Self { zip, place, op, name })
    }

    fn error(&self, offset: u64, reason: String) -> Error {
        Error::new(self.op, ErrorKind::Format { path: self.name.clone(), offset, reason })
    }

    fn read(&mut self, limit: u64) -> Result<BTreeMap<String, Tensor>> {
        let mut left = limit;
        for index in 0..self.zip.len() {
            let (size, at) = self.check_entry(index)?;
            left = left.checked_sub(size).ok_or_else(|| {
                self.error(at, format!("the files have more than {limit} bytes unpacked, the limit given"))
            })?;
        }
        (0..self.zip.len()).map(|index| self.tensor(index)).collect()
    }

    /// Checks what the archive declares of a file; its size unpacked, and where it begins.
    fn check_entry(&mut self, index: usize) -> Result<(u64, u64)> {
        let declared = self.zip.by_index_raw(index).and_then(|entry| {
            let name = entry.name()?.into_owned();
            let sizes = (entry.size(), entry.compressed_size());
            Ok((name, sizes, entry.header_start(), entry.compression(), entry.encrypted()))
        });
        let (name, (size, packed), at, method, encrypted) =
            declared.map_err(|error| self.error(self.place.get(), error.to_string()))?;
        let reason = if !stays_inside(&name) {
            "a name that leads out of the archive"
        } else if !name.ends_with(".npy") || name == ".npy" {
            "expected a name that ends in .npy"
        } else if encrypted {
            "encrypted"
        } else if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
            "expected a file that is stored or deflated"
        } else if method == CompressionMethod::Stored && size != packed {
            "a stored file with two sizes"
        } else if size > packed.saturating_mul(MAX_RATIO).saturating_add(RATIO_FLOOR) {
            "declares more bytes than deflate can unpack"
        } else {
            return Ok((size, at));
        };
        Err(self.error(at, format!("{name:?}: {reason}")))
    }

    fn tensor(&mut self, index: usize) -> Result<(String, Tensor)> {
        let (op, archive, place) = (self.op, self.name.clone(), Rc::clone(&self.place));
        let fault = |reason: String| {
            Error::new(op, ErrorKind::Format { path: archive.clone(), offset: place.get(), reason })
        };
        let mut entry = self.zip.by_index(index).map_err(|error| fault(error.to_string()))?;
        let name = entry.name().map_err(|error| fault(error.to_string()))?.into_owned();
        let (size, data) = (entry.size(), entry.data_start());
        let mut input = Input::new(op, format!("{archive}/{name}"), &mut entry, size);
        let tensor = npy::read(&mut input)?;
        // The checksum is compared where the data end; what is wrong is somewhere in them.
        let last = entry.read(&mut [0]);
        place.set(data.unwrap_or_else(|| place.get()));
        match last {
            Ok(0) => Ok((name.strip_suffix(".npy").unwrap_or(&name).to_string(), tensor)),
            Ok(_) => Err(fault(format!("{name:?} has more bytes than it declares"))),
            Err(error) => Err(fault(format!("{name:?}: {error}"))),
        }
    }
}

/// Files listed in the directory that starts at `start` and has at most `most` bytes, and where they end.
fn count_entries(reader: &mut (impl Read + Seek), start: u64, most: u64) -> io::Result<(usize, u64)> {
    reader.seek(SeekFrom::Start(start))?;
    let (mut count, mut at) = (0, start);
    let mut entry = [0; ENTRY_BYTES];
    while at - start <= most && fills(reader, &mut entry)? && entry.starts_with(&ENTRY_SIGNATURE) {
        // Lengths of the name, the extra field and the comment that follow.
        let lengths = [28, 30, 32].map(|at| u64::from(u16::from_le_bytes([entry[at], entry[at + 1]])));
        let follow: u64 = lengths.iter().sum();
        reader.seek_relative(follow as i64)?;
        at += ENTRY_BYTES as u64 + follow;
        count += 1;
    }
    Ok((count, at))
}

/// Whether the reader has as many bytes more.
fn fills(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

/// Where an archive that cannot be opened is wrong first: what stands in its directory in place of an entry, the directory,
/// or the end record that tells where it is. 0 without an end record: it is no archive.
fn first_fault(reader: &mut (impl Read + Seek)) -> io::Result<u64> {
    let length = reader.seek(SeekFrom::End(0))?;
    // A comment follows the end record.
    let base = length.saturating_sub(END_BYTES as u64 + u64::from(u16::MAX));
    reader.seek(SeekFrom::Start(base))?;
    let mut tail = Vec::new();
    reader.read_to_end(&mut tail)?;
    let Some(at) = tail.windows(END_BYTES).rposition(|record| record.starts_with(&END_SIGNATURE)) else {
        return Ok(0);
    };
    let (end, record) = (base + at as u64, &tail[at..]);
    let start = u64::from(u32::from_le_bytes([record[16], record[17], record[18], record[19]]));
    let (_, stop) = count_entries(reader, start, length)?;
    Ok(if stop < end { stop } else { start.min(end) })
}
