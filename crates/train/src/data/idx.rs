//! The IDX format of MNIST and its successors.
//!
//! A file is two zero bytes, the type of the elements, the number of dimensions, the size of each dimension (u32,
//! big-endian) and the elements (big-endian, row-major): <https://yann.lecun.com/exdb/mnist/>.

use super::source::{Length, Source};
use crate::Result;
use std::path::Path;
use tensor_core::{DType, Element, Tensor};

/// The most dimensions read; published files have one to four.
const MAX_RANK: u8 = 8;
/// Bytes that are decoded at a time; a multiple of every element's size.
const CHUNK: usize = 16 * 1024;

/// Reads a file, plain or, with the feature `gzip`, compressed. Elements u8, i32, f32 and f64 are read, as tensors of
/// that dtype.
///
/// # Errors
/// [`Error::File`](crate::Error::File) if the file cannot be read; [`Error::Format`](crate::Error::Format) with the
/// offset if it is no IDX file, is cut off, has bytes after the last element, or is compressed to less than a 200th.
/// Nothing is allocated that the file's length does not justify.
pub fn read(path: impl AsRef<Path>) -> Result<Tensor> {
    parse(&mut Source::open(path.as_ref())?)
}

/// Reads the bytes of a file, which errors call `name`: see [`read`].
///
/// ```
/// use train::data::idx;
///
/// let bytes = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30];
/// let tensor = idx::from_bytes("three", &bytes)?;
/// assert_eq!(**tensor.shape(), [1, 3]);
/// assert_eq!(tensor.to_vec::<u8>()?, [10, 20, 30]);
///
/// let error = idx::from_bytes("cut", &bytes[..14]).unwrap_err();
/// assert_eq!(error.to_string(), "cut: at byte 4: shape [1, 3] of u8 needs 3 bytes, but 2 follow the header");
/// # Ok::<(), train::Error>(())
/// ```
///
/// # Errors
/// As [`read`].
pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Tensor> {
    parse(&mut Source::new(name.to_string(), bytes, bytes.len() as u64)?)
}

fn parse(source: &mut Source<'_>) -> Result<Tensor> {
    let [zero, also_zero, code, rank] = source.array("the magic number")?;
    if (zero, also_zero) != (0, 0) {
        let found = format!("{zero:02x} {also_zero:02x}");
        return Err(source.error(0, format!("the file begins with {found}, expected 00 00, as IDX files do")));
    }
    let Some(dtype) = dtype(code) else {
        let reason =
            format!("element type {code:#04x}, expected 0x08 (u8), 0x0c (i32), 0x0d (f32) or 0x0e (f64)");
        return Err(source.error(2, reason));
    };
    if rank > MAX_RANK {
        return Err(source.error(3, format!("{rank} dimensions, expected at most {MAX_RANK}")));
    }
    let mut shape = Vec::with_capacity(rank.into());
    for _ in 0..rank {
        shape.push(u32::from_be_bytes(source.array("the sizes of the dimensions")?) as usize);
    }
    expect_length(source, &shape, dtype)?;
    let tensor = match dtype {
        DType::U8 => elements(source, &shape, |[byte]| byte),
        DType::I32 => elements(source, &shape, i32::from_be_bytes),
        DType::F32 => elements(source, &shape, f32::from_be_bytes),
        _ => elements(source, &shape, f64::from_be_bytes),
    }?;
    source.expect_end()?;
    Ok(tensor)
}

fn dtype(code: u8) -> Option<DType> {
    match code {
        0x08 => Some(DType::U8),
        0x0c => Some(DType::I32),
        0x0d => Some(DType::F32),
        0x0e => Some(DType::F64),
        _ => None,
    }
}

/// An error unless the file can hold the bytes that the shape needs.
fn expect_length(source: &Source<'_>, shape: &[usize], dtype: DType) -> Result<()> {
    let header = 4 + 4 * shape.len() as u64;
    // A size of zero must not hide an overflow beside it.
    let product = shape.iter().try_fold(dtype.size() as u64, |n, &size| n.checked_mul(size.max(1) as u64));
    let product = product.filter(|&bytes| bytes <= isize::MAX as u64);
    let Some(bytes) = product.map(|bytes| if shape.contains(&0) { 0 } else { bytes }) else {
        return Err(source.error(4, format!("shape {shape:?} of {dtype} is larger than any memory")));
    };
    let needs = format!("shape {shape:?} of {dtype} needs {bytes} bytes");
    match source.length() {
        Length::Exactly(length) if header + bytes != length => {
            let follow = length.saturating_sub(header);
            Err(source.error(4, format!("{needs}, but {follow} follow the header")))
        }
        Length::AtMost(bound) if bytes > bound => {
            Err(source.error(4, format!("{needs}, but a file of this size may unpack to {bound} at most")))
        }
        _ => Ok(()),
    }
}

/// The elements, which the file can hold, read into a tensor piece by piece.
fn elements<T: Element, const N: usize>(
    source: &mut Source<'_>,
    shape: &[usize],
    element: fn([u8; N]) -> T,
) -> Result<Tensor> {
    let mut tensor = Tensor::zeros(shape, T::DTYPE)?;
    let elements = tensor.as_slice_mut::<T>()?;
    let (start, needed) = (source.position(), (elements.len() * N) as u64);
    let mut buffer = [0; CHUNK];
    for piece in elements.chunks_mut(CHUNK / N) {
        let bytes = &mut buffer[..piece.len() * N];
        source.fill(bytes, start, "the elements", needed)?;
        for (y, bytes) in piece.iter_mut().zip(bytes.as_chunks::<N>().0) {
            *y = element(*bytes);
        }
    }
    Ok(tensor)
}
