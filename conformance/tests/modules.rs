//! Modules, losses and attention against PyTorch's recorded values and gradients (`fixtures/modules`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::{
    Approximate, AttentionOptions, ConvOptions, CrossEntropyOptions, MaxPoolOptions, Padding, Reduction,
    Result, Tensor, Var,
};
use conformance::record;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;
use tensor_core::Activation;

/// A recorded case, its tensors as variables.
struct Case {
    config: Json,
    training: bool,
    /// Inputs and parameters.
    vars: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Tensor>,
    buffers_after: BTreeMap<String, Tensor>,
}

impl Case {
    fn var(&self, name: &str) -> &Var {
        &self.vars[name]
    }

    fn get(&self, name: &str) -> Option<&Var> {
        self.vars.get(name)
    }

    fn float(&self, name: &str, default: f64) -> f64 {
        self.config[name].as_f64().unwrap_or(default)
    }

    fn flag(&self, name: &str) -> bool {
        self.config[name].as_bool().unwrap_or(false)
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.config[name].as_i64().unwrap_or(default)
    }

    fn pair(&self, name: &str, default: [usize; 2]) -> [usize; 2] {
        match &self.config[name] {
            Json::Number(n) => [n.as_u64().unwrap() as usize; 2],
            Json::Array(pair) => [0, 1].map(|i| pair[i].as_u64().unwrap() as usize),
            _ => default,
        }
    }

    fn reduction(&self) -> Reduction {
        match self.config["reduction"].as_str() {
            Some("sum") => Reduction::Sum,
            Some("none") => Reduction::None,
            _ => Reduction::Mean,
        }
    }
}

/// Replays the cases of `NAME.json`: output and all gradients.
fn replay_cases(name: &str, call: impl Fn(&Case) -> Result<Var>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/modules");
    let (cases, tensors) = record::read(&folder, name).unwrap();
    let cases = record::list(&cases, name).unwrap();
    let tensor = |key: &Json| tensors[key.as_str().unwrap()].clone();
    let table = |object: &Json| -> BTreeMap<String, Tensor> {
        object
            .as_object()
            .map(|o| o.iter().map(|(k, v)| (k.clone(), tensor(v))).collect())
            .unwrap_or_default()
    };
    let mut failures = Vec::new();
    for case in cases {
        let var = |x: Tensor| if x.dtype().is_float() { Var::leaf(x).unwrap() } else { x.into() };
        let inputs = table(&case["inputs"]).into_iter().chain(table(&case["parameters"]));
        let read = Case {
            config: case["config"].clone(),
            training: case["training"].as_bool().unwrap_or(false),
            vars: inputs.map(|(k, x)| (k, var(x))).collect(),
            buffers: table(&case["buffers"]),
            buffers_after: table(&case["buffers_after"]),
        };
        let outcome = call(&read).map_err(|e| e.to_string()).and_then(|y| {
            record::compare("output", &y.detach(), &tensor(&case["output"]), 1e-7)?;
            y.backward_with(&tensor(&case["cotangent"])).map_err(|e| e.to_string())?;
            table(&case["grads"]).iter().try_for_each(|(name, expected)| {
                let found = read.var(name).grad().ok_or(format!("{name} has no gradient"))?;
                record::compare(&format!("gradient of {name}"), &found, expected, 1e-7)
            })
        });
        if let Err(failure) = outcome {
            failures.push(format!("{}: {failure}", case["label"]));
        }
    }
    assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
    assert!(!cases.is_empty());
}

#[test]
fn linear() {
    replay_cases("Linear", |case| {
        case.var("input").linear(case.var("weight"), case.get("bias"), Activation::Identity)
    });
}

#[test]
fn conv2d() {
    replay_cases("Conv2d", |case| {
        let same = case.config["padding"] == "same";
        let padding = if same { Padding::Same } else { case.pair("padding", [0; 2]).into() };
        let dilation = case.pair("dilation", [1; 2]);
        let groups = case.int("groups", 1) as usize;
        let options = ConvOptions { stride: case.pair("stride", [1; 2]), padding, dilation, groups };
        case.var("input").conv2d(case.var("weight"), case.get("bias"), options)
    });
}

#[test]
fn max_pool2d() {
    replay_cases("MaxPool2d", |case| {
        let kernel = case.pair("kernel_size", [1; 2]);
        case.var("input").max_pool2d(MaxPoolOptions {
            kernel,
            stride: case.pair("stride", kernel),
            padding: case.pair("padding", [0; 2]),
            dilation: case.pair("dilation", [1; 2]),
            ceil_mode: case.flag("ceil_mode"),
        })
    });
}

#[test]
fn batch_norm() {
    replay_cases("BatchNorm2d", |case| {
        let (x, weight, bias) = (case.var("input"), case.get("weight"), case.get("bias"));
        let eps = case.float("eps", 1e-5);
        let buffer = |name: &str| case.buffers.get(name);
        if let (false, Some(mean), Some(var)) = (case.training, buffer("running_mean"), buffer("running_var"))
        {
            return x.batch_norm_eval(mean, var, weight, bias, eps);
        }
        let (y, mean, var) = x.batch_norm(weight, bias, eps)?;
        let momentum = match &case.config["momentum"] {
            Json::Null if case.config.get("momentum").is_some() => {
                1.0 / (buffer("num_batches_tracked").unwrap().item::<i64>()? + 1) as f64
            }
            momentum => momentum.as_f64().unwrap_or(0.1),
        };
        for (name, new) in [("running_mean", mean), ("running_var", var)] {
            if let Some(running) = buffer(name) {
                let after = running.mul_scalar(1.0 - momentum)?.add(&new.mul_scalar(momentum)?)?;
                record::compare(name, &after, &case.buffers_after[name], 1e-7).unwrap();
            }
        }
        Ok(y)
    });
}

#[test]
fn layer_norm() {
    replay_cases("LayerNorm", |case| {
        let shape = case.config["normalized_shape"].as_array().unwrap();
        let shape: Vec<usize> = shape.iter().map(|n| n.as_u64().unwrap() as usize).collect();
        case.var("input").layer_norm(shape, case.get("weight"), case.get("bias"), case.float("eps", 1e-5))
    });
}

#[test]
fn embedding() {
    replay_cases("Embedding", |case| {
        let padding = case.config["padding_idx"].as_i64().map(|i| i as isize);
        case.var("weight").embedding(&case.var("input").detach(), padding)
    });
}

#[test]
fn gelu() {
    replay_cases("GELU", |case| {
        let tanh = case.config["approximate"] == "tanh";
        case.var("input").gelu(if tanh { Approximate::Tanh } else { Approximate::None })
    });
}

#[test]
fn softmax() {
    replay_cases("Softmax", |case| {
        let (x, dim) = (case.var("input"), case.int("dim", -1) as isize);
        if case.flag("log") { x.log_softmax(dim) } else { x.softmax(dim) }
    });
}

#[test]
fn cross_entropy() {
    replay_cases("CrossEntropyLoss", |case| {
        let options = CrossEntropyOptions {
            ignore_index: case.int("ignore_index", -100),
            label_smoothing: case.float("label_smoothing", 0.0),
            reduction: case.reduction(),
        };
        let weight = case.get("weight").map(Var::detach);
        case.var("input").cross_entropy_with(case.var("target"), weight.as_ref(), options)
    });
}

#[test]
fn mse_loss() {
    replay_cases("MSELoss", |case| case.var("input").mse_loss(case.var("target"), case.reduction()));
}

#[test]
fn scaled_dot_product_attention() {
    replay_cases("scaled_dot_product_attention", |case| {
        let options = AttentionOptions {
            attn_mask: case.get("attn_mask"),
            is_causal: case.flag("is_causal"),
            scale: case.config["scale"].as_f64(),
            enable_gqa: case.flag("enable_gqa"),
            dropout: None,
        };
        case.var("query").scaled_dot_product_attention(case.var("key"), case.var("value"), options)
    });
}
