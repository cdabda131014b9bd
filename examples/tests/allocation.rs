//! A step takes no buffer from the system once it has run a few times. Alone in its process, because the counters are
//! the process's.
//!
//! Two counters say so: tensor memory's own, and an allocator that counts every byte that anything asks for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::models;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use train::prelude::*;
use train::tensor_core::memory;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The first hidden activation of a batch of 64.
const ACTIVATION_BYTES: usize = 64 * 256 * 4;
/// Blocks that may stay behind once: a thread's scratch for products, made when the thread gets its first task.
const SCRATCH_BLOCKS: usize = 16;

#[test]
fn a_step_after_warm_up_takes_no_buffer_from_the_system() {
    let rng = Rng::seed(0);
    let model = models::fashion_mlp(&rng).unwrap();
    let mut opt = Adam::new(model.parameters(), 1e-3).unwrap();
    let images = rng.randn([256, 1, 28, 28], DType::F32).unwrap();
    let dataset = train::data::TensorDataset::new(images, rng.randint(0, 10, [256]).unwrap()).unwrap();
    let loader = DataLoader::new(dataset, 64).unwrap().shuffle(&rng);
    let mut epoch = |number| {
        for batch in loader.epoch(number) {
            let (images, classes) = batch.unwrap();
            let loss = model.forward(&images.into()).unwrap().cross_entropy(&classes).unwrap();
            opt.zero_grad();
            loss.backward().unwrap();
            opt.step().unwrap();
        }
    };
    (0..2).for_each(&mut epoch);
    let before = (memory::system_allocations(), memory::reserved_bytes());
    let region = Region::new(ALLOCATOR);
    (2..7).for_each(&mut epoch);
    let change = region.change();
    assert_eq!((memory::system_allocations(), memory::reserved_bytes()), before);

    // What remains are handles, layouts and nodes: all together less than one buffer of the model.
    let steps = 5 * loader.len();
    let (count, bytes) = (change.allocations / steps, change.bytes_allocated / steps);
    println!("a step makes {count} allocations of {} bytes on average", bytes / count.max(1));
    assert!(bytes < ACTIVATION_BYTES, "{count} allocations, {bytes} bytes a step");
    let kept = change.allocations.saturating_sub(change.deallocations);
    assert!(kept <= SCRATCH_BLOCKS, "steps keep memory: {change:?}");
}
