//! Models in files.

use crate::Result;
use nn::Module;
use std::collections::BTreeMap;
use std::path::Path;
use tensor_core::io::safetensors;

/// Writes the parameters and buffers of a model as safetensors, under PyTorch's names: `safetensors.torch.load_file`
/// and [`load_model`] read them. A failure leaves what `path` held before.
///
/// ```
/// use train::prelude::*;
///
/// let path = std::env::temp_dir().join("train_save_model.safetensors");
/// let trained = Linear::new(4, 2, &Rng::seed(0))?;
/// train::save_model(&trained, &path)?;
///
/// let other = Linear::new(4, 2, &Rng::seed(1))?;
/// train::load_model(&other, &path)?;
/// assert_eq!(other.weight.value().to_vec::<f32>()?, trained.weight.value().to_vec::<f32>()?);
/// # std::fs::remove_file(path).ok();
/// # Ok::<(), train::Error>(())
/// ```
///
/// # Errors
/// If the file cannot be written.
pub fn save_model(model: &(impl Module + ?Sized), path: impl AsRef<Path>) -> Result<()> {
    // PyTorch's own writers set this, and some readers ask for it.
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    Ok(safetensors::write(path, &model.state_dict(), &metadata)?)
}

/// Takes a model's parameters and buffers from a safetensors file.
///
/// # Errors
/// If the file cannot be read or is malformed, or if names or shapes differ from the model's, which is then unchanged.
pub fn load_model(model: &(impl Module + ?Sized), path: impl AsRef<Path>) -> Result<()> {
    model.load_state_dict(&safetensors::read(path)?.tensors, true)?;
    Ok(())
}
