//! The JSON header: a fixed, flat schema, so the parser knows at each place what may come and needs no recursion.

use crate::io::MAX_RANK;
use crate::io::cursor::{Cursor, Fault, Parsed, shape_bytes};
use crate::{DType, Tensor};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};

/// The key that holds text instead of a tensor.
pub(super) const METADATA: &str = "__metadata__";

pub(super) struct Header {
    /// Where the tensors are described, which is read again for each: a header may be most of a file, and what it says is
    /// several times as large as its text.
    pub places: Vec<Place>,
    pub metadata: BTreeMap<String, String>,
}

pub(super) struct Entry {
    pub name: String,
    pub dtype: DType,
    pub shape: Vec<usize>,
    /// The bytes of the elements, counted from the header's end; as many as dtype and shape need.
    pub range: (u64, u64),
}

/// The bytes of a tensor, and where in the header its name stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub range: (u64, u64),
    pub at: usize,
}

/// What stands once in each tensor's description, and cannot stand in a string.
const MARK: &[u8] = b"\"dtype\"";
/// Words of metadata that a header may have, whatever its length, and bytes of the header for each further one.
const FREE_WORDS: usize = 2048;
const WORD_BYTES: usize = 128;

/// Names and dtypes of the format.
const DTYPES: [(&str, DType); 8] = [
    ("F32", DType::F32),
    ("F64", DType::F64),
    ("F16", DType::F16),
    ("BF16", DType::BF16),
    ("I64", DType::I64),
    ("I32", DType::I32),
    ("U8", DType::U8),
    ("BOOL", DType::Bool),
];

/// The header as the reference implementation writes it, length first, padded with spaces to a multiple of 8.
pub(super) fn write(tensors: &[(&str, &Tensor)], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut text = String::from("{");
    if !metadata.is_empty() {
        push_string(&mut text, METADATA);
        text.push_str(":{");
        for (i, (key, value)) in metadata.iter().enumerate() {
            text.push_str(if i == 0 { "" } else { "," });
            push_string(&mut text, key);
            text.push(':');
            push_string(&mut text, value);
        }
        text.push('}');
    }
    let mut end = 0;
    for (name, tensor) in tensors {
        text.push_str(if text.len() == 1 { "" } else { "," });
        push_string(&mut text, name);
        let begin = end;
        end += tensor.numel() * tensor.dtype().size();
        let sizes: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
        let dtype = DTYPES.iter().find(|(_, dtype)| *dtype == tensor.dtype()).map_or("", |(name, _)| name);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            r#":{{"dtype":"{dtype}","shape":[{}],"data_offsets":[{begin},{end}]}}"#,
            sizes.join(",")
        );
    }
    text.push('}');
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

pub(super) fn parse(text: &[u8]) -> Parsed<Header> {
    let cursor = &mut Cursor::new(text);
    if cursor.peek() != Some(b'{') {
        return cursor.fault("expected '{'");
    }
    // Names are told apart by 64 bits each.
    let (mut names, hasher) = (HashSet::new(), RandomState::new());
    let places = Vec::with_capacity(text.windows(MARK.len()).filter(|bytes| *bytes == MARK).count());
    let mut header = Header { places, metadata: BTreeMap::new() };
    object(cursor, |cursor, key, at| {
        if !names.insert(hasher.hash_one(&key)) {
            return Err(Fault { at, reason: format!("a second {key:?}") });
        }
        if key == METADATA {
            return object(cursor, |cursor, key, at| {
                let value = string(cursor)?;
                if header.metadata.len() >= FREE_WORDS + text.len() / WORD_BYTES {
                    return Err(Fault {
                        at,
                        reason: "far more words of metadata than other files have".into(),
                    });
                }
                if header.metadata.insert(key, value).is_some() {
                    return Err(Fault { at, reason: "a second entry of this name in __metadata__".into() });
                }
                Ok(())
            });
        }
        header.places.push(Place { range: entry(cursor, key, at)?.range, at });
        Ok(())
    })?;
    cursor.expect_end()?;
    Ok(header)
}

/// The tensor that is described at a place, which [`parse`] has found.
pub(super) fn read(text: &[u8], place: Place) -> Parsed<Entry> {
    let cursor = &mut Cursor::new_at(text, place.at);
    let name = string(cursor)?;
    cursor.expect(b':')?;
    entry(cursor, name, place.at)
}

/// The value of a tensor's name: exactly `dtype`, `shape` and `data_offsets`. `at` is where the name stands.
fn entry(cursor: &mut Cursor, name: String, at: usize) -> Parsed<Entry> {
    let (mut dtype, mut shape, mut offsets) = (None, None, None);
    object(cursor, |cursor, key, at| {
        let repeated = match key.as_str() {
            "dtype" => dtype.replace(tensor_dtype(cursor, &name)?).is_some(),
            "shape" => shape.replace(numbers(cursor, MAX_RANK)?).is_some(),
            "data_offsets" => offsets.replace(numbers(cursor, 2)?).is_some(),
            _ => {
                return Err(Fault { at, reason: "expected \"dtype\", \"shape\" or \"data_offsets\"".into() });
            }
        };
        if repeated { Err(Fault { at, reason: format!("a second {key:?}") }) } else { Ok(()) }
    })?;
    let fault = |reason: String| Err(Fault { at, reason });
    let (Some(dtype), Some(shape), Some(offsets)) = (dtype, shape, offsets) else {
        return fault(format!("tensor {name:?} wants \"dtype\", \"shape\" and \"data_offsets\""));
    };
    let sizes: Result<Vec<usize>, _> = shape.iter().map(|&size| usize::try_from(size)).collect();
    let bytes = sizes.as_ref().ok().and_then(|sizes| shape_bytes(sizes, dtype.size()));
    let (Ok(sizes), Some(bytes)) = (sizes, bytes) else {
        return fault(format!(
            "tensor {name:?} of shape {shape:?} has more elements than memory can address"
        ));
    };
    let &[begin, end] = offsets.as_slice() else {
        return fault(format!("tensor {name:?} has {} data_offsets, expected 2", offsets.len()));
    };
    if end.checked_sub(begin) != Some(bytes as u64) {
        return fault(format!(
            "tensor {name:?} lies from {begin} to {end} of the data, {dtype} of shape {shape:?} needs {bytes} bytes"
        ));
    }
    Ok(Entry { name, dtype, shape: sizes, range: (begin, end) })
}

fn tensor_dtype(cursor: &mut Cursor, name: &str) -> Parsed<DType> {
    cursor.skip_space();
    let at = cursor.at();
    let found = string(cursor)?;
    DTYPES.iter().find(|(known, _)| *known == found).map(|&(_, dtype)| dtype).ok_or_else(|| Fault {
        at,
        reason: format!("tensor {name:?} is {found:?}, expected F32, F64, F16, BF16, I64, I32, U8 or BOOL"),
    })
}

/// Calls `member(cursor, key, place of the key)` for each member of an object; it takes the value.
fn object(
    cursor: &mut Cursor,
    mut member: impl FnMut(&mut Cursor, String, usize) -> Parsed<()>,
) -> Parsed<()> {
    cursor.expect(b'{')?;
    if cursor.accept(b'}') {
        return Ok(());
    }
    loop {
        cursor.skip_space();
        let at = cursor.at();
        let key = string(cursor)?;
        cursor.expect(b':')?;
        member(cursor, key, at)?;
        if !cursor.accept(b',') {
            return cursor.expect(b'}');
        }
    }
}

/// An array of at most `most` whole numbers.
fn numbers(cursor: &mut Cursor, most: usize) -> Parsed<Vec<u64>> {
    let mut found = Vec::new();
    cursor.expect(b'[')?;
    if cursor.accept(b']') {
        return Ok(found);
    }
    loop {
        if found.len() == most {
            return cursor.fault(format!("more than {most} numbers"));
        }
        found.push(cursor.number()?);
        if !cursor.accept(b',') {
            cursor.expect(b']')?;
            return Ok(found);
        }
    }
}

fn string(cursor: &mut Cursor) -> Parsed<String> {
    cursor.expect(b'"')?;
    let start = cursor.at();
    // Room for all of it at once: a string never grows.
    let mut bytes = Vec::with_capacity(cursor.string_length());
    loop {
        bytes.extend(cursor.take_while(|b| b >= b' ' && b != b'"' && b != b'\\'));
        match cursor.next() {
            Some(b'"') => break,
            Some(b'\\') => {
                let mut buffer = [0; 4];
                bytes.extend(escape(cursor)?.encode_utf8(&mut buffer).as_bytes());
            }
            _ => return cursor.fault("expected the end of the string"),
        }
    }
    String::from_utf8(bytes).map_err(|_| Fault { at: start, reason: "a string that is not UTF-8".into() })
}

/// What follows a backslash.
fn escape(cursor: &mut Cursor) -> Parsed<char> {
    Ok(match cursor.next() {
        Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(cursor),
        _ => return cursor.fault("expected an escape of JSON"),
    })
}

/// Four hexadecimal digits, or two such escapes that make one character.
fn unicode(cursor: &mut Cursor) -> Parsed<char> {
    let first = hex(cursor)?;
    let code = match first {
        0xd800..0xdc00 => {
            let low = match (cursor.next(), cursor.next()) {
                (Some(b'\\'), Some(b'u')) => hex(cursor)?,
                _ => 0,
            };
            // A low half out of range gives no character.
            low.checked_sub(0xdc00)
                .filter(|&low| low < 0x400)
                .map(|low| 0x1_0000 + ((first - 0xd800) << 10) + low)
        }
        _ => Some(first),
    };
    match code.and_then(char::from_u32) {
        Some(c) => Ok(c),
        None => cursor.fault("half a surrogate pair"),
    }
}

fn hex(cursor: &mut Cursor) -> Parsed<u32> {
    let mut code = 0;
    for _ in 0..4 {
        match cursor.next().and_then(|b| char::from(b).to_digit(16)) {
            Some(digit) => code = code * 16 + digit,
            None => return cursor.fault("expected four hexadecimal digits"),
        }
    }
    Ok(code)
}
