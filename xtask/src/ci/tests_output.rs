//! Adds up the closing lines of the test runners.

use std::fmt;

/// What all test runners of a step said together.
#[derive(Debug, Default, PartialEq)]
pub struct Tally {
    runs: usize,
    passed: usize,
    failed: usize,
    ignored: usize,
    /// The names of the tests that failed.
    names: Vec<String>,
}

impl Tally {
    /// Takes in the output of one command.
    pub fn read(&mut self, lines: &[String]) {
        for line in lines {
            if let Some(counts) = line.strip_prefix("test result: ") {
                self.runs += 1;
                self.passed += number_before(counts, " passed");
                self.failed += number_before(counts, " failed");
                self.ignored += number_before(counts, " ignored");
            } else if let Some(name) =
                line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"))
            {
                self.names.push(name.to_owned());
            }
        }
    }

    /// The failed tests, if any has failed.
    pub fn failures(&self) -> Option<String> {
        // A long list hides more than it tells; the output above has them all.
        const SHOWN: usize = 5;
        if self.failed == 0 {
            return None;
        }
        let shown = self.names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = if self.names.len() > SHOWN { ", ..." } else { "" };
        Some(format!("{} tests failed: {shown}{more}", self.failed))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.runs == 0 {
            return Ok(());
        }
        let Tally { runs, passed, failed, ignored, .. } = self;
        write!(f, "{passed} tests passed, {failed} failed, {ignored} ignored in {runs} runs")
    }
}

/// The number that stands right before `word`, 0 where there is none.
fn number_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().filter(|before| before.len() < text.len());
    before.and_then(|before| before.rsplit(' ').next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        tally.read(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        tally
    }

    #[test]
    fn closing_lines_add_up() {
        let tally = tally(&[
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ok. 14 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.01s",
        ]);
        assert_eq!(tally.to_string(), "17 tests passed, 0 failed, 1 ignored in 2 runs");
        assert_eq!(tally.failures(), None);
    }

    #[test]
    fn failed_tests_are_named() {
        let tally = tally(&[
            "test a::b ... FAILED",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ]);
        assert_eq!(tally.failures().unwrap(), "1 tests failed: a::b");
    }

    #[test]
    fn no_test_no_words() {
        assert_eq!(tally(&["Finished"]).to_string(), "");
    }
}
