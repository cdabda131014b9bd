//! `cnn`: convolutions 1→32 and 32→64 (3×3, padding 1), each with ReLU and max-pool 2, then 3136-128-10; cross-entropy,
//! SGD with lr 0.01 and momentum 0.9.

use super::step;
use crate::measure::{Settings, Unit};
use examples::models::fashion_cnn;
use train::prelude::{Layer, Module, SGD, SGDOptions};
use train::{DType, Result, Rng, Var};

const BATCH: usize = 64;

pub fn run(settings: &Settings) -> Result<()> {
    let rng = Rng::seed(0);
    let model = fashion_cnn(&rng)?;
    let mut opt = SGD::new(model.parameters(), SGDOptions { momentum: 0.9, ..0.01.into() })?;
    let (x, target) = (Var::from(rng.randn([BATCH, 1, 28, 28], DType::F32)?), rng.randint(0, 10, [BATCH])?);
    settings.train("cnn", BATCH, Unit::Rate(BATCH as f64, "samples/s"), || {
        step(&mut opt, || Ok(model.forward(&x)?.cross_entropy(&target)?))
    })
}
