//! `tiny`: 2-16-16-1 with tanh on a batch of 4; mean squared error, SGD: what a step costs beside its arithmetic.

use super::step;
use crate::measure::{Settings, Unit};
use train::prelude::{Layer, Linear, Module, SGD, Tanh, sequential};
use train::{DType, Result, Rng, Var};

const BATCH: usize = 4;

pub fn run(settings: &Settings) -> Result<()> {
    let rng = Rng::seed(0);
    let model = sequential![
        Linear::new(2, 16, &rng)?,
        Tanh,
        Linear::new(16, 16, &rng)?,
        Tanh,
        Linear::new(16, 1, &rng)?
    ];
    let mut opt = SGD::new(model.parameters(), 1e-2)?;
    let (x, target) = (Var::from(rng.randn([BATCH, 2], DType::F32)?), rng.randn([BATCH, 1], DType::F32)?);
    settings.train("tiny", BATCH, Unit::Rate(1.0, "steps/s"), || {
        step(&mut opt, || Ok(model.forward(&x)?.mse_loss(target.clone(), Default::default())?))
    })
}
