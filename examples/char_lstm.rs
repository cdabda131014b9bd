//! Trains an LSTM on a novel, character by character, and lets it write. Unlike the GPT of `char_lm` it reads the text in
//! order and carries its state along, detached from one step to the next: truncated backpropagation through time.
//! The validation loss ends at 1.50 nats a character (seed 0).
//!
//!     cargo run --release --example char_lstm

use examples::args;
use examples::evaluate::Recent;
use examples::language::{self, Settings, draw};
use examples::models::CharLstm;
use examples::text::Text;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;
use train::optim::clip_grad_norm;
use train::prelude::*;

const HELP: &str = "
Trains an LSTM on a text, one character at a time, and samples from it.

Usage: cargo run --release --example char_lstm -- [OPTIONS]

  --steps N        training steps (default 800)
  --text PATH      a UTF-8 text (default: Jane Austen, Persuasion)
  --sample N       characters to write at the end (default 400)
  --temperature X  below 1 safer, above 1 wilder (default 0.8)";

const DEFAULT_STEPS: usize = 800;
/// The validation loss, in nats a character, that a run with all defaults must fall below. Guessing evenly among the 75
/// characters costs 4.32, knowing how often each occurs about 3.0.
const GOAL: f64 = 1.6;

/// Places of the text that are read at the same time.
const STREAMS: usize = 32;
/// Characters read in a step, which is how far gradients go back.
const LENGTH: usize = 32;
const FEATURES: usize = 32;
const HIDDEN: usize = 192;
/// Layers of them.
const LAYERS: usize = 1;
const LEARNING_RATE: f64 = 4e-3;
/// Through many steps of an LSTM gradients may explode (Pascanu, Mikolov and Bengio, 2013).
const LARGEST_GRADIENT: f64 = 1.0;

type State = (Tensor, Tensor);

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse(HELP, DEFAULT_STEPS)?;
    let (text, steps) = (settings.read()?, settings.steps);
    let (training, validation) = language::split(&text, 2 * STREAMS * LENGTH)?;
    let rng = Rng::seed(settings.seed);
    let model = CharLstm::new(text.vocabulary(), FEATURES, HIDDEN, LAYERS, &rng)?;
    println!(
        "{} parameters, {} training characters, {} held out",
        model.num_parameters(),
        training.len(),
        validation.len()
    );

    let start = Instant::now();
    fit(&model, training, steps)?;
    let seconds = start.elapsed().as_secs_f64();
    let loss = validation_loss(&model, validation)?;

    println!("\n{}\n", write(&model, &text, &settings, &rng)?.trim());
    println!(
        "char_lstm: validation loss {loss:.3} nats a character (goal {GOAL}), {steps} steps in {seconds:.1} s"
    );
    // Another text or fewer steps promise nothing.
    if settings.text.is_none() && steps >= DEFAULT_STEPS && loss >= GOAL {
        return Err(format!("the validation loss did not fall below {GOAL}").into());
    }
    Ok(())
}

fn fit(model: &CharLstm, tokens: &[i64], steps: usize) -> Result<()> {
    let mut opt = Adam::new(model.parameters(), LEARNING_RATE)?;
    let mut progress = Progress::new("training", steps);
    let mut recent = Recent::default();
    let (passages, mut state) = (passages(tokens)?, None);
    for step in 0..steps {
        let place = step % passages.len();
        // At the start of the text there is nothing to remember.
        let before = if place == 0 { None } else { state.as_ref() };
        let (loss, after) = cross_entropy(model, &passages[place], before)?;
        opt.zero_grad();
        loss.backward()?;
        clip_grad_norm(model.parameters(), LARGEST_GRADIENT)?;
        opt.step()?;
        state = Some(after);
        progress.step(STREAMS * LENGTH, &[("loss", recent.add(loss.detach().item::<f32>()?))]);
    }
    progress.finish();
    Ok(())
}

/// The text as [`STREAMS`] long rows, cut into passages of `LENGTH` characters and the one that follows: each goes on in
/// every row where the one before ended.
fn passages(tokens: &[i64]) -> Result<Vec<Tensor>> {
    let length = tokens.len() / STREAMS;
    let rows = Tensor::from_slice(&tokens[..STREAMS * length], [STREAMS, length])?;
    let starts = (0..length - LENGTH).step_by(LENGTH);
    starts.map(|start| Ok(rows.narrow(1, start as isize, LENGTH + 1)?)).collect()
}

/// The mean loss of a passage and the state behind it, as plain tensors: what follows does not send its gradients back
/// through them.
fn cross_entropy(model: &CharLstm, passage: &Tensor, state: Option<&State>) -> Result<(Var, State)> {
    let (x, y) = (passage.narrow(1, 0, LENGTH)?, passage.narrow(1, 1, LENGTH)?);
    let (logits, state) = forward(model, x, state)?;
    Ok((logits.flatten(0, 1)?.cross_entropy(y.flatten(0, 1)?)?, state))
}

fn forward(model: &CharLstm, x: Tensor, state: Option<&State>) -> Result<(Var, State)> {
    let state: Option<(Var, Var)> = state.map(|(h, c)| (h.into(), c.into()));
    let (logits, (h, c)) = model.forward(&x.into(), state.as_ref().map(|(h, c)| (h, c)))?;
    Ok((logits, (h.detach(), c.detach())))
}

/// The mean over all characters, in nats.
fn validation_loss(model: &CharLstm, tokens: &[i64]) -> Result<f64> {
    let (mut mean, mut state) = (Mean::default(), None);
    for passage in passages(tokens)? {
        let (loss, after) = no_grad(|| cross_entropy(model, &passage, state.as_ref()))?;
        mean.add(loss.detach().item::<f32>()?, STREAMS * LENGTH);
        state = Some(after);
    }
    Ok(mean.value())
}

/// Text that the model writes: it reads the opening, then what it has just drawn.
fn write(model: &CharLstm, text: &Text, settings: &Settings, rng: &Rng) -> Result<String> {
    let mut written = language::opening(text);
    let (mut unread, mut state) = (0, None);
    for _ in 0..settings.sample {
        let x = Tensor::from_slice(&written[unread..], [1, written.len() - unread])?;
        unread = written.len();
        let (logits, after) = no_grad(|| forward(model, x, state.as_ref()))?;
        state = Some(after);
        written.push(draw(&logits.detach(), settings.temperature, rng)?);
    }
    Ok(written.into_iter().map(|token| text.character(token)).collect())
}
