//! An autoencoder of the digits.

use train::nn::{self, Result};
use train::prelude::{Flatten, Layer, Linear, Module, ReLU, Rng, Sequential, Sigmoid, Var, sequential};

/// Pixels of an 8×8 digit.
const PIXELS: usize = 64;

/// Images `[N, 1, 8, 8]` to a short code `[N, code]`, and back: `forward` gives the images as the code tells them.
#[derive(Module)]
pub struct Autoencoder {
    encoder: Sequential,
    decoder: Sequential,
}

impl Autoencoder {
    /// With `code` numbers an image.
    pub fn new(code: usize, width: usize, rng: &Rng) -> Result<Self> {
        Ok(Self {
            encoder: sequential![
                Flatten::new(),
                Linear::new(PIXELS, width, rng)?,
                ReLU,
                Linear::new(width, code, rng)?,
            ],
            decoder: sequential![
                Linear::new(code, width, rng)?,
                ReLU,
                Linear::new(width, PIXELS, rng)?,
                Sigmoid
            ],
        })
    }
}

impl Layer for Autoencoder {
    fn compute(&self, images: &Var) -> Result<Var> {
        Ok(self.decoder.forward(&self.encoder.forward(images)?)?.view_as(images.shape())?)
    }
}
