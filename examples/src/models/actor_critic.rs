//! A policy and its baseline.

use train::nn::{self, Result};
use train::prelude::{Linear, Module, Rng, Sequential, Tanh, sequential};

/// Two networks that see a state: one to act, one to judge.
#[derive(Module)]
pub struct ActorCritic {
    /// States `[N, states]` to the logits of the actions `[N, actions]`.
    pub policy: Sequential,
    /// States to the return that is expected of them, `[N, 1]`.
    pub baseline: Sequential,
}

impl ActorCritic {
    /// With one hidden layer each.
    pub fn new(states: usize, actions: usize, width: usize, rng: &Rng) -> Result<Self> {
        Ok(Self {
            policy: sequential![Linear::new(states, width, rng)?, Tanh, Linear::new(width, actions, rng)?],
            baseline: sequential![Linear::new(states, width, rng)?, Tanh, Linear::new(width, 1, rng)?],
        })
    }
}
