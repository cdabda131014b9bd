//! Trains LeNet-5 on the handwritten digits, enlarged to its 32 by 32 pixels.
//!
//!     cargo run --release --example lenet

use examples::gallery::{enlarge, fit_classifier, lenet};
use examples::{args, data, evaluate::accuracy};
use std::error::Error;
use std::process::ExitCode;
use train::data::TensorDataset;
use train::prelude::*;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut epochs = 5;
    let seed =
        args::parse("LeNet-5 on handwritten digits.\n\n  --epochs N     default 5", |option, value| {
            let known = option == "epochs";
            if known {
                epochs = value.get()?;
            }
            Ok(known)
        })?;
    let digits = data::digits()?;
    let (images, classes) = digits.batch(&(0..digits.len()).collect::<Vec<_>>())?;
    let digits = TensorDataset::new(enlarge(&images, 4)?, classes)?;
    let held_out = digits.len() / 5;
    let [training, test] = random_split(digits, [images.size(0)? - held_out, held_out], &Rng::seed(0))?;
    let rng = Rng::seed(seed);
    let model = lenet::model(&rng)?;
    println!("{}", train::nn::summary(&model, &Tensor::zeros([1, 1, 32, 32], DType::F32)?.into())?);
    fit_classifier(&model, training, (epochs, 1e-3), &rng)?;
    println!("lenet: accuracy {:.2} % on held-out digits", 100.0 * accuracy(&model, &test)?.value());
    Ok(())
}
