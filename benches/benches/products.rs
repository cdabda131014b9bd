//! Matrix products, square and of the shapes of a perceptron's layers; the smallest beside three plain loops.
//!
//! A product of `[m, k]` and `[k, n]` counts as `2 m k n` elements, so that criterion's "elem/s" are floating-point
//! operations a second. `RAYON_NUM_THREADS=1 cargo bench -p benches --bench products` compares one thread.

mod common;

use common::{measure, run};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use train::tensor_core::Activation;
use train::{DType, Result, Rng};

fn main() -> Result<()> {
    run(|criterion| {
        square(criterion)?;
        batched(criterion)?;
        linear(criterion)
    })
}

fn operations(batch: usize, m: usize, k: usize, n: usize) -> Throughput {
    Throughput::Elements(2 * (batch * m * k * n) as u64)
}

fn square(criterion: &mut Criterion) -> Result<()> {
    let rng = Rng::seed(0);
    for n in [64, 256, 512] {
        let mut group = criterion.benchmark_group(format!("matmul {n}x{n}x{n}"));
        group.throughput(operations(1, n, n, n));
        let (a, b) = (rng.randn([n, n], DType::F32)?, rng.randn([n, n], DType::F32)?);
        measure(&mut group, "tensor", || Ok(a.matmul(&b)?))?;
        // Minutes, for the larger ones.
        if n == 64 {
            let (a, b, mut c) = (a.to_vec::<f32>()?, b.to_vec::<f32>()?, vec![0.0; n * n]);
            measure(&mut group, "plain loops", || {
                plain_product(black_box(&a), black_box(&b), &mut c, n);
                black_box(&c);
                Ok(())
            })?;
        }
        group.finish();
    }
    Ok(())
}

/// c = a · b of `[n, n]`, by the definition.
fn plain_product(a: &[f32], b: &[f32], c: &mut [f32], n: usize) {
    for i in 0..n {
        for j in 0..n {
            c[i * n + j] = (0..n).map(|k| a[i * n + k] * b[k * n + j]).sum();
        }
    }
}

fn batched(criterion: &mut Criterion) -> Result<()> {
    let rng = Rng::seed(0);
    let (a, b) = (rng.randn([8, 512, 512], DType::F32)?, rng.randn([8, 512, 512], DType::F32)?);
    let mut group = criterion.benchmark_group("matmul 8 of 512x512x512");
    group.throughput(operations(8, 512, 512, 512));
    measure(&mut group, "tensor", || Ok(a.matmul(&b)?))?;
    group.finish();
    Ok(())
}

/// The first layer of a perceptron for 28×28 images, for a batch and for one image.
fn linear(criterion: &mut Criterion) -> Result<()> {
    let rng = Rng::seed(0);
    let weight = rng.randn([256, 784], DType::F32)?;
    let bias = rng.randn([256], DType::F32)?;
    for rows in [64, 1] {
        let x = rng.randn([rows, 784], DType::F32)?;
        let mut group = criterion.benchmark_group(format!("linear {rows}x784x256"));
        group.throughput(operations(1, rows, 784, 256));
        measure(&mut group, "product", || Ok(x.linear(&weight, None, Activation::Identity)?))?;
        measure(&mut group, "product, bias and relu", || {
            Ok(x.linear(&weight, Some(&bias), Activation::Relu)?)
        })?;
        group.finish();
    }
    Ok(())
}
