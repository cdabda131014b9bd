//! Saved state as plain values: what a checkpoint writes.

use crate::StateFault;
use std::collections::BTreeMap;
use tensor_core::{DType, Tensor};

/// A value in a saved state: what a Python dictionary of PyTorch's holds there.
///
/// Two values are equal if they are to the last bit: NaN equals NaN of the same bits, and 0.0 is not -0.0, so a state
/// that was saved and loaded compares equal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Str(String),
    /// A list or tuple.
    List(Vec<Value>),
    /// A dictionary with text keys.
    Dict(Dict),
    /// A tensor.
    Tensor(Tensor),
}

/// Values by name.
pub type Dict = BTreeMap<String, Value>;

/// The state of an optimizer in PyTorch's layout: what is kept for each parameter, keyed by the parameter's place in
/// the order of the groups, and the options of each group with the places of its parameters (`params`, and their
/// names as `param_names` where they have names).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    /// By the place of the parameter: names and values. A parameter that was never stepped is not there.
    pub state: BTreeMap<usize, Dict>,
    /// Options by name, one entry a group.
    pub param_groups: Vec<Dict>,
}

impl Value {
    /// The value as `T`, if it is one. Integers are numbers too, as in Python.
    pub fn get<T: OptionValue>(&self) -> Option<T> {
        T::from_value(self)
    }

    /// A number as a 0-d tensor, as PyTorch keeps step counts: f32 where that holds it exactly, else f64.
    pub(crate) fn scalar_tensor(x: f64) -> tensor_core::Result<Self> {
        let narrow = x as f32;
        let exact = f64::from(narrow) == x || x.is_nan();
        Ok(Self::Tensor(if exact { Tensor::scalar(narrow)? } else { Tensor::scalar(x)? }))
    }

    /// What kind of value this is, for messages.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::None => "None".into(),
            Self::Tensor(tensor) => format!("a tensor {} {}", tensor.dtype(), tensor.shape()),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Dict(_) => "a dictionary".into(),
            Self::Bool(x) => format!("{x}"),
            Self::Int(x) => format!("{x}"),
            Self::Float(x) => format!("{x:?}"),
            Self::Str(x) => format!("{x:?}"),
        }
    }
}

/// The entry `key` of `dict` as a `T`.
pub(crate) fn entry<T: OptionValue>(dict: &Dict, key: &str) -> Result<T, StateFault> {
    let value = dict.get(key).ok_or_else(|| StateFault::Missing { key: key.into() })?;
    value.get().ok_or_else(|| StateFault::Value {
        key: key.into(),
        found: value.kind(),
        expected: T::EXPECTED.into(),
    })
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => a == b,
            (Self::Tensor(a), Self::Tensor(b)) => {
                a.shape() == b.shape()
                    && a.dtype() == b.dtype()
                    && matches!((a.to_le_bytes(), b.to_le_bytes()), (Ok(a), Ok(b)) if a == b)
            }
            _ => false,
        }
    }
}

/// A type that an option or an entry of a saved state can have.
pub trait OptionValue: Sized {
    /// What fits, for messages.
    const EXPECTED: &'static str;
    /// As a value to save.
    fn to_value(&self) -> Value;
    /// From a saved value; `None` if it is of another kind.
    fn from_value(value: &Value) -> Option<Self>;
}

impl OptionValue for f64 {
    const EXPECTED: &'static str = "a number";
    fn to_value(&self) -> Value {
        Value::Float(*self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(x) => Some(*x),
            Value::Int(x) => Some(*x as f64),
            Value::Tensor(x) if x.numel() == 1 => x.to_dtype(DType::F64).and_then(|x| x.item()).ok(),
            _ => None,
        }
    }
}

impl OptionValue for bool {
    const EXPECTED: &'static str = "a truth value";
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(x) => Some(*x),
            Value::Int(x @ (0 | 1)) => Some(*x == 1),
            _ => None,
        }
    }
}

impl OptionValue for usize {
    const EXPECTED: &'static str = "an integer of at least 0";
    fn to_value(&self) -> Value {
        Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(x) => usize::try_from(*x).ok(),
            _ => None,
        }
    }
}

impl OptionValue for String {
    const EXPECTED: &'static str = "text";
    fn to_value(&self) -> Value {
        Value::Str(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Str(x) => Some(x.clone()),
            _ => None,
        }
    }
}

impl OptionValue for Tensor {
    const EXPECTED: &'static str = "a tensor";
    fn to_value(&self) -> Value {
        Value::Tensor(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Tensor(x) => Some(x.clone()),
            _ => None,
        }
    }
}

impl OptionValue for Dict {
    const EXPECTED: &'static str = "a dictionary";
    fn to_value(&self) -> Value {
        Value::Dict(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Dict(x) => Some(x.clone()),
            _ => None,
        }
    }
}

impl<T: OptionValue> OptionValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::None, T::to_value)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl<T: OptionValue> OptionValue for Vec<T> {
    const EXPECTED: &'static str = "a list";
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(T::from_value).collect(),
            _ => None,
        }
    }
}

impl<A: OptionValue, B: OptionValue> OptionValue for (A, B) {
    const EXPECTED: &'static str = "a list of 2";
    fn to_value(&self) -> Value {
        Value::List(vec![self.0.to_value(), self.1.to_value()])
    }
    fn from_value(value: &Value) -> Option<Self> {
        let Value::List(items) = value else { return None };
        let [a, b] = items.as_slice() else { return None };
        Some((A::from_value(a)?, B::from_value(b)?))
    }
}

impl<A: OptionValue, B: OptionValue, C: OptionValue> OptionValue for (A, B, C) {
    const EXPECTED: &'static str = "a list of 3";
    fn to_value(&self) -> Value {
        Value::List(vec![self.0.to_value(), self.1.to_value(), self.2.to_value()])
    }
    fn from_value(value: &Value) -> Option<Self> {
        let Value::List(items) = value else { return None };
        let [a, b, c] = items.as_slice() else { return None };
        Some((A::from_value(a)?, B::from_value(b)?, C::from_value(c)?))
    }
}
