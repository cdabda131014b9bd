//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::error::Error;
use std::process::ExitCode;
use std::str::FromStr;
use train::tensor_core::set_num_threads;

/// What all examples understand.
const COMMON: &str = "
  --seed N       seed of everything random (default 0)
  --threads N    threads (default: one for each core); the results do not depend on it
  --help         this text";

/// Reads the command line. `take` gets the name of each option and its value to come, and says whether it knows it;
/// `--seed`, which is returned, `--threads` and `--help` are taken care of here.
///
/// # Errors
/// For an option that nobody knows, or a value that cannot be read.
pub fn parse(
    help: &str,
    mut take: impl FnMut(&str, &mut Value<'_>) -> Result<bool, lexopt::Error>,
) -> Result<u64, Box<dyn Error>> {
    let mut parser = Parser::from_env();
    let mut seed = 0;
    while let Some(arg) = parser.next()? {
        let Arg::Long(name) = arg else { return Err(arg.unexpected().into()) };
        // The name is borrowed from the parser, which the value comes from.
        let name = name.to_string();
        let mut value = Value(&mut parser);
        match name.as_str() {
            "help" => {
                println!("{}{COMMON}", help.trim_start());
                std::process::exit(0);
            }
            "seed" => seed = value.get()?,
            "threads" => set_num_threads(value.get()?)?,
            _ if take(&name, &mut value)? => {}
            _ => return Err(Arg::Long(&name).unexpected().into()),
        }
    }
    Ok(seed)
}

/// The value that follows an option.
pub struct Value<'a>(&'a mut Parser);

impl Value<'_> {
    /// The value as a number, a text or a path.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn get<T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>>(&mut self) -> Result<T, lexopt::Error> {
        self.0.value()?.parse()
    }
}

/// Runs a program's body; an error is printed as one line and becomes the exit code 1.
pub fn exit_code(body: impl FnOnce() -> Result<(), Box<dyn Error>>) -> ExitCode {
    match body() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
