//! The digits once more, with `Trainer` around the loop: a bar, logs, a plot, checkpoints, a record of the run. Ctrl-C
//! ends it with a checkpoint; the same command goes on from there, and leaves the same weights and the same log as if
//! nothing had happened. `--verify` runs it all again and says at which step it differs from the record, if it does.
//!
//!     cargo run --release --example trainer -- --folder runs/digits

use examples::{args, data, models};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use train::checkpoint::Checkpoints;
use train::data::TensorDataset;
use train::optim::schedule::{Mode, Scheduler, warmup_cosine};
use train::prelude::*;
use train::{Every, FileLog, Plot, RunRecord, Summary, TensorBoard};

const HELP: &str = "
Trains a convolutional network on the UCI handwritten digits (1,797 images of 8x8 pixels) with everything that Trainer
has. Ctrl-C ends the run with a checkpoint; the same command goes on from there.

Usage: cargo run --release --example trainer -- [OPTIONS]

  --folder DIR   where log, plot, checkpoints and record of the run are (default: trainer-example in the folder for
                 temporary files)
  --new          begin anew: what the folder holds of an earlier run is removed
  --epochs N     passes over the training data (default 15)
  --steps N      end after this many steps, as Ctrl-C would
  --verify       run again without writing anything, and compare with the record of the run";

const BATCH_SIZE: usize = 32;
const LEARNING_RATE: f64 = 3e-3;

fn main() -> ExitCode {
    args::exit_code(run)
}

struct Options {
    folder: PathBuf,
    epochs: usize,
    steps: Option<usize>,
    verify: bool,
    seed: u64,
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut folder = std::env::temp_dir().join("trainer-example");
    let (mut epochs, mut steps, mut new, mut verify) = (15, None, false, false);
    let seed = args::parse(HELP, |option, value| {
        match option {
            "folder" => folder = value.get()?,
            "epochs" => epochs = value.get()?,
            "steps" => steps = Some(value.get()?),
            "new" => new = true,
            "verify" => verify = true,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if new && folder.join("run.jsonl").exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let options = Options { folder, epochs, steps, verify, seed };
    let summary = train(&options)?;
    print!("{summary}");
    let folder = options.folder.display();
    if verify {
        println!("trainer: all {} steps are those of {folder}/run.jsonl", summary.steps);
    } else {
        println!("trainer: {} steps, plot and logs in {folder}", summary.steps);
    }
    Ok(())
}

fn train(options: &Options) -> Result<Summary> {
    let Options { folder, epochs, steps, verify, seed } = options;
    let rng = Rng::seed(*seed);
    let model = models::digits_cnn(&rng)?;
    let [training, held_out] = data::digits_split(8)?;
    let loader = DataLoader::new(training, BATCH_SIZE)?.shuffle(&rng).workers(2);
    let mut opt = AdamW::new(model.named_parameters(), LEARNING_RATE)?;
    let all = epochs * loader.len();
    let scheduler = Scheduler::new(&mut opt, warmup_cosine(all / 20, all))?;

    let mut trainer = Trainer::new(&model, &mut opt)
        .epochs(*epochs)
        .schedule(scheduler, Every::Step)
        .clip_grad_norm(1.0)
        .rng(&rng)
        .validation(|| validate(&model, &held_out))
        .stop_on_ctrl_c()?;
    if let Some(steps) = steps {
        trainer = trainer.steps(*steps);
    }
    let path = folder.join("run.jsonl");
    let record = if *verify {
        RunRecord::verify(path, &model)?
    } else {
        trainer = trainer
            .checkpoints(Checkpoints::open(folder)?, None)
            .keep_best("val_accuracy", Mode::Max)
            .callback(FileLog::csv(folder.join("log.csv"))?)
            .callback(TensorBoard::create(folder)?.histograms(&model))
            .callback(Plot::new(folder.join("plot.svg")));
        RunRecord::create(path, &model)?
    };
    let record = record.seed(*seed).config("epochs", epochs).config("batch size", BATCH_SIZE);
    let watched = record.watch(&loader);
    trainer = trainer.callback(record);
    if trainer.resume_latest()? {
        println!("going on after step {}, in epoch {}", trainer.step(), trainer.epoch() + 1);
    }
    trainer.fit(&watched, |(images, classes)| {
        let output = model.forward(&images.into())?;
        let mut accuracy = Accuracy::default();
        accuracy.add(&output.detach(), &classes)?;
        let loss = output.cross_entropy(&classes)?;
        Ok(Output::new(loss, classes.numel()).value("accuracy", accuracy.value()))
    })
}

/// Loss and accuracy over all digits that are held out.
fn validate(model: &dyn Layer, held_out: &Subset<TensorDataset>) -> Result<Vec<(&'static str, f64)>> {
    let all: Vec<usize> = (0..held_out.len()).collect();
    let (images, classes) = held_out.batch(&all)?;
    let output = model.forward(&images.into())?;
    let mut accuracy = Accuracy::default();
    accuracy.add(&output.detach(), &classes)?;
    let loss = output.cross_entropy(&classes)?.item::<f32>()?;
    Ok(vec![("val_loss", loss.into()), ("val_accuracy", accuracy.value())])
}
