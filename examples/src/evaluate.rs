//! How good a classifier is.

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
