//! The graph as a data structure: depth, memory, threads.

use crate::support::*;

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
fn history_survives_the_handles_on_what_it_was_computed_from() {
    let (x, y) = {
        let x = leaf(&[1.0, 2.0, 3.0]);
        let base = x.mul(&x).unwrap();
        (x, base.narrow(0, 1, 2).unwrap().reshape([2, 1]).unwrap())
    };
    y.sum().unwrap().backward().unwrap();
    assert_eq!(gradient(&x), [0.0, 4.0, 6.0]);
}

/// y = x², with something to watch.
struct Watched(#[expect(dead_code, reason = "counted by its handles")] Arc<()>);

impl Op for Watched {
    fn name(&self) -> &'static str {
        "watched"
    }
    fn keep(&self) -> Keep {
        Keep::Both
    }
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].mul(inputs[0])?.into())
    }
    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, y) = (ctx.input(0), ctx.output(0));
        // 2x, by way of the output.
        Ok(Grads::from_iter([Some(ctx.grad().mul(&y.div(&x)?)?.mul_scalar(2.0)?)]))
    }
}

#[test]
fn no_graph_keeps_itself_alive() {
    let guard = Arc::new(());
    {
        let x = scalar(3.0);
        let y = apply(Watched(Arc::clone(&guard)), &[&x]).unwrap();
        y.retain_grad().unwrap();
        let handle = y.clone();
        y.register_hook(|g| g.mul_scalar(1.0).ok()).unwrap();
        // A gradient with history, which refers to the graph that it came from.
        let first = grad(&y, &[&x], true).unwrap().remove(0);
        let second = grad(&first, &[&x], true).unwrap().remove(0);
        assert_eq!(values(&second), [2.0]);
        handle.backward().unwrap();
        assert_eq!(Arc::strong_count(&guard), 2);
    }
    assert_eq!(Arc::strong_count(&guard), 1);
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
