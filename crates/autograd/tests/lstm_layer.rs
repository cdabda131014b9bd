//! The LSTM layer beside the same steps made of other operations, with more samples than one task takes, and with inputs
//! that depend on each other.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use autograd::tensor_core::{Activation, Rng, with_threads};
use autograd::{DType, Grad, Result, Tensor, Var};

/// Input, state, weight and bias to the outputs and the last cell.
type Layer = dyn Fn(&Var, &Var, &Var, &Var) -> Result<(Var, Var)>;

/// h at all steps and the last c, of other operations.
fn composed(x: &Var, h0: &Var, c0: &Var, weight: &Var, bias: &Var, reverse: bool) -> Result<(Var, Var)> {
    let (mut h, mut c, mut all) = (h0.clone(), c0.clone(), Vec::new());
    let mut steps = x.unbind(0)?;
    if reverse {
        steps.reverse();
    }
    for x in &steps {
        let gates = x.add(&h.linear(weight, Some(bias), Activation::Identity)?)?.chunk(4, -1)?;
        c = gates[1].sigmoid()?.mul(&c)?.add(&gates[0].sigmoid()?.mul(&gates[2].tanh()?)?)?;
        h = gates[3].sigmoid()?.mul(&c.tanh()?)?;
        all.push(h.clone());
    }
    if reverse {
        all.reverse();
    }
    Ok((Var::stack(&all.iter().collect::<Vec<_>>(), 0)?, c))
}

/// Inputs x, h0, c0, weight and bias.
fn inputs(length: usize, batch: usize, hidden: usize, dtype: DType) -> Vec<Var> {
    let rng = Rng::seed(0);
    let shapes = [
        vec![length, batch, 4 * hidden],
        vec![batch, hidden],
        vec![batch, hidden],
        vec![4 * hidden, hidden],
        vec![4 * hidden],
    ];
    let leaf = |shape: &Vec<usize>| {
        let values = rng.randn(shape, DType::F64).unwrap().mul_scalar(0.3).unwrap();
        Var::leaf(values.to_dtype(dtype).unwrap()).unwrap()
    };
    shapes.iter().map(leaf).collect()
}

/// A value that all outputs are in, each with a gradient of its own.
fn loss((h, c): (Var, Var)) -> Var {
    h.mul(&h).unwrap().sum().unwrap().add(&c.sin().unwrap().sum().unwrap()).unwrap()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    let difference = a.sub(b).unwrap().abs().unwrap().to_vec::<f64>().unwrap();
    difference.into_iter().fold(0.0, f64::max)
}

#[test]
fn values_and_gradients_are_those_of_the_steps_in_several_runs_of_samples() {
    // 16 samples a task up to 128 of them: one task and a part, three with a short last one, tasks of 17.
    for (batch, hidden) in [(17, 5), (37, 20), (131, 3)] {
        for reverse in [false, true] {
            let x = inputs(4, batch, hidden, DType::F64);
            let whole = x[0].lstm_layer(&x[1], &x[2], &x[3], Some(&x[4]), reverse).unwrap();
            let parts = composed(&x[0], &x[1], &x[2], &x[3], &x[4], reverse).unwrap();
            assert!(largest_difference(&whole.0.detach(), &parts.0.detach()) < 1e-13);
            assert!(largest_difference(&whole.1.detach(), &parts.1.detach()) < 1e-13);
            let grads = [whole, parts].map(|outputs| {
                let inputs: Vec<&Var> = x.iter().collect();
                Grad::default().of(&[&loss(outputs)], &inputs, &[None]).unwrap()
            });
            for (i, (a, b)) in grads[0].iter().zip(&grads[1]).enumerate() {
                let far = largest_difference(&a.as_ref().unwrap().detach(), &b.as_ref().unwrap().detach());
                assert!(far < 1e-11, "input {i} of {batch} x {hidden}: {far}");
            }
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let bits = |threads| {
        with_threads(threads, || {
            let x = inputs(3, 37, 20, DType::F32);
            loss(x[0].lstm_layer(&x[1], &x[2], &x[3], Some(&x[4]), false).unwrap()).backward().unwrap();
            x.iter().map(|x| x.grad().unwrap().to_le_bytes().unwrap()).collect::<Vec<_>>()
        })
    };
    let one = bits(1);
    assert!(one == bits(2) && one == bits(4));
}

#[test]
fn second_derivatives_of_inputs_that_depend_on_each_other() {
    // One state for h and c, made from the weights: each path is counted once.
    let second = |layer: &Layer| {
        let x = inputs(3, 2, 2, DType::F64);
        let state = x[3].narrow(0, 0, 2).unwrap().mul_scalar(0.5).unwrap();
        let loss = loss(layer(&x[0], &state, &x[3], &x[4]).unwrap());
        let wanted = [&x[0], &x[3], &x[4]];
        let options = Grad { create_graph: true, ..Grad::default() };
        let first = options.of(&[&loss], &wanted, &[None]).unwrap();
        let size = |grad: &Option<Var>| {
            let grad = grad.as_ref().unwrap();
            grad.mul(grad).unwrap().sum().unwrap()
        };
        let sizes = first.iter().map(size).reduce(|a, b| a.add(&b).unwrap()).unwrap();
        let second = Grad::default().of(&[&sizes], &wanted, &[None]).unwrap();
        first.iter().chain(&second).map(|grad| grad.as_ref().unwrap().detach()).collect::<Vec<_>>()
    };
    let whole = second(&|x, state, weight, bias| x.lstm_layer(state, state, weight, Some(bias), false));
    let parts = second(&|x, state, weight, bias| composed(x, state, state, weight, bias, false));
    for (a, b) in whole.iter().zip(&parts) {
        assert!(largest_difference(a, b) < 1e-12);
    }
}
