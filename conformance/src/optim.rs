//! Replays recorded runs of optimizers: `traj.json` and `traj.safetensors` (`fixtures/optim/README.md`).

use crate::record::{self, Tensors, list};
use crate::{Result, Tally};
use ::optim::{Dict, NamedParameter, Value, by_name};
use autograd::{Parameter, Tensor, Var};
use serde_json::Value as Json;
use std::path::Path;

/// The steps after which parameters were recorded.
const KEPT_STEPS: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];

/// A recorded run and what came out.
pub struct Run {
    /// The name of the run.
    pub tag: String,
    /// PyTorch's class.
    pub optimizer: String,
    /// Its keyword arguments.
    pub kw: Json,
    /// Largest relative difference of loss and parameters over all recorded steps.
    pub all: f64,
    /// The same at the last recorded step alone.
    pub last: f64,
}

impl Run {
    /// The relative difference at the last step that passes: a line search decides by comparing losses, so LBFGS
    /// doubles its roundings at each step.
    pub fn bound(&self) -> f64 {
        if self.optimizer == "LBFGS" { 1e-6 } else { 1e-10 }
    }

    /// Whether the run ended where it was recorded.
    pub fn passed(&self) -> bool {
        self.last <= self.bound()
    }
}

/// Replays the runs of `folder`, a line for each to `print`.
///
/// # Errors
/// If the record cannot be read, or names an optimizer, option or problem that is not known.
pub fn replay(folder: &Path, print: &mut dyn FnMut(String)) -> Result<Tally> {
    let mut tally = Tally::default();
    for run in runs(folder)? {
        let verdict = if run.passed() { "passed" } else { "FAILED" };
        print(format!(
            "{} {verdict}, relative difference {:.1e} at the last step, {:.1e} at worst; {} {}",
            run.tag, run.last, run.all, run.optimizer, run.kw
        ));
        tally += Tally { passed: run.passed().into(), failed: (!run.passed()).into(), not_offered: 0 };
    }
    Ok(tally)
}

/// All runs of `folder`, replayed.
///
/// # Errors
/// As for [`replay`].
pub fn runs(folder: &Path) -> Result<Vec<Run>> {
    let (runs, tensors) = record::read(folder, "traj")?;
    list(&runs, "traj.json")?.iter().map(|run| replay_run(run, &tensors)).collect()
}

fn replay_run(run: &Json, tensors: &Tensors) -> Result<Run> {
    let text = |key: &str| run[key].as_str().map(String::from).ok_or_else(|| format!("a run without {key}"));
    let (tag, optimizer, kw) = (text("tag")?, text("opt")?, run["kw"].clone());
    let failed = |e: &dyn std::fmt::Display| format!("{tag}: {e}");
    let recorded = |what: &str| record::values(tensor(tensors, &format!("{tag}.{what}"))?);
    let (losses, params) = (recorded("loss")?, recorded("params")?);
    let problem = Problem::new(&text("problem")?, tensors)?;
    let parameters: Vec<NamedParameter> = problem.parameters.iter().map(Into::into).collect();
    let mut stepper = by_name(&optimizer, [(parameters, keywords(&kw))]).map_err(|e| failed(&e))?;
    let mut kept = params.chunks((params.len() / KEPT_STEPS.len()).max(1));
    let (mut all, mut last) = (0.0f64, 0.0f64);
    for step in 1..=losses.len() {
        let closure = &mut || {
            problem.parameters.iter().for_each(Parameter::zero_grad);
            let loss = problem.loss()?;
            loss.backward()?;
            Ok(loss.detach().item::<f64>()?)
        };
        let loss = stepper.step_closure(closure).map_err(|e| failed(&e))?;
        let mut worst = difference(loss, losses[step - 1]);
        if KEPT_STEPS.contains(&step) {
            let mut here = Vec::new();
            for p in &problem.parameters {
                here.extend(record::values(&p.value())?);
            }
            let there = kept.next().unwrap_or_default();
            worst = here.iter().zip(there).map(|(a, b)| difference(*a, *b)).fold(worst, f64::max);
        }
        (all, last) = (all.max(worst), worst);
    }
    Ok(Run { tag, optimizer, kw, all, last })
}

/// `|a - b| / |b|`, 0 for equal numbers and for two that are not finite.
fn difference(a: f64, b: f64) -> f64 {
    if a == b || (!a.is_finite() && !b.is_finite()) {
        return 0.0;
    }
    let d = (a - b).abs() / b.abs().max(f64::MIN_POSITIVE);
    if d.is_nan() { f64::INFINITY } else { d }
}

fn tensor<'a>(tensors: &'a Tensors, key: &str) -> Result<&'a Tensor> {
    tensors.get(key).ok_or_else(|| format!("no tensor {key}"))
}

/// The loss of parameters on data.
type Loss = fn(&[Var], &[Var]) -> autograd::Result<Var>;

/// A recorded problem: parameters at their start and the loss.
struct Problem {
    parameters: Vec<Parameter>,
    loss: Loss,
    data: Vec<Var>,
}

impl Problem {
    fn new(name: &str, tensors: &Tensors) -> Result<Self> {
        let recorded = |key: &str| tensor(tensors, key).cloned();
        let zeros = |n: usize| Tensor::zeros([n], autograd::DType::F64).map_err(|e| e.to_string());
        let (start, data, loss): (Vec<Tensor>, Vec<Tensor>, Loss) = match name {
            "rosenbrock" => {
                let start = Tensor::from_slice(&[1.5f64, 1.5], [2]).map_err(|e| e.to_string())?;
                (vec![start], vec![], rosenbrock)
            }
            "linreg" => {
                let start = vec![recorded("linreg.w0")?, zeros(1)?];
                (start, vec![recorded("linreg.X")?, recorded("linreg.y")?], linreg)
            }
            "mlp" => {
                let (w1, w2) = (recorded("mlp.w1")?, recorded("mlp.w2")?);
                let (b1, b2) = (zeros(w1.shape()[0])?, zeros(w2.shape()[0])?);
                (vec![w1, b1, w2, b2], vec![recorded("mlp.X")?, recorded("mlp.t")?], mlp)
            }
            other => return Err(format!("no problem {other}")),
        };
        let parameters = start.into_iter().map(Parameter::new).collect::<autograd::Result<_>>();
        let parameters = parameters.map_err(|e| e.to_string())?;
        Ok(Self { parameters, loss, data: data.into_iter().map(Var::from).collect() })
    }

    fn loss(&self) -> autograd::Result<Var> {
        let parameters: Vec<Var> = self.parameters.iter().map(Parameter::var).collect();
        (self.loss)(&parameters, &self.data)
    }
}

/// `(1 - x)² + 100 (y - x²)²`.
fn rosenbrock(p: &[Var], _: &[Var]) -> autograd::Result<Var> {
    let (x, y) = (p[0].select(0, 0)?, p[0].select(0, 1)?);
    let near = x.neg()?.add_scalar(1.0)?.pow_scalar(2.0)?;
    near.add(&y.sub(&x.pow_scalar(2.0)?)?.pow_scalar(2.0)?.mul_scalar(100.0)?)
}

/// `mean((X w + b - y)²)`.
fn linreg(p: &[Var], data: &[Var]) -> autograd::Result<Var> {
    data[0].matmul(&p[0])?.add(&p[1])?.sub(&data[1])?.pow_scalar(2.0)?.mean()
}

/// Cross-entropy of `tanh(X w1ᵀ + b1) w2ᵀ + b2`.
fn mlp(p: &[Var], data: &[Var]) -> autograd::Result<Var> {
    let hidden = data[0].matmul(&p[0].t()?)?.add(&p[1])?.tanh()?;
    hidden.matmul(&p[2].t()?)?.add(&p[3])?.cross_entropy(data[1].detach())
}

/// Recorded keyword arguments.
fn keywords(kw: &Json) -> Dict {
    kw.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value_of(value))).collect()
}

/// A JSON value as an option's value.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(x) => Value::Bool(*x),
        Json::Number(x) => {
            x.as_i64().map_or_else(|| Value::Float(x.as_f64().unwrap_or(f64::NAN)), Value::Int)
        }
        Json::String(x) => Value::Str(x.clone()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Json::Object(entries) => Value::Dict(entries.iter().map(|(k, v)| (k.clone(), value_of(v))).collect()),
    }
}
