//! Variables: leaves, results, constants, and reading them.

use crate::support::*;

#[test]
fn only_floats_can_require_gradients() {
    let message = Var::leaf(Tensor::zeros([2], DType::I64).unwrap()).unwrap_err().to_string();
    assert!(message.contains("floating point") && message.contains("i64"), "{message}");
    assert!(matches!(Parameter::new(Tensor::zeros([2], DType::Bool).unwrap()), Err(Error::NotFloat { .. })));
}

#[test]
fn a_result_keeps_its_gradient_only_when_asked() {
    let x = scalar(3.0);
    let (plain, kept) = (x.mul_scalar(2.0).unwrap(), x.mul_scalar(5.0).unwrap());
    kept.retain_grad().unwrap();
    plain.mul(&kept).unwrap().backward().unwrap();
    assert!(plain.grad().is_none());
    assert_eq!(gradient(&kept), [6.0]);
    assert!(matches!(
        Var::from(Tensor::scalar(1.0f64).unwrap()).retain_grad(),
        Err(Error::NotTracked { .. })
    ));
}

#[test]
fn detach_shares_storage_and_cuts_the_graph() {
    let x = leaf(&[1.0, 2.0]);
    let y = x.mul(&x).unwrap();
    let cut = y.detach();
    assert!(cut.shares_storage(&y.detach()));
    assert!(!Var::from(cut.clone()).requires_grad());
    // d/dx (x² · const) = 2x · const, not 4x³.
    y.mul(&cut.into()).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(gradient(&x), [2.0, 16.0]);
}

#[test]
fn writing_to_a_detached_value_does_not_change_what_backward_reads() {
    let x = leaf(&[1.0, 2.0]);
    let y = x.exp().unwrap();
    let mut cut = y.detach();
    cut.as_slice_mut::<f64>().unwrap().fill(100.0);
    y.sum().unwrap().backward().unwrap();
    assert_eq!(gradient(&x), [1f64.exp(), 2f64.exp()]);
}

#[test]
fn reading_values_of_a_tracked_variable_says_to_detach() {
    let x = scalar(1.0);
    for (error, call) in [
        (x.item::<f64>().unwrap_err(), "detach().item()"),
        (x.to_vec::<f64>().unwrap_err(), "detach().to_vec()"),
        (x.as_slice::<f64>().unwrap_err(), "detach().as_slice()"),
    ] {
        assert!(error.to_string().contains(call), "{error}");
    }
    assert_eq!(x.detach().item::<f64>().unwrap(), 1.0);
    assert_eq!(Var::from(x.detach()).item::<f64>().unwrap(), 1.0);
}

#[test]
fn leaves_and_results_know_what_they_are() {
    let x = scalar(2.0);
    let y = x.tanh().unwrap();
    assert!(x.is_leaf() && !y.is_leaf() && Var::from(y.detach()).is_leaf());
    assert_eq!((x.grad_fn(), y.grad_fn()), (None, Some("tanh")));
    assert!(y.to_string().ends_with("grad_fn=<tanh>)"), "{y}");
    assert!(x.to_string().ends_with("requires_grad=true)"), "{x}");
}

#[test]
fn an_error_of_an_operation_names_the_users_line() {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[1.0, 2.0, 3.0]));
    let message = a.add(&b).unwrap_err().to_string();
    assert!(message.contains(file!()) && message.contains("add") && message.contains("[3]"), "{message}");
    let line = line!() + 1;
    let message = a.matmul(&b).unwrap_err().to_string();
    assert!(message.contains(&format!("{}:{line}", file!())), "{message}");
}

#[test]
fn operators_panic_with_the_text_of_the_method() {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[1.0, 2.0, 3.0]));
    let sum = &a * &a + 2.0 * &a - &a / 2.0;
    sum.sum().unwrap().backward().unwrap();
    assert_eq!(gradient(&a), [3.5, 5.5]);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| &a + &b)).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("cannot be broadcast") && text.contains(file!()), "{text}");
}
