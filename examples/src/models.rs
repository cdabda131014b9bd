//! The models that the examples train.

mod gpt;

pub use gpt::{Gpt, GptSize};

use train::nn::{self, Result};
use train::prelude::{Conv2d, Flatten, Linear, MaxPool2d, ReLU, Rng, Sequential, Tanh, sequential};

/// A small convolutional network for the 8×8 digits: images `[N, 1, 8, 8]` to logits `[N, 10]`.
///
/// # Errors
/// If memory does not suffice; so for all models.
pub fn digits_cnn(rng: &Rng) -> Result<Sequential> {
    Ok(sequential![
        Conv2d::options(1, 16, 3).padding(1).build(rng)?,
        ReLU,
        MaxPool2d::new(2),
        Conv2d::options(16, 32, 3).padding(1).build(rng)?,
        ReLU,
        MaxPool2d::new(2),
        Flatten::new(),
        nn::Dropout::new(0.25, rng)?,
        Linear::new(32 * 2 * 2, 10, rng)?,
    ])
}

/// A multilayer perceptron for Fashion-MNIST: images `[N, 1, 28, 28]` to logits `[N, 10]`.
pub fn fashion_mlp(rng: &Rng) -> Result<Sequential> {
    Ok(sequential![
        Flatten::new(),
        Linear::new(28 * 28, 256, rng)?,
        ReLU,
        Linear::new(256, 128, rng)?,
        ReLU,
        Linear::new(128, 10, rng)?,
    ])
}

/// A convolutional network for Fashion-MNIST: images `[N, 1, 28, 28]` to logits `[N, 10]`.
pub fn fashion_cnn(rng: &Rng) -> Result<Sequential> {
    Ok(sequential![
        Conv2d::options(1, 32, 3).padding(1).build(rng)?,
        ReLU,
        MaxPool2d::new(2),
        Conv2d::options(32, 64, 3).padding(1).build(rng)?,
        ReLU,
        MaxPool2d::new(2),
        Flatten::new(),
        Linear::new(64 * 7 * 7, 128, rng)?,
        ReLU,
        Linear::new(128, 10, rng)?,
    ])
}

/// A physics-informed network: points (x, t) `[N, 2]` to u `[N, 1]`. Its activations have derivatives of every order.
pub fn pinn(width: usize, rng: &Rng) -> Result<Sequential> {
    Ok(sequential![
        Linear::new(2, width, rng)?,
        Tanh,
        Linear::new(width, width, rng)?,
        Tanh,
        Linear::new(width, width, rng)?,
        Tanh,
        Linear::new(width, 1, rng)?,
    ])
}
