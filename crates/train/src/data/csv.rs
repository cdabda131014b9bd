//! Tables of numbers in text files.

use super::source::Source;
use crate::{Error, Result};
use ::csv::{ReaderBuilder, StringRecord};
use std::path::Path;
use tensor_core::Tensor;

/// Reads a table of numbers separated by commas, plain or, with the feature `gzip`, compressed: a tensor
/// `[lines, fields]` of f64. With `header` the first line is skipped.
///
/// # Errors
/// [`Error::File`] if the file cannot be read; [`Error::Format`] with the offset of the line if lines have different
/// numbers of fields, or a field is no number.
pub fn read(path: impl AsRef<Path>, header: bool) -> Result<Tensor> {
    let path = path.as_ref();
    parse(&path.display().to_string(), Source::open(path)?, header)
}

/// Reads the bytes of a file, which errors call `name`: see [`read`].
///
/// ```
/// use train::data::csv;
///
/// let table = csv::from_bytes("table", b"x,y\n1,2.5\n3,-4e2\n", true)?;
/// assert_eq!(**table.shape(), [2, 2]);
/// assert_eq!(table.to_vec::<f64>()?, [1.0, 2.5, 3.0, -400.0]);
///
/// let error = csv::from_bytes("table", b"1,2\n3,four\n", false).unwrap_err();
/// assert_eq!(error.to_string(), "table: at byte 4: line 2, field 2: \"four\" is not a number");
/// # Ok::<(), train::Error>(())
/// ```
///
/// # Errors
/// As [`read`].
pub fn from_bytes(name: &str, bytes: &[u8], header: bool) -> Result<Tensor> {
    parse(name, Source::new(name.to_string(), bytes, bytes.len() as u64)?, header)
}

fn parse(name: &str, source: Source<'_>, header: bool) -> Result<Tensor> {
    let mut reader = ReaderBuilder::new().has_headers(header).from_reader(source);
    let mut record = StringRecord::new();
    let (mut numbers, mut lines) = (Vec::new(), 0);
    while reader.read_record(&mut record).map_err(|error| refused(name, error))? {
        for (field, text) in record.iter().enumerate() {
            numbers.push(text.trim().parse::<f64>().map_err(|_| {
                let position = record.position();
                let (line, offset) = position.map_or((0, 0), |at| (at.line(), at.byte()));
                let reason = format!("line {line}, field {}: {text:?} is not a number", field + 1);
                Error::Format { path: name.to_string(), offset, reason }
            })?);
        }
        lines += 1;
    }
    let fields = numbers.len() / lines.max(1);
    Ok(Tensor::from_vec(numbers, [lines, fields])?)
}

fn refused(name: &str, error: ::csv::Error) -> Error {
    let offset = error.position().map_or(0, |position| position.byte());
    let reason = error.to_string();
    match error.into_kind() {
        // The source's own error, which names file and offset.
        ::csv::ErrorKind::Io(error) => match error.downcast::<Error>() {
            Ok(error) => error,
            Err(source) => Error::File { path: name.to_string(), source },
        },
        _ => Error::Format { path: name.to_string(), offset, reason },
    }
}
