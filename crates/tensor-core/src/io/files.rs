//! What writing a file asks of the system, so that tests can put a failing disk or a power cut in its place.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

/// A file that is being written.
pub trait OutputFile: Write + Seek {
    /// Takes over another file's permissions.
    ///
    /// # Errors
    /// The system's.
    fn set_permissions(&mut self, permissions: Permissions) -> io::Result<()>;

    /// Returns when the content is on the disk.
    ///
    /// # Errors
    /// The system's.
    fn sync_all(&mut self) -> io::Result<()>;
}

/// A file with a buffer in front.
pub type FileWriter = BufWriter<Box<dyn OutputFile>>;

/// Where files are written: [`SystemFiles`], or a model of a disk in a test.
pub trait Files: Send + Sync {
    /// Makes a file that is not there yet.
    ///
    /// # Errors
    /// The system's; `AlreadyExists` if it is there.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>>;

    /// Gives a file the name `to`, in place of what has it.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names in a folder are on the disk.
    ///
    /// # Errors
    /// The system's.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The system's own files.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Where a folder cannot be opened as a file, the rename itself is the system's to keep.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }
}

impl OutputFile for File {
    fn set_permissions(&mut self, permissions: Permissions) -> io::Result<()> {
        File::set_permissions(self, permissions)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        File::sync_all(self)
    }
}
