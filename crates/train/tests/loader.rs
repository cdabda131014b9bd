//! The order of batches, against what PyTorch recorded, and the loader's edges.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use serde_json::Value;
use train::data::{
    DataLoader, Dataset, DistributedSampler, RandomSampler, Sampler, SubsetRandomSampler, TensorDataset,
    WeightedRandomSampler, random_split,
};
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

fn sampler(name: &str, weights: &[f64], rng: &Rng) -> Box<dyn Sampler> {
    let random = RandomSampler::new(rng);
    let weighted = |samples| WeightedRandomSampler::new(weights.to_vec(), samples, rng).unwrap();
    match name {
        "random" => Box::new(random),
        "random 7" => Box::new(random.samples(7)),
        "random 25" => Box::new(random.samples(25)),
        "replacement" => Box::new(random.replacement(true)),
        "replacement 70" => Box::new(random.replacement(true).samples(70)),
        "subset" => Box::new(SubsetRandomSampler::new(vec![3, 1, 8, 9, 0], rng)),
        "weighted" => Box::new(weighted(20)),
        "weighted 1" => Box::new(weighted(1)),
        "weighted once" => Box::new(weighted(6).replacement(false)),
        _ => panic!("{name} is not known"),
    }
}

#[test]
fn samplers_draw_as_pytorchs_from_the_global_generator() {
    let record = record();
    let weights: Vec<f64> = serde_json::from_value(record["weights"].clone()).unwrap();
    let runs = record["samplers"].as_object().unwrap();
    assert_eq!(runs.len(), 9);
    for (name, run) in runs {
        let rng = Rng::seed(3);
        let loader = DataLoader::new(numbers(10), 4).unwrap().sampler(sampler(name, &weights, &rng));
        for epoch in 0..3 {
            assert_eq!(batches(&loader, epoch), run[epoch], "{name}, epoch {epoch}");
        }
        assert_eq!(rng.randint(0, 1000, [1]).unwrap().to_vec::<i64>().unwrap()[0], run[3], "{name}");
    }
}

#[test]
fn distributed_shares_are_pytorchs() {
    for run in record()["distributed"].as_array().unwrap() {
        let shares = run["shares"].as_array().unwrap();
        for (rank, expected) in shares.iter().enumerate() {
            let sampler = DistributedSampler::new(shares.len(), rank).unwrap();
            let sampler = sampler
                .shuffle(run["shuffle"].as_bool().unwrap().then_some(5))
                .drop_last(run["drop_last"].as_bool().unwrap());
            let drawn = sampler.draw(run["n"].as_u64().unwrap() as usize, 2).unwrap();
            assert_eq!(Value::from(drawn), *expected);
        }
    }
}

#[test]
fn samplers_refuse_what_does_not_fit() {
    let rng = Rng::seed(0);
    for weights in [vec![], vec![0.0], vec![1.0, -1.0], vec![f64::NAN], vec![f64::INFINITY]] {
        assert!(WeightedRandomSampler::new(weights, 1, &rng).is_err());
    }
    let weighted = |samples| WeightedRandomSampler::new(vec![1.0, 0.0, 2.0], samples, &rng).unwrap();
    let refused = |sampler: Box<dyn Sampler>| {
        let loader = DataLoader::new(numbers(3), 2).unwrap().sampler(sampler);
        let errors: Vec<String> = loader.epoch(0).map(|batch| batch.unwrap_err().to_string()).collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].clone()
    };
    let error = refused(Box::new(weighted(3).replacement(false)));
    assert!(error.contains("num_samples is 3, expected at most 2"), "{error}");
    let error = refused(Box::new(SubsetRandomSampler::new(vec![1, 3], &rng)));
    assert!(error.contains("an index is 3, expected less than 3"), "{error}");
    let sampler = WeightedRandomSampler::new(vec![1.0; 4], 2, &rng).unwrap();
    assert!(refused(Box::new(sampler)).contains("the number of weights is 4, expected one for each of 3"));
    assert!(DistributedSampler::new(2, 2).is_err());
    let empty = RandomSampler::new(&rng).samples(2);
    assert!(empty.draw(0, 0).is_err() && RandomSampler::new(&rng).draw(0, 0).unwrap().is_empty());
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
