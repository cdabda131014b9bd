//! `mlp`: 784-256-128-10 with ReLU, cross-entropy, Adam with lr 1e-3.

use super::step;
use crate::measure::{Settings, Unit};
use examples::models::fashion_mlp;
use train::prelude::{Adam, Layer, Linear, Module, ReLU, Sequential, sequential};
use train::{DType, Result, Rng, Var};

pub fn run(settings: &Settings, batch: usize) -> Result<()> {
    let model = fashion_mlp(&Rng::seed(0))?;
    settings.train("mlp", batch, Unit::Rate(batch as f64, "samples/s"), training(&model, batch)?)
}

/// 784-w-w-10 with ReLU.
pub fn two_hidden(width: usize) -> Result<Sequential> {
    let rng = Rng::seed(0);
    let first = sequential![Linear::new(784, width, &rng)?, ReLU, Linear::new(width, width, &rng)?, ReLU];
    Ok(sequential![first, Linear::new(width, 10, &rng)?])
}

/// A training step of a model, over and over.
pub fn training(model: &Sequential, batch: usize) -> Result<impl FnMut() -> Result<f32>> {
    let rng = Rng::seed(0);
    let mut opt = Adam::new(model.parameters(), 1e-3)?;
    let (x, target) = (Var::from(rng.randn([batch, 784], DType::F32)?), rng.randint(0, 10, [batch])?);
    Ok(move || step(&mut opt, || Ok(model.forward(&x)?.cross_entropy(&target)?)))
}
