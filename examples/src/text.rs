//! Text as characters, and characters as numbers.

use std::path::Path;
use train::prelude::*;

/// A text as numbers: the places of its characters in the sorted list of those that occur.
pub struct Text {
    characters: Vec<char>,
    tokens: Vec<i64>,
}

impl Text {
    /// Reads a file of UTF-8.
    ///
    /// # Errors
    /// If the file cannot be read or is no UTF-8.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path);
        Ok(Self::new(&text.map_err(|source| Error::File { path: path.display().to_string(), source })?))
    }

    /// The numbers of this text.
    pub fn new(text: &str) -> Self {
        let mut characters: Vec<char> = text.chars().collect();
        characters.sort_unstable();
        characters.dedup();
        let token = |c| characters.binary_search(&c).map_or(0, |place| place as i64);
        let tokens = text.chars().map(token).collect();
        Self { characters, tokens }
    }

    /// The number of distinct characters.
    pub fn vocabulary(&self) -> usize {
        self.characters.len()
    }

    /// The text as numbers.
    pub fn tokens(&self) -> &[i64] {
        &self.tokens
    }

    /// The number of a character, if it occurs.
    pub fn token(&self, character: char) -> Option<i64> {
        self.characters.binary_search(&character).ok().map(|place| place as i64)
    }

    /// The character of a number.
    pub fn character(&self, token: i64) -> char {
        self.characters[token as usize]
    }
}

/// The passages of `length` characters that begin at `starts`, and those one character later, which are to be foretold:
/// both `[starts, length]`.
///
/// # Errors
/// If a passage passes the end.
pub fn passages(
    tokens: &[i64],
    starts: impl IntoIterator<Item = usize>,
    length: usize,
) -> Result<(Tensor, Tensor)> {
    let (mut x, mut y, mut n) = (Vec::new(), Vec::new(), 0);
    for start in starts {
        let passage = tokens.get(start..=start + length).ok_or(Error::Argument {
            op: "passages",
            argument: "a start",
            value: start.to_string(),
            expected: format!("at most {} characters before the end", length + 1),
        })?;
        x.extend_from_slice(&passage[..length]);
        y.extend_from_slice(&passage[1..]);
        n += 1;
    }
    Ok((Tensor::from_vec(x, [n, length])?, Tensor::from_vec(y, [n, length])?))
}
