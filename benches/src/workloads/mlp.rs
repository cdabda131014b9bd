//! `mlp`: 784-256-128-10 with ReLU, cross-entropy, Adam with lr 1e-3.

use super::step;
use crate::measure::{Settings, Unit};
use examples::models::fashion_mlp;
use train::prelude::{Adam, Layer, Module};
use train::{DType, Result, Rng, Var};

pub fn run(settings: &Settings, batch: usize) -> Result<()> {
    let rng = Rng::seed(0);
    let model = fashion_mlp(&rng)?;
    let mut opt = Adam::new(model.parameters(), 1e-3)?;
    let (x, target) = (Var::from(rng.randn([batch, 784], DType::F32)?), rng.randint(0, 10, [batch])?);
    settings.train("mlp", batch, Unit::Rate(batch as f64, "samples/s"), || {
        step(&mut opt, || Ok(model.forward(&x)?.cross_entropy(&target)?))
    })
}
