//! A recurrent language model.

use train::nn::{self, Result};
use train::prelude::{Embedding, LSTM, Layer, Linear, Module, Rng, Var};

/// Characters one after the other through an LSTM, which keeps what it has seen in its state (h, c).
#[derive(Module)]
pub struct CharLstm {
    characters: Embedding,
    lstm: LSTM,
    head: Linear,
}

impl CharLstm {
    /// `layers` layers of `hidden` units, on characters as `features` numbers each.
    pub fn new(vocabulary: usize, features: usize, hidden: usize, layers: usize, rng: &Rng) -> Result<Self> {
        Ok(Self {
            characters: Embedding::new(vocabulary, features, rng)?,
            lstm: LSTM::options(features, hidden).num_layers(layers).batch_first(true).build(rng)?,
            head: Linear::new(hidden, vocabulary, rng)?,
        })
    }

    /// Characters `[N, T]` to logits `[N, T, vocabulary]`, and the state behind the last; `state` is that before the
    /// first, zeros if not given.
    pub fn forward(&self, x: &Var, state: Option<(&Var, &Var)>) -> Result<(Var, (Var, Var))> {
        let (y, state) = self.lstm.forward(&self.characters.forward(x)?, state)?;
        Ok((self.head.forward(&y)?, state))
    }
}
