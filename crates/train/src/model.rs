//! Models in files, and in evaluation.

use crate::{Error, Result};
use nn::{Module, Part, Walk};
use std::collections::BTreeMap;
use std::path::Path;
use tensor_core::io::{OptionValue, pt, safetensors};

/// Writes the parameters and buffers of a model under PyTorch's names: as PyTorch's own format if `path` ends in `.pt` or
/// `.pth` (`torch.load` reads it), else as safetensors (`safetensors.torch.load_file`). A failure leaves what `path` held
/// before.
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
    if is_pt(path.as_ref()) {
        return Ok(pt::write(path, &model.state_dict().to_value())?);
    }
    // PyTorch's own writers set this, and some readers ask for it.
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    Ok(safetensors::write(path, &model.state_dict(), &metadata)?)
}

/// Takes a model's parameters and buffers from a file that [`save_model`] or PyTorch wrote: a state dict by
/// `torch.save` if `path` ends in `.pt` or `.pth`, else safetensors.
///
/// # Errors
/// If the file cannot be read, is malformed or holds more than a state dict ([`pt::read`] reads whole checkpoints), or
/// if names or shapes differ from the model's, which is then unchanged.
pub fn load_model(model: &(impl Module + ?Sized), path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let state = if is_pt(path) {
        let value = pt::read(path)?;
        value.get().ok_or_else(|| Error::Argument {
            op: "load_model",
            argument: "the file's value",
            value: value.kind(),
            expected: "tensors by name, with nothing else".to_string(),
        })?
    } else {
        safetensors::read(path)?.tensors
    };
    model.load_state_dict(&state, true)?;
    Ok(())
}

fn is_pt(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pt" || extension == "pth")
}

/// Runs `body` with the model in evaluation and without recording gradients, and puts each layer's switch back as it
/// was, also if `body` panics.
///
/// ```
/// use train::prelude::*;
///
/// let rng = Rng::seed(0);
/// let model = sequential![Linear::new(2, 2, &rng)?, train::nn::Dropout::new(0.5, &rng)?];
/// let x = Tensor::ones([1, 2], DType::F32)?;
/// let y = train::evaluating(&model, || model.forward(&x.into()))?;
/// assert!(model.is_training());
/// # Ok::<(), train::Error>(())
/// ```
pub fn evaluating<R>(model: &(impl Module + ?Sized), body: impl FnOnce() -> R) -> R {
    let _restore = Switches::of(model);
    model.eval();
    autograd::no_grad(body)
}

/// The training switches of a model, which are put back when this is dropped.
pub(crate) struct Switches<'a, M: Module + ?Sized> {
    model: &'a M,
    /// In the order of the walk.
    were: Vec<bool>,
}

impl<'a, M: Module + ?Sized> Switches<'a, M> {
    pub fn of(model: &'a M) -> Self {
        let mut were = Vec::new();
        model.visit(&mut Walk::new(&mut |_, part| {
            if let Part::Training(switch) = part {
                were.push(switch.get());
            }
        }));
        Self { model, were }
    }
}

impl<M: Module + ?Sized> Drop for Switches<'_, M> {
    fn drop(&mut self) {
        let mut were = self.were.drain(..);
        self.model.visit(&mut Walk::new(&mut |_, part| {
            if let Part::Training(switch) = part {
                switch.set(were.next().unwrap_or(true));
            }
        }));
    }
}
