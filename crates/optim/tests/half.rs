//! Parameters in half precision: each step is the f32 step, rounded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

#[allow(dead_code, reason = "shared with other tests")]
mod named;

use autograd::{DType, Parameter, Tensor};
use optim::*;
use serde_json::json;

const HALVES: [DType; 2] = [DType::F16, DType::BF16];
const NAMES: [&str; 14] = [
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adamax",
    "NAdam",
    "RAdam",
    "ASGD",
    "Rprop",
    "Adafactor",
    "Muon",
    "Lion",
];

/// A matrix with values that `dtype` holds, as `kept`, and its gradient.
fn matrix(dtype: DType, kept: DType) -> Parameter {
    let values = |numbers: [f64; 6]| {
        let x = Tensor::from_slice(&numbers, [2, 3]).unwrap().to_dtype(dtype).unwrap();
        x.to_dtype(kept).unwrap()
    };
    let parameter = Parameter::new(values([0.5, -1.0, 2.0, 0.3, -0.7, 1.5])).unwrap();
    parameter.set_grad(Some(values([0.1, -0.2, 0.3, -0.4, 0.5, 0.6]))).unwrap();
    parameter
}

fn bytes(x: &Tensor) -> Vec<u8> {
    x.to_le_bytes().unwrap()
}

/// The state with its tensors in another dtype.
fn converted(state: &StateDict, dtype: DType) -> StateDict {
    let mut state = state.clone();
    for value in state.state.values_mut().flat_map(|kept| kept.values_mut()) {
        if let Value::Tensor(x) = value
            && x.rank() > 0
        {
            *x = x.to_dtype(dtype).unwrap();
        }
    }
    state
}

#[test]
fn the_first_step_is_that_of_f32_rounded() {
    for (name, dtype) in NAMES.into_iter().flat_map(|name| HALVES.map(|dtype| (name, dtype))) {
        let (half, wide) = (matrix(dtype, dtype), matrix(dtype, DType::F32));
        for p in [&half, &wide] {
            named::build(name, std::slice::from_ref(p), &json!({"lr": 10.0})).unwrap().step().unwrap();
        }
        let (found, expected) = (half.value(), wide.value().to_dtype(dtype).unwrap());
        assert_eq!(found.dtype(), dtype);
        assert_eq!(bytes(&found), bytes(&expected), "{name} {dtype}");
        assert_ne!(bytes(&found), bytes(&matrix(dtype, dtype).value()), "{name} moves");
    }
}

#[test]
fn state_is_f32_and_is_taken_back_in_f32_or_half() {
    for (name, dtype) in NAMES.into_iter().flat_map(|name| HALVES.map(|dtype| (name, dtype))) {
        let p = matrix(dtype, dtype);
        let mut opt = named::build(name, std::slice::from_ref(&p), &json!({})).unwrap();
        opt.step().unwrap();
        let (state, value) = (opt.state_dict().unwrap(), p.value());
        opt.step().unwrap();
        let q = Parameter::new(value.deep_clone().unwrap()).unwrap();
        q.set_grad(p.grad()).unwrap();
        let mut resumed = named::build(name, std::slice::from_ref(&q), &json!({})).unwrap();
        resumed.load_state_dict(&state).unwrap();
        resumed.step().unwrap();
        assert_eq!(bytes(&p.value()), bytes(&q.value()), "{name} {dtype}");
        // As PyTorch saves it.
        resumed.load_state_dict(&converted(&state, dtype)).unwrap();
        resumed.step().unwrap();
        let fault = resumed.load_state_dict(&converted(&state, DType::F64));
        let keeps = state.state.values().flat_map(|kept| kept.values());
        let keeps = keeps.filter(|value| matches!(value, Value::Tensor(x) if x.rank() > 0)).count();
        assert_eq!(fault.is_err(), keeps > 0, "{name} {dtype}");
    }
}

#[test]
fn small_steps_add_up_in_the_state() {
    // 1 − β₂ is 0.001: in bf16 the mean of squares would stop short of its goal.
    let p = matrix(DType::BF16, DType::BF16);
    let mut opt = Adam::new([&p], AdamOptions { lr: 0.0, ..Default::default() }).unwrap();
    for _ in 0..5000 {
        opt.step().unwrap();
    }
    let state = opt.state_dict().unwrap();
    let Value::Tensor(squares) = &state.state[&0]["exp_avg_sq"] else { panic!("a tensor") };
    assert!((squares.to_vec::<f32>().unwrap()[1] / 0.04 - 1.0).abs() < 0.02, "{squares}");
}

#[test]
fn clipping_averages_scaling_and_lbfgs_take_half_precision() {
    for dtype in HALVES {
        let p = matrix(dtype, dtype);
        let norm = clip_grad_norm([&p], 0.5).unwrap();
        assert!((norm - 0.91f64.sqrt()).abs() < 0.01, "{norm}");
        let clipped = p.grad().unwrap();
        assert_eq!(clipped.dtype(), dtype);
        assert!((total_norm([&p], 2.0).unwrap() - 0.5).abs() < 0.01);
        clip_grad_value([&p], 0.25).unwrap();
        let largest = p.grad().unwrap().abs().unwrap().amax(0, false).unwrap().amax(0, false).unwrap();
        assert_eq!(largest.to_dtype(DType::F64).unwrap().item::<f64>().unwrap(), 0.25);

        let mut average = AveragedModel::new([&p], Average::Ema { decay: 0.5 }).unwrap();
        average.update_parameters().unwrap();
        average.update_parameters().unwrap();
        assert_eq!(bytes(&average.averages()[0]), bytes(&p.value()));

        let mut opt = LBFGS::new([&p], 0.1).unwrap();
        let mut losses = Vec::new();
        for _ in 0..3 {
            let loss = opt.step_closure(&mut || {
                p.zero_grad();
                let loss = p.var().mul(&p.var())?.sum()?;
                loss.backward()?;
                Ok(loss.detach().to_dtype(DType::F64)?.item()?)
            });
            losses.push(loss.unwrap());
        }
        assert!(losses[2] < losses[0] / 2.0, "{losses:?}");
        assert_eq!(p.value().dtype(), dtype);
    }
}
