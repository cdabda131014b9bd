//! A file that grows line by line, and is cut where a resumed run goes on.

use crate::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    /// The bytes that were written.
    length: u64,
}

impl LogFile {
    /// What the file holds stays until something is appended.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|source| Error::File { path: path.display().to_string(), source })?;
        Ok(Self { path: path.to_path_buf(), file, length: 0 })
    }

    pub fn length(&self) -> usize {
        self.length as usize
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes).map_err(|source| self.refused(source))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.length == 0 {
            self.file.set_len(0)?;
        }
        // Where the file ends is known here, also after a write that failed half-way.
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Goes on at `length`, or where the file ends before.
    pub fn cut(&mut self, length: usize) -> Result<()> {
        let there = self.file.metadata().map_err(|source| self.refused(source))?.len();
        self.length = there.min(length as u64);
        self.file.set_len(self.length).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: io::Error) -> Error {
        Error::File { path: self.path.display().to_string(), source }
    }
}
