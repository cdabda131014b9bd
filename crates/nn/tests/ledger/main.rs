//! The parity ledger: every module and loss against PyTorch's initial values, outputs and gradients, in several
//! configurations; see `fixtures/ledger/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod build;
mod loss;
mod more;

use autograd::tensor_core::{Rng, io::safetensors, with_threads};
use autograd::{DType, Tensor, Var};
use nn::prelude::*;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

type Tensors = BTreeMap<String, Tensor>;
type Inputs = BTreeMap<String, Var>;

type Call = Box<dyn Fn(&Inputs) -> nn::Result<Vec<Var>>>;

/// A module, and how to call it with inputs by PyTorch's names.
struct Built {
    module: Arc<dyn Module>,
    call: Call,
}

/// One recorded call.
struct Case {
    name: String,
    json: Json,
    tensors: Tensors,
}

impl Case {
    /// The tensors of one role by name.
    fn role(&self, role: &str) -> Tensors {
        let of = |(key, tensor): (&String, &Tensor)| {
            Some((key.strip_prefix(role)?.strip_prefix('.')?.to_string(), tensor.clone()))
        };
        self.tensors.iter().filter_map(of).collect()
    }

    fn build(&self) -> Built {
        build::build(self.json["module"].as_str().unwrap(), &self.json, &self.role("config"), &Rng::seed(0))
    }

    /// A module with the recorded parameters.
    fn loaded(&self) -> Built {
        let built = self.build();
        let mut state = self.role("initial");
        state.extend(self.role("changed"));
        built.module.load_state_dict(&state, true).unwrap();
        built.module.set_training(self.json["training"] != false);
        built
    }

    fn fixed(&self, name: &str) -> bool {
        self.json["fixed"].as_array().is_some_and(|names| names.iter().any(|fixed| fixed == name))
    }

    fn inputs(&self) -> Inputs {
        let var = |(name, value): (String, Tensor)| {
            let grad = value.dtype().is_float() && !self.fixed(&name);
            let var = if grad { Var::leaf(value).unwrap() } else { value.into() };
            (name, var)
        };
        self.role("input").into_iter().map(var).collect()
    }

    /// Outputs, gradients and buffers of one call and backward.
    fn run(&self) -> (Tensors, Tensors, Tensors) {
        let (built, inputs) = (self.loaded(), self.inputs());
        let outputs = (built.call)(&inputs).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let cotangents = self.role("cotangent");
        let cotangents: Vec<Option<&Tensor>> =
            (0..outputs.len()).map(|i| Some(&cotangents[&i.to_string()])).collect();
        autograd::backward(&outputs.iter().collect::<Vec<_>>(), &cotangents, false).unwrap();
        let numbered = outputs.iter().enumerate().map(|(i, y)| (i.to_string(), y.detach()));
        let of_inputs = inputs.iter().filter_map(|(name, x)| Some((name.clone(), x.grad()?)));
        let parameters = built.module.named_parameters();
        let of_parameters = parameters.iter().filter_map(|(name, p)| Some((name.clone(), p.grad()?)));
        let buffers = built.module.named_buffers();
        let after =
            buffers.iter().filter(|(_, b)| b.is_persistent()).map(|(name, b)| (name.clone(), b.value()));
        (numbered.collect(), of_inputs.chain(of_parameters).collect(), after.collect())
    }
}

fn cases() -> Vec<Case> {
    let folder = format!("{}/../../fixtures/ledger", env!("CARGO_MANIFEST_DIR"));
    let mut families: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    families.sort();
    let mut cases = Vec::new();
    for path in families {
        let list: Vec<Json> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut by_case: BTreeMap<usize, Tensors> = BTreeMap::new();
        for (key, tensor) in safetensors::read(path.with_extension("safetensors")).unwrap().tensors {
            let (number, rest) = key.split_once('.').unwrap();
            by_case.entry(number.parse().unwrap()).or_default().insert(rest.to_string(), tensor);
        }
        for (i, json) in list.into_iter().enumerate() {
            let name = format!("{}[{i}] {json}", path.file_stem().unwrap().display());
            cases.push(Case { name, json, tensors: by_case.remove(&i).unwrap_or_default() });
        }
    }
    cases
}

/// The same names, shapes and dtypes, and numbers within `bound`.
#[track_caller]
fn assert_close(found: &Tensors, expected: &Tensors, bound: f64, what: &str) {
    let names = |tensors: &Tensors| tensors.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{what}");
    for (name, expected) in expected {
        let found = &found[name];
        assert_eq!((found.shape(), found.dtype()), (expected.shape(), expected.dtype()), "{what}: {name}");
        let numbers = |x: &Tensor| x.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
        for (a, b) in numbers(found).into_iter().zip(numbers(expected)) {
            let same = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= bound * (1.0 + b.abs());
            assert!(same, "{what}: {name}: {a}, {b}");
        }
    }
}

#[test]
fn initial_values_are_pytorchs_from_seed_0() {
    for case in cases() {
        // Uniform values to the last bit; normal ones (of the key's and value's biases among others) by other logarithms,
        // and lengths by sums in another order.
        let module = case.json["module"].as_str().unwrap();
        let close = case.json["config"]["add_bias_kv"] == true
            || ["Embedding", "SpectralNorm", "WeightNorm"].contains(&module);
        let bound = if close { 1e-12 } else { 0.0 };
        assert_close(&case.build().module.state_dict(), &case.role("initial"), bound, &case.name);
    }
}

#[test]
fn outputs_gradients_and_buffers_are_pytorchs() {
    for case in cases() {
        let (outputs, grads, buffers) = case.run();
        assert_close(&outputs, &case.role("output"), 1e-7, &case.name);
        assert_close(&grads, &case.role("grad"), 1e-7, &case.name);
        assert_close(&buffers, &case.role("after"), 1e-7, &case.name);
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    for case in cases() {
        let (_, grads, _) = case.run();
        for (name, _) in case.build().module.named_parameters() {
            assert!(grads.contains_key(&name), "{}: {name}", case.name);
        }
    }
}

#[test]
fn bits_are_the_same_on_one_and_four_threads() {
    for case in cases() {
        let bits = |threads| {
            let (outputs, grads, buffers) = with_threads(threads, || case.run());
            let all = [outputs, grads, buffers];
            all.map(|tensors| tensors.values().map(|x| x.to_le_bytes().unwrap()).collect::<Vec<_>>())
        };
        assert!(bits(1) == bits(4), "{}", case.name);
    }
}

/// A model in which the module stands deep.
#[derive(Module)]
struct Model {
    encoder: Encoder,
}

#[derive(Module)]
struct Encoder {
    layers: Vec<Block>,
}

#[derive(Module)]
struct Block {
    fc: Arc<dyn Module>,
}

#[test]
fn bad_shapes_are_refused_with_the_modules_place() {
    let mut refused = 0;
    for case in cases() {
        let Some(bad) = case.json["bad"].as_object() else { continue };
        for (name, shape) in bad {
            let built = case.build();
            let idle: Arc<dyn Module> = Arc::new(Identity);
            let layers = vec![Block { fc: idle }, Block { fc: Arc::clone(&built.module) }];
            let model = Model { encoder: Encoder { layers } };
            let shape: Vec<usize> =
                shape.as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
            let mut inputs = case.inputs();
            inputs.insert(name.clone(), Tensor::ones(&shape, DType::F64).unwrap().into());
            let Err(error) = nn::within(&model, || (built.call)(&inputs)) else {
                panic!("{}: {shape:?} was taken", case.name);
            };
            let text = error.to_string();
            assert!(text.starts_with("encoder.layers.1.fc"), "{}: {text}", case.name);
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}
