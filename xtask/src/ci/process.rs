//! Runs a command, shows its output as it comes and keeps it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::report::Outcome;
use super::tests_output::Tally;
use crate::metadata::cargo;

/// A command that has ended.
pub struct Finished {
    /// Whether it ended with exit code 0.
    pub success: bool,
    /// How it ended, in words.
    pub status: String,
    /// The lines of its standard output.
    pub output: Vec<String>,
    /// The lines of its standard error.
    pub errors: Vec<String>,
}

/// Runs `cargo` with these arguments and additional environment from the workspace's root, without input.
pub fn run(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Finished, String> {
    println!("$ cargo {}", arguments.join(" "));
    let mut child = Command::new(cargo())
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (output, errors) = thread::scope(|scope| {
        let errors = scope.spawn(move || show(stderr, std::io::stderr()));
        (show(stdout, std::io::stdout()), errors.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))?;
    Ok(Finished { success: status.success(), status: status.to_string(), output, errors })
}

/// Runs cargo commands one after the other until one fails. The note of a pass, or the reason of a failure, comes
/// from what the test runners and compilers said.
pub fn run_all(root: &Path, commands: &[Vec<&str>], environment: &[(&str, &str)]) -> Outcome {
    let mut tally = Tally::default();
    for arguments in commands {
        let finished = match run(root, arguments, environment) {
            Ok(finished) => finished,
            Err(why) => return Outcome::Fail(why),
        };
        tally.read(&finished.output);
        if !finished.success {
            let said = first_error(&finished.errors).or(finished.output.first());
            let reason = tally.failures().or(said.cloned()).unwrap_or_default();
            return Outcome::Fail(format!("cargo {}: {}; {reason}", arguments.join(" "), finished.status));
        }
    }
    Outcome::Pass(tally.to_string())
}

/// Copies lines to `target` as they come and returns them.
fn show(source: Option<impl Read>, mut target: impl Write) -> Vec<String> {
    let Some(source) = source else { return Vec::new() };
    let (mut reader, mut lines, mut bytes) = (BufReader::new(source), Vec::new(), Vec::new());
    // An unreadable pipe ends the copy as its end does; the exit status tells how the command fared.
    while matches!(reader.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
        // A reader that has gone away is no reason to stop a check.
        let _ = target.write_all(&bytes).and_then(|()| target.flush());
        lines.push(String::from_utf8_lossy(&bytes).trim_end().to_owned());
        bytes.clear();
    }
    lines
}

/// The first line in which a compiler or cargo says what is wrong.
fn first_error(lines: &[String]) -> Option<&String> {
    lines.iter().find(|line| line.starts_with("error")).or(lines.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_shown_and_kept() {
        let mut shown = Vec::new();
        assert_eq!(show(Some(&b"one\ntwo"[..]), &mut shown), ["one", "two"]);
        assert_eq!(shown, b"one\ntwo");
    }

    #[test]
    fn the_reason_is_the_first_error() {
        let lines = ["   Compiling a", "error[E0308]: mismatched types", "error: could not compile"]
            .map(String::from);
        assert_eq!(first_error(&lines).unwrap(), "error[E0308]: mismatched types");
        assert_eq!(first_error(&lines[..1]).unwrap(), "   Compiling a");
    }

    #[test]
    fn a_failing_command_is_a_failure_with_its_reason() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let Outcome::Fail(why) = run_all(root, &[vec!["--no-such-flag"]], &[]) else { unreachable!() };
        assert!(why.starts_with("cargo --no-such-flag: exit status: 1; error"), "{why}");
        assert_eq!(run_all(root, &[vec!["--version"]], &[]), Outcome::Pass(String::new()));
    }
}
