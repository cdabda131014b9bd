//! Modules against PyTorch's recorded outputs and gradients: `fixtures/modules`.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use autograd::tensor_core::{Rng, io::safetensors};
use autograd::{Approximate, DType, Reduction, Tensor, Var};
use nn::StateDict;
use nn::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

struct Fixture {
    cases: Vec<Value>,
    tensors: BTreeMap<String, Tensor>,
}

impl Fixture {
    fn open(name: &str) -> Self {
        let base = format!("{}/../../fixtures/modules/{name}", env!("CARGO_MANIFEST_DIR"));
        let cases = serde_json::from_slice(&std::fs::read(format!("{base}.json")).unwrap()).unwrap();
        Self { cases, tensors: safetensors::read(format!("{base}.safetensors")).unwrap().tensors }
    }

    fn tensor(&self, key: &Value) -> Tensor {
        self.tensors[key.as_str().unwrap()].clone()
    }

    /// The named tensors of one part of a case.
    fn part(&self, case: &Value, part: &str) -> StateDict {
        let Some(named) = case[part].as_object() else { return StateDict::new() };
        named.iter().map(|(name, key)| (name.clone(), self.tensor(key))).collect()
    }
}

fn assert_close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    assert_eq!(found.dtype(), expected.dtype(), "{what}");
    let to_f64 = |x: &Tensor| x.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
    for (found, expected) in to_f64(found).into_iter().zip(to_f64(expected)) {
        let same = found == expected || found.is_nan() && expected.is_nan();
        assert!(
            same || (found - expected).abs() <= 1e-7 * (1.0 + expected.abs()),
            "{what}: {found}, {expected}"
        );
    }
}

fn leaf(value: Tensor) -> Var {
    if value.dtype().is_float() { Var::leaf(value).unwrap() } else { value.into() }
}

/// Runs one case of a module or loss: loads its state, calls it, and compares output, gradients and buffers.
fn check<M: Module>(
    fixture: &Fixture,
    case: &Value,
    module: &M,
    call: impl Fn(&M, &BTreeMap<String, Var>) -> nn::Result<Var>,
) {
    let label = format!("{} {}", module.repr(), case["label"]);
    let mut state = fixture.part(case, "parameters");
    state.extend(fixture.part(case, "buffers"));
    module.load_state_dict(&state, true).unwrap();
    if let Some(training) = case["training"].as_bool() {
        module.set_training(training);
    }
    let inputs: BTreeMap<String, Var> =
        fixture.part(case, "inputs").into_iter().map(|(name, value)| (name, leaf(value))).collect();
    let output = call(module, &inputs).unwrap();
    assert_close(&output.detach(), &fixture.tensor(&case["output"]), &format!("{label}: output"));

    let cotangent = fixture.tensor(&case["cotangent"]);
    autograd::backward(&[&output], &[Some(&cotangent)], false).unwrap();
    let parameters: BTreeMap<_, _> = module.named_parameters().into_iter().collect();
    let grads = fixture.part(case, "grads");
    assert!(parameters.keys().all(|name| grads.contains_key(name)), "{label}");
    for (name, expected) in grads {
        let grad = parameters.get(&name).map_or_else(|| inputs[&name].grad(), |parameter| parameter.grad());
        assert_close(&grad.unwrap(), &expected, &format!("{label}: gradient of {name}"));
    }
    for (name, expected) in fixture.part(case, "buffers_after") {
        assert_close(&module.state_dict()[&name], &expected, &format!("{label}: {name} after"));
    }
}

/// Runs all cases of a layer.
fn check_all<L: Layer>(name: &str, build: impl Fn(&Value) -> L) {
    let fixture = Fixture::open(name);
    for case in &fixture.cases {
        check(&fixture, case, &build(&case["config"]), |layer, inputs| layer.forward(&inputs["input"]));
    }
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn flag(value: &Value, default: bool) -> bool {
    value.as_bool().unwrap_or(default)
}

fn pair(value: &Value, default: usize) -> [usize; 2] {
    match value.as_array() {
        Some(both) => [number(&both[0]), number(&both[1])],
        None => [value.as_u64().map_or(default, |n| n as usize); 2],
    }
}

fn reduction(value: &Value) -> Reduction {
    match value.as_str() {
        Some("sum") => Reduction::Sum,
        Some("none") => Reduction::None,
        _ => Reduction::Mean,
    }
}

#[test]
fn linear() {
    check_all("Linear", |config| {
        Linear::options(number(&config["in_features"]), number(&config["out_features"]))
            .bias(flag(&config["bias"], true))
            .dtype(DType::F64)
            .build(&Rng::seed(0))
            .unwrap()
    });
}

#[test]
fn conv2d() {
    check_all("Conv2d", |config| {
        let (inputs, outputs) = (number(&config["in_channels"]), number(&config["out_channels"]));
        let mut options = Conv2d::options(inputs, outputs, pair(&config["kernel_size"], 1))
            .stride(pair(&config["stride"], 1))
            .dilation(pair(&config["dilation"], 1))
            .groups(config["groups"].as_u64().unwrap_or(1) as usize)
            .bias(flag(&config["bias"], true))
            .dtype(DType::F64);
        options = match config["padding"].as_str() {
            Some("same") => options.padding_same(),
            Some(_) => options,
            None => options.padding(pair(&config["padding"], 0)),
        };
        options.build(&Rng::seed(0)).unwrap()
    });
}

#[test]
fn max_pool2d() {
    check_all("MaxPool2d", |config| {
        let kernel = pair(&config["kernel_size"], 1);
        let pool = MaxPool2d::new(kernel)
            .padding(pair(&config["padding"], 0))
            .dilation(pair(&config["dilation"], 1))
            .ceil_mode(flag(&config["ceil_mode"], false));
        if config["stride"].is_null() { pool } else { pool.stride(pair(&config["stride"], 1)) }
    });
}

#[test]
fn batch_norm2d() {
    check_all("BatchNorm2d", |config| {
        let mut options = BatchNorm2d::options(number(&config["num_features"]))
            .affine(flag(&config["affine"], true))
            .track_running_stats(flag(&config["track_running_stats"], true))
            .dtype(DType::F64);
        if let Some(momentum) = config.get("momentum") {
            options = options.momentum(momentum.as_f64());
        }
        if let Some(eps) = config["eps"].as_f64() {
            options = options.eps(eps);
        }
        options.build().unwrap()
    });
}

#[test]
fn layer_norm() {
    check_all("LayerNorm", |config| {
        let shape: Vec<usize> = config["normalized_shape"].as_array().unwrap().iter().map(number).collect();
        LayerNorm::options(&shape[..])
            .eps(config["eps"].as_f64().unwrap_or(1e-5))
            .elementwise_affine(flag(&config["elementwise_affine"], true))
            .bias(flag(&config["bias"], true))
            .dtype(DType::F64)
            .build()
            .unwrap()
    });
}

#[test]
fn embedding() {
    check_all("Embedding", |config| {
        let mut options =
            Embedding::options(number(&config["num_embeddings"]), number(&config["embedding_dim"]));
        if let Some(padding) = config["padding_idx"].as_i64() {
            options = options.padding_idx(padding as isize);
        }
        options.dtype(DType::F64).build(&Rng::seed(0)).unwrap()
    });
}

#[test]
fn gelu() {
    check_all("GELU", |config| {
        let tanh = config["approximate"] == "tanh";
        GELU::new().approximate(if tanh { Approximate::Tanh } else { Approximate::None })
    });
}

#[test]
fn softmax_and_log_softmax() {
    check_all("Softmax", |config| -> Box<dyn Layer> {
        let dim = config["dim"].as_i64().unwrap() as isize;
        if flag(&config["log"], false) { Box::new(LogSoftmax::new(dim)) } else { Box::new(Softmax::new(dim)) }
    });
}

#[test]
fn cross_entropy_loss() {
    let fixture = Fixture::open("CrossEntropyLoss");
    for case in &fixture.cases {
        let config = &case["config"];
        let mut loss = CrossEntropyLoss::new()
            .reduction(reduction(&config["reduction"]))
            .label_smoothing(config["label_smoothing"].as_f64().unwrap_or(0.0))
            .ignore_index(config["ignore_index"].as_i64().unwrap_or(-100));
        if let Some(weight) = fixture.part(case, "parameters").remove("weight") {
            loss = loss.weight(weight);
        }
        check(&fixture, case, &loss, |loss, inputs| loss.forward(&inputs["input"], &inputs["target"]));
    }
}

#[test]
fn mse_loss() {
    let fixture = Fixture::open("MSELoss");
    for case in &fixture.cases {
        let loss = MSELoss::new().reduction(reduction(&case["config"]["reduction"]));
        check(&fixture, case, &loss, |loss, inputs| loss.forward(&inputs["input"], &inputs["target"]));
    }
}
