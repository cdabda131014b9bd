//! The peak of a checkpointed step, alone in its process, because the counters are the process's.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use autograd::{DType, Result, Tensor, Var, checkpoint};
use tensor_core::memory;

/// 8 blocks of 8 operations, each of which keeps a value of 64 KiB.
const BLOCKS: usize = 8;
const VALUE: usize = 64 << 10;

fn block(x: &Var) -> Result<Var> {
    (0..8).try_fold(x.clone(), |x, _| x.tanh())
}

/// The peak of a step, in values beyond its input. The counter only rises, so the smaller step comes first.
fn peak(checkpointed: bool) -> usize {
    let x = Var::leaf(Tensor::ones([VALUE / 4], DType::F32).unwrap()).unwrap();
    let before = memory::reserved_bytes();
    let y = (0..BLOCKS).try_fold(x.clone(), |x, _| {
        if checkpointed { checkpoint(|x| block(&x[0]), &[&x]) } else { block(&x) }
    });
    y.unwrap().sum().unwrap().backward().unwrap();
    (memory::peak_bytes() - before) / VALUE
}

#[test]
fn checkpoints_lower_the_memory_that_a_deep_model_needs() {
    memory::set_cache_limit(0);
    let (checkpointed, plain) = (peak(true), peak(false));
    // Checkpointed: the inputs of the blocks, the values of one, and gradients on their way.
    assert!((16..=20).contains(&checkpointed), "{checkpointed}");
    // Plain: every value.
    assert!((64..=70).contains(&plain), "{plain}");
}
