//! A language model of characters by an LSTM.

use train::nn;
use train::prelude::*;

/// Characters `[N, T]` (i64) to logits `[N, T, vocabulary]`.
#[derive(Module)]
pub struct CharLstm {
    characters: Embedding,
    lstm: LSTM,
    head: Linear,
}

impl CharLstm {
    /// Two layers of `width` units.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(vocabulary: usize, width: usize, rng: &Rng) -> nn::Result<Self> {
        Ok(Self {
            characters: Embedding::new(vocabulary, width, rng)?,
            lstm: LSTM::options(width, width).num_layers(2).batch_first(true).build(rng)?,
            head: Linear::new(width, vocabulary, rng)?,
        })
    }
}

impl Layer for CharLstm {
    fn compute(&self, x: &Var) -> nn::Result<Var> {
        let (hidden, _) = self.lstm.forward(&self.characters.forward(x)?, None)?;
        self.head.forward(&hidden)
    }
}
