//! `gpt` and `gptbig`: character models (pre-norm, erf GELU, causal attention) over 65 characters; AdamW with lr 1e-3,
//! weight decay 0.1, betas 0.9 and 0.95.

use super::step;
use crate::measure::{Settings, Unit};
pub use examples::models::GptSize;

use examples::models::Gpt;
use train::prelude::{AdamW, AdamWOptions, Layer, Module};
use train::{Result, Rng, Var};

const VOCABULARY: usize = 65;

/// 4 layers, 4 heads, width 128.
pub fn small_size(block: usize) -> GptSize {
    GptSize { vocabulary: VOCABULARY, context: block, width: 128, heads: 4, blocks: 4 }
}

/// Block 64, batch 12.
pub fn small(settings: &Settings) -> Result<()> {
    run(settings, "gpt", small_size(64), 12)
}

/// 6 layers, 6 heads, width 384, block 256, batch 4.
pub fn big(settings: &Settings) -> Result<()> {
    let size = GptSize { vocabulary: VOCABULARY, context: 256, width: 384, heads: 6, blocks: 6 };
    run(settings, "gptbig", size, 4)
}

fn run(settings: &Settings, name: &str, size: GptSize, batch: usize) -> Result<()> {
    let tokens = batch * size.context;
    settings.train(name, batch, Unit::Rate(tokens as f64, "tokens/s"), training(size, batch)?)
}

/// A training step, over and over.
pub fn training(size: GptSize, batch: usize) -> Result<impl FnMut() -> Result<f32>> {
    let rng = Rng::seed(0);
    let model = Gpt::new(size, &rng)?;
    let options = AdamWOptions { weight_decay: 0.1, betas: (0.9, 0.95), ..1e-3.into() };
    let mut opt = AdamW::new(model.parameters(), options)?;
    let characters = || rng.randint(0, VOCABULARY as i64, [batch, size.context]);
    let (x, target) = (Var::from(characters()?), characters()?.flatten(0, -1)?);
    Ok(move || step(&mut opt, || Ok(model.forward(&x)?.flatten(0, 1)?.cross_entropy(&target)?)))
}
