//! `conformance replay DIR...`: replays the records of each folder and of those in it.

use conformance::{Tally, folder};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, folders)) if command == "replay" && !folders.is_empty() => replay(folders),
        _ => {
            eprintln!("usage: conformance replay DIR...");
            ExitCode::from(2)
        }
    }
}

fn replay(folders: &[String]) -> ExitCode {
    let mut tally = Tally::default();
    for name in folders {
        match folder::replay(Path::new(name), &mut |line| println!("{line}")) {
            Ok(found) => tally += found,
            Err(why) => {
                eprintln!("error: {why}");
                return ExitCode::from(2);
            }
        }
    }
    println!("{tally}");
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
