//! A text header, read byte by byte: what the dictionaries of `.npy` and the JSON of safetensors share.

/// What is wrong in a header, and where, counted from its start.
pub(super) struct Fault {
    pub at: usize,
    pub reason: String,
}

pub(super) type Parsed<T> = Result<T, Fault>;

pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self::new_at(text, 0)
    }

    /// In the middle of a text.
    pub fn new_at(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// Bytes up to the quote that ends a string of JSON, or to the end.
    pub fn string_length(&self) -> usize {
        let (rest, mut escaped) = (self.text.get(self.at..).unwrap_or_default(), false);
        let end = rest.iter().position(|&byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        end.unwrap_or(0)
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn fault<T>(&self, reason: impl Into<String>) -> Parsed<T> {
        Err(Fault { at: self.at, reason: reason.into() })
    }

    /// The next byte, not taken.
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Takes the next byte.
    pub fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes bytes while `wanted` holds.
    pub fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|&b| !wanted(b)).unwrap_or(rest.len());
        self.at += count;
        &rest[..count]
    }

    pub fn skip_space(&mut self) {
        self.take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// Takes `byte`, and space before it, if it comes next.
    pub fn accept(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `byte`, and space before it.
    pub fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.accept(byte) { Ok(()) } else { self.fault(format!("expected {:?}", char::from(byte))) }
    }

    /// A whole number from 0 on, without sign, fraction, exponent or leading zeros.
    pub fn number(&mut self) -> Parsed<u64> {
        self.skip_space();
        let start = self.at;
        let digits = self.take_while(|b| b.is_ascii_digit());
        let text = std::str::from_utf8(digits).unwrap_or_default();
        let ends = !matches!(self.peek(), Some(b'.' | b'e' | b'E' | b'_'));
        if ends
            && (text == "0" || !text.starts_with('0'))
            && let Ok(number) = text.parse()
        {
            return Ok(number);
        }
        self.at = start;
        self.fault("expected a whole number below 2^64")
    }

    /// Space up to the end.
    pub fn expect_end(&mut self) -> Parsed<()> {
        self.skip_space();
        if self.peek().is_none() {
            Ok(())
        } else {
            self.fault("expected nothing but space to the header's end")
        }
    }
}

/// The sizes as a shape, if its elements of `size` bytes can be addressed.
pub(super) fn shape_bytes(shape: &[usize], size: usize) -> Option<usize> {
    // A zero among the sizes must not hide an overflow of the others.
    shape
        .iter()
        .filter(|&&d| d != 0)
        .try_fold(size, |n, &d| n.checked_mul(d))
        .filter(|&n| n <= isize::MAX as usize)?;
    Some(shape.iter().product::<usize>() * size)
}
