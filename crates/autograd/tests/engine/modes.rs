//! Whether a graph is written.

use crate::support::*;

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
