//! The graph and backward, behaviour by behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::{
    Context, DType, Error, Forward, Grad, Grads, Keep, Op, Parameter, Result, Tensor, Var, apply,
    apply_multi, backward, enable_grad, grad, is_grad_enabled, no_grad,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn leaf(values: &[f64]) -> Var {
    Var::leaf(Tensor::from_slice(values, [values.len()]).unwrap()).unwrap()
}

fn scalar(value: f64) -> Var {
    Var::leaf(Tensor::scalar(value).unwrap()).unwrap()
}

fn gradient(x: &Var) -> Vec<f64> {
    x.grad().expect("a gradient").to_vec().unwrap()
}

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
    for part in ["a second time", "exp", "engine.rs", "retain_graph"] {
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
fn no_grad_nests_and_is_restored_after_a_panic() {
    let x = scalar(2.0);
    no_grad(|| {
        assert!(!x.mul(&x).unwrap().requires_grad());
        enable_grad(|| assert!(x.mul(&x).unwrap().requires_grad()));
        no_grad(|| ());
        assert!(!is_grad_enabled());
    });
    assert!(is_grad_enabled());
    let caught = std::panic::catch_unwind(|| no_grad(|| panic!("on purpose")));
    assert!(caught.is_err() && is_grad_enabled());
}

#[test]
fn a_new_thread_starts_with_gradients_enabled() {
    no_grad(|| assert!(std::thread::spawn(is_grad_enabled).join().unwrap()));
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
fn hooks_run_in_order_and_replace_the_gradient() {
    let x = scalar(3.0);
    let y = x.mul_scalar(2.0).unwrap();
    y.register_hook(|g| Some(g.mul_scalar(10.0).unwrap())).unwrap();
    y.register_hook(|g| Some(g.add_scalar(1.0).unwrap())).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    x.register_hook(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        None
    })
    .unwrap();
    y.backward().unwrap();
    assert_eq!(gradient(&x), [22.0]); // (1 · 10 + 1) · 2
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    // A leaf's hook sees the sum of all paths, once.
    x.mul(&x).unwrap().mul(&x).unwrap().backward().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let constant = Var::from(Tensor::scalar(1.0f64).unwrap());
    let message = constant.register_hook(|_| None).unwrap_err().to_string();
    assert!(message.contains("doesn't require gradient"), "{message}");
}

#[test]
fn a_hook_that_returns_another_shape_is_an_error() {
    let x = leaf(&[1.0, 2.0]);
    x.register_hook(|g| Some(g.sum().unwrap())).unwrap();
    assert!(matches!(x.sum().unwrap().backward(), Err(Error::GradMismatch { .. })));
}

#[test]
fn backward_may_run_inside_a_hook() {
    let (x, other) = (scalar(2.0), scalar(5.0));
    let inner = other.clone();
    x.register_hook(move |_| {
        // A hook runs in the mode of its backward: without create_graph nothing is recorded.
        assert!(!is_grad_enabled());
        enable_grad(|| inner.mul(&inner)).unwrap().backward().unwrap();
        None
    })
    .unwrap();
    x.mul(&x).unwrap().backward().unwrap();
    assert_eq!((gradient(&x), gradient(&other)), (vec![4.0], vec![10.0]));
}

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

/// y = (2x, 3x): two outputs.
struct TwoAndThree;

impl Op for TwoAndThree {
    fn name(&self) -> &'static str {
        "two_and_three"
    }
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(Forward::many([inputs[0].mul_scalar(2.0)?, inputs[0].mul_scalar(3.0)?]))
    }
    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let two = ctx.output_grad(0).map(|g| g.mul_scalar(2.0)).transpose()?;
        let three = ctx.output_grad(1).map(|g| g.mul_scalar(3.0)).transpose()?;
        Ok(Grads::from_iter([match (two, three) {
            (Some(a), Some(b)) => Some(a.add(&b)?),
            (a, b) => a.or(b),
        }]))
    }
}

#[test]
fn an_operation_of_several_outputs_sees_which_were_used() {
    let x = scalar(1.0);
    let y = apply_multi(TwoAndThree, &[&x]).unwrap();
    y[1].backward().unwrap();
    assert_eq!(gradient(&x), [3.0]);
    x.zero_grad();
    let y = apply_multi(TwoAndThree, &[&x]).unwrap();
    y[0].mul(&y[1]).unwrap().backward().unwrap(); // 6x²
    assert_eq!(gradient(&x), [12.0]);
    x.zero_grad();
    let y = apply_multi(TwoAndThree, &[&x]).unwrap();
    backward(&[&y[0], &y[1]], &[None, None], false).unwrap();
    assert_eq!(gradient(&x), [5.0]);
}

/// An operation whose rule is wrong on purpose.
struct Wrong {
    count: usize,
    shape: [usize; 1],
}

impl Op for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn keep(&self) -> Keep {
        Keep::Nothing
    }
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].sum()?.into())
    }
    fn backward(&self, _: &Context) -> Result<Grads> {
        (0..self.count).map(|_| Ok(Some(Tensor::ones(self.shape, DType::F64)?.into()))).collect()
    }
}

#[test]
fn a_rule_with_wrong_gradients_is_an_error_that_names_it() {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let message = apply(Wrong { count: 2, shape: [3] }, &[&x]).unwrap().backward().unwrap_err().to_string();
    assert!(
        message.contains("wrong returned an incorrect number of gradients (expected 1, got 2)"),
        "{message}"
    );
    let message = apply(Wrong { count: 1, shape: [7] }, &[&x]).unwrap().backward().unwrap_err().to_string();
    assert!(
        message.contains("got [7]") && message.contains("[3]") && message.contains("engine.rs"),
        "{message}"
    );
}

#[test]
fn an_error_of_an_operation_names_the_users_line() {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[1.0, 2.0, 3.0]));
    let message = a.add(&b).unwrap_err().to_string();
    assert!(message.contains("engine.rs") && message.contains("add") && message.contains("[3]"), "{message}");
    let line = line!() + 1;
    let message = a.matmul(&b).unwrap_err().to_string();
    assert!(message.contains(&format!("engine.rs:{line}")), "{message}");
}

#[test]
fn operators_panic_with_the_text_of_the_method() {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[1.0, 2.0, 3.0]));
    let sum = &a * &a + 2.0 * &a - &a / 2.0;
    sum.sum().unwrap().backward().unwrap();
    assert_eq!(gradient(&a), [3.5, 5.5]);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| &a + &b)).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("cannot be broadcast") && text.contains("engine.rs"), "{text}");
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
fn threads_go_backward_at_once_over_disjoint_graphs_and_a_shared_leaf() {
    let shared = scalar(1.0);
    std::thread::scope(|scope| {
        for i in 0..8 {
            let shared = &shared;
            scope.spawn(move || {
                for _ in 0..200 {
                    let own = scalar(f64::from(i));
                    shared.mul(&own).unwrap().backward().unwrap();
                    assert_eq!(gradient(&own), [1.0]);
                }
            });
        }
    });
    assert_eq!(gradient(&shared), [200.0 * 28.0]);
}

#[test]
fn everything_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Var>();
    check::<Parameter>();
    check::<Tensor>();
    check::<Error>();
}

/// Runs `body` on a thread with a stack of 2 MiB.
fn on_small_stack(body: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(body).unwrap().join().unwrap();
}

#[test]
fn a_chain_of_a_million_operations_is_built_differentiated_and_dropped() {
    on_small_stack(|| {
        let x = scalar(1.0);
        let mut y = x.clone();
        for _ in 0..500_000 {
            y = y.mul_scalar(1.000_001).unwrap().add_scalar(1e-9).unwrap();
        }
        y.backward().unwrap();
        let expected = 1.000_001f64.powi(500_000);
        assert!((gradient(&x)[0] / expected - 1.0).abs() < 1e-9);
    });
}

#[test]
fn a_deep_graph_that_saves_values_is_dropped_without_backward() {
    on_small_stack(|| {
        let x = scalar(0.5);
        let (mut a, mut b) = (x.clone(), x.clone());
        for _ in 0..200_000 {
            // Every node is reached twice.
            (a, b) = (a.mul(&b).unwrap(), a.add(&b).unwrap().tanh().unwrap());
        }
        drop((a, b));
    });
}
