//! Trains a classifier of handwritten digits, saves it, loads it again and compares the predictions.
//!
//!     cargo run --release --example digits

use examples::{args, data, evaluate::accuracy, models};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use train::data::TensorDataset;
use train::prelude::*;

const HELP: &str = "
Trains a small convolutional network on the UCI handwritten digits (1,797 images of 8x8 pixels).

Usage: cargo run --release --example digits -- [OPTIONS]

  --epochs N     passes over the training data (default 15)
  --save PATH    where the model is saved (default: digits.safetensors in the folder for temporary files)";

const BATCH_SIZE: usize = 32;
const LEARNING_RATE: f64 = 3e-3;
/// The fifth that is held out is the same for every `--seed`, so that runs can be compared.
const SPLIT_SEED: u64 = 0;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut epochs = 15;
    let mut path = std::env::temp_dir().join("digits.safetensors");
    let seed = args::parse(HELP, |option, value| {
        match option {
            "epochs" => epochs = value.get()?,
            "save" => path = value.get::<PathBuf>()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;

    let digits = data::digits()?;
    let held_out = digits.len() / 5;
    let lengths = [digits.len() - held_out, held_out];
    let [training, test] = random_split(digits, lengths, &Rng::seed(SPLIT_SEED))?;

    let rng = Rng::seed(seed);
    let model = models::digits_cnn(&rng)?;
    println!(
        "{} parameters, {} training images, {} held out",
        model.num_parameters(),
        training.len(),
        test.len()
    );

    let start = Instant::now();
    fit(&model, training, epochs, &rng)?;
    let seconds = start.elapsed().as_secs_f64();

    let share = accuracy(&model, &test)?;
    println!("held out: {} of {} right, {:.2} %", share.correct(), share.count(), 100.0 * share.value());

    train::save_model(&model, &path)?;
    let loaded = models::digits_cnn(&Rng::seed(seed + 1))?;
    train::load_model(&loaded, &path)?;
    if predictions(&model, &test)? != predictions(&loaded, &test)? {
        return Err("the loaded model predicts something else".into());
    }
    println!("saved to {}; loaded again, its predictions are equal", path.display());
    println!("digits: accuracy {:.2} %, {epochs} epochs in {seconds:.1} s", 100.0 * share.value());
    Ok(())
}

fn fit(model: &dyn Layer, training: Subset<TensorDataset>, epochs: usize, rng: &Rng) -> Result<()> {
    let loader = DataLoader::new(training, BATCH_SIZE)?.shuffle(rng);
    let mut opt = Adam::new(model.parameters(), LEARNING_RATE)?;
    for epoch in 0..epochs {
        let mut progress = Progress::epoch(epoch, epochs, loader.len());
        let (mut mean_loss, mut accuracy) = (Mean::default(), Accuracy::default());
        for batch in loader.epoch(epoch) {
            let (images, classes) = batch?;
            let output = model.forward(&images.into())?;
            let loss = output.cross_entropy(&classes)?;
            opt.zero_grad();
            loss.backward()?;
            opt.step()?;

            mean_loss.add(loss.detach().item::<f32>()?, classes.numel());
            accuracy.add(&output.detach(), &classes)?;
            progress.step(classes.numel(), &[("loss", mean_loss.value()), ("accuracy %", accuracy.value())]);
        }
        progress.finish();
    }
    Ok(())
}

/// The logits of all images.
fn predictions(model: &dyn Layer, dataset: &Subset<TensorDataset>) -> Result<Vec<f32>> {
    let all: Vec<usize> = (0..dataset.len()).collect();
    let (images, _) = dataset.batch(&all)?;
    model.eval();
    Ok(no_grad(|| model.forward(&images.into()))?.to_vec()?)
}
