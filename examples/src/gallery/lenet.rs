//! LeNet-5 (LeCun et al., 1998).

use train::nn::{self, AvgPool2d};
use train::prelude::*;

/// Images `[N, 1, 32, 32]` to logits `[N, 10]`.
///
/// # Errors
/// If memory does not suffice.
pub fn model(rng: &Rng) -> nn::Result<Sequential> {
    Ok(sequential![
        Conv2d::new(1, 6, 5, rng)?,
        Tanh,
        AvgPool2d::new(2),
        Conv2d::new(6, 16, 5, rng)?,
        Tanh,
        AvgPool2d::new(2),
        Conv2d::new(16, 120, 5, rng)?,
        Tanh,
        Flatten::new(),
        Linear::new(120, 84, rng)?,
        Tanh,
        Linear::new(84, 10, rng)?,
    ])
}
