//! How gradients gather in leaves.

use crate::support::*;

#[test]
fn gradients_of_both_paths_of_a_diamond_are_added_once_each() {
    let x = scalar(3.0);
    let (a, b) = (x.mul_scalar(2.0).unwrap(), x.mul(&x).unwrap());
    a.mul(&b).unwrap().backward().unwrap(); // 2x³
    assert_eq!(gradient(&x), [54.0]);
}

#[test]
fn a_value_used_twice_in_one_operation_gets_both_gradients() {
    let x = leaf(&[1.0, -2.0]);
    x.mul(&x).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(gradient(&x), [2.0, -4.0]);
}

#[test]
fn gradients_accumulate_until_they_are_cleared() {
    let x = scalar(2.0);
    for expected in [4.0, 8.0, 12.0] {
        x.mul(&x).unwrap().backward().unwrap();
        assert_eq!(gradient(&x), [expected]);
    }
    x.zero_grad();
    assert!(x.grad().is_none());
    x.mul(&x).unwrap().backward().unwrap();
    assert_eq!(gradient(&x), [4.0]);
}

#[test]
fn an_accumulated_gradient_does_not_change_what_was_read_before() {
    let x = scalar(2.0);
    x.mul(&x).unwrap().backward().unwrap();
    let read = x.grad().unwrap();
    x.mul(&x).unwrap().backward().unwrap();
    assert_eq!(read.item::<f64>().unwrap(), 4.0);
}

#[test]
fn the_gradient_does_not_alias_the_seed() {
    let x = leaf(&[1.0, 2.0]);
    let mut seed = Tensor::from_slice(&[1.0f64, 1.0], [2]).unwrap();
    x.add_scalar(0.0).unwrap().backward_with(&seed).unwrap();
    seed.as_slice_mut::<f64>().unwrap()[0] = 7.0;
    assert_eq!(gradient(&x), [1.0, 1.0]);
}

#[test]
fn backward_twice_through_saved_values_is_an_error_that_names_the_operation() {
    let x = scalar(0.5);
    let y = x.exp().unwrap();
    y.backward().unwrap();
    let message = y.backward().unwrap_err().to_string();
    for part in ["a second time", "exp", file!(), "retain_graph"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn backward_twice_is_allowed_where_nothing_was_saved_or_the_graph_is_retained() {
    let x = leaf(&[1.0, 2.0]);
    let y = x.sum().unwrap();
    y.backward().unwrap();
    y.backward().unwrap();
    assert_eq!(gradient(&x), [2.0, 2.0]);

    let x = scalar(3.0);
    let y = x.mul(&x).unwrap();
    y.backward_retain().unwrap();
    y.backward().unwrap();
    assert_eq!(gradient(&x), [12.0]);
    assert!(matches!(y.backward(), Err(Error::Freed { .. })));
}

#[test]
fn a_root_of_several_elements_needs_a_seed_of_its_shape() {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let y = x.mul(&x).unwrap();
    let message = y.backward().unwrap_err().to_string();
    assert!(message.contains("only for scalar outputs") && message.contains("[3]"), "{message}");
    let message = y.backward_with(&Tensor::ones([4], DType::F64).unwrap()).unwrap_err().to_string();
    assert!(
        message.contains("grad_output[0]") && message.contains("[4]") && message.contains("[3]"),
        "{message}"
    );
    let wrong_dtype = y.backward_with(&Tensor::ones([3], DType::F32).unwrap());
    assert!(matches!(wrong_dtype, Err(Error::SeedMismatch { .. })));
    y.backward_with(&Tensor::from_slice(&[1.0f64, 0.0, -1.0], [3]).unwrap()).unwrap();
    assert_eq!(gradient(&x), [2.0, 0.0, -6.0]);
    // One element in any number of dimensions needs none.
    leaf(&[2.0]).mul_scalar(3.0).unwrap().backward().unwrap();
}

#[test]
fn backward_without_history_is_an_error_that_says_what_may_have_cut_it() {
    let message = Var::from(Tensor::scalar(1.0f64).unwrap()).backward().unwrap_err().to_string();
    assert!(message.contains("does not require grad") && message.contains("no_grad or detach"), "{message}");
}

#[test]
fn a_gradient_comes_back_in_its_inputs_shape_and_dtype() {
    let x = Var::leaf(Tensor::ones([3, 1], DType::F32).unwrap()).unwrap();
    let wide = Var::from(Tensor::ones([2, 3, 4], DType::F32).unwrap());
    x.mul(&wide).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(*x.grad().unwrap().shape(), [3, 1]);
    assert_eq!(x.grad().unwrap().to_vec::<f32>().unwrap(), [8.0; 3]);

    x.zero_grad();
    x.to_dtype(DType::F64).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(x.grad().unwrap().dtype(), DType::F32);

    let empty = Var::leaf(Tensor::ones([0, 3], DType::F32).unwrap()).unwrap();
    empty.add(&Var::from(Tensor::ones([3], DType::F32).unwrap())).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(*empty.grad().unwrap().shape(), [0, 3]);
}

#[test]
fn a_gradient_can_be_set_only_with_its_leafs_shape_and_dtype() {
    let x = leaf(&[1.0, 2.0]);
    let message = x.set_grad(Some(Tensor::ones([3], DType::F64).unwrap())).unwrap_err().to_string();
    assert!(message.contains("[3]") && message.contains("[2]"), "{message}");
    assert!(x.set_grad(Some(Tensor::ones([2], DType::F32).unwrap())).is_err());
    x.set_grad(Some(Tensor::ones([2], DType::F64).unwrap())).unwrap();
    assert_eq!(gradient(&x), [1.0, 1.0]);
}

#[test]
fn a_frozen_parameter_gets_no_gradient() {
    let w = Parameter::new(Tensor::scalar(2.0f64).unwrap()).unwrap();
    w.set_requires_grad(false);
    let x = scalar(3.0);
    w.var().mul(&x).unwrap().backward().unwrap();
    assert!(w.grad().is_none());
    w.set_requires_grad(true);
    w.var().mul(&x).unwrap().backward().unwrap();
    assert_eq!(w.grad().unwrap().item::<f64>().unwrap(), 3.0);
}

#[test]
fn updating_a_parameter_does_not_change_what_a_live_graph_saved() {
    let w = Parameter::new(Tensor::scalar(2.0f64).unwrap()).unwrap();
    let x = scalar(3.0);
    let y = w.var().mul(&x).unwrap();
    w.update(|value| value.as_slice_mut::<f64>().unwrap()[0] = 100.0);
    y.backward().unwrap();
    assert_eq!(gradient(&x), [2.0]);
    assert_eq!(w.value().item::<f64>().unwrap(), 100.0);
}

#[test]
fn a_product_keeps_an_input_only_for_the_gradient_of_another() {
    let constant = Var::from(Tensor::from_vec(vec![2.0f64, -3.0], [2]).unwrap());
    let x = Var::leaf(Tensor::from_vec(vec![0.5f64, 4.0], [2]).unwrap()).unwrap();
    // The constant is kept for the tracked factor, which nobody reads.
    let y = x.exp().unwrap().mul(&constant).unwrap().mul(&constant).unwrap();
    let dx = grad(&y.sum().unwrap(), &[&x], true).unwrap();
    let expected = x.detach().exp().unwrap().mul(&constant.detach().mul(&constant.detach()).unwrap());
    let expected = expected.unwrap().to_vec::<f64>().unwrap();
    assert_eq!(dx[0].detach().to_vec::<f64>().unwrap(), expected);
    let second = grad(&dx[0].sum().unwrap(), &[&x], false).unwrap();
    assert_eq!(second[0].to_vec::<f64>().unwrap(), expected);
    // Both factors are the same tracked value: each is kept for the other.
    let square = x.mul(&x).unwrap().sum().unwrap();
    assert_eq!(grad(&square, &[&x], false).unwrap()[0].to_vec::<f64>().unwrap(), [1.0, 8.0]);
}
