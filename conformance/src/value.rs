//! One argument of a recorded call.

use crate::record::{Tensors, list, strided};
use crate::{Result, call::Outcome};
use autograd::{DType, Scalar, Shape, Tensor, Var};
use serde_json::{Map, Value as Json};

/// An argument, tensors as variables: a leaf where a gradient was recorded.
#[derive(Clone, Debug)]
pub enum Value {
    /// Left out, or None.
    None,
    /// A flag.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Text.
    Text(String),
    /// The name of a dtype, as PyTorch prints it.
    DType(String),
    /// A tensor.
    Tensor(Var),
    /// A list or tuple.
    List(Vec<Value>),
    /// `start:stop:step`.
    Slice([Option<i64>; 3]),
}

/// What an adapter asks of an argument: it, or why the call is not replayed.
pub type Asked<T> = std::result::Result<T, Outcome>;

/// The call has a form that this project does not have.
///
/// # Errors
/// Always.
pub fn unsupported<T>(what: &'static str) -> Asked<T> {
    Err(Outcome::Unsupported(what))
}

impl Value {
    /// Reads an argument; the tensors that require a gradient are added to `leaves`.
    ///
    /// # Errors
    /// If it has another form than a record's.
    pub fn parse(value: &Json, tensors: &Tensors, leaves: &mut Vec<Var>) -> Result<Value> {
        Ok(match value {
            Json::Null => Value::None,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => {
                n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or(f64::NAN)), Value::Int)
            }
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => {
                Value::List(items.iter().map(|v| Value::parse(v, tensors, leaves)).collect::<Result<_>>()?)
            }
            Json::Object(object) => Value::parse_object(object, tensors, leaves)?,
        })
    }

    fn parse_object(object: &Map<String, Json>, tensors: &Tensors, leaves: &mut Vec<Var>) -> Result<Value> {
        if let Some(Json::String(number)) = object.get("f") {
            return Ok(Value::Float(number.parse().map_err(|e| format!("{number}: {e}"))?));
        }
        if let Some(Json::String(dtype)) = object.get("dtype").filter(|_| object.len() == 1) {
            return Ok(Value::DType(dtype.clone()));
        }
        if let Some(bounds) = object.get("slice") {
            let bounds = list(bounds, "slice")?;
            return Ok(Value::Slice(std::array::from_fn(|i| bounds.get(i).and_then(Json::as_i64))));
        }
        let tensor = strided(object, tensors)?;
        if object.get("rg") != Some(&Json::Bool(true)) {
            return Ok(Value::Tensor(tensor.into()));
        }
        let leaf = Var::leaf(tensor).map_err(|e| e.to_string())?;
        leaves.push(leaf.clone());
        Ok(Value::Tensor(leaf))
    }

    /// Whether the argument was left out.
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// The argument, if it was given, through `read`.
    ///
    /// # Errors
    /// What `read` refuses.
    pub fn optional<T>(&self, read: impl Fn(&Value) -> Asked<T>) -> Asked<Option<T>> {
        if self.is_none() { Ok(None) } else { read(self).map(Some) }
    }

    /// The argument through `read`, or the default of one that was left out.
    ///
    /// # Errors
    /// What `read` refuses.
    pub fn or<T>(&self, default: T, read: impl Fn(&Value) -> Asked<T>) -> Asked<T> {
        Ok(self.optional(read)?.unwrap_or(default))
    }

    /// A tensor.
    ///
    /// # Errors
    /// If it is none.
    pub fn var(&self) -> Asked<Var> {
        match self {
            Value::Tensor(x) => Ok(x.clone()),
            _ => unsupported("not a tensor"),
        }
    }

    /// A tensor that no gradient is asked of.
    ///
    /// # Errors
    /// If it is none.
    pub fn tensor(&self) -> Asked<Tensor> {
        Ok(self.var()?.detach())
    }

    /// An index tensor; this project takes i64 alone.
    ///
    /// # Errors
    /// If it is none, or of another dtype.
    pub fn index(&self) -> Asked<Tensor> {
        let index = self.tensor()?;
        if index.dtype() == DType::I64 {
            Ok(index)
        } else {
            unsupported("an index of another dtype than i64")
        }
    }

    /// A list of tensors.
    ///
    /// # Errors
    /// If it is none.
    pub fn vars(&self) -> Asked<Vec<Var>> {
        match self {
            Value::List(items) => items.iter().map(Value::var).collect(),
            _ => unsupported("not a list of tensors"),
        }
    }

    /// A number or flag.
    ///
    /// # Errors
    /// If it is none.
    pub fn float(&self) -> Asked<f64> {
        match self {
            Value::Float(x) => Ok(*x),
            Value::Int(x) => Ok(*x as f64),
            Value::Bool(x) => Ok(f64::from(u8::from(*x))),
            _ => unsupported("not a number"),
        }
    }

    /// A number or flag, with its type.
    ///
    /// # Errors
    /// If it is none.
    pub fn scalar(&self) -> Asked<Scalar> {
        Ok(match self {
            Value::Int(x) => Scalar::Int(*x),
            Value::Bool(x) => Scalar::Bool(*x),
            other => Scalar::Float(other.float()?),
        })
    }

    /// The number, or the default of an argument that was left out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn float_or(&self, default: f64) -> Asked<f64> {
        self.or(default, Value::float)
    }

    /// An integer.
    ///
    /// # Errors
    /// If it is none.
    pub fn int(&self) -> Asked<isize> {
        match self {
            Value::Int(x) => Ok(*x as isize),
            _ => unsupported("not an integer"),
        }
    }

    /// The integer, or the default of an argument that was left out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn int_or(&self, default: isize) -> Asked<isize> {
        self.or(default, Value::int)
    }

    /// The flag, or the default of an argument that was left out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn bool_or(&self, default: bool) -> Asked<bool> {
        match self {
            Value::None => Ok(default),
            Value::Bool(b) => Ok(*b),
            _ => unsupported("not a bool"),
        }
    }

    /// The text, or the default of an argument that was left out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn text_or(&self, default: &str) -> Asked<String> {
        match self {
            Value::None => Ok(default.to_string()),
            Value::Text(text) => Ok(text.clone()),
            _ => unsupported("not text"),
        }
    }

    /// A dtype, as PyTorch prints it: "float64", or "torch.float64".
    ///
    /// # Errors
    /// If it is none, or this project does not have it.
    pub fn dtype(&self) -> Asked<DType> {
        let name = match self {
            Value::DType(name) | Value::Text(name) => name.trim_start_matches("torch."),
            _ => return unsupported("not a dtype"),
        };
        Ok(match name {
            "float32" => DType::F32,
            "float64" => DType::F64,
            "float16" => DType::F16,
            "bfloat16" => DType::BF16,
            "int64" => DType::I64,
            "int32" => DType::I32,
            "uint8" => DType::U8,
            "bool" => DType::Bool,
            _ => return unsupported("another dtype"),
        })
    }

    /// One integer or a list of them; none for an argument that was left out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn ints(&self) -> Asked<Vec<isize>> {
        match self {
            Value::None => Ok(Vec::new()),
            Value::Int(x) => Ok(vec![*x as isize]),
            Value::List(items) => items.iter().map(Value::int).collect(),
            _ => unsupported("not a list of integers"),
        }
    }

    /// A shape.
    ///
    /// # Errors
    /// If it is something else.
    pub fn shape(&self) -> Asked<Shape> {
        Ok(self.ints()?.into_iter().map(|n| n as usize).collect())
    }

    /// One size for each of `N` dimensions, given as one number or `N`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn sizes_or<const N: usize>(&self, default: [usize; N]) -> Asked<[usize; N]> {
        match self.ints()?[..] {
            [] => Ok(default),
            [n] => Ok([n as usize; N]),
            ref sizes if sizes.len() == N => Ok(std::array::from_fn(|i| sizes[i] as usize)),
            _ => unsupported("another number of sizes"),
        }
    }
}
