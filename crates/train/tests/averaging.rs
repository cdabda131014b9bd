//! Averages of weights and buffers, and running statistics estimated anew, against PyTorch's recorded values.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use train::nn::BatchNorm1d;
use train::optim::{Average, AveragedModel};
use train::prelude::*;
use train::{averaged_model, update_bn};

fn record() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/averaging/runs.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn model() -> Sequential {
    sequential![
        Linear::new(3, 4, &Rng::seed(0)).unwrap(),
        BatchNorm1d::options(4).momentum(Some(0.3)).build().unwrap(),
        ReLU,
        BatchNorm1d::options(4).momentum(None).build().unwrap(),
    ]
}

fn check(state: &BTreeMap<String, Tensor>, expected: &Value) {
    assert_eq!(state.len(), expected.as_object().unwrap().len());
    for (name, value) in state {
        let value = value.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
        let expected: Vec<f64> = serde_json::from_value(expected[name].clone()).unwrap();
        assert_eq!(value.len(), expected.len(), "{name}");
        for (x, y) in value.iter().zip(&expected) {
            assert!((x - y).abs() <= 1e-5 + 1.3e-6 * y.abs(), "{name}: {x}, recorded {y}");
        }
    }
}

/// The momentum and the switch of each batch norm.
fn settings(model: &Sequential) -> Vec<(Option<f64>, bool)> {
    let mut settings = Vec::new();
    model.apply(&mut |_, module| {
        if let Some(norm) = (module as &dyn std::any::Any).downcast_ref::<BatchNorm1d>() {
            settings.push((norm.momentum(), norm.is_training()));
        }
    });
    settings
}

fn batches() -> Vec<Result<Tensor>> {
    let rng = Rng::seed(1);
    [16, 16, 8].map(|n| Ok(rng.randn([n, 3], DType::F32)?)).into()
}

#[test]
fn update_bn_gives_pytorchs_statistics_and_leaves_the_settings() {
    let model = model();
    model.set_training(false);
    let first = batches().remove(0).unwrap();
    model.train();
    model.forward(&first.into()).unwrap();
    // The last layer alone in evaluation: update_bn counts it in, and puts it back.
    model.apply(&mut |path, module| {
        if path == "3" {
            module.eval();
        }
    });
    let before = settings(&model);
    assert_eq!(before, [(Some(0.3), true), (None, false)]);
    update_bn(&model, batches(), |x| model.forward(&x.into())).unwrap();
    check(&model.state_dict(), &record()["update_bn"]);
    assert_eq!(settings(&model), before);
}

#[test]
fn settings_come_back_after_an_error_and_after_a_panic() {
    let model = model();
    model.eval();
    let before = settings(&model);
    let wrong = Tensor::zeros([2, 5], DType::F32);
    assert!(update_bn(&model, [wrong.map_err(Error::from)], |x| model.forward(&x.into())).is_err());
    assert_eq!(settings(&model), before);
    let thrown = catch_unwind(AssertUnwindSafe(|| {
        update_bn(&model, batches(), |_| -> Result<()> { panic!("in forward") }).unwrap();
    }));
    assert!(thrown.is_err());
    assert_eq!(settings(&model), before);
}

#[test]
fn a_model_without_batch_norm_sees_no_batch() {
    let model = Linear::new(3, 4, &Rng::seed(0)).unwrap();
    update_bn(&model, batches(), |_| -> Result<()> { panic!("no batch is needed") }).unwrap();
}

fn averaged(average: Average) -> (Sequential, AveragedModel) {
    let (model, rng) = (model(), Rng::seed(1));
    let mut averaged = averaged_model(&model, average, true).unwrap();
    for factor in [1.0, 1.5, -0.5, 0.25] {
        model.forward(&rng.randn([16, 3], DType::F32).unwrap().into()).unwrap();
        for parameter in model.parameters() {
            parameter.set_value(parameter.value().mul_scalar(factor).unwrap()).unwrap();
        }
        averaged.update_parameters().unwrap();
    }
    (model, averaged)
}

#[test]
fn averages_of_weights_and_buffers_are_pytorchs() {
    for (average, key) in [(Average::Swa, "swa"), (Average::Ema { decay: 0.9 }, "ema")] {
        let (model, averaged) = averaged(average);
        let before = model.state_dict();
        let state = averaged.with_averages(|| model.state_dict()).unwrap();
        check(&state, &record()[key]);
        for (name, value) in model.state_dict() {
            let bytes = |tensor: &Tensor| tensor.to_le_bytes().unwrap();
            assert_eq!(bytes(&value), bytes(&before[&name]), "{name} is the model's own again");
        }
        // What is saved comes back, buffers too.
        let mut other = averaged_model(&model, average, true).unwrap();
        other.load_state_dict(&averaged.state_dict()).unwrap();
        assert_eq!(other.state_dict(), averaged.state_dict());
        assert!(
            other.load_state_dict(&averaged_model(&model, average, false).unwrap().state_dict()).is_err()
        );
    }
}
