//! Files of data that are not trusted: plain or compressed, read with a bound on what they may unpack to.

use crate::{Error, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// What a compressed file may unpack to without regard to its size.
#[cfg(any(feature = "gzip", feature = "npz"))]
const FREE: u64 = 1 << 19;
/// How many times its own size a compressed file may unpack to. Deflate reaches 1,032, on constant bytes; images, labels
/// and numbers in text stay below 20. More is taken for an attempt to fill the memory.
#[cfg(any(feature = "gzip", feature = "npz"))]
const MAX_RATIO: u64 = 200;

/// What a compressed file of `length` bytes may unpack to.
#[cfg(any(feature = "gzip", feature = "npz"))]
pub(super) fn bound(length: u64) -> u64 {
    length.saturating_mul(MAX_RATIO).max(FREE)
}

/// The content of a file, unpacked if it is compressed.
pub(super) struct Source<'a> {
    reader: Box<dyn Read + 'a>,
    name: String,
    /// The length of the content, or the bound on it.
    length: Length,
    position: u64,
}

#[derive(Clone, Copy)]
pub(super) enum Length {
    Exactly(u64),
    #[cfg_attr(not(feature = "gzip"), expect(dead_code, reason = "a plain file's length is known"))]
    AtMost(u64),
}

impl Source<'_> {
    /// Opens a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::File { path: path.display().to_string(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(std::io::Error::new(ErrorKind::InvalidInput, "not a regular file")));
        }
        Self::new(path.display().to_string(), BufReader::new(file), metadata.len())
    }
}

impl<'a> Source<'a> {
    /// The content of `reader`, a file of `length` bytes. Compressed data is known by its first bytes.
    pub fn new(name: String, mut reader: impl BufRead + 'a, length: u64) -> Result<Self> {
        let start = reader.fill_buf().map_err(|source| Error::File { path: name.clone(), source })?;
        if start.starts_with(&[0x1f, 0x8b]) {
            return Self::unpack(name, reader, length);
        }
        Ok(Self { reader: Box::new(reader), name, length: Length::Exactly(length), position: 0 })
    }

    #[cfg(feature = "gzip")]
    fn unpack(name: String, reader: impl BufRead + 'a, length: u64) -> Result<Self> {
        Ok(Self {
            reader: Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            name: format!("{name} (unpacked)"),
            length: Length::AtMost(bound(length)),
            position: 0,
        })
    }

    #[cfg(not(feature = "gzip"))]
    fn unpack(path: String, _: impl BufRead + 'a, _: u64) -> Result<Self> {
        let reason = "compressed with gzip; unpack it, or enable the feature `gzip` of the crate `train`";
        Err(Error::Format { path, offset: 0, reason: reason.to_string() })
    }

    /// The length of the content, or the bound on it.
    pub fn length(&self) -> Length {
        self.length
    }

    /// An error at byte `offset`.
    pub fn error(&self, offset: u64, reason: impl Into<String>) -> Error {
        Error::Format { path: self.name.clone(), offset, reason: reason.into() }
    }

    /// The name that errors have.
    #[cfg(feature = "csv")]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next `N` bytes, which are `what`.
    pub fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, self.position, what, N as u64)?;
        Ok(bytes)
    }

    /// Fills `bytes` with the next ones, which are part of `what`: `wanted` bytes from `start` on.
    pub fn fill(&mut self, bytes: &mut [u8], start: u64, what: &str, wanted: u64) -> Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.read_some(&mut bytes[filled..])? {
                0 => return Err(self.ended(start, what, wanted)),
                count => filled += count,
            }
        }
        Ok(())
    }

    /// Reads what there is, at most `bytes.len()`; nothing at the end. Fails where the content passes its bound.
    #[cfg(feature = "csv")]
    pub fn stream(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let count = self.read_some(bytes)?;
        match self.length {
            Length::AtMost(bound) if self.position > bound => {
                Err(self.error(bound, format!("the file unpacks to more than {bound} bytes")))
            }
            _ => Ok(count),
        }
    }

    /// An error unless the content ends here; this also verifies the checksum of compressed data.
    pub fn expect_end(&mut self) -> Result<()> {
        let at = self.position;
        match self.read_some(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.error(at, "bytes after the last element")),
        }
    }

    /// Reads what there is, at most `bytes.len()`; nothing at the end.
    fn read_some(&mut self, bytes: &mut [u8]) -> Result<usize> {
        loop {
            match self.reader.read(bytes) {
                Ok(count) => {
                    self.position += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(self.position, error.to_string())),
            }
        }
    }

    fn ended(&self, start: u64, what: &str, wanted: u64) -> Error {
        let had = self.position - start;
        self.error(
            self.position,
            format!("the data ends within {what}, which take {wanted} bytes; {had} are there"),
        )
    }
}
