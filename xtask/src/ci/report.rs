//! The lines that a run prints about its steps.

use std::fmt;

/// How a step ended.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// With what there is to say about it, possibly nothing.
    Pass(String),
    /// With the reason.
    Fail(String),
    /// With the reason and, where there is one, the way to run it.
    Skip(String),
}

/// A step that has ended.
pub struct Entry {
    pub name: String,
    pub seconds: f64,
    pub outcome: Outcome,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match &self.outcome {
            Outcome::Pass(note) => ("PASS", note),
            Outcome::Fail(why) => ("FAIL", why),
            Outcome::Skip(why) => ("SKIP", why),
        };
        write!(f, "{word} {:>6.1}s  {}", self.seconds, self.name)?;
        if why.is_empty() { Ok(()) } else { write!(f, ": {why}") }
    }
}

/// `N passed, M failed, K skipped`.
pub fn closing_line(entries: &[Entry]) -> String {
    let count = |wanted: fn(&Outcome) -> bool| entries.iter().filter(|entry| wanted(&entry.outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Pass(_)));
    let failed = count(|outcome| matches!(outcome, Outcome::Fail(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skip(_)));
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(outcome: Outcome) -> Entry {
        Entry { name: "fmt".into(), seconds: 12.34, outcome }
    }

    #[test]
    fn a_line_says_outcome_seconds_name_and_why() {
        assert_eq!(entry(Outcome::Pass(String::new())).to_string(), "PASS   12.3s  fmt");
        assert_eq!(entry(Outcome::Fail("no".into())).to_string(), "FAIL   12.3s  fmt: no");
        assert_eq!(entry(Outcome::Skip("off".into())).to_string(), "SKIP   12.3s  fmt: off");
    }

    #[test]
    fn the_closing_line_counts() {
        let outcomes = [Outcome::Pass("a".into()), Outcome::Skip("b".into()), Outcome::Pass("c".into())];
        assert_eq!(closing_line(&outcomes.map(entry)), "2 passed, 0 failed, 1 skipped");
    }
}
