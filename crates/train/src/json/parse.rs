//! Reading JSON that is not trusted.

use super::{FLOAT, INTS, TENSOR, TUPLE};
use optim::{Dict, Value};
use tensor_core::Tensor;

/// Lists and dictionaries within one another: more is no saved state, and would fill the stack.
const MAX_DEPTH: usize = 64;

/// Memory that an item of a list takes at most while the list grows, and an entry of a dictionary without its key.
const ITEM: usize = 3 * size_of::<Value>();
const ENTRY: usize = 128;
/// What values may take in any case.
const FREE: usize = 1 << 19;

/// What [`parse`] charges for a value: see its `room`.
pub(crate) fn cost(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len(),
        Value::List(items) | Value::Tuple(items) => items.iter().map(|item| ITEM + cost(item)).sum(),
        // One more byte where a key is escaped.
        Value::Dict(dict) => dict.iter().map(|(key, value)| ENTRY + key.len() + 1 + cost(value)).sum(),
        // Read as a dictionary with text keys first.
        Value::IntDict(dict) => {
            dict.iter().map(|(key, value)| 2 * ENTRY + key.to_string().len() + cost(value)).sum()
        }
        _ => 0,
    }
}

/// The room that values need beyond what they may take in any case.
pub(crate) fn room_for(cost: usize) -> usize {
    cost.saturating_sub(FREE)
}

/// What is wrong in a text, and at which byte.
#[derive(Debug)]
pub(crate) struct Fault {
    pub at: usize,
    pub reason: String,
}

type Parsed<T> = Result<T, Fault>;

/// Reads a value, which may take as much memory as [`room_for`] its cost says: a text of two bytes an item would otherwise
/// fill the memory. `tensor` gives the tensor of a name.
pub(crate) fn parse(
    text: &str,
    room: usize,
    tensor: &mut dyn FnMut(&str) -> Option<Tensor>,
) -> Parsed<Value> {
    let mut parser = Parser { text, at: 0, left: room.saturating_add(FREE), tensor };
    let value = parser.value(0)?;
    parser.space();
    if parser.at < text.len() { parser.fault("expected the end") } else { Ok(value) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Memory that values may still take.
    left: usize,
    tensor: &'a mut dyn FnMut(&str) -> Option<Tensor>,
}

impl Parser<'_> {
    fn fault<T>(&self, reason: impl Into<String>) -> Parsed<T> {
        Err(Fault { at: self.at, reason: reason.into() })
    }

    /// Counts memory that a value takes.
    fn charge(&mut self, cost: usize) -> Parsed<()> {
        match self.left.checked_sub(cost) {
            Some(left) => self.left = left,
            None => return self.fault("the values take far more memory than the file"),
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte`, and space before it, if it comes next.
    fn accept(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.accept(byte) { Ok(()) } else { self.fault(format!("expected {:?}", char::from(byte))) }
    }

    fn value(&mut self, depth: usize) -> Parsed<Value> {
        if depth > MAX_DEPTH {
            return self.fault(format!("more than {MAX_DEPTH} deep"));
        }
        self.space();
        match self.peek() {
            Some(b'[') => self.list(depth),
            Some(b'{') => self.dict(depth),
            Some(b'"') => {
                let text = self.string()?;
                self.charge(text.len())?;
                Ok(Value::Str(text))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Parsed<Value> {
        let words = [("null", Value::None), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        let rest = self.text.get(self.at..).unwrap_or_default();
        match words.into_iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, value)) => {
                self.at += word.len();
                Ok(value)
            }
            None => self.fault("expected a value"),
        }
    }

    fn list(&mut self, depth: usize) -> Parsed<Value> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        if self.accept(b']') {
            return Ok(Value::List(items));
        }
        loop {
            self.charge(ITEM)?;
            items.push(self.value(depth + 1)?);
            if self.accept(b']') {
                return Ok(Value::List(items));
            }
            self.expect(b',')?;
        }
    }

    fn dict(&mut self, depth: usize) -> Parsed<Value> {
        self.expect(b'{')?;
        let mut dict = Dict::new();
        if self.accept(b'}') {
            return Ok(Value::Dict(dict));
        }
        loop {
            self.space();
            let key = self.string()?;
            let own = match key.strip_prefix('$') {
                Some(own) if own.starts_with('$') => own.to_string(),
                Some(_) if dict.is_empty() => return self.special(&key, depth),
                Some(_) => return self.fault(format!("{key:?} among other keys")),
                None => key,
            };
            if dict.contains_key(&own) {
                return self.fault(format!("{own:?} comes twice"));
            }
            self.expect(b':')?;
            self.charge(ENTRY + own.len())?;
            let value = self.value(depth + 1)?;
            dict.insert(own, value);
            if self.accept(b'}') {
                return Ok(Value::Dict(dict));
            }
            self.expect(b',')?;
        }
    }

    /// The rest of an object with this one key.
    fn special(&mut self, key: &str, depth: usize) -> Parsed<Value> {
        self.expect(b':')?;
        self.space();
        let value = match key {
            FLOAT => {
                let bits = self.string()?;
                match u64::from_str_radix(&bits, 16) {
                    Ok(parsed) if bits.len() == 16 => Value::Float(f64::from_bits(parsed)),
                    _ => return self.fault(format!("{bits:?}, expected 16 hexadecimal digits")),
                }
            }
            TENSOR => {
                let name = self.string()?;
                match (self.tensor)(&name) {
                    Some(tensor) => Value::Tensor(tensor),
                    None => return self.fault(format!("no tensor {name:?}")),
                }
            }
            TUPLE => match self.list(depth + 1)? {
                Value::List(items) => Value::Tuple(items),
                value => value,
            },
            INTS => {
                let Value::Dict(dict) = self.dict(depth + 1)? else {
                    return self.fault("expected a dictionary");
                };
                self.charge(ENTRY * dict.len())?;
                let whole = |(key, value): (String, Value)| {
                    Some((key.parse().ok().filter(|number: &i64| number.to_string() == key)?, value))
                };
                match dict.into_iter().map(whole).collect() {
                    Some(dict) => Value::IntDict(dict),
                    None => return self.fault("a key that is no whole number"),
                }
            }
            _ => return self.fault(format!("an object {key:?}")),
        };
        self.expect(b'}')?;
        Ok(value)
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.fault("expected a digit") } else { Ok(()) }
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            (self.at, whole) = (self.at + 1, false);
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            (self.at, whole) = (self.at + 1, false);
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let value = if whole {
            text.parse().ok().map(Value::Int)
        } else {
            text.parse().ok().filter(|x: &f64| x.is_finite()).map(Value::Float)
        };
        value.map_or_else(|| self.fault(format!("{text} is out of range")), Ok)
    }

    fn string(&mut self) -> Parsed<String> {
        if self.peek() != Some(b'"') {
            return self.fault("expected a string");
        }
        self.at += 1;
        // Room for all of it at once: a string never grows.
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut escaped = false;
        let end = rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let mut string = String::with_capacity(end.unwrap_or(rest.len()));
        loop {
            let Some(c) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else {
                return self.fault("a string without end");
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(string);
                }
                '\\' => {
                    self.at += 1;
                    string.push(self.escaped()?);
                }
                c if c < ' ' => return self.fault("a control character in a string"),
                c => {
                    self.at += c.len_utf8();
                    string.push(c);
                }
            }
        }
    }

    /// What stands behind a backslash. The writer escapes no more than this.
    fn escaped(&mut self) -> Parsed<char> {
        match self.peek() {
            Some(c @ (b'"' | b'\\')) => {
                self.at += 1;
                Ok(char::from(c))
            }
            Some(b'u') => {
                self.at += 1;
                let hex = self.text.get(self.at..self.at + 4).unwrap_or_default();
                let code = u32::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+'));
                let Some(c) = code.and_then(char::from_u32) else { return self.fault("no character") };
                self.at += 4;
                Ok(c)
            }
            _ => self.fault("no escape that is written here"),
        }
    }
}
