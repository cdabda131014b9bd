//! Reading recorded calls (`fixtures/README.md`) and comparing what this crate makes of them.

#![allow(dead_code, reason = "each test uses a part")]

use autograd::{Error, Tensor, Var};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tensor_core::io::safetensors;

/// A folder under `fixtures/`.
pub fn fixtures(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder)
}

/// `NAME.json` and the tensors of `NAME.safetensors`.
pub fn read(folder: &str, name: &str) -> (Vec<Json>, BTreeMap<String, Tensor>) {
    let base = fixtures(folder);
    let text = std::fs::read_to_string(base.join(format!("{name}.json"))).unwrap();
    let cases = serde_json::from_str(&text).unwrap();
    (cases, safetensors::read(base.join(format!("{name}.safetensors"))).unwrap().tensors)
}

/// Fails unless every value is within `tolerance`, absolute and relative, of the recorded one; NaN equals NaN.
pub fn compare(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) -> Result<(), String> {
    if found.shape() != expected.shape() || found.dtype() != expected.dtype() {
        let (a, b) = (found.shape(), expected.shape());
        return Err(format!("{what}: {} {a}, recorded {} {b}", found.dtype(), expected.dtype()));
    }
    let values = |x: &Tensor| x.to_dtype(autograd::DType::F64).unwrap().to_vec::<f64>().unwrap();
    for (i, (f, e)) in values(found).into_iter().zip(values(expected)).enumerate() {
        let close = f == e || (f.is_nan() && e.is_nan()) || (f - e).abs() <= tolerance * (1.0 + e.abs());
        if !close {
            return Err(format!("{what}: element {i} is {f}, recorded {e}"));
        }
    }
    Ok(())
}

/// One argument of a recorded call, tensors as variables: a leaf where a gradient was recorded.
#[derive(Clone, Debug)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Tensor(Var),
    List(Vec<Value>),
    /// `start:stop:step`.
    Slice([Option<i64>; 3]),
}

/// A recorded call of an operation.
pub struct Call {
    pub input: Value,
    pub args: Vec<Value>,
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

/// Why a call was not replayed.
#[derive(Debug)]
pub enum Outcome {
    /// The operation refused it, or its results differ.
    Failed(String),
    /// The adapter does not know this form of the call.
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
pub type Replayed = Result<Vec<Var>, Outcome>;

/// An adapter was asked for a form that it does not know.
pub fn unsupported<T>(what: &'static str) -> Result<T, Outcome> {
    Err(Outcome::Unsupported(what))
}

/// All recorded calls of one operation.
pub fn calls(name: &str) -> Vec<Call> {
    let (cases, tensors) = read("ops", name);
    cases.iter().map(|case| Call::parse(case, &tensors)).collect()
}

impl Call {
    fn parse(case: &Json, tensors: &BTreeMap<String, Tensor>) -> Call {
        let mut leaves = Vec::new();
        let input = Value::parse(&case["input"], tensors, &mut leaves);
        let args =
            case["args"].as_array().unwrap().iter().map(|a| Value::parse(a, tensors, &mut leaves)).collect();
        let kwargs = case["kwargs"].as_object().unwrap();
        let kwargs = kwargs.iter().map(|(k, v)| (k.clone(), Value::parse(v, tensors, &mut leaves))).collect();
        let list = |value: &Json| match value {
            Json::Null => Vec::new(),
            Json::Array(items) => items.iter().map(|item| recorded(item, tensors)).collect(),
            item => vec![recorded(item, tensors)],
        };
        let present = |list: Vec<Option<Tensor>>| list.into_iter().flatten().collect();
        let (out, cotangents) = (present(list(&case["out"])), present(list(&case["cot"])));
        Call { input, args, kwargs, leaves, out, cotangents, gradients: list(&case["grad"]) }
    }

    /// Argument `index` after the input, or the keyword `name`.
    pub fn arg(&self, index: usize, name: &str) -> Value {
        self.args.get(index).or_else(|| self.kwargs.get(name)).cloned().unwrap_or(Value::None)
    }

    /// The input, one tensor.
    pub fn x(&self) -> Result<Var, Outcome> {
        self.input.var()
    }

    /// Runs `adapter` on this call and compares its results, and the gradients for the recorded cotangents.
    pub fn replay(&self, adapter: impl Fn(&Call) -> Replayed, tolerance: f64) -> Result<(), Outcome> {
        let results = adapter(self)?;
        let check = |what: String, found: &Tensor, expected: &Tensor| {
            compare(&what, found, expected, tolerance).map_err(Outcome::Failed)
        };
        if results.len() != self.out.len() {
            return Err(Outcome::Failed(format!("{} results, recorded {}", results.len(), self.out.len())));
        }
        for (i, (found, expected)) in results.iter().zip(&self.out).enumerate() {
            check(format!("result {i}"), &found.detach(), expected)?;
        }
        if self.cotangents.is_empty() {
            return Ok(());
        }
        let roots: Vec<(&Var, &Tensor)> = results
            .iter()
            .filter(|y| y.dtype().is_float())
            .zip(&self.cotangents)
            .filter(|(y, _)| y.requires_grad())
            .collect();
        if !roots.is_empty() {
            let (outputs, seeds): (Vec<&Var>, Vec<Option<&Tensor>>) =
                roots.into_iter().map(|(y, seed)| (y, Some(seed))).unzip();
            autograd::backward(&outputs, &seeds, false)?;
        }
        for (i, (leaf, expected)) in self.leaves.iter().zip(&self.gradients).enumerate() {
            match (leaf.grad(), expected.as_ref()) {
                (Some(found), Some(expected)) => check(format!("gradient {i}"), &found, expected)?,
                (None, None) => {}
                // No gradient and a gradient of zeros are the same to whoever steps.
                (None, Some(g)) if !g.any()? => {}
                (Some(g), None) if !g.any()? => {}
                (found, _) => {
                    let found = if found.is_some() { "there" } else { "missing" };
                    return Err(Outcome::Failed(format!("gradient {i} is {found}, recorded otherwise")));
                }
            }
        }
        Ok(())
    }
}

/// A tensor of the record, or None.
fn recorded(value: &Json, tensors: &BTreeMap<String, Tensor>) -> Option<Tensor> {
    value.as_object().map(|object| strided(object, tensors))
}

/// The tensor that `object` names, with its recorded strides.
fn strided(object: &Map<String, Json>, tensors: &BTreeMap<String, Tensor>) -> Tensor {
    let dense = &tensors[object["t"].as_str().unwrap()];
    let strides: Vec<usize> =
        object["stride"].as_array().unwrap().iter().map(|s| s.as_u64().unwrap() as usize).collect();
    with_strides(dense, &strides)
}

/// The values of `x` in storage with other strides, as a narrowed and permuted view of a larger tensor: what lies
/// between is NaN, so that a kernel that strays is noticed. Strides that do not divide each other (none is recorded)
/// come out dense in the same order.
fn with_strides(x: &Tensor, strides: &[usize]) -> Tensor {
    if x.strides() == strides || x.numel() == 0 {
        return x.clone();
    }
    let shape = x.shape().clone();
    // One element of each repeated dimension is all there is of it.
    let mut base = x.clone();
    for (d, &stride) in strides.iter().enumerate() {
        if stride == 0 {
            base = base.narrow(d as isize, 0, 1).unwrap();
        }
    }
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.sort_by_key(|&d| std::cmp::Reverse((strides[d].max(1), base.shape()[d])));
    let forward: Vec<isize> = order.iter().map(|&d| d as isize).collect();
    let mut back = vec![0isize; shape.len()];
    order.iter().enumerate().for_each(|(place, &d)| back[d] = place as isize);
    let mut padded = base.permute(&forward).unwrap().unsqueeze(-1).unwrap();
    let sizes = padded.shape().clone();
    let mut step = 1;
    for d in (0..sizes.len()).rev() {
        // Dimension d is as long as the step of the one before it asks for.
        let outer = d.checked_sub(1).map_or(0, |before| strides[order[before]].max(1));
        let length = if outer % step == 0 { (outer / step).max(sizes[d]) } else { sizes[d] };
        if length > sizes[d] {
            let mut room = padded.shape().to_vec();
            room[d] = length - sizes[d];
            let room = Tensor::full(room, f64::NAN, x.dtype()).unwrap();
            padded = Tensor::cat(&[&padded, &room], d as isize).unwrap();
        }
        step *= length;
    }
    let mut view = padded.contiguous().unwrap();
    for (d, &size) in sizes.iter().enumerate() {
        view = view.narrow(d as isize, 0, size).unwrap();
    }
    view.squeeze(-1).unwrap().permute(&back).unwrap().broadcast_to(&shape).unwrap()
}

impl Value {
    fn parse(value: &Json, tensors: &BTreeMap<String, Tensor>, leaves: &mut Vec<Var>) -> Value {
        match value {
            Json::Null => Value::None,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap()), Value::Int),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => {
                Value::List(items.iter().map(|v| Value::parse(v, tensors, leaves)).collect())
            }
            Json::Object(object) => Value::parse_object(object, tensors, leaves),
        }
    }

    fn parse_object(
        object: &Map<String, Json>,
        tensors: &BTreeMap<String, Tensor>,
        leaves: &mut Vec<Var>,
    ) -> Value {
        if let Some(Json::String(number)) = object.get("f") {
            return Value::Float(number.parse().unwrap());
        }
        if let Some(Json::String(dtype)) = object.get("dtype").filter(|_| object.len() == 1) {
            return Value::Text(dtype.clone());
        }
        if let Some(Json::Array(bounds)) = object.get("slice") {
            return Value::Slice(std::array::from_fn(|i| bounds[i].as_i64()));
        }
        let tensor = strided(object, tensors);
        if object["rg"] != Json::Bool(true) {
            return Value::Tensor(tensor.into());
        }
        let leaf = Var::leaf(tensor).unwrap();
        leaves.push(leaf.clone());
        Value::Tensor(leaf)
    }

    /// Whether the argument was left out.
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    pub fn var(&self) -> Result<Var, Outcome> {
        match self {
            Value::Tensor(x) => Ok(x.clone()),
            _ => unsupported("not a tensor"),
        }
    }

    /// The tensor, if the argument was given.
    pub fn optional_var(&self) -> Result<Option<Var>, Outcome> {
        if self.is_none() { Ok(None) } else { self.var().map(Some) }
    }

    pub fn vars(&self) -> Result<Vec<Var>, Outcome> {
        match self {
            Value::List(items) => items.iter().map(Value::var).collect(),
            _ => unsupported("not a list of tensors"),
        }
    }

    pub fn float(&self) -> Result<f64, Outcome> {
        match self {
            Value::Float(x) => Ok(*x),
            Value::Int(x) => Ok(*x as f64),
            Value::Bool(x) => Ok(f64::from(u8::from(*x))),
            _ => unsupported("not a number"),
        }
    }

    /// The number, or the default of an argument that was left out.
    pub fn float_or(&self, default: f64) -> Result<f64, Outcome> {
        if self.is_none() { Ok(default) } else { self.float() }
    }

    pub fn int(&self) -> Result<isize, Outcome> {
        match self {
            Value::Int(x) => Ok(*x as isize),
            _ => unsupported("not an integer"),
        }
    }

    pub fn int_or(&self, default: isize) -> Result<isize, Outcome> {
        if self.is_none() { Ok(default) } else { self.int() }
    }

    pub fn bool_or(&self, default: bool) -> Result<bool, Outcome> {
        match self {
            Value::None => Ok(default),
            Value::Bool(b) => Ok(*b),
            _ => unsupported("not a bool"),
        }
    }

    pub fn text_or(&self, default: &str) -> Result<String, Outcome> {
        match self {
            Value::None => Ok(default.to_string()),
            Value::Text(text) => Ok(text.clone()),
            _ => unsupported("not text"),
        }
    }

    /// One integer or a list of them; none for an argument that was left out.
    pub fn ints(&self) -> Result<Vec<isize>, Outcome> {
        match self {
            Value::None => Ok(Vec::new()),
            Value::Int(x) => Ok(vec![*x as isize]),
            Value::List(items) => items.iter().map(Value::int).collect(),
            _ => unsupported("not a list of integers"),
        }
    }

    /// Height and width, given as one number or two.
    pub fn pair_or(&self, default: [usize; 2]) -> Result<[usize; 2], Outcome> {
        match self.ints()?[..] {
            [] => Ok(default),
            [n] => Ok([n as usize; 2]),
            [h, w] => Ok([h as usize, w as usize]),
            _ => unsupported("not a pair"),
        }
    }
}
