//! `cargo xtask bench`: the training workloads of `benches`, alone or in turn with a peer.

use crate::{Error, Result};
use std::collections::BTreeMap;
use std::process::Command;

/// Where `--vs torch` finds an interpreter that has PyTorch; `python3` if it is not set.
const TORCH_PYTHON: &str = "TORCH_PYTHON";

/// Pairs of runs that a ratio is made of.
const PAIRS: usize = 5;

/// What runs the same workloads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Peer {
    Torch,
    TorchCompiled,
    Candle,
    Burn,
}

impl Peer {
    const NAMES: [(&str, Self); 4] = [
        ("torch", Self::Torch),
        ("torch-compiled", Self::TorchCompiled),
        ("candle", Self::Candle),
        ("burn", Self::Burn),
    ];

    /// A peer in Rust is a package of its own outside the workspace.
    fn manifest(self) -> Option<&'static str> {
        match self {
            Self::Candle => Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/peers/candle/Cargo.toml")),
            Self::Burn => Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/peers/burn/Cargo.toml")),
            Self::Torch | Self::TorchCompiled => None,
        }
    }

    /// Builds it, which takes minutes the first time: cargo says how far it is.
    fn build(self) -> Result {
        self.manifest().map_or(Ok(()), |manifest| build(&["--manifest-path", manifest]))
    }

    /// What runs it.
    fn command(self) -> Command {
        if let Some(manifest) = self.manifest() {
            let mut command = Command::new(env!("CARGO"));
            command.args(["run", "--quiet", "--release", "--manifest-path", manifest, "--"]);
            return command;
        }
        let python = std::env::var(TORCH_PYTHON).unwrap_or_else(|_| "python3".to_owned());
        let mut command = Command::new(python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/peers/torch.py"));
        if self == Self::TorchCompiled {
            command.arg("--compile");
        }
        command
    }
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    names: Vec<String>,
    /// `--threads` and `--secs`, passed on to both sides.
    passed_on: Vec<String>,
    peer: Option<Peer>,
    pairs: Option<usize>,
    /// The file of the picture.
    scaling: Option<String>,
}

/// Runs the workloads named, or all.
pub fn run(arguments: &[String]) -> Result {
    let asked = parse(arguments)?;
    build(&RUNNER)?;
    if let Some(file) = asked.scaling {
        // It tells each size when it is done, which takes a while.
        let status = runner().args(&asked.passed_on).args(["--scaling", &file]).status();
        return if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err(Error::Findings) };
    }
    let names = if asked.names.is_empty() { all_names()? } else { asked.names.clone() };
    let Some(peer) = asked.peer else {
        // Each in a process of its own, whose peak of memory is its own.
        for name in &names {
            print!("{}", ours(name, &asked.passed_on)?);
        }
        return Ok(());
    };
    peer.build()?;
    let mut ratios: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut order = Vec::new();
    for name in &names {
        for _ in 0..asked.pairs.unwrap_or(PAIRS) {
            let (ours, theirs) = (
                ours(name, &asked.passed_on)?,
                output(peer.command().arg(name).args(&asked.passed_on), name)?,
            );
            print!("{ours}{theirs}");
            for (workload, ratio) in pair(&ours, &theirs)? {
                if !order.contains(&workload) {
                    order.push(workload.clone());
                }
                ratios.entry(workload).or_default().push(ratio);
            }
        }
    }
    println!(
        "\nTimes as fast as the peer, over pairs of runs\n{:32} {:>8} {:>8} {:>8}",
        "workload", "min", "median", "max"
    );
    for workload in order {
        let mut all = ratios.remove(&workload).unwrap_or_default();
        all.sort_by(f64::total_cmp);
        let (min, max) = (all[0], all[all.len() - 1]);
        println!("{workload:32} {min:8.2} {:8.2} {max:8.2}", all[all.len() / 2]);
    }
    Ok(())
}

/// Prints where the time of each named workload's step goes.
pub fn profile(arguments: &[String]) -> Result {
    let asked = parse(arguments)?;
    if asked.names.is_empty() || asked.peer.is_some() || asked.pairs.is_some() {
        return Err(Error::Usage("profile takes workloads, --threads and --secs".to_owned()));
    }
    build(&RUNNER)?;
    let options: Vec<String> = asked.passed_on.iter().cloned().chain(["--profile".to_owned()]).collect();
    for name in &asked.names {
        print!("{}", ours(name, &options)?);
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Asked> {
    let mut asked = Asked::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value =
            || rest.next().cloned().ok_or_else(|| Error::Usage(format!("{argument} without a value")));
        match argument.as_str() {
            "--threads" | "--secs" => {
                let value = value()?;
                asked.passed_on.extend([argument.clone(), value]);
            }
            // The runner's own: it measures over sizes and draws.
            "--scaling" => asked.scaling = Some(value()?),
            "--pairs" => {
                let count = value()?.parse().ok().filter(|count| *count > 0);
                asked.pairs = Some(count.ok_or_else(|| Error::Usage("--pairs without a number".to_owned()))?);
            }
            "--vs" => {
                let name = value()?;
                let peer = Peer::NAMES.iter().find(|(known, _)| *known == name);
                let known = || Peer::NAMES.map(|(known, _)| known).join(", ");
                let unknown = || Error::Usage(format!("no peer {name}; the peers are {}", known()));
                asked.peer = Some(peer.ok_or_else(unknown)?.1);
            }
            flag if flag.starts_with('-') => return Err(Error::Usage(format!("no option {flag}"))),
            name => asked.names.push(name.to_owned()),
        }
    }
    Ok(asked)
}

/// The package and binary that run the workloads here.
const RUNNER: [&str; 5] = ["--quiet", "--package", "benches", "--bin", "benches"];

fn build(package: &[&str]) -> Result {
    let status = Command::new(env!("CARGO")).args(["build", "--release"]).args(package).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Error::Findings),
        Err(e) => Err(Error::Broken(format!("cargo build: {e}"))),
    }
}

/// The names that the runner knows, as it says when it is given one that it does not know.
fn all_names() -> Result<Vec<String>> {
    let output = runner().arg("?").output().map_err(|e| Error::Broken(format!("workloads: {e}")))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let names = text.lines().find_map(|line| line.strip_prefix("names: "));
    let names = names.ok_or_else(|| Error::Broken(format!("workloads: no names in {text:?}")))?;
    Ok(names.split_whitespace().map(String::from).collect())
}

fn runner() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--release"]).args(RUNNER).arg("--");
    command
}

fn ours(name: &str, passed_on: &[String]) -> Result<String> {
    output(runner().arg(name).args(passed_on), name)
}

fn output(command: &mut Command, name: &str) -> Result<String> {
    let broken =
        |why: String| Error::Broken(format!("{name}: {why} ({TORCH_PYTHON} names a Python that has torch)"));
    let output = command.output().map_err(|e| broken(e.to_string()))?;
    if !output.status.success() {
        return Err(broken(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The workloads of both outputs, and how many times as fast ours is. A peer says SKIP of what it cannot do.
fn pair(ours: &str, theirs: &str) -> Result<Vec<(String, f64)>> {
    let skips = theirs.lines().any(|line| line.starts_with("SKIP "));
    let theirs = results(theirs);
    // The processor's own rate has no peer.
    results(ours)
        .into_iter()
        .filter(|(workload, ..)| workload != "fma_peak")
        .filter(|(workload, ..)| !skips || theirs.iter().any(|(name, ..)| name == workload))
        .map(|(workload, value, unit)| {
            let peer = theirs.iter().find(|(name, ..)| *name == workload);
            let (_, peer, _) = peer.ok_or_else(|| Error::Broken(format!("the peer has no {workload}")))?;
            // Times are better the smaller they are, rates the larger.
            let ratio = if unit.starts_with("us") { peer / value } else { value / peer };
            Ok((workload, ratio))
        })
        .collect()
}

/// Name (with the batch), value and unit of each RESULT line.
fn results(output: &str) -> Vec<(String, f64, String)> {
    let lines = output.lines().filter_map(|line| line.strip_prefix("RESULT "));
    lines
        .filter_map(|line| {
            let fields: BTreeMap<&str, &str> =
                line.split_whitespace().filter_map(|f| f.split_once('=')).collect();
            let batch = fields.get("batch").map_or(String::new(), |batch| format!(" b{batch}"));
            let name = format!("{}{batch}", fields.get("workload")?);
            Some((name, fields.get("value")?.parse().ok()?, (*fields.get("unit")?).to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn the_command_line_is_read() {
        let asked = parse(&words("mlp64 --threads 2 --vs torch cnn --pairs 7")).unwrap();
        assert_eq!(asked.names, ["mlp64", "cnn"]);
        assert_eq!(asked.passed_on, ["--threads", "2"]);
        assert_eq!((asked.peer, asked.pairs), (Some(Peer::Torch), Some(7)));
        assert_eq!(parse(&words("--vs candle")).unwrap().peer, Some(Peer::Candle));
        assert_eq!(parse(&words("--vs burn")).unwrap().peer, Some(Peer::Burn));
        for wrong in ["--vs jax", "--pairs 0", "--threads", "--fast"] {
            assert!(matches!(parse(&words(wrong)), Err(Error::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn ratios_say_how_many_times_as_fast() {
        let ours = "RESULT peer=ours workload=mlp batch=64 value=200 unit=samples/s\n\
                    RESULT peer=ours workload=ops_add value=50 unit=us";
        let theirs = "note\nRESULT peer=torch workload=ops_add value=100 unit=us\n\
                      RESULT peer=torch workload=mlp value=100 unit=samples/s batch=64";
        assert_eq!(pair(ours, theirs).unwrap(), [("mlp b64".to_owned(), 2.0), ("ops_add".to_owned(), 2.0)]);
        assert!(pair(ours, "").is_err());
        assert_eq!(pair(ours, "SKIP peer=candle workload=mlp why").unwrap(), []);
    }
}
