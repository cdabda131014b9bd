//! What each misuse of autograd says: PyTorch's gist, the operation, and the caller's line. One test a case.
//!
//! PyTorch's other cases cannot be written here. There is no operation on a `Var` in place (on a leaf, on a view of
//! one, on an output of `split` or `unbind`, on a view made under `no_grad`, on an expanded value, one that would grow or
//! change the type), no `detach_`, and no saved value that a write could change, because values are copy-on-write: the
//! last three tests show what a write to a plain tensor does. `requires_grad` is a property of [`Parameter`], which is
//! always a leaf. There are no inference tensors. `clone` makes another handle, so there is nothing to deep-copy.

use crate::support::*;
use autograd::tensor_core::{Error as TensorError, ErrorKind};

#[test]
fn backward_twice_through_saved_values() {
    let y = scalar(0.5).exp().unwrap();
    y.backward().unwrap();
    says(y.backward(), &["a second time", "exp", file!(), "freed", "retain_graph = true"]);
}

#[test]
fn non_scalar_without_a_seed() {
    says(leaf(&[1.0, 2.0]).exp().unwrap().backward(), &["only for scalar outputs", "[2]", file!()]);
}

#[test]
fn seed_of_wrong_shape() {
    let y = leaf(&[1.0, 2.0, 3.0]).exp().unwrap();
    let parts = ["mismatch in shape", "grad_output[0] is f64 [4]", "output[0] is f64 [3]", file!()];
    says(y.backward_with(&Tensor::ones([4], DType::F64).unwrap()), &parts);
    says(backward(&[&y], &[], false), &["the number of seeds is 0", file!()]);
}

#[test]
fn backward_without_a_gradient_to_follow() {
    let y = no_grad(|| scalar(1.0).exp()).unwrap();
    says(y.backward(), &["does not require grad and does not have a history", "no_grad or detach", file!()]);
}

#[test]
fn integers_that_require_gradients() {
    let integers = Tensor::zeros([2], DType::I64).unwrap();
    says(Var::leaf(integers.clone()), &["only tensors of floating point dtype", "i64", "to_dtype", file!()]);
    says(Parameter::new(integers), &["only tensors of floating point dtype", "i64", file!()]);
}

#[test]
fn values_of_a_variable_that_requires_grad() {
    let x = scalar(1.0);
    says(x.item::<f64>(), &["requires grad", "detach().item()", file!()]);
    says(x.to_vec::<f64>(), &["requires grad", "detach().to_vec()", file!()]);
    says(x.as_slice::<f64>(), &["requires grad", "detach().as_slice()", file!()]);
}

#[test]
fn assigned_gradient_of_wrong_shape_or_dtype() {
    let x = leaf(&[1.0, 2.0, 3.0]);
    says(x.set_grad(Some(Tensor::ones([4], DType::F64).unwrap())), &["f64 [4]", "f64 [3]", file!()]);
    says(x.set_grad(Some(Tensor::ones([3], DType::F32).unwrap())), &["f32 [3]", "f64 [3]", file!()]);
}

#[test]
fn unused_input_of_grad() {
    let (x, unused) = (scalar(1.0), scalar(2.0));
    says(
        grad(&x.exp().unwrap(), &[&x, &unused], false),
        &["index 1", "not have been used", "allow_unused", file!()],
    );
}

#[test]
fn double_backward_without_create_graph() {
    let x = scalar(1.0);
    let first = grad(&x.exp().unwrap(), &[&x], false).unwrap().remove(0);
    says(first.backward(), &["does not require grad", "create_graph = true", file!()]);
}

/// A rule with another number of gradients, or another shape, than its input.
struct Wrong(usize, usize);

impl Op for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].sum()?.into())
    }
    fn backward(&self, _: &Context) -> Result<Grads> {
        (0..self.0).map(|_| Ok(Some(Tensor::ones([self.1], DType::F64)?.into()))).collect()
    }
}

#[test]
fn custom_rule_with_a_wrong_count() {
    let y = apply(Wrong(2, 3), &[&leaf(&[1.0; 3])]).unwrap();
    says(y.backward(), &["wrong returned an incorrect number of gradients (expected 1, got 2)", file!()]);
}

#[test]
fn custom_rule_with_a_wrong_shape() {
    let y = apply(Wrong(1, 7), &[&leaf(&[1.0; 3])]).unwrap();
    let parts = ["wrong returned an invalid gradient at index 0", "got [7]", "compatible with [3]", file!()];
    says(y.backward(), &parts);
}

#[test]
fn hook_on_a_value_without_gradient() {
    let constant = Var::from(vector(&[1.0]));
    says(constant.register_hook(|_| None), &["cannot register", "doesn't require gradient", file!()]);
    says(constant.retain_grad(), &["doesn't require gradient", file!()]);
    says(constant.register_post_accumulate_grad_hook(|_| Ok(())), &["doesn't require gradient", file!()]);
}

#[test]
fn post_accumulate_hook_on_a_result() {
    let y = scalar(1.0).exp().unwrap();
    let parts = ["register_post_accumulate_grad_hook", "only leaves", "exp", "use register_hook", file!()];
    says(y.register_post_accumulate_grad_hook(|_| Ok(())), &parts);
}

#[test]
fn checkpoint_that_recomputes_something_else() {
    let runs = AtomicUsize::new(0);
    let f = move |x: &[Var]| match runs.fetch_add(1, Ordering::Relaxed) {
        0 => x[0].exp()?.tanh()?.exp(),
        _ => Ok(x[0].clone()),
    };
    let y = checkpoint(f, &[&scalar(1.0)]).unwrap();
    let parts =
        ["a different number of operations was recorded during the original forward and recomputation"];
    says(y.backward(), &parts);
}

#[test]
fn gradcheck_that_fails() {
    let double_counted = |x: &[Var]| x[0].mul(&x[0].detach().into());
    let parts =
        ["Jacobian mismatch for output 0 with respect to input 0", "numerical", "analytical", "tensor([3."];
    says(gradcheck(double_counted, &[vector(&[3.0])]), &parts);
}

#[test]
fn nan_in_anomaly_mode() {
    let x = leaf(&[0.0]);
    let loss = x.sqrt().unwrap().mul_scalar(0.0).unwrap().sum().unwrap();
    says(
        detect_anomaly(|| loss.backward()),
        &["function 'sqrt' returned nan values in its 0th output", file!()],
    );
}

#[test]
fn write_that_would_grow_or_change_the_type() {
    let mut x = Tensor::zeros([3], DType::I64).unwrap();
    let grown: Result<(), TensorError> = x.add_assign(&Tensor::zeros([2, 3], DType::I64).unwrap());
    assert!(matches!(
        grown.unwrap_err().kind(),
        ErrorKind::ShapeMismatch { .. } | ErrorKind::Broadcast { .. }
    ));
    let changed = x.add_assign(&Tensor::zeros([3], DType::F32).unwrap()).unwrap_err();
    assert!(matches!(changed.kind(), ErrorKind::DTypeMismatch { .. }), "{changed}");
}

#[test]
fn write_to_what_a_graph_has_saved() {
    let x = leaf(&[1.0, 2.0]);
    let y = x.exp().unwrap();
    // Through the detached value, a view of it, and one of several views.
    let parts = y.narrow(0, 0, 1).unwrap();
    for mut other in [y.detach(), y.detach().slice(0, 1, 2, 1).unwrap(), parts.detach(), x.detach()] {
        other.as_slice_mut::<f64>().unwrap().fill(100.0);
    }
    y.sum().unwrap().backward().unwrap();
    assert_eq!(gradient(&x), [1f64.exp(), 2f64.exp()]);
}

#[test]
fn write_to_an_expanded_value() {
    let one = vector(&[1.0]);
    let mut wide = one.expand([3]).unwrap();
    // The elements that were one in memory are made several first.
    wide.as_slice_mut::<f64>().unwrap()[0] = 5.0;
    assert_eq!((wide.to_vec::<f64>().unwrap(), one.item::<f64>().unwrap()), (vec![5.0, 1.0, 1.0], 1.0));
}
