//! Trains a classifier of Fashion-MNIST: 60,000 images of clothes, 10,000 to test it.
//!
//!     cargo run --release --example fashion_mnist -- --data /usr/share/datasets/fashion-mnist

use examples::{args, data, evaluate::accuracy, models};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use train::optim::schedule::{CosineAnnealingLR, Scheduler};
use train::prelude::*;

const HELP: &str = "
Trains a classifier on Fashion-MNIST (60,000 training images of 28x28 pixels, 10,000 test images, 10 classes).

Usage: cargo run --release --example fashion_mnist -- --data DIR [OPTIONS]

  --data DIR     folder of the four IDX files, as published (.gz) or unpacked
  --model NAME   mlp (784-256-128-10; default), cnn (two convolutions of 32 and 64 channels, 128 hidden), lenet
                 (LeNet-5) or resnet18
  --width N      channels of resnet18's first stage (default 16; the paper's: 64)
  --epochs N     passes over the training data (default 10 for mlp and lenet, 5 for cnn and resnet18)
  --limit N      train on the first N images and test on the first N alone";

const BATCH_SIZE: usize = 64;
/// At the start; it falls to 0 along half a cosine, epoch by epoch.
const LEARNING_RATE: f64 = 1e-3;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let (mut folder, mut epochs, mut limit) = (None, None, usize::MAX);
    let (mut name, mut width) = ("mlp".to_string(), 16);
    let seed = args::parse(HELP, |option, value| {
        match option {
            "data" => folder = Some(value.get::<PathBuf>()?),
            "model" => name = value.get()?,
            "width" => width = value.get()?,
            "epochs" => epochs = Some(value.get()?),
            "limit" => limit = value.get()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let folder = folder.ok_or_else(|| format!("--data is missing.\n{}", data::FASHION_MNIST_HINT))?;
    let read = |part| match data::fashion_mnist(&folder, part) {
        Ok(whole) => {
            let first = (0..whole.len().min(limit)).collect();
            Ok(Subset::new(whole, first)?)
        }
        Err(error) => Err(Box::<dyn Error>::from(format!("{error}\n{}", data::FASHION_MNIST_HINT))),
    };
    let (training, test) = (read("train")?, read("t10k")?);

    let rng = Rng::seed(seed);
    let (model, default_epochs): (Box<dyn Layer>, _) = match name.as_str() {
        "mlp" => (Box::new(models::fashion_mlp(&rng)?), 10),
        "cnn" => (Box::new(models::fashion_cnn(&rng)?), 5),
        "lenet" => (Box::new(models::lenet5(&rng)?), 10),
        "resnet18" => (Box::new(models::ResNet18::new(1, 10, width, &rng)?), 5),
        _ => return Err(format!("--model is {name:?}, expected mlp, cnn, lenet or resnet18").into()),
    };
    let epochs = epochs.unwrap_or(default_epochs);
    println!(
        "{name}: {} parameters, {} training images, {} test images",
        model.num_parameters(),
        training.len(),
        test.len()
    );

    let loader = DataLoader::new(training, BATCH_SIZE)?.shuffle(&rng);
    let mut opt = Adam::new(model.parameters(), LEARNING_RATE)?;
    let mut scheduler = Scheduler::new(&mut opt, CosineAnnealingLR::new(epochs.max(1)))?;
    let start = Instant::now();
    for epoch in 0..epochs {
        let mut progress = Progress::epoch(epoch, epochs, loader.len());
        let (mut mean_loss, mut correct) = (Mean::default(), Accuracy::default());
        for batch in loader.epoch(epoch) {
            let (images, classes) = batch?;
            let output = model.forward(&images.into())?;
            let loss = output.cross_entropy(&classes)?;
            opt.zero_grad();
            loss.backward()?;
            opt.step()?;

            mean_loss.add(loss.detach().item::<f32>()?, classes.numel());
            correct.add(&output.detach(), &classes)?;
            progress.step(classes.numel(), &[("loss", mean_loss.value()), ("accuracy %", correct.value())]);
        }
        scheduler.step(&mut opt)?;
        progress.finish();
        println!(
            "test accuracy after epoch {}: {:.2} %",
            epoch + 1,
            100.0 * accuracy(&model, &test)?.value()
        );
    }
    let seconds = start.elapsed().as_secs_f64();
    let share = accuracy(&model, &test)?.value();
    println!(
        "fashion_mnist: {name}, test accuracy {:.2} %, {epochs} epochs in {seconds:.1} s",
        100.0 * share
    );
    Ok(())
}
