//! Rust source with its strings blanked and its comments set apart, so that a rule about code does not trip over
//! words in strings and comments.

/// A source text, line by line.
pub struct Source {
    /// The lines, first to last.
    pub lines: Vec<Line>,
}

/// One line of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Code only: what strings and character literals hold, and comments, is left out.
    pub code: String,
    /// The text of the comments, without what is around them.
    pub comment: String,
}

impl Source {
    /// Splits a source text.
    pub fn parse(text: &str) -> Source {
        let mut scanner = Scanner { rest: text, lines: vec![Line::default()], previous: None };
        while !scanner.rest.is_empty() {
            scanner.token();
        }
        Source { lines: scanner.lines }
    }

    /// Every identifier and keyword with the index of its line, in order; other characters come one by one.
    pub fn tokens(&self) -> Vec<(usize, &str)> {
        let mut tokens = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let mut rest = line.code.trim_start();
            while let Some(first) = rest.chars().next() {
                let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                let (token, after) = rest.split_at(word.max(first.len_utf8()));
                tokens.push((index, token));
                rest = after.trim_start();
            }
        }
        tokens
    }
}

/// Whether a character can be part of an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Scanner<'a> {
    rest: &'a str,
    lines: Vec<Line>,
    /// The last character of code, to tell `r"` from the end of an identifier.
    previous: Option<char>,
}

#[derive(Clone, Copy)]
enum Part {
    Code,
    Comment,
    Literal,
}

impl Scanner<'_> {
    /// Takes one comment, one literal or one character of code.
    fn token(&mut self) {
        if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()), Part::Comment);
        } else if self.rest.starts_with("/*") {
            self.take(block_comment(self.rest), Part::Comment);
        } else if let Some(length) = self.literal() {
            // A pair of quotes stands for the literal.
            self.code('"');
            self.take(length, Part::Literal);
            self.code('"');
        } else {
            let length = self.rest.chars().next().map_or(1, char::len_utf8);
            self.take(length, Part::Code);
        }
    }

    /// The length of the string or character literal that starts here.
    fn literal(&self) -> Option<usize> {
        if self.rest.starts_with('"') {
            return Some(quoted(self.rest, '"'));
        }
        if self.rest.starts_with('\'') {
            return character(self.rest);
        }
        if self.previous.is_some_and(is_word) {
            return None;
        }
        // r"..", r#".."#, br"..", cr#".."#: no escapes, ends at a quote and as many hashes.
        let prefix = self.rest.strip_prefix(['b', 'c']).unwrap_or(self.rest).strip_prefix('r')?;
        let hashes = prefix.len() - prefix.trim_start_matches('#').len();
        let body = prefix[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        Some(self.rest.len() - body.len() + length)
    }

    fn take(&mut self, length: usize, part: Part) {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        for c in taken.chars() {
            match (c, part) {
                ('\n', _) => self.lines.push(Line::default()),
                (_, Part::Code) => self.code(c),
                (_, Part::Comment) => self.line().comment.push(c),
                (_, Part::Literal) => {}
            }
        }
        if matches!(part, Part::Code) {
            self.previous = taken.chars().last();
        }
    }

    fn code(&mut self, c: char) {
        self.previous = Some(c);
        self.line().code.push(c);
    }

    fn line(&mut self) -> &mut Line {
        if self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }
}

/// The length of a literal with escapes, from its opening quote to its closing one.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; a lifetime or a label is none.
fn character(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().skip(1);
    let (_, first) = characters.next()?;
    if first == '\\' {
        return Some(quoted(text, '\''));
    }
    let (at, second) = characters.next()?;
    (second == '\'').then_some(at + 1)
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let lines: Vec<_> = Source::parse(text).lines.into_iter().map(|line| line.code).collect();
        lines.join("\n")
    }

    #[test]
    fn strings_of_every_kind_are_blanked() {
        assert_eq!(code(r#"f("a \" b", 1)"#), r#"f("", 1)"#);
        assert_eq!(code(r##"f(r#"a " b"#, b"x")"##), r#"f("", b"")"#);
        assert_eq!(code(r#"f(br"\", c"y")"#), r#"f("", c"")"#);
        assert_eq!(code("f(\"one\ntwo\")"), "f(\"\n\")");
        assert_eq!(code(r#"r#type + bar"x""#), r#"r#type + bar"""#);
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(code(r"fn f<'a>(x: &'a str) { '\'' == '\u{1F600}' || '{' == 'é' }"), {
            r#"fn f<'a>(x: &'a str) { "" == "" || "" == "" }"#
        });
    }

    #[test]
    fn comments_are_set_apart() {
        let source = Source::parse("a // one\n/* two /* nested */\nthree */ b \"//\"");
        let expected = [("a ", "// one"), ("", "/* two /* nested */"), (" b \"\"", "three */")];
        let expected = expected.map(|(code, comment)| Line { code: code.into(), comment: comment.into() });
        assert_eq!(source.lines, expected);
    }

    #[test]
    fn unfinished_text_ends_at_the_end() {
        for text in ["\"abc", "'\\", "'", "/* a", "r#\"a\"", "b"] {
            assert_eq!(Source::parse(text).lines.len(), 1, "{text}");
        }
    }

    #[test]
    fn tokens_carry_their_line() {
        let source = Source::parse("let a_1 =\n  b.c();");
        let expected =
            [(0, "let"), (0, "a_1"), (0, "="), (1, "b"), (1, "."), (1, "c"), (1, "("), (1, ")"), (1, ";")];
        assert_eq!(source.tokens(), expected);
    }
}
