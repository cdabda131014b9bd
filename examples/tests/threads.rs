//! A hundred steps of the Fashion-MNIST models give the same bits of all weights for any number of threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::models;
use train::nn;
use train::prelude::*;
use train::tensor_core::with_threads;

/// The bits of all weights after a hundred steps on made-up images.
fn train(build: fn(&Rng) -> nn::Result<Sequential>, batch_size: usize) -> Vec<u32> {
    let rng = Rng::seed(7);
    let model = build(&rng).unwrap();
    let images = rng.randn([4 * batch_size, 1, 28, 28], DType::F32).unwrap();
    let classes = rng.randint(0, 10, [4 * batch_size]).unwrap();
    let dataset = train::data::TensorDataset::new(images, classes).unwrap();
    let loader = DataLoader::new(dataset, batch_size).unwrap().shuffle(&rng);
    let mut opt = Adam::new(model.parameters(), 1e-3).unwrap();
    for epoch in 0..25 {
        for batch in loader.epoch(epoch) {
            let (images, classes) = batch.unwrap();
            let loss = model.forward(&images.into()).unwrap().cross_entropy(&classes).unwrap();
            opt.zero_grad();
            loss.backward().unwrap();
            opt.step().unwrap();
        }
    }
    let weights = model.parameters().into_iter().flat_map(|weight| weight.value().to_vec::<f32>().unwrap());
    weights.map(f32::to_bits).collect()
}

fn same_for_any_number_of_threads(build: fn(&Rng) -> nn::Result<Sequential>, batch_size: usize) {
    let one = with_threads(1, || train(build, batch_size));
    assert!(one.iter().all(|&bits| f32::from_bits(bits).is_finite()));
    for threads in [2, 3, 8] {
        let several = with_threads(threads, || train(build, batch_size));
        let differ = one.iter().zip(&several).filter(|(a, b)| a != b).count();
        assert_eq!(differ, 0, "{differ} of {} weights differ with {threads} threads", one.len());
    }
}

#[test]
fn the_perceptron_does_not_depend_on_threads() {
    same_for_any_number_of_threads(models::fashion_mlp, 64);
}

#[test]
fn the_convolutional_network_does_not_depend_on_threads() {
    same_for_any_number_of_threads(models::fashion_cnn, 32);
}
