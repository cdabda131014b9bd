//! Trains a small GPT on a novel, character by character, and lets it write.
//!
//!     cargo run --release --example char_lm

use examples::args;
use examples::models::{Gpt, GptSize};
use examples::text::{Text, passages};
use std::error::Error;
use std::path::PathBuf;
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
/// The tail of the text that is not trained on.
const HELD_OUT: f64 = 0.1;
const OPENING: &str = "\nAnne ";

struct Settings {
    seed: u64,
    steps: usize,
    text: Option<PathBuf>,
    sample: usize,
    temperature: f64,
}

fn main() -> ExitCode {
    args::exit_code(run)
}

fn settings() -> Result<Settings, Box<dyn Error>> {
    let mut settings = Settings { seed: 0, steps: DEFAULT_STEPS, text: None, sample: 400, temperature: 0.8 };
    settings.seed = args::parse(HELP, |option, value| {
        match option {
            "steps" => settings.steps = value.get()?,
            "text" => settings.text = Some(value.get()?),
            "sample" => settings.sample = value.get()?,
            "temperature" => settings.temperature = value.get()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(settings)
}

fn run() -> Result<(), Box<dyn Error>> {
    let Settings { seed, steps, text, sample, temperature } = settings()?;
    // Another text or fewer steps promise nothing.
    let held_to_goal = text.is_none() && steps >= DEFAULT_STEPS;
    let text = Text::read(&text.unwrap_or_else(|| examples::data::folder().join("text/persuasion.txt")))?;
    let held_out = (text.tokens().len() as f64 * HELD_OUT) as usize;
    let (training, validation) = text.tokens().split_at(text.tokens().len() - held_out);
    if validation.len() <= 2 * CONTEXT {
        return Err(format!("a text of {} characters is too short", text.tokens().len()).into());
    }

    let rng = Rng::seed(seed);
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

    println!("\n{}\n", write(&model, &text, sample, temperature, &rng)?.trim());
    println!(
        "char_lm: validation loss {loss:.3} nats a character (goal {GOAL}), {steps} steps in {seconds:.1} s"
    );
    if held_to_goal && loss >= GOAL {
        return Err(format!("the validation loss did not fall below {GOAL}").into());
    }
    Ok(())
}

fn fit(model: &Gpt, tokens: &[i64], steps: usize, rng: &Rng) -> Result<()> {
    let mut opt = AdamW::new(model.parameters(), LEARNING_RATE)?;
    let mut scheduler = Scheduler::new(&mut opt, warmup_cosine(WARM_UP.min(steps / 2), steps.max(1)))?;
    let mut progress = Progress::new("training", steps);
    // A mean over the last steps, so that the bar does not jump.
    let mut recent = None;
    for _ in 0..steps {
        let starts = rng.randint(0, (tokens.len() - CONTEXT) as i64, [BATCH_SIZE])?.to_vec::<i64>()?;
        let (x, y) = passages(tokens, starts.into_iter().map(|start| start as usize), CONTEXT)?;
        let loss = cross_entropy(model, x, &y)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step()?;
        scheduler.step(&mut opt)?;

        let loss = f64::from(loss.detach().item::<f32>()?);
        let mean = recent.map_or(loss, |mean| 0.95 * mean + 0.05 * loss);
        recent = Some(mean);
        progress.step(y.numel(), &[("loss", mean)]);
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
fn write(model: &Gpt, text: &Text, length: usize, temperature: f64, rng: &Rng) -> Result<String> {
    let mut written: Vec<i64> = OPENING.chars().filter_map(|character| text.token(character)).collect();
    if written.is_empty() {
        written.push(0);
    }
    for _ in 0..length {
        let seen = &written[written.len().saturating_sub(CONTEXT)..];
        let x = Tensor::from_slice(seen, [1, seen.len()])?;
        let logits = no_grad(|| model.forward(&x.into()))?.detach().select(0, 0)?.select(0, -1)?;
        written.push(draw(&logits.to_vec::<f32>()?, temperature, rng)?);
    }
    Ok(written.into_iter().map(|token| text.character(token)).collect())
}

/// A number drawn with the probabilities softmax(logits / temperature).
fn draw(logits: &[f32], temperature: f64, rng: &Rng) -> Result<i64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |&logit: &f32| (f64::from(logit - largest) / temperature.max(1e-3)).exp();
    let total: f64 = logits.iter().map(weight).sum();
    let mut left = rng.rand([1], DType::F64)?.item::<f64>()? * total;
    for (token, logit) in logits.iter().enumerate() {
        left -= weight(logit);
        if left < 0.0 {
            return Ok(token as i64);
        }
    }
    Ok(logits.len() as i64 - 1)
}
