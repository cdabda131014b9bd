//! Small models of many kinds, each trained by the example of its name.

pub mod autoencoder;
pub mod gan;
pub mod lenet;
pub mod lstm;
pub mod reinforce;
pub mod resnet;

use train::data::TensorDataset;
use train::prelude::*;

/// Trains a classifier of images on a data set; a line for each pass.
///
/// # Errors
/// If a sample cannot be read or does not fit the model.
pub fn fit_classifier(
    model: &dyn Layer,
    training: Subset<TensorDataset>,
    (epochs, lr): (usize, f64),
    rng: &Rng,
) -> Result<()> {
    let loader = DataLoader::new(training, 32)?.shuffle(rng);
    let mut opt = Adam::new(model.parameters(), lr)?;
    for epoch in 0..epochs {
        let mut progress = Progress::epoch(epoch, epochs, loader.len());
        let (mut mean_loss, mut accuracy) = (Mean::default(), Accuracy::default());
        for batch in loader.epoch(epoch) {
            let (images, classes) = batch?;
            let output = model.forward(&images.into())?;
            let loss = output.cross_entropy(&classes)?;
            opt.zero_grad();
            loss.backward()?;
            opt.step()?;
            mean_loss.add(loss.detach().item::<f32>()?, classes.numel());
            accuracy.add(&output.detach(), &classes)?;
            progress.step(classes.numel(), &[("loss", mean_loss.value()), ("accuracy %", accuracy.value())]);
        }
        progress.finish();
    }
    Ok(())
}

/// Each pixel of images `[N, C, H, W]` as a square of `times` by `times`.
///
/// # Errors
/// If memory does not suffice.
pub fn enlarge(images: &Tensor, times: usize) -> Result<Tensor> {
    let [n, c, h, w] = [0, 1, 2, 3].map(|dim| images.shape()[dim]);
    let pixels = images.reshape([n, c, h, 1, w, 1].map(|size| size as isize))?;
    let squares = pixels.expand([n, c, h, times, w, times].map(|size| size as isize))?;
    Ok(squares.reshape([n, c, h * times, w * times].map(|size| size as isize))?)
}
