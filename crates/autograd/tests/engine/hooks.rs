//! Hooks: order, replacement, removal.

use crate::support::*;

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
fn a_removed_hook_does_not_run_again() {
    let x = scalar(1.0);
    let y = x.mul_scalar(2.0).unwrap();
    let doubles: Vec<HookHandle> =
        [&x, &y].map(|v| v.register_hook(|g| g.mul_scalar(10.0).ok()).unwrap()).into();
    y.backward().unwrap();
    assert_eq!(gradient(&x), [200.0]);
    doubles.into_iter().for_each(HookHandle::remove);
    x.zero_grad();
    y.backward().unwrap();
    assert_eq!(gradient(&x), [2.0]);
}

#[test]
fn a_hook_may_be_removed_and_registered_while_hooks_run() {
    let x = scalar(1.0);
    let (own, weak) = (Arc::new(std::sync::Mutex::new(None::<HookHandle>)), x.clone());
    let calls = Arc::new(AtomicUsize::new(0));
    let (slot, counter) = (Arc::clone(&own), Arc::clone(&calls));
    let handle = x
        .register_hook(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            if let Some(handle) = slot.lock().unwrap().take() {
                handle.remove();
                weak.register_hook(|g| g.mul_scalar(7.0).ok()).unwrap();
            }
            None
        })
        .unwrap();
    *own.lock().unwrap() = Some(handle);
    x.mul_scalar(1.0).unwrap().backward().unwrap();
    assert_eq!((gradient(&x), calls.load(Ordering::Relaxed)), (vec![1.0], 1));
    x.mul_scalar(1.0).unwrap().backward().unwrap();
    assert_eq!((gradient(&x), calls.load(Ordering::Relaxed)), (vec![8.0], 1));
}

/// What post-accumulate hooks of `x` saw, in order.
fn seen_by_hook(x: &Var) -> Arc<std::sync::Mutex<Vec<f64>>> {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let list = Arc::clone(&seen);
    x.register_post_accumulate_grad_hook(move |x| {
        list.lock().unwrap().push(x.grad().ok_or("no gradient")?.item::<f64>()?);
        Ok(())
    })
    .unwrap();
    seen
}

#[test]
fn a_post_accumulate_hook_sees_the_finished_gradient_once() {
    let x = scalar(3.0);
    let seen = seen_by_hook(&x);
    // Three paths, and what was gathered before.
    for expected in [vec![33.0], vec![33.0, 66.0]] {
        x.mul(&x).unwrap().mul(&x).unwrap().add(&x.mul(&x).unwrap()).unwrap().backward().unwrap();
        assert_eq!(*seen.lock().unwrap(), expected);
    }
    // It follows the hooks that change the gradient, and does not run where gradients are returned.
    x.zero_grad();
    x.register_hook(|g| g.mul_scalar(2.0).ok()).unwrap();
    x.mul(&x).unwrap().backward().unwrap();
    assert_eq!(seen.lock().unwrap()[2..], [12.0]);
    assert_eq!(grad(&x.mul(&x).unwrap(), &[&x], false).unwrap()[0].item::<f64>().unwrap(), 12.0);
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[test]
fn a_post_accumulate_hook_runs_before_backward_reaches_what_is_upstream() {
    let (x, late) = (scalar(2.0), scalar(5.0));
    let early = x.mul_scalar(3.0).unwrap();
    let seen = seen_by_hook(&late);
    let order = Arc::clone(&seen);
    early
        .register_hook(move |_| {
            assert_eq!(order.lock().unwrap().len(), 1, "the hook of the later leaf has not run yet");
            None
        })
        .unwrap();
    early.mul(&late).unwrap().backward().unwrap();
    assert_eq!(*seen.lock().unwrap(), [6.0]);
}

#[test]
fn an_optimizer_in_backward_holds_one_gradient_at_a_time() {
    let weights: Vec<Parameter> =
        (0..5).map(|i| Parameter::new(Tensor::scalar(1.0 + f64::from(i)).unwrap()).unwrap()).collect();
    let plain: Vec<Parameter> =
        weights.iter().map(|w| Parameter::new(w.value().deep_clone().unwrap()).unwrap()).collect();
    let loss = |weights: &[Parameter]| {
        let start = Var::from(Tensor::scalar(0.1f64).unwrap());
        weights.iter().fold(start, |x, w| x.mul(&w.var()).unwrap().tanh().unwrap())
    };
    let step = |w: &Parameter| {
        let g = w.grad().unwrap().mul_scalar(-0.5).unwrap();
        w.update(|value| value.add_assign(&g)).unwrap();
        w.zero_grad();
    };
    for w in &weights {
        let others = weights.clone();
        w.register_post_accumulate_grad_hook(move |w| {
            assert_eq!(others.iter().filter(|w| w.grad().is_some()).count(), 1);
            step(w);
            Ok(())
        });
    }
    for _ in 0..3 {
        loss(&weights).backward().unwrap();
        loss(&plain).backward().unwrap();
        plain.iter().for_each(step);
    }
    for (a, b) in weights.iter().zip(&plain) {
        assert_eq!(a.value().item::<f64>().unwrap(), b.value().item::<f64>().unwrap());
    }
}

#[test]
fn a_failing_post_accumulate_hook_stops_the_backward_with_its_words() {
    let x = scalar(1.0);
    x.register_post_accumulate_grad_hook(|_| Err("the disk is full".into())).unwrap();
    says(x.mul_scalar(2.0).unwrap().backward(), &["post-accumulate-grad hook", "the disk is full", file!()]);
}

#[test]
fn hooks_do_not_keep_their_leaf_alive() {
    let guard = Arc::new(());
    let w = Parameter::new(Tensor::scalar(1.0f64).unwrap()).unwrap();
    let (x, held) = (scalar(1.0), [Arc::clone(&guard), Arc::clone(&guard)]);
    let [a, b] = held;
    w.register_post_accumulate_grad_hook(move |_| {
        let _ = &a;
        Ok(())
    });
    let handle = x
        .register_post_accumulate_grad_hook(move |_| {
            let _ = &b;
            Ok(())
        })
        .unwrap();
    drop((w, x));
    assert_eq!(Arc::strong_count(&guard), 1);
    handle.remove();
}
