//! `lstm`: a character model with two layers of 128 units over 64 steps, batch 32; Adam with lr 1e-3.

use super::step;
use crate::measure::{Settings, Unit};
use examples::models::CharLstm;
use train::prelude::{Adam, Module};
use train::{Result, Rng, Var};

const VOCABULARY: usize = 65;
const HIDDEN: usize = 128;
const LAYERS: usize = 2;
const LENGTH: usize = 64;
const BATCH: usize = 32;

pub fn run(settings: &Settings) -> Result<()> {
    let rng = Rng::seed(0);
    let model = CharLstm::new(VOCABULARY, HIDDEN, HIDDEN, LAYERS, &rng)?;
    let mut opt = Adam::new(model.parameters(), 1e-3)?;
    let characters = || rng.randint(0, VOCABULARY as i64, [BATCH, LENGTH]);
    let (x, target) = (Var::from(characters()?), characters()?.flatten(0, -1)?);
    settings.train("lstm", BATCH, Unit::Rate((BATCH * LENGTH) as f64, "tokens/s"), || {
        step(&mut opt, || Ok(model.forward(&x, None)?.0.flatten(0, 1)?.cross_entropy(&target)?))
    })
}
