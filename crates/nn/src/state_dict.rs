//! The state of a module as named tensors, out and in.

use crate::error::StateDictError;
use crate::{Buffer, Error, Part, Result, Walk};
use autograd::{DType, Parameter, Shape, Tensor};
use std::collections::{BTreeMap, BTreeSet};

/// Tensors by PyTorch's names: `encoder.layers.1.fc.weight`. What
/// [`safetensors`](autograd::tensor_core::io::safetensors) reads and writes.
pub type StateDict = BTreeMap<String, Tensor>;

/// The names that a lenient [`load_state_dict`](crate::Module::load_state_dict) passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncompatibleKeys {
    /// Names that the module has and the state has not.
    pub missing_keys: Vec<String>,
    /// Names that the state has and the module has not.
    pub unexpected_keys: Vec<String>,
}

/// One saved part of a module.
enum Slot {
    Parameter(Parameter),
    Buffer(Buffer),
}

impl Slot {
    fn of(part: Part<'_>) -> Option<Self> {
        match part {
            Part::Parameter(parameter) => Some(Slot::Parameter(parameter.clone())),
            Part::Buffer(buffer) if buffer.is_persistent() => Some(Slot::Buffer(buffer.clone())),
            _ => None,
        }
    }

    fn value(&self) -> Tensor {
        match self {
            Slot::Parameter(parameter) => parameter.value(),
            Slot::Buffer(buffer) => buffer.value(),
        }
    }

    fn set_value(&self, value: Tensor) -> Result<()> {
        match self {
            Slot::Parameter(parameter) => Ok(parameter.set_value(value)?),
            Slot::Buffer(buffer) => buffer.set_value(value),
        }
    }
}

fn slots(visit: impl FnOnce(&mut Walk<'_>)) -> Vec<(String, Slot)> {
    let mut slots = Vec::new();
    visit(&mut Walk::new(&mut |path, part| {
        slots.extend(Slot::of(part).map(|slot| (path.to_string(), slot)))
    }));
    slots
}

pub(crate) fn collect(visit: impl FnOnce(&mut Walk<'_>)) -> StateDict {
    slots(visit).into_iter().map(|(name, slot)| (name, slot.value())).collect()
}

pub(crate) fn load(
    module: &'static str,
    visit: impl FnOnce(&mut Walk<'_>),
    state: &StateDict,
    strict: bool,
) -> Result<IncompatibleKeys> {
    let slots = slots(visit);
    let (mut keys, mut size_mismatches, mut values) = (IncompatibleKeys::default(), Vec::new(), Vec::new());
    for (name, slot) in &slots {
        let held = slot.value();
        match state.get(name) {
            None => keys.missing_keys.push(name.clone()),
            Some(value) if value.shape() != held.shape() => {
                size_mismatches.push((name.clone(), value.shape().clone(), held.shape().clone()));
            }
            Some(value) => values.push((slot, own(value, held.dtype())?)),
        }
    }
    let known: BTreeSet<&String> = slots.iter().map(|(name, _)| name).collect();
    keys.unexpected_keys = state.keys().filter(|name| !known.contains(name)).cloned().collect();
    if !size_mismatches.is_empty() || strict && keys != IncompatibleKeys::default() {
        // Without strict, names on one side only are no error, and so are not reported as one.
        let IncompatibleKeys { missing_keys, unexpected_keys } =
            if strict { keys } else { IncompatibleKeys::default() };
        let error = StateDictError { module, missing_keys, unexpected_keys, size_mismatches };
        return Err(Error::StateDict(Box::new(error)));
    }
    // All that can fail has been done: from here on the module changes.
    values.into_iter().try_for_each(|(slot, value)| slot.set_value(value))?;
    Ok(keys)
}

/// The value as a module holds it: row-major, so that it keeps no larger tensor alive, in the module's dtype.
fn own(value: &Tensor, dtype: DType) -> Result<Tensor> {
    let converted = value.to_dtype(dtype).and_then(|value| value.contiguous());
    converted.map_err(|error| Error::Autograd(error.into()))
}

/// A shape in a state and the shape in the module.
pub(crate) type SizeMismatch = (String, Shape, Shape);
