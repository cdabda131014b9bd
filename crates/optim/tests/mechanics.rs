//! What holds for every optimizer, whatever its rule: the behaviours that PyTorch's test_optim checks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

#[allow(dead_code, reason = "shared with other tests")]
mod named;

use autograd::{DType, Parameter, Tensor, Var};
use optim::*;
use serde_json::json;
use std::sync::{Arc, Mutex};

/// All optimizers that step without a closure, with settings under which all of their parts work.
fn rules() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        ("SGD", json!({})),
        ("SGD", json!({"momentum": 0.9, "nesterov": true, "weight_decay": 0.1})),
        ("Adam", json!({"weight_decay": 0.1, "amsgrad": true})),
        ("AdamW", json!({})),
        ("RMSprop", json!({"momentum": 0.9, "centered": true})),
        ("Adagrad", json!({})),
        ("Adadelta", json!({})),
        ("Adamax", json!({})),
        ("NAdam", json!({})),
        ("RAdam", json!({})),
        ("ASGD", json!({})),
        ("Rprop", json!({})),
        ("Adafactor", json!({})),
        ("Muon", json!({})),
        ("Lion", json!({})),
    ]
}

fn param(values: &[f64], shape: &[usize]) -> Parameter {
    Parameter::new(Tensor::from_slice(values, shape).unwrap()).unwrap()
}

/// A matrix, which every rule takes.
fn matrix(dtype: DType) -> Parameter {
    let values = Tensor::from_slice(&[0.5, -1.0, 2.0, 0.25, -0.75, 1.5], [2, 3]).unwrap();
    Parameter::new(values.to_dtype(dtype).unwrap()).unwrap()
}

fn values(p: &Parameter) -> Vec<f64> {
    p.value().to_dtype(DType::F64).unwrap().to_vec().unwrap()
}

/// Backward of the sum of squares.
fn backward(p: &Parameter) {
    p.var().mul(&p.var()).unwrap().sum().unwrap().backward().unwrap();
}

#[test]
fn zero_grad_to_none_skips_and_to_zeros_steps() {
    let options = SGDOptions { momentum: 0.9, weight_decay: 0.1, ..0.1.into() };
    let (p, q) = (param(&[1.0], &[1]), param(&[1.0], &[1]));
    let mut none = SGD::new([&p], options.clone()).unwrap();
    let mut zeros = SGD::new([&q], options).unwrap();
    for (w, opt) in [(&p, &mut none), (&q, &mut zeros)] {
        backward(w);
        opt.step().unwrap();
    }
    let before = values(&p);
    none.zero_grad();
    zeros.zero_grad_keep().unwrap();
    assert!(p.grad().is_none());
    assert_eq!(q.grad().unwrap().to_vec::<f64>().unwrap(), [0.0]);
    none.step().unwrap();
    zeros.step().unwrap();
    assert_eq!(values(&p), before);
    // d = 0.1 * 0.79, b = 0.9 * 2.1 + d, p = 0.79 - 0.1 * b.
    assert!((values(&q)[0] - (0.79 - 0.1 * (0.9 * 2.1 + 0.079))).abs() < 1e-15);
    // A parameter that never had a gradient has none after either.
    let fresh = param(&[1.0], &[1]);
    SGD::new([&fresh], 0.1).unwrap().zero_grad_keep().unwrap();
    assert!(fresh.grad().is_none());
}

#[test]
fn a_step_without_gradients_moves_and_keeps_nothing() {
    for (name, kw) in rules() {
        let p = matrix(DType::F64);
        let before = values(&p);
        let mut opt = named::build(name, std::slice::from_ref(&p), &kw).unwrap();
        opt.step().unwrap();
        assert_eq!(values(&p), before, "{name}");
        assert!(opt.state_dict().unwrap().state.is_empty(), "{name}");
    }
}

#[test]
fn only_parameters_with_gradient_and_not_frozen_are_stepped() {
    for (name, kw) in rules() {
        let all: Vec<Parameter> = (0..3).map(|_| matrix(DType::F64)).collect();
        let start = values(&all[0]);
        let mut opt = named::build(name, &all, &kw).unwrap();
        backward(&all[0]);
        backward(&all[2]);
        all[2].set_requires_grad(false);
        opt.step().unwrap();
        assert_ne!(values(&all[0]), start, "{name}");
        assert_eq!((values(&all[1]), values(&all[2])), (start.clone(), start), "{name}");
        assert!(opt.state_dict().unwrap().state.keys().all(|&place| place == 0), "{name}");
    }
}

#[test]
fn tied_parameters_are_stepped_once() {
    let w = param(&[1.0], &[1]);
    let mut opt = SGD::new([w.clone(), w.clone()], 0.1).unwrap();
    assert_eq!(opt.parameters().len(), 1);
    backward(&w);
    opt.step().unwrap();
    assert_eq!(values(&w), [0.8]);
}

#[test]
fn groups_have_options_of_their_own() {
    let (a, b, c) = (param(&[1.0], &[1]), param(&[1.0], &[1]), param(&[1.0], &[1]));
    let mut opt = SGD::with_groups([
        ParamGroup::new([&a], 0.1),
        ParamGroup::new([&b], SGDOptions { weight_decay: 1.0, ..0.2.into() }),
    ])
    .unwrap();
    opt.add_param_group(ParamGroup::new([&c], 0.3)).unwrap();
    [&a, &b, &c].into_iter().for_each(backward);
    opt.step().unwrap();
    let close = |p: &Parameter, want: f64| assert!((values(p)[0] - want).abs() < 1e-15);
    close(&a, 0.8);
    close(&b, 1.0 - 0.2 * 3.0);
    close(&c, 1.0 - 0.3 * 2.0);
    // Options may change between steps.
    opt.groups_mut()[2].options.lr = 0.0;
    opt.options_mut()[0].set_lr(0.5);
    opt.step().unwrap();
    close(&a, 0.8 - 0.5 * 2.0);
    close(&c, 0.4);
    assert_eq!(opt.lr(), 0.5);
    opt.set_lr(1.0);
    assert!(opt.groups().iter().all(|group| group.options.lr == 1.0));
}

#[test]
fn hooks_run_around_each_step_in_order_until_removed() {
    let w = param(&[1.0], &[1]);
    let mut opt = SGD::new([&w], 0.1).unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let note = |text: &'static str| -> Hook {
        let (log, w) = (Arc::clone(&log), w.clone());
        Box::new(move |opt| {
            log.lock().unwrap().push((text, opt.name(), values(&w)[0]));
            Ok(())
        })
    };
    opt.register_step_pre_hook(note("first"));
    let second = opt.register_step_pre_hook(note("second"));
    opt.register_step_post_hook(note("after"));
    backward(&w);
    opt.step().unwrap();
    let want = vec![("first", "SGD", 1.0), ("second", "SGD", 1.0), ("after", "SGD", 0.8)];
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()), want);
    assert!(opt.remove_hook(second) && !opt.remove_hook(second));
    opt.step_closure(&mut || Ok(0.0)).unwrap();
    let names: Vec<&str> = log.lock().unwrap().iter().map(|(text, ..)| *text).collect();
    assert_eq!(names, ["first", "after"]);
}

#[test]
fn a_hook_changes_gradients_and_options_and_its_error_ends_the_step() {
    let w = param(&[3.0], &[1]);
    let mut opt = SGD::new([&w], 0.1).unwrap();
    opt.register_step_pre_hook(Box::new(|opt| clip_grad_norm(opt.named_parameters(), 1.0).map(drop)));
    opt.register_step_post_hook(Box::new(|opt| {
        let lr = opt.lr();
        opt.set_lr(lr / 2.0);
        Ok(())
    }));
    backward(&w);
    opt.step().unwrap();
    assert!((values(&w)[0] - 2.9).abs() < 1e-6);
    assert_eq!(opt.lr(), 0.05);
    w.set_grad(Some(Tensor::from_slice(&[f64::NAN], [1]).unwrap())).unwrap();
    let before = values(&w);
    assert!(matches!(opt.step().unwrap_err(), Error::NonFinite { .. }));
    assert_eq!((values(&w), opt.lr()), (before, 0.05));
}

#[test]
fn step_with_returns_the_loss_and_the_closures_own_error() {
    #[derive(Debug, PartialEq)]
    enum Mine {
        Stop,
        Optim,
    }
    impl From<Error> for Mine {
        fn from(_: Error) -> Self {
            Self::Optim
        }
    }
    let w = param(&[3.0], &[1]);
    let mut opt = LBFGS::new([&w], 1.0).unwrap();
    let mut calls = 0;
    let loss = opt.step_with(|| -> Result<Var> {
        calls += 1;
        w.zero_grad();
        let loss = w.var().mul(&w.var())?.sum()?;
        loss.backward()?;
        Ok(loss)
    });
    assert_eq!(loss.unwrap().detach().item::<f64>().unwrap(), 9.0);
    assert!(calls > 1 && values(&w)[0].abs() < 1e-6);
    let before = values(&w);
    assert_eq!(opt.step_with(|| Err(Mine::Stop)).unwrap_err(), Mine::Stop);
    assert_eq!(values(&w), before);
    // A loss of two elements is the step's error.
    let two = || Ok::<Var, Mine>(Var::from(Tensor::zeros([2], DType::F64).unwrap()));
    assert_eq!(opt.step_with(two).unwrap_err(), Mine::Optim);
    let message = opt.step().unwrap_err().to_string();
    assert!(message.contains("needs a closure") && message.contains("mechanics.rs"), "{message}");
}

#[test]
fn maximize_climbs_as_minimize_descends_the_negative() {
    for (name, kw) in rules().into_iter().filter(|(name, _)| !["Muon"].contains(name)) {
        let (up, down) = (matrix(DType::F64), matrix(DType::F64));
        let mut climb = kw.clone();
        climb["maximize"] = true.into();
        let mut climb = named::build(name, std::slice::from_ref(&up), &climb).unwrap();
        let mut descend = named::build(name, std::slice::from_ref(&down), &kw).unwrap();
        for _ in 0..5 {
            let grad = up.value();
            up.set_grad(Some(grad.clone())).unwrap();
            down.set_grad(Some(grad.neg().unwrap())).unwrap();
            climb.step().unwrap();
            descend.step().unwrap();
        }
        assert_eq!(values(&up), values(&down), "{name}");
    }
}

#[test]
fn a_step_leaves_the_gradient_as_it_is() {
    for (name, kw) in rules() {
        let p = matrix(DType::F64);
        backward(&p);
        let before = p.grad().unwrap().to_vec::<f64>().unwrap();
        named::build(name, std::slice::from_ref(&p), &kw).unwrap().step().unwrap();
        assert_eq!(p.grad().unwrap().to_vec::<f64>().unwrap(), before, "{name}");
    }
}

#[test]
fn gradients_of_any_layout_are_read_by_their_shape() {
    for (name, kw) in rules() {
        let (p, q) = (matrix(DType::F64), matrix(DType::F64));
        let grad = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3, 2]).unwrap().t().unwrap();
        assert!(!grad.is_contiguous());
        q.set_grad(Some(grad.contiguous().unwrap())).unwrap();
        p.set_grad(Some(grad)).unwrap();
        for p in [&p, &q] {
            named::build(name, std::slice::from_ref(p), &kw).unwrap().step().unwrap();
        }
        assert_eq!(values(&p), values(&q), "{name}");
    }
}

#[test]
fn parameters_of_any_size_are_stepped() {
    for (name, kw) in rules().into_iter().filter(|(name, _)| *name != "Muon") {
        for shape in [vec![], vec![0], vec![1], vec![3, 0], vec![1, 1], vec![2, 3, 4], vec![65], vec![7, 129]]
        {
            let p = Parameter::new(Tensor::ones(&shape, DType::F32).unwrap()).unwrap();
            let mut opt = named::build(name, std::slice::from_ref(&p), &kw).unwrap();
            for _ in 0..2 {
                p.set_grad(Some(p.value())).unwrap();
                opt.step().unwrap();
            }
            let all = values(&p);
            assert!(
                all.iter().all(|x| x.is_finite() && *x < 1.0 && *x == all[0]),
                "{name} {shape:?} {all:?}"
            );
        }
    }
}

#[test]
fn a_value_held_elsewhere_never_changes() {
    let w = param(&[1.0, 2.0], &[2]);
    let mut opt = SGD::new([&w], 0.1).unwrap();
    backward(&w);
    let (held, graph) = (w.value(), w.var().mul(&w.var()).unwrap().sum().unwrap());
    opt.step().unwrap();
    assert_eq!(held.to_vec::<f64>().unwrap(), [1.0, 2.0]);
    // The graph saw the old value, so its gradient is at the old value.
    w.zero_grad();
    graph.backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec::<f64>().unwrap(), [2.0, 4.0]);
}

#[test]
fn a_step_is_in_place() {
    for (name, kw) in rules() {
        let p = matrix(DType::F64);
        let mut opt = named::build(name, std::slice::from_ref(&p), &kw).unwrap();
        let place = |p: &Parameter| p.update(|value| value.as_slice::<f64>().unwrap().as_ptr() as usize);
        let before = place(&p);
        for _ in 0..3 {
            p.zero_grad();
            backward(&p);
            opt.step().unwrap();
        }
        assert_eq!(place(&p), before, "{name}");
    }
}

#[test]
fn f32_follows_f64() {
    for (name, kw) in rules() {
        let (p, q) = (matrix(DType::F32), matrix(DType::F64));
        for p in [&p, &q] {
            let mut opt = named::build(name, std::slice::from_ref(p), &kw).unwrap();
            for _ in 0..20 {
                p.zero_grad();
                backward(p);
                opt.step().unwrap();
            }
        }
        for (narrow, wide) in values(&p).iter().zip(values(&q)) {
            assert!((narrow - wide).abs() <= 2e-5 * wide.abs().max(1.0), "{name}: {narrow} {wide}");
        }
    }
}

#[test]
fn a_gradient_that_is_not_a_number_stays_in_its_element() {
    for (name, kw) in
        rules().into_iter().filter(|(name, _)| !["Muon", "Adafactor", "Rprop", "Lion"].contains(name))
    {
        let p = param(&[1.0, 1.0, 1.0], &[3]);
        let mut opt = named::build(name, std::slice::from_ref(&p), &kw).unwrap();
        p.set_grad(Some(Tensor::from_slice(&[1.0, f64::NAN, 1.0], [3]).unwrap())).unwrap();
        opt.step().unwrap();
        assert_eq!(values(&p).iter().map(|x| x.is_nan()).collect::<Vec<_>>(), [false, true, false], "{name}");
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    // Long enough for several pieces of work, in parameters of several sizes.
    let shapes = [vec![300, 301], vec![17], vec![128, 257], vec![40_000]];
    for (name, kw) in rules() {
        let run = || {
            let all: Vec<Parameter> = shapes
                .iter()
                .filter(|shape| name != "Muon" || (shape.len() == 2 && shape[0] < 200))
                .enumerate()
                .map(|(seed, shape)| {
                    let rng = tensor_core::Rng::seed(seed as u64);
                    Parameter::new(rng.randn(shape, DType::F32).unwrap()).unwrap()
                })
                .collect();
            let mut opt = named::build(name, &all, &kw).unwrap();
            for _ in 0..3 {
                for p in &all {
                    p.set_grad(Some(p.value().mul_scalar(0.3).unwrap())).unwrap();
                }
                clip_grad_norm(&all, 1.0).unwrap();
                opt.step().unwrap();
            }
            all.iter().flat_map(|p| p.value().to_le_bytes().unwrap()).collect::<Vec<u8>>()
        };
        let one = tensor_core::with_threads(1, run);
        for threads in [2, 3, 8] {
            assert!(tensor_core::with_threads(threads, run) == one, "{name} on {threads} threads");
        }
    }
}

#[test]
fn two_dtypes_in_one_optimizer() {
    let (p, q) = (matrix(DType::F32), matrix(DType::F64));
    let mut opt = AdamW::new([&p, &q], 0.1).unwrap();
    [&p, &q].into_iter().for_each(backward);
    opt.step().unwrap();
    for (narrow, wide) in values(&p).iter().zip(values(&q)) {
        assert!((narrow - wide).abs() < 1e-6);
    }
}

#[test]
fn optimizers_can_be_sent_to_threads_and_kept_as_trait_objects() {
    fn is_send<T: Send>() {}
    is_send::<AdamW>();
    is_send::<LBFGS>();
    is_send::<schedule::Scheduler>();
    is_send::<Box<dyn Optimizer>>();
    let w = param(&[1.0], &[1]);
    let mut all: Vec<Box<dyn Optimizer>> =
        vec![Box::new(SGD::new([&w], 0.1).unwrap()), Box::new(Adam::new([&w], 0.1).unwrap())];
    backward(&w);
    all.iter_mut().for_each(|opt| opt.step().unwrap());
    assert!((values(&w)[0] - 0.7).abs() < 1e-8);
}

/// PyTorch has no Lion to record: algorithm 2 of the paper, written out.
#[test]
fn lion_is_the_published_algorithm() {
    let (lr, (beta1, beta2), decay) = (0.1, (0.9, 0.99), 0.5);
    let w = param(&[1.0, -2.0, 0.5], &[3]);
    let mut opt =
        Lion::new([&w], LionOptions { betas: (beta1, beta2), weight_decay: decay, ..lr.into() }).unwrap();
    let (mut want, mut mean) = (values(&w), [0.0; 3]);
    for step in 0..20 {
        let grad: Vec<f64> = (0..3).map(|i| f64::sin((3 * step + i + 1) as f64)).collect();
        w.set_grad(Some(Tensor::from_slice(&grad, [3]).unwrap())).unwrap();
        opt.step().unwrap();
        for i in 0..3 {
            let update = (beta1 * mean[i] + (1.0 - beta1) * grad[i]).signum();
            want[i] -= lr * (update + decay * want[i]);
            mean[i] = beta2 * mean[i] + (1.0 - beta2) * grad[i];
        }
    }
    for (got, want) in values(&w).iter().zip(want) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }
}
