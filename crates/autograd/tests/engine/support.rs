//! Small values and reads.

pub use autograd::*;
pub use std::sync::Arc;
pub use std::sync::atomic::{AtomicUsize, Ordering};

pub fn leaf(values: &[f64]) -> Var {
    Var::leaf(vector(values)).unwrap()
}

pub fn vector(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

pub fn scalar(value: f64) -> Var {
    Var::leaf(Tensor::scalar(value).unwrap()).unwrap()
}

pub fn gradient(x: &Var) -> Vec<f64> {
    x.grad().expect("a gradient").to_vec().unwrap()
}

/// The values behind a variable.
pub fn values(x: &Var) -> Vec<f64> {
    x.detach().to_vec().unwrap()
}

/// Checks that an error's text has all `parts`.
#[track_caller]
pub fn says<T>(outcome: Result<T>, parts: &[&str]) {
    let Err(error) = outcome else { panic!("no error; expected one that says {parts:?}") };
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}
