//! Memory over many steps, alone in its process, because the counters are the process's.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use autograd::{DType, Tensor, Var};
use tensor_core::memory;

#[test]
fn a_step_in_the_steady_state_takes_no_buffer_from_the_system_and_leaks_none() {
    let x = Var::leaf(Tensor::ones([64, 64], DType::F32).unwrap()).unwrap();
    let step = || {
        x.zero_grad();
        x.matmul(&x).unwrap().tanh().unwrap().sum().unwrap().backward().unwrap();
    };
    (0..10).for_each(|_| step());
    let before = (memory::system_allocations(), memory::reserved_bytes());
    (0..10_000).for_each(|_| step());
    assert_eq!((memory::system_allocations(), memory::reserved_bytes()), before);

    // A forward whose graph is dropped without backward leaves nothing behind either.
    (0..10).for_each(|_| drop(x.matmul(&x).unwrap().tanh().unwrap()));
    let before = memory::reserved_bytes();
    (0..1000).for_each(|_| drop(x.matmul(&x).unwrap().tanh().unwrap()));
    assert_eq!(memory::reserved_bytes(), before);

    drop(x);
    memory::release_cache();
    assert_eq!(memory::reserved_bytes(), 0, "a buffer was not given back");
}
