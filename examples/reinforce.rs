//! Learns to balance a pole on a cart by trial and error: REINFORCE with a baseline. From about 20 steps to a
//! mean of 495 to 500 of 500 (seeds 0 to 5).
//!
//!     cargo run --release --example reinforce

use examples::args;
use examples::models::ActorCritic;
use examples::reinforce::{Episodes, loss};
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;
use train::prelude::*;

const HELP: &str = "
Learns to balance a pole on a cart (CartPole-v1: at most 500 steps) by policy gradients.

Usage: cargo run --release --example reinforce -- [OPTIONS]

  --updates N    updates of the policy (default 250)";

const DEFAULT_UPDATES: usize = 250;
/// The mean return over new episodes that a run with all defaults must reach: where CartPole-v1 counts as solved.
const GOAL: f64 = 475.0;
/// Episodes for each update.
const EPISODES: usize = 16;
const JUDGED: usize = 100;
const WIDTH: usize = 64;
const LEARNING_RATE: f64 = 5e-3;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut updates = DEFAULT_UPDATES;
    let seed = args::parse(HELP, |option, value| {
        match option {
            "updates" => updates = value.get()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;

    let rng = Rng::seed(seed);
    let model = ActorCritic::new(4, 2, WIDTH, &rng)?;
    let before = Episodes::play(&model.policy, JUDGED, &rng)?.mean_return();
    println!("{} parameters; mean return before training {before:.1}", model.num_parameters());

    let mut opt = Adam::new(model.parameters(), LEARNING_RATE)?;
    let mut progress = Progress::new("training", updates);
    let start = Instant::now();
    for _ in 0..updates {
        let episodes = Episodes::play(&model.policy, EPISODES, &rng)?;
        let loss = loss(&model, &episodes)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step()?;
        progress.step(episodes.steps(), &[("return", episodes.mean_return())]);
    }
    progress.finish();
    let seconds = start.elapsed().as_secs_f64();

    let after = Episodes::play(&model.policy, JUDGED, &rng)?.mean_return();
    println!("reinforce: mean return {after:.1} of 500 (goal {GOAL}), {updates} updates in {seconds:.1} s");
    if updates >= DEFAULT_UPDATES && after < GOAL {
        return Err(format!("the mean return did not reach {GOAL}").into());
    }
    Ok(())
}
