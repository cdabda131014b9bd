//! Every optimizer on a small network with cross-entropy: recorded losses, weights and states of PyTorch.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

#[allow(dead_code, reason = "shared with other tests")]
mod named;

use autograd::{Parameter, Tensor, Var};
use optim::*;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const NAMES: [&str; 4] = ["0.weight", "2.weight", "0.bias", "2.bias"];
/// Options of PyTorch that choose between its implementations, and AdamW's, which is always true.
const NOT_OURS: [&str; 5] = ["foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"];

fn recorded() -> (Vec<Json>, BTreeMap<String, Tensor>) {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/optim_mlp");
    let runs: Json = serde_json::from_slice(&std::fs::read(directory.join("runs.json")).unwrap()).unwrap();
    let tensors = tensor_core::io::safetensors::read(directory.join("runs.safetensors")).unwrap().tensors;
    (runs.as_array().unwrap().clone(), tensors)
}

struct Network {
    parameters: Vec<Parameter>,
    x: Var,
    y: Tensor,
}

impl Network {
    fn new(tensors: &BTreeMap<String, Tensor>) -> Self {
        let start = |name| Parameter::new(tensors[&format!("start.{name}")].clone()).unwrap();
        Self { parameters: NAMES.map(start).into(), x: Var::from(&tensors["x"]), y: tensors["y"].clone() }
    }

    fn loss(&self) -> autograd::Result<Var> {
        let [w0, w2, b0, b2] = [0, 1, 2, 3].map(|i| self.parameters[i].var());
        let hidden = self.x.matmul(&w0.t()?)?.add(&b0)?.tanh()?;
        hidden.matmul(&w2.t()?)?.add(&b2)?.cross_entropy(&self.y)
    }

    fn optimizer(&self, run: &Json) -> Box<dyn Optimizer> {
        let name = run["opt"].as_str().unwrap();
        let named: Vec<NamedParameter> =
            NAMES.iter().zip(&self.parameters).map(|(n, p)| (*n, p.clone()).into()).collect();
        let lr = run["lr"].as_f64().unwrap();
        let kw = |lr: f64| {
            let mut kw = run["kw"].clone();
            kw["lr"] = lr.into();
            kw
        };
        let groups = match name {
            "LBFGS" => vec![named],
            "Muon" => vec![named[..2].to_vec()],
            _ => vec![named[..2].to_vec(), named[2..].to_vec()],
        };
        let options = [kw(lr), kw(lr / 2.0)];
        by_name(name, groups.into_iter().zip(options.iter().map(named::dict))).unwrap()
    }

    fn step(&self, optimizer: &mut dyn Optimizer) -> f64 {
        let closure = &mut || {
            self.parameters.iter().for_each(Parameter::zero_grad);
            let loss = self.loss()?;
            loss.backward()?;
            Ok(loss.detach().item::<f64>()?)
        };
        optimizer.step_closure(closure).unwrap()
    }

    /// Largest difference to recorded weights, relative to the largest of them.
    fn difference(&self, recorded: &Tensor) -> f64 {
        let here = self.parameters.iter().flat_map(|p| p.value().to_vec::<f64>().unwrap());
        let there = recorded.to_vec::<f64>().unwrap();
        let largest = there.iter().fold(0.0, |a, x| f64::max(a, x.abs()));
        here.zip(&there).fold(0.0, |a, (x, y)| f64::max(a, (x - y).abs())) / largest
    }

    /// Sets the weights to recorded ones.
    fn set(&self, recorded: &Tensor) {
        let mut offset = 0;
        for p in &self.parameters {
            let part = recorded.narrow(0, offset, p.numel()).unwrap();
            p.set_value(part.view_as(p.shape()).unwrap().deep_clone().unwrap()).unwrap();
            offset += p.numel() as isize;
        }
    }
}

/// A recorded state, with its tensors.
fn state_of(json: &Json, tensors: &BTreeMap<String, Tensor>) -> StateDict {
    fn value(json: &Json, tensors: &BTreeMap<String, Tensor>) -> Value {
        match json {
            Json::Object(entries) if entries.contains_key("tensor") => {
                Value::Tensor(tensors[entries["tensor"].as_str().unwrap()].clone())
            }
            Json::Object(_) => Value::Dict(dict(json, tensors)),
            Json::Array(items) => Value::List(items.iter().map(|item| value(item, tensors)).collect()),
            plain => named::value_of(plain),
        }
    }
    fn dict(json: &Json, tensors: &BTreeMap<String, Tensor>) -> Dict {
        json.as_object().unwrap().iter().map(|(key, item)| (key.clone(), value(item, tensors))).collect()
    }
    let state = json["state"].as_object().unwrap().iter();
    StateDict {
        state: state.map(|(place, item)| (place.parse().unwrap(), dict(item, tensors))).collect(),
        param_groups: json["param_groups"].as_array().unwrap().iter().map(|g| dict(g, tensors)).collect(),
    }
}

fn bound(run: &Json) -> f64 {
    match run["tag"].as_str().unwrap() {
        // bf16 has 8 bits; a hundred orthogonal steps gather their roundings.
        tag if tag.ends_with("bf16") => 0.1,
        tag if tag.starts_with("LBFGS") => 1e-6,
        _ => 1e-10,
    }
}

#[test]
fn all_recorded_networks_are_followed() {
    let (runs, tensors) = recorded();
    for run in &runs {
        let tag = run["tag"].as_str().unwrap();
        let steps = run["steps"].as_u64().unwrap() as usize;
        let losses = tensors[&format!("{tag}.loss")].to_vec::<f64>().unwrap();
        let network = Network::new(&tensors);
        let mut optimizer = network.optimizer(run);
        let mut worst = 0.0f64;
        for (step, loss) in losses.iter().enumerate() {
            worst = worst.max((network.step(&mut *optimizer) - loss).abs() / loss.abs().max(1e-8));
            if step + 1 == steps / 2 || step + 1 == steps {
                worst = worst.max(network.difference(&tensors[&format!("{tag}.params.{}", step + 1)]));
            }
        }
        println!("{tag:16} {worst:8.1e}");
        assert!(worst <= bound(run), "{tag}: {worst:e}");
    }
}

/// The same names at the same places as in PyTorch's state, and the same numbers.
#[test]
fn the_state_has_pytorchs_layout() {
    let (runs, tensors) = recorded();
    for run in runs.iter().filter(|run| !run["tag"].as_str().unwrap().ends_with("bf16")) {
        let tag = run["tag"].as_str().unwrap();
        let network = Network::new(&tensors);
        let mut optimizer = network.optimizer(run);
        for _ in 0..run["steps"].as_u64().unwrap() / 2 {
            network.step(&mut *optimizer);
        }
        let (ours, theirs) = (optimizer.state_dict().unwrap(), state_of(&run["halfway"], &tensors));
        assert_eq!(ours.state.keys().collect::<Vec<_>>(), theirs.state.keys().collect::<Vec<_>>(), "{tag}");
        for (place, there) in &theirs.state {
            let here = &ours.state[place];
            // PyTorch saves LBFGS's scratch list too.
            let names = there.keys().filter(|name| *name != "al").collect::<Vec<_>>();
            assert_eq!(here.keys().collect::<Vec<_>>(), names, "{tag}");
            for name in names {
                compare(&here[name], &there[name], bound(run), &format!("{tag} state[{place}].{name}"));
            }
        }
        for (here, there) in ours.param_groups.iter().zip(&theirs.param_groups) {
            let names = |group: &Dict| -> BTreeSet<String> {
                group.keys().filter(|name| !NOT_OURS.contains(&name.as_str())).cloned().collect()
            };
            assert_eq!(names(here), names(there), "{tag}");
            for name in names(here) {
                compare(&here[&name], &there[&name], 0.0, &format!("{tag} {name}"));
            }
        }
    }
}

#[track_caller]
fn compare(here: &Value, there: &Value, bound: f64, what: &str) {
    let numbers = |value: &Value| match value {
        Value::Tensor(x) => Some((
            Some(x.shape().clone()),
            x.to_dtype(autograd::DType::F64).unwrap().to_vec::<f64>().unwrap(),
        )),
        value => value.get::<f64>().map(|x| (None, vec![x])),
    };
    match (here, there) {
        // JSON knows no tuples.
        (Value::List(a) | Value::Tuple(a), Value::List(b)) => {
            assert_eq!(a.len(), b.len(), "{what}");
            a.iter().zip(b).for_each(|(a, b)| compare(a, b, bound, what));
        }
        (a, b) => match (numbers(a), numbers(b)) {
            (Some((a_shape, a)), Some((b_shape, b))) => {
                assert!(a_shape == b_shape || a.len() == 1, "{what}: {a_shape:?} and {b_shape:?}");
                let largest = b.iter().fold(0.0, |m, x| f64::max(m, x.abs()));
                let off = a.iter().zip(&b).fold(0.0, |m, (x, y)| f64::max(m, (x - y).abs()));
                assert!(a.len() == b.len() && off <= bound * largest, "{what}: {off:e} of {largest:e}");
            }
            _ => assert_eq!(a, b, "{what}"),
        },
    }
}

/// A state saved by PyTorch is loaded, and the run goes on as PyTorch's did.
#[test]
fn pytorchs_state_is_loaded() {
    let (runs, tensors) = recorded();
    for run in runs.iter().filter(|run| !run["tag"].as_str().unwrap().ends_with("bf16")) {
        let tag = run["tag"].as_str().unwrap();
        let steps = run["steps"].as_u64().unwrap() as usize;
        let losses = tensors[&format!("{tag}.loss")].to_vec::<f64>().unwrap();
        let network = Network::new(&tensors);
        let mut optimizer = network.optimizer(run);
        optimizer.set_lr(77.0);
        network.set(&tensors[&format!("{tag}.params.{}", steps / 2)]);
        optimizer.load_state_dict(&state_of(&run["halfway"], &tensors)).unwrap();
        assert_eq!(optimizer.lr(), run["lr"].as_f64().unwrap());
        for loss in &losses[steps / 2..] {
            let off = (network.step(&mut *optimizer) - loss).abs() / loss.abs().max(1e-8);
            assert!(off <= bound(run), "{tag}: {off:e}");
        }
        let off = network.difference(&tensors[&format!("{tag}.params.{steps}")]);
        assert!(off <= bound(run), "{tag}: {off:e}");
        // What PyTorch saved beside our options is kept and saved again.
        if tag.starts_with("SGD") {
            assert_eq!(optimizer.state_dict().unwrap().param_groups[0]["foreach"], Value::None);
        }
    }
}
