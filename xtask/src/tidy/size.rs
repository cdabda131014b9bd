//! A file holds one idea: it stays short.

use super::{File, Findings};

/// More lines than this are named.
const LONG: usize = 500;
/// More lines than this fail.
const TOO_LONG: usize = 700;

/// What people write; data and prose are as long as they are.
const EXTENSIONS: &[&str] = &[".rs", ".py", ".sh"];

pub fn check(files: &[File]) -> Findings {
    let mut found = Findings::default();
    for file in files {
        let path = &file.path;
        if path.contains("fixtures/") || !EXTENSIONS.iter().any(|extension| path.ends_with(extension)) {
            continue;
        }
        let lines = file.text.lines().count();
        if lines > TOO_LONG {
            found.failures.push(format!("{path}: {lines} lines, more than {TOO_LONG}; split it"));
        } else if lines > LONG {
            found.notes.push(format!("{path}: {lines} lines, more than {LONG}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of failures and of notes.
    fn counts(path: &str, lines: usize) -> (usize, usize) {
        let found = check(&[File::new(path, "x\n".repeat(lines))]);
        (found.failures.len(), found.notes.len())
    }

    #[test]
    fn long_files_are_named_and_longer_ones_fail() {
        assert_eq!(counts("a.rs", LONG), (0, 0));
        assert_eq!(counts("a.rs", LONG + 1), (0, 1));
        assert_eq!(counts("a.rs", TOO_LONG), (0, 1));
        assert_eq!(counts("a.rs", TOO_LONG + 1), (1, 0));
    }

    #[test]
    fn fixtures_data_and_prose_may_be_long() {
        for path in ["crates/nn/tests/fixtures/a.rs", "a.json", "README.md"] {
            assert_eq!(counts(path, 2 * TOO_LONG), (0, 0), "{path}");
        }
    }
}
