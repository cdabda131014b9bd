//! State dictionaries: out, in, and refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may unwrap")]

use autograd::tensor_core::{Rng, io::safetensors};
use autograd::{DType, Tensor};
use nn::prelude::*;
use nn::{Error, StateDict};

fn model(seed: u64) -> Sequential {
    let rng = Rng::seed(seed);
    sequential![Linear::new(3, 4, &rng).unwrap(), ReLU, Linear::new(4, 2, &rng).unwrap()]
}

fn bytes(state: &StateDict) -> Vec<(String, Vec<u8>)> {
    state.iter().map(|(name, tensor)| (name.clone(), tensor.to_le_bytes().unwrap())).collect()
}

#[test]
fn a_state_goes_through_safetensors_into_another_model() {
    let (from, to) = (model(0), model(1));
    let file = safetensors::to_bytes(&from.state_dict(), &Default::default()).unwrap();
    let read = safetensors::from_bytes(&file).unwrap().tensors;
    let keys = to.load_state_dict(&read, true).unwrap();
    assert!(keys.missing_keys.is_empty() && keys.unexpected_keys.is_empty());
    assert_eq!(bytes(&from.state_dict()), bytes(&to.state_dict()));
}

#[test]
fn a_state_is_a_snapshot() {
    let model = model(0);
    let state = model.state_dict();
    let before = bytes(&state);
    model.parameters()[0].update(|value| *value = value.zeros_like().unwrap());
    assert_eq!(bytes(&state), before);
    assert_ne!(bytes(&model.state_dict()), before);
}

#[test]
fn a_refused_state_lists_all_three_parts_and_changes_nothing() {
    let model = model(0);
    let before = bytes(&model.state_dict());
    let mut state = self::model(1).state_dict();
    state.remove("0.bias");
    state.insert("3.weight".to_string(), Tensor::zeros([1], DType::F32).unwrap());
    state.insert("2.weight".to_string(), Tensor::zeros([9, 4], DType::F32).unwrap());
    let error = model.load_state_dict(&state, true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Error(s) in loading state_dict for Sequential:\n\
         \tMissing key(s) in state_dict: \"0.bias\".\n\
         \tUnexpected key(s) in state_dict: \"3.weight\".\n\
         \tsize mismatch for 2.weight: copying a param with shape [9, 4] from checkpoint, the shape in current \
         model is [2, 4]."
    );
    assert_eq!(bytes(&model.state_dict()), before);

    // A size mismatch is an error without strict too.
    let Error::StateDict(error) = model.load_state_dict(&state, false).unwrap_err() else { panic!() };
    assert_eq!(
        (error.missing_keys.len(), error.unexpected_keys.len(), error.size_mismatches.len()),
        (0, 0, 1)
    );
    assert_eq!(bytes(&model.state_dict()), before);
}

#[test]
fn a_lenient_load_takes_what_fits_and_returns_the_rest() {
    let model = model(0);
    let mut state = self::model(1).state_dict();
    let moved = state.remove("0.bias").unwrap();
    state.insert("first.bias".to_string(), moved);
    let keys = model.load_state_dict(&state, false).unwrap();
    assert_eq!(keys.missing_keys, ["0.bias"]);
    assert_eq!(keys.unexpected_keys, ["first.bias"]);
    assert_eq!(
        model.state_dict()["2.weight"].to_vec::<f32>().unwrap(),
        self::model(1).state_dict()["2.weight"].to_vec::<f32>().unwrap()
    );
}

#[test]
fn loading_converts_to_the_modules_dtype() {
    let rng = Rng::seed(0);
    let double = Linear::options(3, 4).dtype(DType::F64).build(&rng).unwrap();
    let single = Linear::new(3, 4, &rng).unwrap();
    single.load_state_dict(&double.state_dict(), true).unwrap();
    let converted = double.weight.value().to_dtype(DType::F32).unwrap();
    assert_eq!(single.weight.value().to_vec::<f32>(), converted.to_vec::<f32>());
}
