//! Gradients that are returned: `grad` and its options.

use crate::support::*;

#[test]
fn grad_returns_gradients_and_touches_none() {
    let (x, y) = (scalar(2.0), scalar(3.0));
    let z = x.mul(&y).unwrap();
    let found = grad(&z, &[&y, &x], false).unwrap();
    let values: Vec<f64> = found.iter().map(|g| g.item().unwrap()).collect();
    assert_eq!(values, [2.0, 3.0]);
    assert!(x.grad().is_none() && y.grad().is_none());
}

#[test]
fn grad_of_an_intermediate_and_of_a_leaf_behind_it() {
    let x = scalar(2.0);
    let y = x.mul(&x).unwrap();
    let z = y.mul(&y).unwrap();
    let found = grad(&z, &[&y, &x, &x], false).unwrap();
    let values: Vec<f64> = found.iter().map(|g| g.item().unwrap()).collect();
    assert_eq!(values, [8.0, 32.0, 32.0]);
}

#[test]
fn an_unused_input_of_grad_is_an_error_unless_allowed() {
    let (x, unused) = (scalar(2.0), scalar(1.0));
    let y = x.mul(&x).unwrap();
    let message = grad(&y, &[&x, &unused], false).unwrap_err().to_string();
    assert!(message.contains("index 1") && message.contains("allow_unused"), "{message}");
    let y = x.mul(&x).unwrap();
    let found = Grad { allow_unused: true, ..Grad::default() }.of(&[&y], &[&unused, &x], &[None]).unwrap();
    assert!(found[0].is_none() && found[1].is_some());
}

#[test]
fn create_graph_gives_derivatives_of_any_order() {
    let x = scalar(2.0);
    let mut y = x.pow_scalar(5).unwrap();
    for expected in [80.0, 160.0, 240.0, 240.0, 120.0] {
        y = grad(&y, &[&x], true).unwrap().remove(0);
        assert_eq!(y.detach().item::<f64>().unwrap(), expected);
    }
}

#[test]
fn differentiating_a_gradient_without_create_graph_says_how_to() {
    let x = scalar(2.0);
    let g = grad(&x.mul(&x).unwrap(), &[&x], false).unwrap().remove(0);
    let message = g.backward().unwrap_err().to_string();
    assert!(message.contains("create_graph"), "{message}");
}
