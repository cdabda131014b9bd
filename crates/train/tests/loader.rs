//! The order of batches, against what PyTorch recorded, and the loader's edges.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use serde_json::Value;
use train::data::{DataLoader, Dataset, TensorDataset, random_split};
use train::{DType, Error, Result, Rng, Tensor};

fn record() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/loader/orders.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The samples 0 … n−1, each its own target.
fn numbers(n: usize) -> TensorDataset {
    let numbers = Tensor::from_vec((0..n as i64).collect(), [n]).unwrap();
    TensorDataset::new(numbers.clone(), numbers).unwrap()
}

fn batches(loader: &DataLoader<TensorDataset>, epoch: usize) -> Value {
    let batches: Vec<Vec<i64>> = loader
        .epoch(epoch)
        .map(|batch| {
            let (data, target) = batch.unwrap();
            assert_eq!(data.to_vec::<i64>().unwrap(), target.to_vec::<i64>().unwrap());
            data.to_vec().unwrap()
        })
        .collect();
    assert_eq!(batches.len(), loader.len());
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), loader.samples());
    batches.into()
}

fn loader(run: &Value) -> DataLoader<TensorDataset> {
    let size = |key: &str| run[key].as_u64().unwrap() as usize;
    let loader = DataLoader::new(numbers(size("n")), size("batch")).unwrap();
    loader.drop_last(run["drop_last"].as_bool().unwrap())
}

#[test]
fn a_shuffled_loader_draws_as_pytorchs_from_the_global_generator() {
    for run in record()["stream"].as_array().unwrap() {
        let rng = Rng::seed(run["seed"].as_u64().unwrap());
        let loader = loader(run).shuffle(&rng);
        for (epoch, expected) in run["epochs"].as_array().unwrap().iter().enumerate() {
            assert_eq!(batches(&loader, epoch), *expected);
            let between = rng.randint(0, 1000, [1]).unwrap().to_vec::<i64>().unwrap();
            assert_eq!(between[0], run["between"][epoch]);
        }
    }
}

#[test]
fn a_seeded_epoch_depends_on_its_number_alone() {
    for run in record()["seeded"].as_array().unwrap() {
        let loader = loader(run).shuffle_seeded(run["seed"].as_u64().unwrap());
        for epoch in [2, 0, 1, 1] {
            assert_eq!(batches(&loader, epoch), run["epochs"][epoch]);
        }
    }
}

#[test]
fn random_split_deals_as_pytorchs() {
    for run in record()["split"].as_array().unwrap() {
        let lengths: Vec<usize> = serde_json::from_value(run["lengths"].clone()).unwrap();
        let rng = Rng::seed(run["seed"].as_u64().unwrap());
        let n = lengths.iter().sum();
        let parts = match *lengths.as_slice() {
            [a, b] => random_split(numbers(n), [a, b], &rng).unwrap().to_vec(),
            [a, b, c] => random_split(numbers(n), [a, b, c], &rng).unwrap().to_vec(),
            _ => panic!("another number of parts was recorded"),
        };
        for (part, expected) in parts.iter().zip(run["parts"].as_array().unwrap()) {
            assert_eq!(Value::from(part.indices().to_vec()), *expected);
        }
    }
}

#[test]
fn without_shuffle_the_order_is_the_sets_and_every_size_fits() {
    for n in 0..12 {
        for batch in [1, 2, 3, 5, 12, 13] {
            for drop_last in [false, true] {
                let loader = DataLoader::new(numbers(n), batch).unwrap().drop_last(drop_last);
                let whole: Vec<i64> = (0..n as i64).collect();
                let mut expected: Vec<_> = whole.chunks(batch).map(<[i64]>::to_vec).collect();
                expected.retain(|chunk| !drop_last || chunk.len() == batch);
                assert_eq!(batches(&loader, 0), Value::from(expected));
                assert_eq!(loader.is_empty(), loader.epoch(0).next().is_none());
            }
        }
    }
    let error = DataLoader::new(numbers(3), 0).unwrap_err().to_string();
    assert_eq!(error, "DataLoader::new: batch_size is 0, expected at least 1");
}

/// Sample 5 cannot be read.
struct Broken;

impl Dataset for Broken {
    type Sample = Tensor;

    fn len(&self) -> usize {
        8
    }

    fn get(&self, index: usize) -> Result<Tensor> {
        let wanted = if index == 5 { 3 } else { 2 };
        Ok(Tensor::zeros([2], DType::F32)?.narrow(0, 0, wanted)?)
    }
}

#[test]
fn a_bad_sample_is_named_and_the_other_batches_come() {
    let loader = DataLoader::new(Broken, 2).unwrap();
    let results: Vec<Result<Tensor>> = loader.epoch(3).collect();
    let failed: Vec<bool> = results.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, true, false]);
    let error = results[2].as_ref().unwrap_err();
    assert!(matches!(error, Error::Batch { epoch: 3, batch: 2, .. }));
    assert!(error.to_string().starts_with("epoch 3, batch 2: sample 5: narrow: "), "{error}");
}

/// Samples of two lengths.
struct Ragged;

impl Dataset for Ragged {
    type Sample = Tensor;

    fn len(&self) -> usize {
        4
    }

    fn get(&self, index: usize) -> Result<Tensor> {
        Ok(Tensor::zeros([2 + index / 2], DType::F32)?)
    }
}

#[test]
fn samples_that_do_not_stack_name_both_shapes() {
    let loader = DataLoader::new(Ragged, 3).unwrap();
    let error = loader.epoch(0).next().unwrap().unwrap_err().to_string();
    assert!(
        error.starts_with("epoch 0, batch 0: sample 2 of the batch has shape [3], sample 0 has [2]"),
        "{error}"
    );
}
