//! Replays recorded runs of PyTorch's optimizers: `traj.json` and `traj.safetensors` of a directory, in the format
//! that `fixtures/optim/README.md` describes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::{Parameter, Tensor, Var};
use optim::*;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;

/// The steps after which parameters were recorded.
const KEPT_STEPS: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];

/// A recorded run and what came out.
pub struct Run {
    pub tag: String,
    pub optimizer: String,
    pub kw: Json,
    /// Largest relative difference of loss and parameters over all recorded steps.
    pub all: f64,
    /// The same at step 100 alone.
    pub last: f64,
}

/// Replays all runs of `directory`.
pub fn replay(directory: &Path) -> Vec<Run> {
    let runs: Json = serde_json::from_slice(&std::fs::read(directory.join("traj.json")).unwrap()).unwrap();
    let tensors = tensor_core::io::safetensors::read(directory.join("traj.safetensors")).unwrap().tensors;
    runs.as_array().unwrap().iter().map(|run| replay_run(run, &tensors)).collect()
}

fn replay_run(run: &Json, tensors: &BTreeMap<String, Tensor>) -> Run {
    let text = |key: &str| run[key].as_str().unwrap().to_string();
    let recorded = |what: &str| tensors[&format!("{}.{what}", text("tag"))].to_vec::<f64>().unwrap();
    let (losses, params) = (recorded("loss"), recorded("params"));
    let problem = Problem::new(&text("problem"), tensors);
    let mut optimizer = build(&text("opt"), &problem.parameters, &run["kw"]).unwrap();
    let mut out =
        Run { tag: text("tag"), optimizer: text("opt"), kw: run["kw"].clone(), all: 0.0, last: 0.0 };
    let mut kept = params.chunks(params.len() / KEPT_STEPS.len());
    for step in 1..=losses.len() {
        let loss = optimizer
            .step_closure(&mut || {
                problem.parameters.iter().for_each(Parameter::zero_grad);
                let loss = problem.loss()?;
                loss.backward()?;
                Ok(loss.detach().item::<f64>()?)
            })
            .unwrap();
        let mut differences = vec![difference(loss, losses[step - 1])];
        if KEPT_STEPS.contains(&step) {
            let here = problem.parameters.iter().flat_map(|p| p.value().to_vec::<f64>().unwrap());
            differences.extend(here.zip(kept.next().unwrap()).map(|(here, there)| difference(here, *there)));
        }
        let worst = differences.into_iter().fold(0.0, f64::max);
        (out.all, out.last) = (out.all.max(worst), worst);
    }
    out
}

/// `|a - b| / |b|`, 0 for equal numbers and for two that are not finite.
fn difference(a: f64, b: f64) -> f64 {
    if a == b || (!a.is_finite() && !b.is_finite()) {
        return 0.0;
    }
    let d = (a - b).abs() / b.abs().max(f64::MIN_POSITIVE);
    if d.is_nan() { f64::INFINITY } else { d }
}

/// A recorded problem: parameters at their start and the loss.
pub struct Problem {
    pub parameters: Vec<Parameter>,
    data: Vec<Var>,
}

impl Problem {
    fn new(name: &str, tensors: &BTreeMap<String, Tensor>) -> Self {
        let (start, data) = match name {
            "rosenbrock" => (vec![Tensor::from_slice(&[1.5f64, 1.5], [2]).unwrap()], vec![]),
            _ => {
                let start = vec![tensors["linreg.w0"].clone(), Tensor::from_slice(&[0.0f64], [1]).unwrap()];
                (start, vec![Var::from(&tensors["linreg.X"]), Var::from(&tensors["linreg.y"])])
            }
        };
        Self { parameters: start.into_iter().map(|p| Parameter::new(p).unwrap()).collect(), data }
    }

    fn loss(&self) -> autograd::Result<Var> {
        if let [x, y] = self.data.as_slice() {
            let (w, b) = (self.parameters[0].var(), self.parameters[1].var());
            return x.matmul(&w)?.add(&b)?.sub(y)?.pow_scalar(2.0)?.mean();
        }
        let p = self.parameters[0].var();
        let (x, y) = (p.select(0, 0)?, p.select(0, 1)?);
        let near = x.neg()?.add_scalar(1.0)?.pow_scalar(2.0)?;
        near.add(&y.sub(&x.pow_scalar(2.0)?)?.pow_scalar(2.0)?.mul_scalar(100.0)?)
    }
}

/// The optimizer of PyTorch's class `name` with keyword arguments, one group.
pub fn build(name: &str, parameters: &[Parameter], kw: &Json) -> Result<Box<dyn Optimizer>> {
    build_groups(name, &[parameters.iter().map(NamedParameter::from).collect()], std::slice::from_ref(kw))
}

/// The optimizer of PyTorch's class `name` with groups and the keyword arguments of each.
pub fn build_groups(name: &str, groups: &[Vec<NamedParameter>], kw: &[Json]) -> Result<Box<dyn Optimizer>> {
    fn rule<R: Rule + Default>(groups: &[Vec<NamedParameter>], kw: &[Json]) -> Result<Box<dyn Optimizer>> {
        let groups = groups.iter().zip(kw).map(|(group, kw)| ParamGroup::new(group, options::<R>(kw)));
        Ok(Box::new(PerParameter::<R>::with_groups(groups)?))
    }
    match name {
        "SGD" => rule::<SGDOptions>(groups, kw),
        "Adam" => rule::<AdamOptions>(groups, kw),
        "AdamW" => rule::<AdamWOptions>(groups, kw),
        "RMSprop" => rule::<RMSpropOptions>(groups, kw),
        "Adagrad" => rule::<AdagradOptions>(groups, kw),
        "Adadelta" => rule::<AdadeltaOptions>(groups, kw),
        "Adamax" => rule::<AdamaxOptions>(groups, kw),
        "NAdam" => rule::<NAdamOptions>(groups, kw),
        "RAdam" => rule::<RAdamOptions>(groups, kw),
        "ASGD" => rule::<ASGDOptions>(groups, kw),
        "Rprop" => rule::<RpropOptions>(groups, kw),
        "Adafactor" => rule::<AdafactorOptions>(groups, kw),
        "Muon" => rule::<MuonOptions>(groups, kw),
        "Lion" => rule::<LionOptions>(groups, kw),
        "LBFGS" => Ok(Box::new(LBFGS::new(&groups[0], options::<LBFGSOptions>(&kw[0]))?)),
        other => panic!("no optimizer {other}"),
    }
}

/// Options with the recorded keyword arguments.
pub fn options<O: Options + Default>(kw: &Json) -> O {
    let mut options = O::default();
    for (name, value) in kw.as_object().unwrap() {
        assert!(options.set(name, &value_of(value)), "{name} = {value}");
    }
    options
}

/// A JSON value as a saved value.
pub fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(x) => Value::Bool(*x),
        Json::Number(x) => x.as_i64().map_or_else(|| Value::Float(x.as_f64().unwrap()), Value::Int),
        Json::String(x) => Value::Str(x.clone()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Json::Object(entries) => Value::Dict(entries.iter().map(|(k, v)| (k.clone(), value_of(v))).collect()),
    }
}
