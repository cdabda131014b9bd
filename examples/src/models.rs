//! The models that the examples train.

mod actor_critic;
mod autoencoder;
mod gpt;
mod lstm;
mod resnet;

pub use actor_critic::ActorCritic;
pub use autoencoder::Autoencoder;
pub use gpt::{Gpt, GptSize};
pub use lstm::CharLstm;
pub use resnet::ResNet18;

use train::nn::{self, Result};
use train::prelude::{
    AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Rng, Sequential, Tanh, sequential,
};

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

/// LeNet-5 (LeCun et al., 1998) as it is usually built today, with plain averages and a linear output: images
/// `[N, 1, 28, 28]` to logits `[N, 10]`.
pub fn lenet5(rng: &Rng) -> Result<Sequential> {
    Ok(sequential![
        Conv2d::options(1, 6, 5).padding(2).build(rng)?,
        Tanh,
        AvgPool2d::new(2),
        Conv2d::new(6, 16, 5, rng)?,
        Tanh,
        AvgPool2d::new(2),
        Flatten::new(),
        Linear::new(16 * 5 * 5, 120, rng)?,
        Tanh,
        Linear::new(120, 84, rng)?,
        Tanh,
        Linear::new(84, 10, rng)?,
    ])
}

/// A perceptron of two hidden layers on points `[N, from]`, to `[N, to]`: generator and critic of points of the plane.
pub fn points(from: usize, width: usize, to: usize, rng: &Rng) -> Result<Sequential> {
    Ok(sequential![
        Linear::new(from, width, rng)?,
        ReLU,
        Linear::new(width, width, rng)?,
        ReLU,
        Linear::new(width, to, rng)?,
    ])
}
