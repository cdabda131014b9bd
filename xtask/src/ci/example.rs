//! The examples, each with settings small enough for every run.

use std::path::Path;

use super::process;
use super::report::Outcome;

/// Where Debian's package dataset-fashion-mnist puts its files.
const FASHION_MNIST: &str = "/usr/share/datasets/fashion-mnist";

/// One run of an example.
pub struct Example {
    /// The name of the example target.
    pub name: &'static str,
    /// What it is called with.
    arguments: &'static [&'static str],
    /// What it reads that is not in the repository.
    data: Option<Data>,
}

/// Files that a machine may have or not.
struct Data {
    folder: &'static str,
    /// How to get it.
    install: &'static str,
}

pub const EXAMPLES: &[Example] = &[
    Example { name: "digits", arguments: &["--epochs", "2"], data: None },
    Example { name: "zero_grad_detach_step", arguments: &[], data: None },
    Example { name: "char_lm", arguments: &["--steps", "20"], data: None },
    Example { name: "pinn", arguments: &["--steps", "100"], data: None },
    Example { name: "gan", arguments: &["--steps", "50"], data: None },
    Example { name: "autoencoder", arguments: &["--epochs", "2"], data: None },
    Example { name: "reinforce", arguments: &["--updates", "5"], data: None },
    Example { name: "char_lstm", arguments: &["--steps", "20"], data: None },
    Example { name: "trainer", arguments: &["--new", "--epochs", "2"], data: None },
    Example { name: "digits", arguments: &["--model", "lenet", "--epochs", "1"], data: None },
    Example {
        name: "digits",
        arguments: &["--model", "resnet18", "--width", "8", "--epochs", "1"],
        data: None,
    },
    Example {
        name: "fashion_mnist",
        arguments: &["--data", FASHION_MNIST, "--epochs", "1"],
        data: Some(Data { folder: FASHION_MNIST, install: "apt-get install dataset-fashion-mnist" }),
    },
];

impl Example {
    /// How its step is called: by its name and the model it is asked for, if any.
    pub fn title(&self) -> String {
        match self.arguments {
            ["--model", model, ..] => format!("example {} {model}", self.name),
            _ => format!("example {}", self.name),
        }
    }

    /// Runs it as a user does.
    pub fn run(&self, root: &Path) -> Outcome {
        if let Some(data) = &self.data
            && !Path::new(data.folder).is_dir()
        {
            return Outcome::Skip(format!("no data in {}; {}", data.folder, data.install));
        }
        let mut command = vec!["run", "--release", "--example", self.name, "--"];
        command.extend(self.arguments);
        process::run_all(root, &[command], &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_data_skips_and_says_how_to_get_it() {
        let data = Data { folder: "no such folder", install: "apt-get install it" };
        let example = Example { name: "none", arguments: &[], data: Some(data) };
        let expected = Outcome::Skip("no data in no such folder; apt-get install it".into());
        assert_eq!(example.run(Path::new(".")), expected);
    }
}
