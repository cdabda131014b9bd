//! Trains an LSTM to foretell the characters of a novel.
//!
//!     cargo run --release --example char_lstm

use examples::gallery::lstm::CharLstm;
use examples::text::{Text, passages};
use examples::{args, data};
use std::error::Error;
use std::process::ExitCode;
use train::prelude::*;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut steps = 300;
    let seed = args::parse("An LSTM of characters.\n\n  --steps N      default 300", |option, value| {
        let known = option == "steps";
        if known {
            steps = value.get()?;
        }
        Ok(known)
    })?;
    let text = Text::read(&data::folder().join("text/persuasion.txt"))?;
    let rng = Rng::seed(seed);
    let model = CharLstm::new(text.vocabulary(), 128, &rng)?;
    let mut opt = Adam::new(model.parameters(), 3e-3)?;
    let mut recent = Mean::default();
    for step in 1..=steps {
        let last = (text.tokens().len() - 65) as i64;
        let starts = rng.randint(0, last, [32])?.to_vec::<i64>()?;
        let (x, y) = passages(text.tokens(), starts.into_iter().map(|start| start as usize), 64)?;
        let logits = model.forward(&x.into())?.flatten(0, 1)?;
        let loss = logits.cross_entropy(y.flatten(0, 1)?)?;
        opt.zero_grad();
        loss.backward()?;
        train::optim::clip_grad_norm(opt.parameters(), 1.0)?;
        opt.step()?;
        recent.add(loss.detach().item::<f32>()?, 1);
        if step % 50 == 0 || step == steps {
            println!("step {step}: {:.3} nats a character", recent.value());
            recent = Mean::default();
        }
    }
    Ok(())
}
