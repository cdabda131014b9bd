//! A recorded call of an operation, made again.

use crate::Result;
use crate::record::{Tensors, compare, list, strided};
use crate::value::{Asked, Value};
use autograd::{Error, Tensor, Var};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Absolute and relative, on f64: what other orders of summation may differ by.
pub const TOLERANCE: f64 = 1e-7;

/// A recorded call.
pub struct Call {
    /// The first argument.
    pub input: Value,
    /// The positional arguments after it.
    pub args: Vec<Value>,
    /// The keyword arguments.
    pub kwargs: BTreeMap<String, Value>,
    /// The leaves, in the order of the recorded gradients.
    pub leaves: Vec<Var>,
    /// The recorded results.
    pub out: Vec<Tensor>,
    /// A cotangent for each differentiable result; empty for a call that is not differentiable.
    pub cotangents: Vec<Tensor>,
    /// The recorded gradient of each leaf; None where none flows.
    pub gradients: Vec<Option<Tensor>>,
}

/// Why a call did not pass.
#[derive(Debug)]
pub enum Outcome {
    /// The operation refused it, or its results differ.
    Failed(String),
    /// The results are the recorded ones, the gradients are not.
    FailedGradient(String),
    /// This project does not have this form of the call.
    Unsupported(&'static str),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        Outcome::Failed(error.to_string())
    }
}

impl From<tensor_core::Error> for Outcome {
    fn from(error: tensor_core::Error) -> Self {
        Outcome::Failed(error.to_string())
    }
}

/// What an adapter returns: the results in their recorded order.
pub type Replayed = Asked<Vec<Var>>;

impl Call {
    /// Reads a call.
    ///
    /// # Errors
    /// If it has another form than a record's.
    pub fn parse(case: &Json, tensors: &Tensors) -> Result<Call> {
        let mut leaves = Vec::new();
        let mut value = |json: &Json| Value::parse(json, tensors, &mut leaves);
        let input = value(&case["input"])?;
        let args = list(&case["args"], "args")?.iter().map(&mut value).collect::<Result<_>>()?;
        let kwargs = case["kwargs"].as_object().ok_or("kwargs is not an object")?;
        let kwargs = kwargs.iter().map(|(k, v)| Ok((k.clone(), value(v)?))).collect::<Result<_>>()?;
        let gradients = recorded(&case["grad"], tensors)?;
        let present = |json: &Json| -> Result<Vec<Tensor>> {
            Ok(recorded(json, tensors)?.into_iter().flatten().collect())
        };
        let (out, cotangents) = (present(&case["out"])?, present(&case["cot"])?);
        Ok(Call { input, args, kwargs, leaves, out, cotangents, gradients })
    }

    /// Argument `index` after the input, or the keyword `name`.
    pub fn arg(&self, index: usize, name: &str) -> Value {
        self.args.get(index).or_else(|| self.kwargs.get(name)).cloned().unwrap_or(Value::None)
    }

    /// The keyword `name`.
    pub fn kwarg(&self, name: &str) -> Value {
        self.kwargs.get(name).cloned().unwrap_or(Value::None)
    }

    /// The input, one tensor.
    ///
    /// # Errors
    /// If it is something else.
    pub fn x(&self) -> Asked<Var> {
        self.input.var()
    }

    /// The input in the dtype that the keyword `dtype` asks for.
    ///
    /// # Errors
    /// If it is no tensor, or this project has no such dtype.
    pub fn in_dtype(&self) -> Asked<Var> {
        let dtype = self.kwarg("dtype").optional(Value::dtype)?;
        Ok(match dtype {
            Some(dtype) => self.x()?.to_dtype(dtype)?,
            None => self.x()?,
        })
    }

    /// The input and the arguments after it, all tensors, or the list of tensors that is the input.
    ///
    /// # Errors
    /// If there is something else among them.
    pub fn listed(&self) -> Asked<Vec<Var>> {
        match &self.input {
            Value::List(_) => self.input.vars(),
            input => std::iter::once(input).chain(&self.args).map(Value::var).collect(),
        }
    }

    /// Integers given as one list, as single arguments, or by the keyword `name`.
    ///
    /// # Errors
    /// If there is something else among them.
    pub fn signed(&self, name: &str) -> Asked<Vec<isize>> {
        match &self.args[..] {
            [] => self.kwarg(name).ints(),
            [list @ Value::List(_)] => list.ints(),
            single => single.iter().map(Value::int).collect(),
        }
    }

    /// As [`signed`](Call::signed), of sizes.
    ///
    /// # Errors
    /// If there is something else among them.
    pub fn sizes(&self, name: &str) -> Asked<Vec<usize>> {
        Ok(self.signed(name)?.into_iter().map(|n| n as usize).collect())
    }

    /// The recorded call in short, with the shapes of its tensors.
    pub fn describe(&self) -> String {
        let mut parts: Vec<String> = std::iter::once(&self.input).chain(&self.args).map(short).collect();
        parts.extend(self.kwargs.iter().map(|(name, value)| format!("{name}={}", short(value))));
        format!("({})", parts.join(", "))
    }

    /// Whether gradients were recorded.
    pub fn differentiable(&self) -> bool {
        !self.cotangents.is_empty()
    }

    /// Makes the call by `adapter` and compares its results, and the gradients for the recorded cotangents.
    ///
    /// # Errors
    /// What differs, or why it was not made.
    pub fn replay(&self, adapter: impl Fn(&Call) -> Replayed) -> Asked<()> {
        let results = adapter(self)?;
        if results.len() != self.out.len() {
            return Err(Outcome::Failed(format!("{} results, recorded {}", results.len(), self.out.len())));
        }
        for (i, (found, expected)) in results.iter().zip(&self.out).enumerate() {
            compare(&format!("result {i}"), &found.detach(), expected, TOLERANCE).map_err(Outcome::Failed)?;
        }
        if self.differentiable() { self.replay_gradients(&results) } else { Ok(()) }
    }

    fn replay_gradients(&self, results: &[Var]) -> Asked<()> {
        let failed = |e: Error| Outcome::FailedGradient(e.to_string());
        let roots: Vec<(&Var, &Tensor)> = results
            .iter()
            .filter(|y| y.dtype().is_float())
            .zip(&self.cotangents)
            .filter(|(y, _)| y.requires_grad())
            .collect();
        if !roots.is_empty() {
            let (outputs, seeds): (Vec<&Var>, Vec<Option<&Tensor>>) =
                roots.into_iter().map(|(y, seed)| (y, Some(seed))).unzip();
            autograd::backward(&outputs, &seeds, false).map_err(failed)?;
        }
        for (i, (leaf, expected)) in self.leaves.iter().zip(&self.gradients).enumerate() {
            let any = |g: &Tensor| g.any().map_err(|e| Outcome::FailedGradient(e.to_string()));
            match (leaf.grad(), expected.as_ref()) {
                (Some(found), Some(expected)) => {
                    compare(&format!("gradient {i}"), &found, expected, TOLERANCE)
                        .map_err(Outcome::FailedGradient)?;
                }
                (None, None) => {}
                // No gradient and a gradient of zeros are the same to whoever steps.
                (None, Some(g)) if !any(g)? => {}
                (Some(g), None) if !any(&g)? => {}
                (found, _) => {
                    let found = if found.is_some() { "there" } else { "missing" };
                    return Err(Outcome::FailedGradient(format!(
                        "gradient {i} is {found}, recorded otherwise"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The tensors of the record, one or a list; None in their place.
fn recorded(json: &Json, tensors: &Tensors) -> Result<Vec<Option<Tensor>>> {
    let one = |item: &Json| item.as_object().map(|object| strided(object, tensors)).transpose();
    match json {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => items.iter().map(one).collect(),
        item => Ok(vec![one(item)?]),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::None => "None".to_string(),
        Value::Bool(x) => x.to_string(),
        Value::Int(x) => x.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Text(x) => format!("{x:?}"),
        Value::DType(x) => x.clone(),
        Value::Tensor(x) => format!("{}{}", x.dtype(), x.shape()),
        Value::List(items) => format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(", ")),
        Value::Slice(bounds) => bounds.map(|b| b.map_or(String::new(), |b| b.to_string())).join(":"),
    }
}
