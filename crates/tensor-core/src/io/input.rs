//! Reading from a source of known length.

use crate::dtype::dispatch_all;
use crate::storage::Storage;
use crate::{DType, Element, Error, ErrorKind, Result, Shape, Tensor, bf16, f16};
use std::fs::File;
use std::io::{BufReader, ErrorKind as IoKind, Read};
use std::path::Path;

/// Bytes that are converted at a time; a multiple of every element's size.
const BUFFER: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// A source that is read from front to back and whose length is known before anything is allocated for it.
pub(super) struct Input<R> {
    reader: R,
    op: &'static str,
    name: String,
    length: u64,
    position: u64,
}

impl Input<BufReader<File>> {
    /// Opens a regular file.
    pub fn open(op: &'static str, path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| file_error(op, path, &error.to_string());
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(file_error(op, path, "not a regular file"));
        }
        Ok(Self::new(op, path.display().to_string(), BufReader::new(file), metadata.len()))
    }
}

impl<'a> Input<&'a [u8]> {
    /// Reads `bytes`, which errors call `name`.
    pub fn bytes(op: &'static str, name: &str, bytes: &'a [u8]) -> Self {
        Self::new(op, name.to_string(), bytes, bytes.len() as u64)
    }
}

impl<R: Read> Input<R> {
    pub fn new(op: &'static str, name: String, reader: R, length: u64) -> Self {
        Self { reader, op, name, length, position: 0 }
    }

    /// The operation that reads, for errors.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// The source's name, for errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes to come.
    pub fn remaining(&self) -> u64 {
        self.length - self.position
    }

    /// An error at byte `offset`.
    pub fn error(&self, offset: u64, reason: impl Into<String>) -> Error {
        let (path, reason) = (self.name.clone(), reason.into());
        Error::new(self.op, ErrorKind::Format { path, offset, reason })
    }

    /// Fills `bytes` with the next ones, which are part of `what`.
    pub fn exact(&mut self, bytes: &mut [u8], what: &str) -> Result<()> {
        self.expect_remaining(bytes.len() as u64, what)?;
        self.reader.read_exact(bytes).map_err(|error| {
            if error.kind() == IoKind::UnexpectedEof {
                self.error(self.position, format!("the data ends within {what}"))
            } else {
                self.error(self.position, error.to_string())
            }
        })?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// The next `N` bytes, which are part of `what`.
    pub fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.exact(&mut bytes, what)?;
        Ok(bytes)
    }

    /// The next `count` bytes, which are `what`; allocated only if there are so many.
    pub fn vec(&mut self, count: usize, what: &str) -> Result<Vec<u8>> {
        self.expect_remaining(count as u64, what)?;
        let mut bytes = vec![0; count];
        self.exact(&mut bytes, what)?;
        Ok(bytes)
    }

    /// The next elements as a tensor; allocated only if there are so many.
    pub fn tensor(&mut self, shape: Shape, dtype: DType, order: ByteOrder) -> Result<Tensor> {
        let numel = shape.checked_numel(self.op, dtype.size())?;
        self.expect_remaining((numel * dtype.size()) as u64, "the elements")?;
        let mut storage = Storage::recycled(self.op, dtype, numel)?;
        dispatch_all!(dtype, T => self.fill(storage.slice_mut::<T>(), order)?);
        Ok(Tensor::from_storage(storage, shape))
    }

    fn fill<T: Decode>(&mut self, out: &mut [T], order: ByteOrder) -> Result<()> {
        let size = T::DTYPE.size();
        let mut buffer = [0; BUFFER];
        for out in out.chunks_mut(BUFFER / size) {
            let start = self.position;
            let bytes = &mut buffer[..out.len() * size];
            self.exact(bytes, "the elements")?;
            for (i, (y, bytes)) in out.iter_mut().zip(bytes.chunks_exact(size)).enumerate() {
                *y = T::decode(bytes, order)
                    .ok_or_else(|| self.error(start + (i * size) as u64, "a bool that is neither 0 nor 1"))?;
            }
        }
        Ok(())
    }

    /// An error unless everything was read.
    pub fn expect_end(&self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            more => Err(self.error(self.position, format!("{more} bytes after the last element"))),
        }
    }

    fn expect_remaining(&self, wanted: u64, what: &str) -> Result<()> {
        if wanted <= self.remaining() {
            return Ok(());
        }
        let reason = format!("{what}: {wanted} bytes expected, {} are left", self.remaining());
        Err(self.error(self.position, reason))
    }
}

/// An error of the file system, or of a path that names no readable file.
pub(super) fn file_error(op: &'static str, path: &Path, reason: &str) -> Error {
    Error::new(op, ErrorKind::File { path: path.display().to_string(), reason: reason.to_string() })
}

/// An element as a file holds it.
trait Decode: Element {
    /// `None` if the bytes are no such element; `bytes` has the element's size.
    fn decode(bytes: &[u8], order: ByteOrder) -> Option<Self>;
}

macro_rules! decode {
    ($($t:ty),*) => {$(
        impl Decode for $t {
            #[inline(always)]
            fn decode(bytes: &[u8], order: ByteOrder) -> Option<$t> {
                let bytes = bytes.try_into().ok()?;
                Some(match order {
                    ByteOrder::Little => <$t>::from_le_bytes(bytes),
                    ByteOrder::Big => <$t>::from_be_bytes(bytes),
                })
            }
        }
    )*};
}
decode!(f32, f64, f16, bf16, i64, i32, u8);

impl Decode for bool {
    fn decode(bytes: &[u8], _: ByteOrder) -> Option<bool> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}
