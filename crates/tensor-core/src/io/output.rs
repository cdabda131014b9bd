//! Writing files so that a failure at any moment leaves what was there.

use super::files::{FileWriter, Files, OutputFile, SystemFiles};
use super::input::file_error;
use crate::{Result, Tensor};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The end of a temporary file's name; `.NAME.PROCESS-COUNT.tmp` is the whole.
const TEMPORARY: &str = ".tmp";
/// The names of the temporary files that this process is writing; no two are equal, in whatever folders.
static UNDER_WAY: Mutex<BTreeSet<OsString>> = Mutex::new(BTreeSet::new());

/// Writes a file anew: `write` fills a temporary file in the same folder, which is flushed to the disk and then takes
/// the name `path`. Whatever fails on the way, what `path` held before is still there; the temporary file is removed
/// unless the process is killed.
///
/// # Errors
/// [`ErrorKind::File`](crate::ErrorKind::File), if the system refuses, `write` fails, or `path` is there and no
/// regular file.
///
/// ```
/// use std::io::Write;
/// let path = std::env::temp_dir().join("tensor_core_replace_file.txt");
/// tensor_core::io::replace_file(&path, |file| file.write_all(b"whole"))?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn replace_file(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut FileWriter) -> io::Result<()>,
) -> Result<()> {
    replace_file_on(&SystemFiles, path, write)
}

/// As [`replace_file`], on another disk than the system's.
///
/// # Errors
/// As [`replace_file`].
#[track_caller]
pub fn replace_file_on(
    files: &dyn Files,
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut FileWriter) -> io::Result<()>,
) -> Result<()> {
    let location = Location::caller();
    replace_on(files, "replace_file", path.as_ref(), write).map_err(|error| error.at(location))
}

pub(super) fn replace(
    op: &'static str,
    path: &Path,
    write: impl FnOnce(&mut FileWriter) -> io::Result<()>,
) -> Result<()> {
    replace_on(&SystemFiles, op, path, write)
}

fn replace_on(
    files: &dyn Files,
    op: &'static str,
    path: &Path,
    write: impl FnOnce(&mut FileWriter) -> io::Result<()>,
) -> Result<()> {
    // A link keeps pointing where it does: its target is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let failed = |error: io::Error| file_error(op, path, &error.to_string());
    let before = fs::metadata(&target).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return Err(file_error(op, path, "not a regular file"));
    }
    let (temporary, file) = Temporary::beside(files, &target).map_err(failed)?;
    write_and_rename(files, file, &temporary.path, &target, before.as_ref(), write).map_err(|error| {
        // The error at hand says more than a failure to clean up.
        let _ = files.remove(&temporary.path);
        failed(error)
    })
}

/// A temporary file of this process, which is being written.
struct Temporary {
    path: PathBuf,
    name: OsString,
}

impl Temporary {
    /// A new file in the folder of `target`, whose name no other writer takes.
    fn beside(files: &dyn Files, target: &Path) -> io::Result<(Self, Box<dyn OutputFile>)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = target.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file name"));
        };
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut own = OsString::from(".");
            own.push(name);
            own.push(format!(".{}-{count}{TEMPORARY}", std::process::id()));
            under_way().insert(own.clone());
            let temporary = Self { path: target.with_file_name(&own), name: own };
            match files.create_new(&temporary.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return opened.map(|file| (temporary, file)),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        under_way().remove(&self.name);
    }
}

fn under_way() -> MutexGuard<'static, BTreeSet<OsString>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_and_rename(
    files: &dyn Files,
    file: Box<dyn OutputFile>,
    temporary: &Path,
    target: &Path,
    before: Option<&fs::Metadata>,
    write: impl FnOnce(&mut FileWriter) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    let mut file = writer.into_inner().map_err(IntoInnerError::into_error)?;
    if let Some(before) = before {
        file.set_permissions(before.permissions())?;
    }
    file.sync_all()?;
    drop(file);
    files.rename(temporary, target)?;
    files.sync_folder(folder_of(target))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Removes the temporary files in `folder` that [`replace_file`] left behind in processes that were killed, and says
/// how many they were. Those of processes that still run are left; where that cannot be known (outside Linux), all that
/// are not this process's.
///
/// # Errors
/// [`ErrorKind::File`](crate::ErrorKind::File), if the folder cannot be read or a file cannot be removed.
#[track_caller]
pub fn sweep_temporaries(folder: impl AsRef<Path>) -> Result<usize> {
    let (folder, location) = (folder.as_ref(), Location::caller());
    let sweep = || -> io::Result<usize> {
        let mut swept = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let process = entry.file_name().to_str().and_then(writer_of);
            let stale = process.is_some_and(|process| match process == std::process::id() {
                // An earlier process may have had this one's number.
                true => !under_way().contains(&entry.file_name()),
                false => !Path::new("/proc").join(process.to_string()).exists(),
            });
            match stale.then(|| fs::remove_file(entry.path())) {
                Some(Ok(())) => swept += 1,
                // Another process has swept it.
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(swept)
    };
    sweep().map_err(|error| file_error("sweep_temporaries", folder, &error.to_string()).at(location))
}

/// The number of the process that gave a temporary file this name; `None` for another file.
fn writer_of(name: &str) -> Option<u32> {
    let (_, numbers) = name.strip_prefix('.')?.strip_suffix(TEMPORARY)?.rsplit_once('.')?;
    let (process, count) = numbers.split_once('-')?;
    count.parse::<u64>().ok()?;
    process.parse().ok()
}

/// Writes the elements in row-major order, little-endian.
pub(super) fn write_elements(tensor: &Tensor, out: &mut impl Write) -> io::Result<()> {
    let dense = tensor.contiguous().map_err(io::Error::other)?;
    out.write_all(&dense_bytes(&dense)?)
}

/// The elements of a row-major tensor, little-endian.
pub(super) fn dense_bytes(dense: &Tensor) -> io::Result<Cow<'_, [u8]>> {
    if cfg!(target_endian = "big") {
        return Ok(Cow::Owned(dense.to_le_bytes().map_err(io::Error::other)?));
    }
    let size = dense.dtype().size();
    Ok(Cow::Borrowed(&dense.storage.bytes()[dense.layout.offset * size..][..dense.numel() * size]))
}
