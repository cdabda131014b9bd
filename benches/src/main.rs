//! Training workloads, measured whole: `workloads NAME... [--threads N] [--secs S]` prints a line for each,
//! `RESULT peer=ours workload=mlp batch=64 value=… unit=samples/s loss_first=… loss_last=… peak_mib=…`.
//!
//! `cargo xtask bench` runs it, beside PyTorch if asked. `peers/torch.py` has the same workloads.

mod measure;
mod memory;
mod profile;
mod scaling;
mod workloads;

use measure::Settings;
use std::process::ExitCode;

const USAGE: &str = "usage: workloads [NAME]... [--threads N] [--secs S] [--profile | --scaling FILE]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let names = workloads::ALL.iter().map(|workload| workload.name).collect::<Vec<_>>().join(" ");
            eprintln!("error: {why}\n{USAGE}\nnames: {names}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let (mut names, mut settings, mut scaling) = (Vec::new(), Settings::default(), None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || -> Result<f64, String> {
            let value = rest.next().ok_or_else(|| format!("{argument} without a number"))?;
            value.parse().map_err(|e| format!("{argument} {value}: {e}"))
        };
        match argument.as_str() {
            "--threads" => settings.threads = number()? as usize,
            "--profile" => settings.profile = true,
            "--scaling" => scaling = Some(rest.next().ok_or("--scaling without a file")?),
            "--secs" => settings.seconds = number()?,
            name => names.push(name),
        }
    }
    let find =
        |name: &&str| workloads::ALL.iter().find(|w| w.name == *name).ok_or(format!("no workload {name}"));
    let chosen = match names.is_empty() {
        true => workloads::ALL.iter().collect(),
        false => names.iter().map(find).collect::<Result<Vec<_>, _>>()?,
    };
    train::tensor_core::with_threads(settings.threads, || {
        if let Some(file) = scaling {
            return scaling::run(&settings, file.as_ref()).map_err(|e| e.to_string());
        }
        chosen.iter().try_for_each(|workload| (workload.run)(&settings).map_err(|e| e.to_string()))
    })
}
