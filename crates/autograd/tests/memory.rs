//! Memory over many steps, alone in its process, because the counters are the process's.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use autograd::{DType, Result, Tensor, Var, checkpoint};
use std::sync::Mutex;
use tensor_core::memory;

/// One test at a time.
static COUNTERS: Mutex<()> = Mutex::new(());

#[test]
fn a_step_in_the_steady_state_takes_no_buffer_from_the_system_and_leaks_none() {
    let _alone = COUNTERS.lock();
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

#[test]
fn checkpoints_lower_the_memory_that_a_deep_model_needs() {
    let _alone = COUNTERS.lock();
    // 8 blocks of 8 operations, each of which keeps 256 KiB.
    const BLOCKS: usize = 8;
    const VALUE: usize = 256 << 10;
    let block = |x: &Var| -> Result<Var> { (0..8).try_fold(x.clone(), |x, _| x.tanh()) };
    let most_in_use = |checkpointed: bool| {
        memory::release_cache();
        memory::set_cache_limit(0);
        let x = Var::leaf(Tensor::ones([VALUE / 4], DType::F32).unwrap()).unwrap();
        let limit = |bytes| memory::set_limit(bytes);
        // The least limit, in values, under which a step runs.
        let least = (1..200).find(|values| {
            limit(memory::reserved_bytes() + values * VALUE);
            x.zero_grad();
            let step = || -> Result<()> {
                let y = (0..BLOCKS).try_fold(x.clone(), |x, _| {
                    if checkpointed { checkpoint(move |x| block(&x[0]), &[&x]) } else { block(&x) }
                })?;
                y.sum()?.backward()
            };
            let ran = step().is_ok();
            limit(usize::MAX);
            ran
        });
        memory::set_cache_limit(1 << 30);
        least.unwrap()
    };
    let (plain, checkpointed) = (most_in_use(false), most_in_use(true));
    // Plain: all 64 values. Checkpointed: 8 inputs of blocks and one block.
    assert!(plain >= 64 && plain < 70, "{plain}");
    assert!(checkpointed >= 16 && checkpointed <= 20, "{checkpointed}");
}
