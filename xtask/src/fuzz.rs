//! `cargo xtask fuzz`: the readers of files, fed by libFuzzer.

use crate::{Error, Result};
use std::path::Path;
use std::process::Command;

/// Seconds for each format.
const SECONDS: u64 = 60;
/// What one input may take: memory beyond it is a finding.
const LIMITS: [&str; 2] = ["-rss_limit_mb=2048", "-timeout=10"];

/// Fuzzes the formats named, or all.
pub fn run(arguments: &[String]) -> Result {
    let known = formats()?;
    let (names, seconds) = parse(arguments, &known)?;
    if let Some(missing) = missing() {
        println!("SKIP fuzz: {missing}");
        return Ok(());
    }
    let folder = folder();
    write_corpus(&folder.join("corpus"))?;
    let mut failed = Vec::new();
    for name in names {
        let mut command = Command::new("cargo");
        command.args(["+nightly", "fuzz", "run", "--fuzz-dir"]).arg(&folder).arg(&name).arg("--");
        command.args(LIMITS).arg(format!("-max_total_time={seconds}"));
        let passed = succeeds(&mut command)?;
        println!("{} fuzz {name}: {seconds} s", if passed { "PASS" } else { "FAIL" });
        if !passed {
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Error::Findings) }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The targets' names.
fn formats() -> Result<Vec<String>> {
    let broken = |error: std::io::Error| Error::Broken(format!("fuzz_targets: {error}"));
    let mut names = Vec::new();
    for entry in folder().join("fuzz_targets").read_dir().map_err(broken)? {
        let path = entry.map_err(broken)?.path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(String::from));
    }
    names.sort();
    Ok(names)
}

fn parse(arguments: &[String], known: &[String]) -> Result<(Vec<String>, u64)> {
    let (mut names, mut seconds) = (Vec::new(), SECONDS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--secs" {
            let number = rest.next().and_then(|value| value.parse().ok()).filter(|seconds| *seconds > 0);
            seconds = number.ok_or_else(|| Error::Usage("--secs without a number".to_owned()))?;
        } else if known.contains(argument) {
            names.push(argument.clone());
        } else {
            return Err(Error::Usage(format!("no format {argument}; the formats are: {}", known.join(" "))));
        }
    }
    Ok((if names.is_empty() { known.to_vec() } else { names }, seconds))
}

/// What is not there to fuzz with.
fn missing() -> Option<&'static str> {
    let answers = |arguments: &[&str]| {
        Command::new("cargo").args(arguments).output().is_ok_and(|output| output.status.success())
    };
    if !answers(&["+nightly", "--version"]) {
        Some("no nightly compiler (rustup toolchain install nightly)")
    } else if !answers(&["+nightly", "fuzz", "--version"]) {
        Some("no cargo-fuzz (cargo install cargo-fuzz)")
    } else {
        None
    }
}

/// Files to begin with: those that the tests begin with.
fn write_corpus(folder: &Path) -> Result {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--quiet", "-p", "train", "--all-features", "--test", "hostile", "right_files"]);
    if succeeds(command.env("FUZZ_CORPUS", folder))? { Ok(()) } else { Err(Error::Findings) }
}

fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().map_err(|error| Error::Broken(format!("cargo: {error}")))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read() {
        let known = formats().unwrap();
        assert!(known.len() == 9 && known.contains(&"npz".to_owned()));
        let read = |text: &str| parse(&text.split_whitespace().map(String::from).collect::<Vec<_>>(), &known);
        assert_eq!(read("").unwrap(), (known.clone(), 60));
        assert_eq!(read("csv --secs 5").unwrap(), (vec!["csv".to_owned()], 5));
        for wrong in ["gif", "--secs", "--secs 0"] {
            assert!(matches!(read(wrong), Err(Error::Usage(_))), "{wrong}");
        }
    }
}
