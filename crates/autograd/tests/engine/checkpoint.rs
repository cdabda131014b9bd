//! Checkpointing: the same gradients from values that were computed again.

use crate::support::*;
use autograd::tensor_core::Rng;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// Two layers with dropout between them.
fn block(w: &Parameter, rng: &Rng, x: &Var) -> Result<Var> {
    x.matmul(&w.var())?.tanh()?.dropout(0.4, rng.next_u64())?.matmul(&w.var())?.sigmoid()
}

fn weight() -> Parameter {
    let values = (0..9).map(|i| f64::from(i) * 0.3 - 1.0).collect();
    Parameter::new(Tensor::from_vec(values, [3, 3]).unwrap()).unwrap()
}

fn input() -> Var {
    let values = (0..12).map(|i| f64::from(i) * 0.1 - 0.5).collect();
    Var::leaf(Tensor::from_vec(values, [4, 3]).unwrap()).unwrap()
}

#[test]
fn gradients_are_the_plain_ones_to_the_bit_with_the_same_dropout() {
    let run = |checkpointed: bool| {
        let (w, x, rng) = (weight(), input(), Rng::seed(3));
        let mut y = x.clone();
        for _ in 0..3 {
            y = if checkpointed {
                let (w, rng) = (w.clone(), rng.clone());
                checkpoint(move |x| block(&w, &rng, &x[0]), &[&y]).unwrap()
            } else {
                block(&w, &rng, &y).unwrap()
            };
        }
        // Draws after the forward are not disturbed by the recomputation.
        let next = rng.next_u64();
        y.sum().unwrap().backward().unwrap();
        let grads = [w.grad(), x.grad()].map(|g| g.unwrap().to_vec::<f64>().unwrap());
        (values(&y), grads, next, rng.next_u64())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn grad_reaches_inputs_and_captured_parameters_at_any_order() {
    let (w, x) = (weight(), input());
    let rng = Rng::seed(1);
    let captured = w.clone();
    let y = checkpoint(move |x| block(&captured, &rng, &x[0]), &[&x]).unwrap();
    let rng = Rng::seed(1);
    let plain = block(&w, &rng, &x).unwrap();
    let second = |y: Var| {
        let wv = w.var();
        let first = grad(&y.sum().unwrap(), &[&x, &wv], true).unwrap();
        let norm = first[0].mul(&first[0]).unwrap().sum().unwrap().add(&first[1].sum().unwrap()).unwrap();
        let second = grad(&norm, &[&x, &wv], false).unwrap();
        first.iter().chain(&second).map(values).collect::<Vec<_>>()
    };
    assert_eq!(second(y), second(plain));
}

#[test]
fn gradcheck_goes_through_a_checkpoint() {
    let x = Tensor::from_vec(vec![0.3, -0.7, 1.1], [3]).unwrap();
    let f = |x: &[Var]| checkpoint(|x| x[0].tanh()?.mul(&x[1])?.exp(), &[&x[0], &x[1]]);
    gradcheck(f, &[x.clone(), x.clone()]).unwrap();
    gradgradcheck(f, &[x.clone(), x]).unwrap();
}

#[test]
fn several_outputs_and_untracked_inputs() {
    let (x, c) = (scalar(2.0), Var::from(Tensor::scalar(5.0f64).unwrap()));
    let y =
        checkpoint(|x| Ok::<_, Error>(vec![x[0].mul(&x[1])?, x[0].exp()?, x[1].exp()?]), &[&x, &c]).unwrap();
    assert!(y[0].requires_grad() && !y[2].requires_grad());
    y[0].backward_retain().unwrap();
    assert_eq!(gradient(&x), [5.0]);
    y[1].backward().unwrap();
    assert_eq!(gradient(&x), [5.0 + 2f64.exp()]);
}

#[test]
fn a_checkpoint_in_a_checkpoint_and_under_no_grad() {
    let x = scalar(0.5);
    let inner = |x: &[Var]| checkpoint(|x| x[0].exp()?.tanh(), &[&x[0]]);
    let y = checkpoint(move |x| inner(x)?.exp(), &[&x]).unwrap();
    let plain = x.exp().unwrap().tanh().unwrap().exp().unwrap();
    let expected = grad(&plain, &[&x], false).unwrap();
    assert_eq!(values(&grad(&y, &[&x], false).unwrap()[0]), values(&expected[0]));
    assert!(!no_grad(|| checkpoint(|x| x[0].exp(), &[&x])).unwrap().requires_grad());
}

#[test]
fn backward_twice_needs_a_retained_graph_and_computes_again() {
    let x = scalar(0.5);
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let y = checkpoint(
        move |x| {
            counter.fetch_add(1, Ordering::Relaxed);
            x[0].exp()?.tanh()
        },
        &[&x],
    )
    .unwrap();
    y.backward_retain().unwrap();
    let once = gradient(&x)[0];
    y.backward().unwrap();
    assert_eq!((gradient(&x)[0], runs.load(Ordering::Relaxed)), (2.0 * once, 3));
    says(y.backward(), &["a second time", "tanh"]);
}

#[test]
fn a_recomputation_that_differs_is_an_error_that_says_how() {
    let x = scalar(0.5);
    let changed = |f: fn(bool, &Var) -> Result<Var>| {
        let first = AtomicBool::new(true);
        checkpoint(move |x| f(first.swap(false, Ordering::Relaxed), &x[0]), &[&x]).unwrap().backward()
    };
    says(
        changed(|first, x| if first { x.exp()?.tanh()?.exp() } else { x.exp() }),
        &["a different number of operations was recorded", "(3 vs 1)", file!()],
    );
    says(
        changed(|first, x| if first { x.exp() } else { x.tanh() }),
        &["was exp(f64 [])", "is tanh(f64 [])", file!()],
    );
    says(
        changed(|first, x| if first { x.exp() } else { x.reshape([2]) }),
        &["the second run failed", "reshape"],
    );
}

#[test]
fn a_backward_inside_of_the_function_is_refused_when_it_needs_the_function_again() {
    let x = scalar(0.5);
    let outcome = checkpoint(|x| x[0].exp()?.tanh()?.backward().map(|()| x[0].clone()), &[&x]);
    says(outcome, &["goes backward through what it is itself computing", file!()]);
}

#[test]
fn hooks_and_locations_inside_of_a_checkpoint_are_those_of_the_forward() {
    let x = scalar(0.5);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&seen);
    let y = checkpoint(
        move |x| {
            let inner = x[0].mul_scalar(3.0)?;
            let list = Arc::clone(&list);
            inner.register_hook(move |g| {
                list.lock().unwrap().push(values(g)[0]);
                None
            })?;
            inner.mul_scalar(2.0)
        },
        &[&x],
    )
    .unwrap();
    y.backward().unwrap();
    assert_eq!(*seen.lock().unwrap(), [2.0]);
    let zero = scalar(0.0);
    let root = checkpoint(|x| x[0].sqrt(), &[&zero]).unwrap();
    says(detect_anomaly(|| root.backward()), &["'sqrt'", "inf", file!()]);
}

#[test]
fn a_long_chain_of_checkpoints_is_dropped_without_recursion() {
    let body = || {
        let x = scalar(0.5);
        let mut y = x.clone();
        for _ in 0..20_000 {
            y = checkpoint(|x| x[0].mul_scalar(0.999), &[&y]).unwrap();
        }
        drop(y.clone());
        y.backward().unwrap();
        assert!(gradient(&x)[0] > 0.0);
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(body).unwrap().join().unwrap();
}
