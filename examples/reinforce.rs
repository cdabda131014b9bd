//! Learns to balance a pole on a cart by REINFORCE.
//!
//!     cargo run --release --example reinforce

use examples::args;
use examples::gallery::reinforce::{LONGEST, advantages, loss, play, policy};
use std::error::Error;
use std::process::ExitCode;
use train::prelude::*;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut episodes = 400;
    let seed =
        args::parse("REINFORCE on a cart and pole.\n\n  --episodes N   default 400", |option, value| {
            let known = option == "episodes";
            if known {
                episodes = value.get()?;
            }
            Ok(known)
        })?;
    let rng = Rng::seed(seed);
    let policy = policy(&rng)?;
    let mut opt = Adam::new(policy.parameters(), 1e-2)?;
    let mut recent = Mean::default();
    for episode in 1..=episodes {
        let played = play(&policy, &rng)?;
        recent.add(played.actions.numel() as f32, 1);
        let loss = loss(&policy, &played, &advantages(&played.returns)?)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step()?;
        if episode % 50 == 0 || episode == episodes {
            println!("episode {episode}: the pole stood {:.0} of {LONGEST} steps", recent.value());
            recent = Mean::default();
        }
    }
    Ok(())
}
