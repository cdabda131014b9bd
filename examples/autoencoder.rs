//! Trains an autoencoder on the handwritten digits: 64 pixels through 8 numbers and back.
//!
//!     cargo run --release --example autoencoder

use examples::gallery::autoencoder::{Autoencoder, step};
use examples::{args, data};
use std::error::Error;
use std::process::ExitCode;
use train::prelude::*;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut epochs = 20;
    let seed = args::parse("An autoencoder of digits.\n\n  --epochs N     default 20", |option, value| {
        let known = option == "epochs";
        if known {
            epochs = value.get()?;
        }
        Ok(known)
    })?;
    let rng = Rng::seed(seed);
    let model = Autoencoder::new(8, &rng)?;
    let mut opt = Adam::new(model.parameters(), 3e-3)?;
    let loader = DataLoader::new(data::digits()?, 32)?.shuffle(&rng);
    for epoch in 0..epochs {
        let mut error = Mean::default();
        for batch in loader.epoch(epoch) {
            let (images, _) = batch?;
            error.add(step(&model, &mut opt, &images)?, images.size(0)?);
        }
        println!("epoch {}: mean squared error of a pixel {:.4}", epoch + 1, error.value());
    }
    Ok(())
}
