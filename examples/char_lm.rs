//! Trains a small GPT on a novel, character by character, and lets it write.
//!
//!     cargo run --release --example char_lm

use examples::args;
use examples::evaluate::Recent;
use examples::language::{self, Settings, draw};
use examples::models::{Gpt, GptSize};
use examples::text::{Text, passages};
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;
use train::optim::schedule::{Scheduler, warmup_cosine};
use train::prelude::*;

const HELP: &str = "
Trains a small GPT on a text, one character at a time, and samples from it.

Usage: cargo run --release --example char_lm -- [OPTIONS]

  --steps N        training steps (default 600)
  --text PATH      a UTF-8 text (default: Jane Austen, Persuasion)
  --sample N       characters to write at the end (default 400)
  --temperature X  below 1 safer, above 1 wilder (default 0.8)";

const DEFAULT_STEPS: usize = 600;
/// The validation loss, in nats a character, that a run with all defaults must fall below. Guessing evenly among the 75
/// characters costs 4.32, knowing how often each occurs about 3.0.
const GOAL: f64 = 1.7;

const CONTEXT: usize = 64;
const BATCH_SIZE: usize = 32;
const LEARNING_RATE: f64 = 3e-3;
/// Steps over which the learning rate rises from 0; over the rest it falls along a cosine.
const WARM_UP: usize = 50;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse(HELP, DEFAULT_STEPS)?;
    let (text, steps) = (settings.read()?, settings.steps);
    let (training, validation) = language::split(&text, 2 * CONTEXT)?;
    let rng = Rng::seed(settings.seed);
    let size = GptSize { vocabulary: text.vocabulary(), context: CONTEXT, width: 96, heads: 4, blocks: 3 };
    let model = Gpt::new(size, &rng)?;
    println!(
        "{} parameters, {} training characters, {} held out",
        model.num_parameters(),
        training.len(),
        validation.len()
    );

    let start = Instant::now();
    fit(&model, training, steps, &rng)?;
    let seconds = start.elapsed().as_secs_f64();
    let loss = validation_loss(&model, validation)?;

    println!("\n{}\n", write(&model, &text, &settings, &rng)?.trim());
    println!(
        "char_lm: validation loss {loss:.3} nats a character (goal {GOAL}), {steps} steps in {seconds:.1} s"
    );
    // Another text or fewer steps promise nothing.
    if settings.text.is_none() && steps >= DEFAULT_STEPS && loss >= GOAL {
        return Err(format!("the validation loss did not fall below {GOAL}").into());
    }
    Ok(())
}

fn fit(model: &Gpt, tokens: &[i64], steps: usize, rng: &Rng) -> Result<()> {
    let mut opt = AdamW::new(model.parameters(), LEARNING_RATE)?;
    let mut scheduler = Scheduler::new(&mut opt, warmup_cosine(WARM_UP.min(steps / 2), steps.max(1)))?;
    let mut progress = Progress::new("training", steps);
    let mut recent = Recent::default();
    for _ in 0..steps {
        let starts = rng.randint(0, (tokens.len() - CONTEXT) as i64, [BATCH_SIZE])?.to_vec::<i64>()?;
        let (x, y) = passages(tokens, starts.into_iter().map(|start| start as usize), CONTEXT)?;
        let loss = cross_entropy(model, x, &y)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step()?;
        scheduler.step(&mut opt)?;

        progress.step(y.numel(), &[("loss", recent.add(loss.detach().item::<f32>()?))]);
    }
    progress.finish();
    Ok(())
}

/// The mean over all characters, in nats.
fn cross_entropy(model: &Gpt, x: Tensor, y: &Tensor) -> Result<Var> {
    let logits = model.forward(&x.into())?.flatten(0, 1)?;
    Ok(logits.cross_entropy(y.flatten(0, 1)?)?)
}

fn validation_loss(model: &Gpt, tokens: &[i64]) -> Result<f64> {
    let starts: Vec<usize> = (0..tokens.len() - CONTEXT).step_by(CONTEXT).collect();
    let mut mean = Mean::default();
    for starts in starts.chunks(BATCH_SIZE) {
        let (x, y) = passages(tokens, starts.iter().copied(), CONTEXT)?;
        let loss = no_grad(|| cross_entropy(model, x, &y))?;
        mean.add(loss.detach().item::<f32>()?, y.numel());
    }
    Ok(mean.value())
}

/// Text that the model writes, drawn character by character.
fn write(model: &Gpt, text: &Text, settings: &Settings, rng: &Rng) -> Result<String> {
    let mut written = language::opening(text);
    for _ in 0..settings.sample {
        let seen = &written[written.len().saturating_sub(CONTEXT)..];
        let x = Tensor::from_slice(seen, [1, seen.len()])?;
        let logits = no_grad(|| model.forward(&x.into()))?.detach();
        written.push(draw(&logits, settings.temperature, rng)?);
    }
    Ok(written.into_iter().map(|token| text.character(token)).collect())
}
