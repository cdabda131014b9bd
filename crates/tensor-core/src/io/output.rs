//! Writing files so that a failure at any moment leaves what was there.

use super::input::file_error;
use crate::{Result, Tensor};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let location = Location::caller();
    replace("replace_file", path.as_ref(), write).map_err(|error| error.at(location))
}

pub(super) fn replace(
    op: &'static str,
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    // A link keeps pointing where it does: its target is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let failed = |error: io::Error| file_error(op, path, &error.to_string());
    let before = fs::metadata(&target).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return Err(file_error(op, path, "not a regular file"));
    }
    let (temporary, file) = create_beside(&target).map_err(failed)?;
    let written = write_and_rename(file, &temporary, &target, before.as_ref(), write);
    if written.is_err() {
        // The error at hand says more than a failure to clean up.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(failed)
}

/// A new file in the folder of `target`, whose name no other writer takes.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(name) = target.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file name"));
    };
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{count}.tmp", std::process::id()));
        let temporary = target.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (temporary, file)),
        }
    }
}

fn write_and_rename(
    file: File,
    temporary: &Path,
    target: &Path,
    before: Option<&fs::Metadata>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(before) = before {
        file.set_permissions(before.permissions())?;
    }
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, target)?;
    sync_folder(target)
}

/// Makes the new name durable.
#[cfg(unix)]
fn sync_folder(target: &Path) -> io::Result<()> {
    match target.parent() {
        Some(folder) if folder != Path::new("") => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Elsewhere a folder cannot be opened as a file; the rename itself is the system's to keep.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
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
