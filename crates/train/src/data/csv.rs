//! Tables of numbers in text files.

use super::source::Source;
use crate::{Error, Result};
use csv_core::{ReadFieldResult, Reader};
use std::path::Path;
use tensor_core::{DType, Tensor};

/// Bytes that are read at a time.
const CHUNK: usize = 16 * 1024;
/// The longest text of a number: that of an f64 written out without exponent has up to 1,077 characters.
const MAX_FIELD: usize = 2048;
/// Of a field that is no number, what an error shows.
const SHOWN: usize = 40;

/// Reads a table of numbers separated by commas, plain or, with the feature `gzip`, compressed: a tensor
/// `[lines, fields]` of f64. With `header` the first line is skipped. Quotes and empty lines are as in the crate `csv`.
///
/// The file is read twice, first to check and to count: beside the tensor, next to no memory is taken.
///
/// # Errors
/// [`Error::File`] if the file cannot be read; [`Error::Format`] with the offset of the line if lines have different
/// numbers of fields, or a field is no number.
pub fn read(path: impl AsRef<Path>, header: bool) -> Result<Tensor> {
    let path = path.as_ref();
    parse(&path.display().to_string(), || Source::open(path), header)
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
    parse(name, || Source::new(name.to_string(), bytes, bytes.len() as u64), header)
}

fn parse<'a>(name: &str, open: impl Fn() -> Result<Source<'a>>, header: bool) -> Result<Tensor> {
    let [lines, fields] = Scan::new(name, open()?, header).run(|_| true)?;
    let mut table = Tensor::zeros([lines, fields], DType::F64)?;
    let mut places = table.as_slice_mut::<f64>()?.iter_mut();
    let again = Scan::new(name, open()?, header)
        .run(|number| places.next().map(|place| *place = number).is_some())?;
    if again == [lines, fields] { Ok(table) } else { Err(changed(name)) }
}

fn changed(name: &str) -> Error {
    Error::Format { path: name.to_string(), offset: 0, reason: "the file changed while it was read".into() }
}

/// One pass over a table.
struct Scan<'a> {
    name: &'a str,
    source: Source<'a>,
    core: Reader,
    /// Whether the line is passed over.
    header: bool,
    /// Whole lines, and fields of each.
    lines: usize,
    fields: usize,
    /// Whole fields of this line.
    column: usize,
    /// Where the next byte is, counting bytes and line ends.
    offset: u64,
    line: u64,
    /// Where this line began.
    start: (u64, u64),
}

impl<'a> Scan<'a> {
    fn new(name: &'a str, source: Source<'a>, header: bool) -> Self {
        let (core, start) = (Reader::new(), (0, 1));
        Self { name, source, core, header, lines: 0, fields: 0, column: 0, offset: 0, line: 1, start }
    }

    /// Gives every number to `take`, which is false where it wants no more; the numbers of lines and fields.
    fn run(mut self, mut take: impl FnMut(f64) -> bool) -> Result<[usize; 2]> {
        let (mut input, mut field) = ([0; CHUNK], [0; MAX_FIELD]);
        let (mut filled, mut at, mut length) = (0, 0, 0);
        // Whether a line is to begin: ends of lines ahead of it are not its own.
        let mut fresh = true;
        loop {
            if at == filled {
                (filled, at) = (self.source.stream(&mut input)?, 0);
            }
            if std::mem::take(&mut fresh) {
                let rest = &input[at..filled];
                let blank = rest.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
                self.pass(&rest[..blank]);
                (at, self.start) = (at + blank, (self.offset, self.line));
                fresh = at == filled && filled > 0;
                if fresh {
                    continue;
                }
            }
            let (result, taken, put) = self.core.read_field(&input[at..filled], &mut field[length..]);
            self.pass(&input[at..at + taken]);
            (at, length) = (at + taken, length + put);
            match result {
                ReadFieldResult::InputEmpty => continue,
                ReadFieldResult::OutputFull if self.header => {}
                ReadFieldResult::OutputFull => return Err(self.no_number(&field, 1)),
                ReadFieldResult::Field { record_end } => {
                    self.column += 1;
                    if !self.header && !take(self.number(&field[..length])?) {
                        return Err(changed(self.name));
                    }
                    if record_end {
                        self.end_line()?;
                        fresh = true;
                    }
                }
                ReadFieldResult::End => return Ok([self.lines, self.fields]),
            }
            length = 0;
        }
    }

    /// Counts bytes that were taken.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    }

    fn number(&self, field: &[u8]) -> Result<f64> {
        let number = std::str::from_utf8(field).ok().and_then(|text| text.trim().parse().ok());
        number.ok_or_else(|| self.no_number(field, 0))
    }

    fn end_line(&mut self) -> Result<()> {
        let column = std::mem::take(&mut self.column);
        if !std::mem::take(&mut self.header) {
            if self.lines == 0 {
                self.fields = column;
            }
            if column != self.fields {
                let fields = self.fields;
                return Err(self.error(format!("{column} fields, the lines before have {fields}")));
            }
            self.lines += 1;
        }
        Ok(())
    }

    /// `open` is 1 for a field that is not counted yet.
    fn no_number(&self, field: &[u8], open: usize) -> Error {
        let text = String::from_utf8_lossy(&field[..field.len().min(SHOWN)]).into_owned();
        self.error(format!("field {}: {text:?} is not a number", self.column + open))
    }

    /// An error in this line.
    fn error(&self, reason: String) -> Error {
        let (offset, line) = self.start;
        Error::Format {
            path: self.source.name().to_string(),
            offset,
            reason: format!("line {line}, {reason}"),
        }
    }
}
