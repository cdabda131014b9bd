//! `conformance replay DIR...`: replays the records of each folder and of those in it.
//!
//! `conformance gradcheck [--cases N] [OP]...`: checks the gradients of every operation on N random calls.

use conformance::{Tally, folder, gradcheck};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: conformance replay DIR...\n       conformance gradcheck [--cases N] [OP]...";

/// As many as a quick look wants; the tests run 64.
const CASES: usize = 100;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, folders)) if command == "replay" && !folders.is_empty() => replay(folders),
        Some((command, rest)) if command == "gradcheck" => check_gradients(rest),
        _ => Err(USAGE.to_string()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

fn replay(folders: &[String]) -> conformance::Result<bool> {
    let mut tally = Tally::default();
    for name in folders {
        tally += folder::replay(Path::new(name), &mut |line| println!("{line}"))?;
    }
    println!("{tally}");
    Ok(tally.failed == 0)
}

fn check_gradients(arguments: &[String]) -> conformance::Result<bool> {
    let (cases, names) = match arguments {
        [flag, count, names @ ..] if flag == "--cases" => {
            (count.parse().map_err(|e| format!("--cases {count}: {e}\n{USAGE}"))?, names)
        }
        names => (CASES, names),
    };
    if let Some(flag) = names.iter().find(|name| name.starts_with('-')) {
        return Err(format!("no option {flag}\n{USAGE}"));
    }
    let columns = |name: &str, first: &str, second: &str, seconds: &str| {
        println!("{name:32} {first:>12} {second:>12} {seconds:>8}");
    };
    columns("operation", "1st order", "2nd order", "seconds");
    let mut operations = 0;
    let all_passed = gradcheck::run(cases, names, &mut |checked| {
        operations += 1;
        let first = format!("{}/{cases}", checked.first);
        let second = checked.second.map_or("jumps".to_string(), |passed| format!("{passed}/{cases}"));
        columns(checked.name, &first, &second, &format!("{:.1}", checked.seconds));
        if let Some(why) = &checked.failure {
            println!("  FAILED {why}");
        }
    })?;
    println!(
        "{operations} operations, {cases} calls each: {}",
        if all_passed { "all passed" } else { "FAILED" }
    );
    Ok(all_passed)
}
