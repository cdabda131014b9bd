//! Walks the table: every operation's values, gradients of both orders, precision and thread count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::ops::TABLE;
use autograd::testing::{Row, Sample, Sampler};
use autograd::{DType, Error, Tensor, Var, backward, gradcheck, gradgradcheck};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The rows, or those that the environment variable ROWS names, by commas.
fn rows() -> impl Iterator<Item = &'static Row> {
    let only = std::env::var("ROWS").ok();
    TABLE.iter().filter(move |row| only.as_ref().is_none_or(|only| only.split(',').any(|o| o == row.name)))
}

/// Runs `check` on 64 random samples of every row; a failure names the row and the seed.
fn for_all_rows(max_size: usize, check: impl Fn(&Row, &Sample) -> Result<(), String>) {
    for row in rows() {
        let mut runner =
            TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
        // The small size shrinks towards simpler shapes.
        let outcome = runner.run(&(any::<u64>(), 1..=max_size), |(seed, size)| {
            let mut sampler = Sampler::with_max_size(seed, size);
            let sample = (row.sample)(&mut sampler).map_err(|e| TestCaseError::fail(e.to_string()))?;
            check(row, &sample).map_err(TestCaseError::fail)
        });
        if let Err(failure) = outcome {
            panic!("{}: {failure}", row.name);
        }
    }
}

fn text(error: Error) -> String {
    error.to_string()
}

fn vars(inputs: &[Tensor], dtype: DType) -> Result<Vec<Var>, Error> {
    inputs
        .iter()
        .map(|x| if x.dtype().is_float() { Var::leaf(x.to_dtype(dtype)?) } else { Ok(x.into()) })
        .collect()
}

#[test]
fn values_equal_plain_loops() {
    for_all_rows(4, |_, sample| {
        let Some(expected) = &sample.expected else { return Ok(()) };
        let inputs: Vec<Var> = sample.inputs.iter().map(Var::from).collect();
        let values = (sample.call)(&inputs)
            .and_then(|y| y.detach().to_vec::<f64>().map_err(Error::from))
            .map_err(text)?;
        if values.len() != expected.len() {
            return Err(format!("{} values, expected {}", values.len(), expected.len()));
        }
        match values
            .iter()
            .zip(expected)
            .find(|(v, e)| !((*v - *e).abs() <= 1e-9 * e.abs().max(1.0) || v.is_nan() && e.is_nan()))
        {
            None => Ok(()),
            Some((v, e)) => Err(format!("{v}, expected {e}")),
        }
    });
}

#[test]
fn first_order_gradients_equal_finite_differences() {
    for_all_rows(3, |_, sample| gradcheck(&sample.call, &sample.inputs).map_err(text));
}

#[test]
fn second_order_gradients_equal_finite_differences() {
    for_all_rows(2, |row, sample| match row.order {
        1 => Ok(()),
        _ => gradgradcheck(&sample.call, &sample.inputs).map_err(text),
    });
}

/// Output and input gradients of a call, with a seed that differs from element to element.
fn run(sample: &Sample, dtype: DType) -> Result<Vec<Tensor>, Error> {
    let inputs = vars(&sample.inputs, dtype)?;
    let y = (sample.call)(&inputs)?;
    let mut results = vec![y.detach()];
    if y.requires_grad() {
        let seed: Vec<f64> = (0..y.numel()).map(|i| ((i * 5 + 1) % 7) as f64 / 4.0 - 0.8).collect();
        let seed = Tensor::from_vec(seed, y.shape())?.to_dtype(y.dtype())?;
        backward(&[&y], &[Some(&seed)], false)?;
        results.extend(inputs.iter().filter_map(Var::grad));
    }
    Ok(results)
}

#[test]
fn f32_follows_f64() {
    for_all_rows(6, |_, sample| {
        let (single, double) =
            (run(sample, DType::F32).map_err(text)?, run(sample, DType::F64).map_err(text)?);
        for (s, d) in single.iter().zip(&double) {
            let s = s.to_dtype(DType::F64).and_then(|s| s.to_vec::<f64>()).map_err(|e| e.to_string())?;
            let d = d.to_dtype(DType::F64).and_then(|d| d.to_vec::<f64>()).map_err(|e| e.to_string())?;
            let scale = d.iter().fold(1.0f64, |m, v| m.max(v.abs()));
            for (s, d) in s.iter().zip(&d) {
                if (s - d).abs() > 1e-4 * scale {
                    return Err(format!("f32 gives {s}, f64 {d}"));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let bits = |threads: usize, sample: &Sample| -> Result<Vec<Vec<u8>>, String> {
        let results = tensor_core::with_threads(threads, || run(sample, DType::F32)).map_err(text)?;
        results.iter().map(|t| t.to_le_bytes().map_err(|e| e.to_string())).collect()
    };
    for row in rows() {
        // Sizes beyond one task of every kernel.
        for seed in 0..3 {
            let mut sampler = Sampler::with_max_size(seed, 70);
            let sample = (row.sample)(&mut sampler).unwrap();
            let one = bits(1, &sample).unwrap();
            for threads in [2, 4] {
                assert_eq!(
                    one,
                    bits(threads, &sample).unwrap(),
                    "{} with {threads} threads, seed {seed}",
                    row.name
                );
            }
        }
    }
}

#[test]
fn names_are_unique_and_sorted() {
    for pair in TABLE.windows(2) {
        assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
    }
}
