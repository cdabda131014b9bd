//! The project's own tool: `cargo xtask <command>`.
//!
//! A command is a row in [`COMMANDS`] and a module with a function `run`.

mod bench;
mod ci;
mod conformance;
mod fuzz;
mod layers;
mod metadata;
mod tidy;

use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Error {
    /// The arguments make no sense: usage is printed, exit code 2.
    Usage(String),
    /// The tool could not do its work: exit code 1.
    Broken(String),
    /// The work was done and what it found, already printed, is bad: exit code 1.
    Findings,
}

/// What a command returns.
pub type Result<T = ()> = std::result::Result<T, Error>;

struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "ci",
        arguments: "[STEP]...",
        about: "run every check, or the named steps, and print one line a step",
        run: ci::run,
    },
    Command {
        name: "bench",
        arguments: "[WORKLOAD]... [--threads N] [--secs S] [--vs torch|torch-compiled] [--pairs N]",
        about: "measure training workloads, alone or in turn with PyTorch",
        run: bench::run,
    },
    Command {
        name: "profile",
        arguments: "WORKLOAD... [--threads N] [--secs S]",
        about: "print where a step's time goes, per operation, forward and backward",
        run: bench::profile,
    },
    Command {
        name: "replay",
        arguments: "[DIR]...",
        about: "make PyTorch's recorded calls and runs again (default: those of fixtures/) and compare",
        run: conformance::replay,
    },
    Command {
        name: "gradcheck",
        arguments: "[--cases N] [OP]...",
        about: "check every operation's gradients of both orders on N random calls, and print the table",
        run: conformance::gradcheck,
    },
    Command {
        name: "fuzz",
        arguments: "[FORMAT]... [--secs N]",
        about: "fuzz the readers of files, each for N seconds (60), where nightly and cargo-fuzz are",
        run: fuzz::run,
    },
    Command {
        name: "layers",
        arguments: "",
        about: "check that each crate names only crates of a lower layer",
        run: layers::run,
    },
    Command {
        name: "tidy",
        arguments: "",
        about: "check what compilers do not: unsafe, lints, left-overs, paths, file sizes, the op table",
        run: tidy::run,
    },
    Command { name: "help", arguments: "", about: "print this text", run: help },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        None => ("help", &[][..]),
        Some((name, _)) if name == "-h" || name == "--help" => ("help", &[][..]),
        Some((name, rest)) => (name.as_str(), rest),
    };
    let result = match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => Err(Error::Usage(format!("no command `{name}`"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Findings) => ExitCode::from(1),
        Err(Error::Broken(why)) => {
            eprintln!("error: {why}");
            ExitCode::from(1)
        }
        Err(Error::Usage(why)) => {
            eprintln!("error: {why}\n\n{}", usage());
            ExitCode::from(2)
        }
    }
}

fn help(arguments: &[String]) -> Result {
    no_arguments(arguments)?;
    println!("{}", usage());
    Ok(())
}

fn usage() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        let call = format!("{} {}", command.name, command.arguments);
        text.push_str(&format!("\n  {call:<16} {}", command.about));
    }
    text
}

/// For commands that take no arguments.
fn no_arguments(arguments: &[String]) -> Result {
    match arguments.first() {
        None => Ok(()),
        Some(first) => Err(Error::Usage(format!("unexpected argument `{first}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_names_every_command() {
        for command in COMMANDS {
            assert!(usage().contains(&format!("\n  {}", command.name)));
        }
    }

    #[test]
    fn surplus_arguments_are_a_usage_error() {
        assert!(matches!(no_arguments(&["x".into()]), Err(Error::Usage(_))));
        assert!(no_arguments(&[]).is_ok());
    }
}
