//! An autoencoder: images through a few numbers and back.

use train::nn;
use train::prelude::*;

/// Images `[N, 1, 8, 8]` to logits of their 64 pixels, `[N, 64]`.
#[derive(Module)]
pub struct Autoencoder {
    /// Images to codes `[N, code]`.
    pub encoder: Sequential,
    /// Codes to logits of pixels.
    pub decoder: Sequential,
}

impl Autoencoder {
    /// Through `code` numbers.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(code: usize, rng: &Rng) -> nn::Result<Self> {
        let encoder =
            sequential![Flatten::new(), Linear::new(64, 64, rng)?, ReLU, Linear::new(64, code, rng)?];
        let decoder = sequential![Linear::new(code, 64, rng)?, ReLU, Linear::new(64, 64, rng)?];
        Ok(Self { encoder, decoder })
    }
}

impl Layer for Autoencoder {
    fn compute(&self, x: &Var) -> nn::Result<Var> {
        self.decoder.forward(&self.encoder.forward(x)?)
    }
}

/// One step on images of 0 … 1; the mean squared error of the pixels.
///
/// # Errors
/// If the images have another shape.
pub fn step(model: &Autoencoder, opt: &mut Adam, images: &Tensor) -> Result<f32> {
    let pixels = images.flatten(1, -1)?;
    let output = model.forward(&images.into())?;
    let loss = BCEWithLogitsLoss::new().forward(&output, &pixels)?;
    opt.zero_grad();
    loss.backward()?;
    opt.step()?;
    let error = output.detach().sigmoid()?.sub(&pixels)?;
    Ok(error.mul(&error)?.mean()?.item()?)
}
