//! Initial values against PyTorch's after the same seed: `fixtures/rng`.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use autograd::Tensor;
use autograd::tensor_core::Rng;
use nn::prelude::*;
use serde_json::Value;

/// The recorded parameters of `call` after `seed`: name, bits (all or the first), checksum over all.
fn recorded(seed: u64, call: &str) -> Vec<(String, Vec<u32>, u64)> {
    let path = format!("{}/../../fixtures/rng/seed_{seed}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let modules = file["modules"].as_array().unwrap();
    let module = modules.iter().find(|module| module["call"] == call).unwrap();
    let parameters = module["parameters"].as_object().unwrap();
    parameters
        .iter()
        .map(|(name, value)| {
            let bits = value["bits"].as_array().unwrap().iter().map(|bits| bits.as_u64().unwrap() as u32);
            (name.clone(), bits.collect(), value["checksum"].as_u64().unwrap())
        })
        .collect()
}

fn bits(value: &Tensor) -> Vec<u32> {
    value.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

const SEEDS: [u64; 4] = [0, 1, 42, 1_099_511_627_783];

fn assert_bits_equal(call: &str, build: impl Fn(&Rng) -> nn::Result<Box<dyn Module>>) {
    for seed in SEEDS {
        let state = build(&Rng::seed(seed)).unwrap().state_dict();
        let recorded = recorded(seed, call);
        assert_eq!(state.len(), recorded.len());
        for (name, expected, checksum) in recorded {
            let found = bits(&state[&name]);
            assert_eq!(found[..expected.len()], expected, "{call} seed {seed} {name}");
            let sum = found.iter().fold(0u64, |h, &x| h.wrapping_mul(31).wrapping_add(u64::from(x)));
            assert_eq!(sum, checksum, "{call} seed {seed} {name}");
        }
    }
}

#[test]
fn linear() {
    assert_bits_equal("nn.Linear(64, 128)", |rng| Ok(Box::new(Linear::new(64, 128, rng)?)));
    assert_bits_equal("nn.Linear(3, 4)", |rng| Ok(Box::new(Linear::new(3, 4, rng)?)));
}

#[test]
fn conv2d() {
    assert_bits_equal("nn.Conv2d(1, 32, 3)", |rng| Ok(Box::new(Conv2d::new(1, 32, 3, rng)?)));
    assert_bits_equal("nn.Conv2d(4, 6, 3, groups=2)", |rng| {
        Ok(Box::new(Conv2d::options(4, 6, 3).groups(2).build(rng)?))
    });
}

#[test]
fn sequential() {
    assert_bits_equal("nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))", |rng| {
        Ok(Box::new(sequential![Linear::new(64, 128, rng)?, ReLU, Linear::new(128, 10, rng)?]))
    });
}

#[test]
fn embedding() {
    for (call, rows, columns) in [("nn.Embedding(10, 16)", 10, 16), ("nn.Embedding(3, 4)", 3, 4)] {
        for seed in SEEDS {
            let embedding = Embedding::new(rows, columns, &Rng::seed(seed)).unwrap();
            let (_, expected, _) = &recorded(seed, call)[0];
            let found = embedding.weight.value().to_vec::<f32>().unwrap();
            for (found, &expected) in found.iter().zip(expected) {
                assert!((found - f32::from_bits(expected)).abs() <= 1e-6, "{call} seed {seed}");
            }
        }
    }
}
