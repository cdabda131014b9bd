//! Functions of each element, copies and sums of a million f32, each beside a plain loop over slices with the standard
//! library's functions.
//!
//! Tensors use all threads and the plain loops one: `RAYON_NUM_THREADS=1 cargo bench -p benches --bench pointwise`
//! compares one thread.

mod common;

use common::{measure, run};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use train::tensor_core::Approximate;
use train::{DType, Result, Rng, Tensor};

/// Rows and columns; 2²⁰ elements.
const SIDE: usize = 1024;

fn main() -> Result<()> {
    run(|criterion| {
        let rng = Rng::seed(0);
        let x = rng.randn([SIDE, SIDE], DType::F32)?;
        let other = rng.randn([SIDE, SIDE], DType::F32)?;
        let row = rng.randn([SIDE], DType::F32)?;
        functions(criterion, &x)?;
        sums_of_two(criterion, &x, &other, &row)?;
        transpose(criterion, &x)?;
        sum(criterion, &x)
    })
}

/// Measures `tensor`, and beside it `plain`, which reads the slice of `x` and writes a slice as long.
fn beside(
    criterion: &mut Criterion,
    name: &str,
    x: &Tensor,
    tensor: impl Fn(&Tensor) -> train::tensor_core::Result<Tensor>,
    plain: impl Fn(&[f32], &mut [f32]),
) -> Result<()> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(x.numel() as u64));
    measure(&mut group, "tensor", || Ok(tensor(x)?))?;
    let (x, mut y) = (x.to_vec::<f32>()?, vec![0.0; x.numel()]);
    measure(&mut group, "plain loop", || {
        plain(black_box(&x), &mut y);
        black_box(&y);
        Ok(())
    })?;
    group.finish();
    Ok(())
}

/// y = f(x), element by element.
fn map(f: impl Fn(f32) -> f32) -> impl Fn(&[f32], &mut [f32]) {
    move |x, y| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = f(x);
        }
    }
}

fn functions(criterion: &mut Criterion, x: &Tensor) -> Result<()> {
    let gelu = |x: f32| 0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2));
    beside(criterion, "exp", x, |x| x.exp(), map(f32::exp))?;
    beside(criterion, "tanh", x, |x| x.tanh(), map(f32::tanh))?;
    beside(criterion, "gelu", x, |x| x.gelu(Approximate::None), map(gelu))
}

fn sums_of_two(criterion: &mut Criterion, x: &Tensor, other: &Tensor, row: &Tensor) -> Result<()> {
    let b = other.to_vec::<f32>()?;
    beside(
        criterion,
        "add",
        x,
        |x| x.add(other),
        |a, y| {
            for ((y, a), b) in y.iter_mut().zip(a).zip(&b) {
                *y = a + b;
            }
        },
    )?;
    let b = row.to_vec::<f32>()?;
    beside(
        criterion,
        "add a row to each",
        x,
        |x| x.add(row),
        |a, y| {
            for (y, a) in y.chunks_exact_mut(SIDE).zip(a.chunks_exact(SIDE)) {
                for ((y, a), b) in y.iter_mut().zip(a).zip(&b) {
                    *y = a + b;
                }
            }
        },
    )
}

fn transpose(criterion: &mut Criterion, x: &Tensor) -> Result<()> {
    beside(
        criterion,
        "copy of a transpose",
        x,
        |x| x.t()?.contiguous(),
        |x, y| {
            for i in 0..SIDE {
                for j in 0..SIDE {
                    y[i * SIDE + j] = x[j * SIDE + i];
                }
            }
        },
    )
}

fn sum(criterion: &mut Criterion, x: &Tensor) -> Result<()> {
    let mut group = criterion.benchmark_group("sum");
    group.throughput(Throughput::Elements(x.numel() as u64));
    measure(&mut group, "tensor", || Ok(x.sum()?))?;
    let x = x.to_vec::<f32>()?;
    measure(&mut group, "plain loop", || Ok(black_box(&x).iter().sum::<f32>()))?;
    group.finish();
    Ok(())
}
