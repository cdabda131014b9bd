//! Trains ResNet-18 on the handwritten digits.
//!
//!     cargo run --release --example resnet

use examples::gallery::{fit_classifier, resnet::ResNet};
use examples::{args, data, evaluate::accuracy};
use std::error::Error;
use std::process::ExitCode;
use train::prelude::*;

fn main() -> ExitCode {
    args::exit_code(run)
}

const HELP: &str = "ResNet-18 for small images on handwritten digits.

  --epochs N     default 3
  --width N      features of the first stage (default 16; ResNet-18 has 64)";

fn run() -> Result<(), Box<dyn Error>> {
    let (mut epochs, mut width) = (3, 16);
    let seed = args::parse(HELP, |option, value| {
        match option {
            "epochs" => epochs = value.get()?,
            "width" => width = value.get()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let digits = data::digits()?;
    let held_out = digits.len() / 5;
    let lengths = [digits.len() - held_out, held_out];
    let [training, test] = random_split(digits, lengths, &Rng::seed(0))?;
    let rng = Rng::seed(seed);
    let model = ResNet::new(1, width, 10, &rng)?;
    println!("{} parameters", model.num_parameters());
    fit_classifier(&model, training, (epochs, 1e-3), &rng)?;
    println!("resnet: accuracy {:.2} % on held-out digits", 100.0 * accuracy(&model, &test)?.value());
    Ok(())
}
