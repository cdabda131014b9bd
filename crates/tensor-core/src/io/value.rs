//! Saved state as plain values: what a checkpoint holds.

use crate::{DType, Rng, Tensor};
use std::collections::BTreeMap;

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
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A dictionary with text keys.
    Dict(Dict),
    /// A dictionary with integer keys: the `state` of an optimizer.
    IntDict(BTreeMap<i64, Value>),
    /// A tensor.
    Tensor(Tensor),
}

/// Values by name.
pub type Dict = BTreeMap<String, Value>;

impl Value {
    /// The value as `T`, if it is one. Integers are numbers too, as in Python.
    pub fn get<T: OptionValue>(&self) -> Option<T> {
        T::from_value(self)
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> String {
        match self {
            Self::None => "None".into(),
            Self::Tensor(tensor) => format!("a tensor {} {}", tensor.dtype(), tensor.shape()),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Tuple(items) => format!("a tuple of {}", items.len()),
            Self::Dict(_) => "a dictionary".into(),
            Self::IntDict(_) => "a dictionary with integer keys".into(),
            Self::Bool(x) => format!("{x}"),
            Self::Int(x) => format!("{x}"),
            Self::Float(x) => format!("{x:?}"),
            Self::Str(x) => format!("{x:?}"),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => a == b,
            (Self::IntDict(a), Self::IntDict(b)) => a == b,
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

impl OptionValue for Value {
    const EXPECTED: &'static str = "any value";
    fn to_value(&self) -> Value {
        self.clone()
    }
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

/// [`Dict`], and the state of a module: tensors by name.
impl<T: OptionValue> OptionValue for BTreeMap<String, T> {
    const EXPECTED: &'static str = "a dictionary";
    fn to_value(&self) -> Value {
        Value::Dict(self.iter().map(|(name, x)| (name.clone(), x.to_value())).collect())
    }
    fn from_value(value: &Value) -> Option<Self> {
        let Value::Dict(entries) = value else { return None };
        entries.iter().map(|(name, x)| Some((name.clone(), T::from_value(x)?))).collect()
    }
}

/// An empty dictionary has no kind of keys.
impl<T: OptionValue> OptionValue for BTreeMap<i64, T> {
    const EXPECTED: &'static str = "a dictionary with integer keys";
    fn to_value(&self) -> Value {
        Value::IntDict(self.iter().map(|(&key, x)| (key, x.to_value())).collect())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::IntDict(entries) => {
                entries.iter().map(|(&key, x)| Some((key, T::from_value(x)?))).collect()
            }
            Value::Dict(entries) if entries.is_empty() => Some(Self::new()),
            _ => None,
        }
    }
}

/// A generator's whole state, as bytes.
impl OptionValue for Rng {
    const EXPECTED: &'static str = "the state of a random generator";
    fn to_value(&self) -> Value {
        self.state().to_value()
    }
    fn from_value(value: &Value) -> Option<Self> {
        Self::from_state(&value.get::<Vec<u8>>()?).ok()
    }
}

impl OptionValue for Vec<u8> {
    const EXPECTED: &'static str = "bytes";
    fn to_value(&self) -> Value {
        // One dimension of bytes that are there cannot be too large for a tensor.
        Tensor::from_vec(self.clone(), [self.len()]).map_or(Value::None, Value::Tensor)
    }
    fn from_value(value: &Value) -> Option<Self> {
        let Value::Tensor(bytes) = value else { return None };
        bytes.to_vec().ok()
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
            Value::List(items) | Value::Tuple(items) => items.iter().map(T::from_value).collect(),
            _ => None,
        }
    }
}

macro_rules! tuple {
    ($expected:literal: $($part:ident $index:tt),*) => {
        impl<$($part: OptionValue),*> OptionValue for ($($part,)*) {
            const EXPECTED: &'static str = $expected;
            fn to_value(&self) -> Value {
                Value::Tuple(vec![$(self.$index.to_value()),*])
            }
            fn from_value(value: &Value) -> Option<Self> {
                let (Value::List(items) | Value::Tuple(items)) = value else { return None };
                let count = [$($index),*].len();
                if items.len() == count { Some(($($part::from_value(&items[$index])?,)*)) } else { None }
            }
        }
    };
}
tuple!("a list of 2": A 0, B 1);
tuple!("a list of 3": A 0, B 1, C 2);
