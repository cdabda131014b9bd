//! How good a model is.

use train::prelude::*;

/// The share of a data set that the model, switched to evaluation meanwhile, puts into the right class.
///
/// # Errors
/// If the model refuses the data.
pub fn accuracy(model: &dyn Layer, dataset: &impl Dataset<Sample = (Tensor, Tensor)>) -> Result<Accuracy> {
    let mut accuracy = Accuracy::default();
    model.eval();
    no_grad(|| {
        for batch in DataLoader::new(dataset, 500)?.epoch(0) {
            let (images, classes) = batch?;
            accuracy.add(&model.forward(&images.into())?.detach(), &classes)?;
        }
        Ok::<(), Error>(())
    })?;
    model.train();
    Ok(accuracy)
}

/// A mean over the last steps, so that what a progress bar shows does not jump.
#[derive(Debug, Default)]
pub struct Recent(Option<f64>);

impl Recent {
    /// The mean with a further value, which counts a twentieth.
    pub fn add(&mut self, value: f32) -> f64 {
        let value = f64::from(value);
        *self.0.insert(self.0.map_or(value, |mean| 0.95 * mean + 0.05 * value))
    }
}
