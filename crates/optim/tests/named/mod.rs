//! Optimizers by name with options written as JSON, as the recorded runs have them.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use autograd::Parameter;
use optim::{Dict, NamedParameter, Optimizer, Result, Value, by_name};
use serde_json::Value as Json;

/// The optimizer of PyTorch's class `name` over one group.
#[track_caller]
pub fn build(name: &str, parameters: &[Parameter], options: &Json) -> Result<Box<dyn Optimizer>> {
    by_name(name, [(parameters.iter().map(NamedParameter::from).collect(), dict(options))])
}

/// Options by name.
pub fn dict(options: &Json) -> Dict {
    options.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value_of(value))).collect()
}

/// A JSON value as a saved value.
pub fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(x) => Value::Bool(*x),
        Json::Number(x) => x.as_i64().map_or_else(|| Value::Float(x.as_f64().unwrap()), Value::Int),
        Json::String(x) => Value::Str(x.clone()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Json::Object(_) => Value::Dict(dict(json)),
    }
}
