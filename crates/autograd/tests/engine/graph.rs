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
