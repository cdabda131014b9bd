//! A step takes no buffer from the system once it has run a few times. Alone in its process, because the counters are
//! the process's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::models;
use train::prelude::*;
use train::tensor_core::memory;

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
    (2..7).for_each(&mut epoch);
    assert_eq!((memory::system_allocations(), memory::reserved_bytes()), before);
}
