//! NumPy's `.npy`: a magic word, a version, a Python dictionary as text, the elements.
//!
//! Format: `numpy.lib.format`, versions 1.0, 2.0 and 3.0. Version 1.0 is what is written.

use super::MAX_RANK;
use super::cursor::{Cursor, Fault, Parsed, shape_bytes};
use super::input::{ByteOrder, Input};
use super::output::{replace, write_elements};
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};
use std::io::{self, Read, Write};
use std::panic::Location;
use std::path::Path;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Bytes before the header of version 1.0: the magic word, the version and the header's length.
const PREAMBLE: usize = MAGIC.len() + 4;
/// The elements start at a multiple of this, as NumPy writes them.
const ALIGN: usize = 64;
/// The longest header read; NumPy's take 118 bytes for up to a dozen dimensions.
const MAX_HEADER: usize = 64 * 1024;

impl Tensor {
    /// Reads a NumPy `.npy` file of float16, float32, float64, int64, int32, uint8 or bool, of either byte order and
    /// in row-major or column-major order; the tensor is row-major.
    ///
    /// # Errors
    /// [`ErrorKind::File`](crate::ErrorKind::File) if the file cannot be read,
    /// [`ErrorKind::Format`](crate::ErrorKind::Format) with the offset of what is wrong in it: other dtypes (complex,
    /// strings, pickled objects), a malformed header, more than 64 dimensions, too few or too many bytes.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let path = std::env::temp_dir().join("tensor_core_read_npy.npy");
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0], [3, 1])?;
    /// x.write_npy(&path)?;
    /// assert_eq!(Tensor::read_npy(&path)?.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// # std::fs::remove_file(path).ok();
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn read_npy(path: impl AsRef<Path>) -> Result<Tensor> {
        let location = Location::caller();
        Input::open("read_npy", path.as_ref())
            .and_then(|mut input| read(&mut input))
            .map_err(|error| error.at(location))
    }

    /// The tensor in the bytes of a `.npy` file: see [`read_npy`](Tensor::read_npy).
    ///
    /// # Errors
    /// As [`read_npy`](Tensor::read_npy).
    #[track_caller]
    pub fn from_npy(bytes: &[u8]) -> Result<Tensor> {
        let location = Location::caller();
        read(&mut Input::bytes("from_npy", ".npy bytes", bytes)).map_err(|error| error.at(location))
    }

    /// Writes a NumPy `.npy` file, version 1.0, little-endian, row-major. A failure leaves what `path` held before: see
    /// [`replace_file`](crate::io::replace_file).
    ///
    /// # Errors
    /// [`ErrorKind::File`](crate::ErrorKind::File) if the system refuses, [`ErrorKind::DType`] for bf16, which NumPy
    /// does not have.
    #[track_caller]
    pub fn write_npy(&self, path: impl AsRef<Path>) -> Result<()> {
        const OP: &str = "write_npy";
        let location = Location::caller();
        check(OP, self)
            .and_then(|()| replace(OP, path.as_ref(), |file| write(self, file)))
            .map_err(|error| error.at(location))
    }

    /// The bytes of a `.npy` file: see [`write_npy`](Tensor::write_npy).
    ///
    /// # Errors
    /// If the dtype is bf16.
    #[track_caller]
    pub fn to_npy(&self) -> Result<Vec<u8>> {
        check("to_npy", self)?;
        let mut bytes = header(self);
        bytes.extend(self.to_le_bytes().map_err(|error| error.of("to_npy"))?);
        Ok(bytes)
    }
}

/// An error for a tensor that the format has no dtype for.
#[track_caller]
pub(super) fn check(op: &'static str, tensor: &Tensor) -> Result<()> {
    if descr(tensor.dtype()).is_some() {
        return Ok(());
    }
    let expected = "a dtype that NumPy has; convert with to_dtype(DType::F32) or write safetensors";
    Err(Error::new(op, ErrorKind::DType { argument: "input", found: tensor.dtype(), expected }))
}

/// Writes a tensor, which has passed [`check`], as a `.npy` file.
pub(super) fn write(tensor: &Tensor, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&header(tensor))?;
    write_elements(tensor, out)
}

/// All that comes before the elements.
fn header(tensor: &Tensor) -> Vec<u8> {
    let sizes: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
    // Python writes a tuple of one as (3,).
    let comma = if sizes.len() == 1 { "," } else { "" };
    let mut text = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        descr(tensor.dtype()).unwrap_or_default(),
        sizes.join(", ")
    );
    let end = (PREAMBLE + text.len() + 1).next_multiple_of(ALIGN);
    text.push_str(&" ".repeat(end - PREAMBLE - text.len() - 1));
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    [MAGIC, &[1, 0][..], &length, text.as_bytes()].concat()
}

fn descr(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::BF16 => return None,
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::I64 => "<i8",
        DType::I32 => "<i4",
        DType::U8 => "|u1",
        DType::Bool => "|b1",
    })
}

/// Reads a `.npy` file to its end.
pub(super) fn read<R: Read>(input: &mut Input<R>) -> Result<Tensor> {
    if &input.array::<6>("the magic word")? != MAGIC {
        return Err(input.error(0, "no .npy file: it does not begin with \\x93NUMPY"));
    }
    let [major, minor] = input.array("the version")?;
    let length = match (major, minor) {
        (1, 0) => u16::from_le_bytes(input.array("the header's length")?).into(),
        (2 | 3, 0) => u32::from_le_bytes(input.array("the header's length")?) as usize,
        _ => return Err(input.error(6, format!("version {major}.{minor}, expected 1.0, 2.0 or 3.0"))),
    };
    let start = input.position();
    if length > MAX_HEADER {
        return Err(input.error(8, format!("a header of {length} bytes, expected at most {MAX_HEADER}")));
    }
    let text = input.vec(length, "the header")?;
    let fault = |fault: Fault| input.error(start + fault.at as u64, fault.reason);
    let header = parse(&text).map_err(fault)?;
    elements(input, header)
}

fn elements<R: Read>(input: &mut Input<R>, header: Header) -> Result<Tensor> {
    let Header { dtype, order, fortran, shape } = header;
    if !fortran {
        let tensor = input.tensor(Shape::new(&shape), dtype, order)?;
        input.expect_end()?;
        return Ok(tensor);
    }
    // Column-major elements are the row-major ones of the transposed tensor.
    let reversed: Shape = shape.iter().rev().copied().collect();
    let transposed = input.tensor(reversed, dtype, order)?;
    input.expect_end()?;
    let dims: Vec<isize> = (0..shape.len() as isize).rev().collect();
    transposed.permute(&dims)?.contiguous()
}

struct Header {
    dtype: DType,
    order: ByteOrder,
    fortran: bool,
    shape: Vec<usize>,
}

/// The dictionary of exactly `descr`, `fortran_order` and `shape`, in any order.
fn parse(text: &[u8]) -> Parsed<Header> {
    let cursor = &mut Cursor::new(text);
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    cursor.expect(b'{')?;
    while !cursor.accept(b'}') {
        let at = cursor.at();
        let key = string(cursor)?;
        cursor.expect(b':')?;
        let repeated = match key {
            b"descr" => descr.replace(dtype(cursor)?).is_some(),
            b"fortran_order" => fortran.replace(boolean(cursor)?).is_some(),
            b"shape" => shape.replace(tuple(cursor)?).is_some(),
            _ => return Err(Fault { at, reason: "expected 'descr', 'fortran_order' or 'shape'".into() }),
        };
        if repeated {
            return Err(Fault { at, reason: format!("a second {:?}", String::from_utf8_lossy(key)) });
        }
        if !cursor.accept(b',') {
            cursor.expect(b'}')?;
            break;
        }
    }
    cursor.expect_end()?;
    let (Some((dtype, order)), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err(Fault { at: 0, reason: "expected 'descr', 'fortran_order' and 'shape'".into() });
    };
    if shape_bytes(&shape, dtype.size()).is_none() {
        return Err(Fault {
            at: 0,
            reason: format!("shape {shape:?} has more elements than memory can address"),
        });
    }
    Ok(Header { dtype, order, fortran, shape })
}

/// A Python string without escapes.
fn string<'a>(cursor: &mut Cursor<'a>) -> Parsed<&'a [u8]> {
    cursor.skip_space();
    let quote = match cursor.peek() {
        Some(quote @ (b'\'' | b'"')) => quote,
        _ => return cursor.fault("expected a string"),
    };
    cursor.expect(quote)?;
    let text = cursor.take_while(|b| b != quote && b != b'\\' && b.is_ascii_graphic());
    if cursor.peek() != Some(quote) {
        return cursor.fault("expected the end of the string");
    }
    cursor.expect(quote)?;
    Ok(text)
}

fn dtype(cursor: &mut Cursor) -> Parsed<(DType, ByteOrder)> {
    cursor.skip_space();
    let at = cursor.at();
    let unknown = |what: &str| {
        let reason =
            format!("{what} cannot be read; expected f2, f4, f8, i8, i4, u1 or b1 in either byte order");
        Err(Fault { at, reason })
    };
    if cursor.peek() == Some(b'[') {
        return unknown("a structured dtype");
    }
    let text = string(cursor)?;
    let (order, code) = match text {
        [b'<', code @ ..] => (Some(ByteOrder::Little), code),
        [b'>', code @ ..] => (Some(ByteOrder::Big), code),
        [b'|', code @ ..] => (None, code),
        code => (None, code),
    };
    let dtype = match code {
        b"f2" => DType::F16,
        b"f4" => DType::F32,
        b"f8" => DType::F64,
        b"i8" => DType::I64,
        b"i4" => DType::I32,
        b"u1" => DType::U8,
        b"b1" => DType::Bool,
        _ if code.starts_with(b"O") => return unknown("a pickle of Python objects"),
        _ => return unknown(&format!("dtype {:?}", String::from_utf8_lossy(text))),
    };
    match order {
        Some(order) => Ok((dtype, order)),
        // One byte has no order.
        None if dtype.size() == 1 => Ok((dtype, ByteOrder::Little)),
        None => unknown(&format!("dtype {:?} without byte order", String::from_utf8_lossy(text))),
    }
}

fn boolean(cursor: &mut Cursor) -> Parsed<bool> {
    cursor.skip_space();
    let at = cursor.at();
    match cursor.take_while(|b| b.is_ascii_alphanumeric() || b == b'_') {
        b"True" => Ok(true),
        b"False" => Ok(false),
        _ => Err(Fault { at, reason: "expected True or False".into() }),
    }
}

/// `()`, `(3,)`, `(2, 3)`, `(2, 3,)`.
fn tuple(cursor: &mut Cursor) -> Parsed<Vec<usize>> {
    cursor.expect(b'(')?;
    let mut sizes = Vec::new();
    while !cursor.accept(b')') {
        if sizes.len() == MAX_RANK {
            return cursor.fault(format!("more than {MAX_RANK} dimensions"));
        }
        let size = cursor.number()?;
        match usize::try_from(size) {
            Ok(size) => sizes.push(size),
            Err(_) => return cursor.fault(format!("size {size} is more than memory can address")),
        }
        if !cursor.accept(b',') {
            if sizes.len() == 1 {
                return cursor.fault("expected ',': (3) is no tuple, (3,) is");
            }
            cursor.expect(b')')?;
            break;
        }
    }
    Ok(sizes)
}
