//! The operations of a network's layers on variables: forward with the graph it writes, and backward from a dense
//! gradient of the result to all inputs. Beside forward, where the definition is short, plain loops over slices.
//!
//! Tensors use all threads and the plain loops one: `RAYON_NUM_THREADS=1 cargo bench -p benches --bench layers`
//! compares one thread.

mod common;
mod plain;
mod prepared;

use common::{Group, measure, run};
use criterion::Criterion;
use prepared::measure_prepared;
use std::hint::black_box;
use train::autograd::{AttentionOptions, ConvOptions, MaxPoolOptions, backward};
use train::{DType, Result, Rng, Tensor, Var};

fn main() -> Result<()> {
    run(|criterion| {
        let rng = Rng::seed(0);
        softmax(criterion, &rng)?;
        layer_norm(criterion, &rng)?;
        cross_entropy(criterion, &rng)?;
        max_pool2d(criterion, &rng)?;
        conv2d(criterion, &rng, 1, 32, 28)?;
        conv2d(criterion, &rng, 32, 64, 14)?;
        attention(criterion, &rng)
    })
}

/// A leaf of normal random numbers.
fn leaf(rng: &Rng, shape: &[usize]) -> Result<Var> {
    Ok(Var::leaf(rng.randn(shape, DType::F32)?)?)
}

/// The elements, for plain loops.
fn elements(x: &Var) -> Result<Vec<f32>> {
    Ok(x.detach().to_vec()?)
}

/// Measures forward, and backward into the leaves `inputs`.
fn both_ways(
    group: &mut Group,
    inputs: &[&Var],
    forward: impl Fn() -> train::autograd::Result<Var>,
) -> Result<()> {
    measure(group, "forward", || Ok(forward()?))?;
    let seed = Rng::seed(1).randn(forward()?.shape(), DType::F32)?;
    let prepare = || {
        inputs.iter().for_each(|input| input.zero_grad());
        Ok(forward()?)
    };
    measure_prepared(group, "backward", prepare, |y| {
        backward(&[&y], &[Some(&seed)], false)?;
        Ok(y)
    })
}

/// Measures `call`, which writes `len` elements.
fn plain_loops(group: &mut Group, len: usize, call: impl Fn(&mut [f32])) -> Result<()> {
    let mut y = vec![0.0; len];
    measure(group, "plain forward", || {
        call(&mut y);
        black_box(&y);
        Ok(())
    })
}

fn softmax(criterion: &mut Criterion, rng: &Rng) -> Result<()> {
    let x = leaf(rng, &[512, 1024])?;
    let mut group = criterion.benchmark_group("softmax 512x1024");
    both_ways(&mut group, &[&x], || x.softmax(-1))?;
    let x = elements(&x)?;
    plain_loops(&mut group, x.len(), |y| plain::softmax(black_box(&x), y, 1024))?;
    group.finish();
    Ok(())
}

fn layer_norm(criterion: &mut Criterion, rng: &Rng) -> Result<()> {
    const WIDTH: usize = 256;
    let (x, weight, bias) = (leaf(rng, &[2048, WIDTH])?, leaf(rng, &[WIDTH])?, leaf(rng, &[WIDTH])?);
    let mut group = criterion.benchmark_group("layer_norm 2048x256");
    both_ways(&mut group, &[&x, &weight, &bias], || x.layer_norm([WIDTH], Some(&weight), Some(&bias), 1e-5))?;
    let (x, weight, bias) = (elements(&x)?, elements(&weight)?, elements(&bias)?);
    plain_loops(&mut group, x.len(), |y| plain::layer_norm(black_box(&x), &weight, &bias, 1e-5, y))?;
    group.finish();
    Ok(())
}

fn cross_entropy(criterion: &mut Criterion, rng: &Rng) -> Result<()> {
    const CLASSES: usize = 1000;
    let x = leaf(rng, &[512, CLASSES])?;
    let target = rng.randint(0, CLASSES as i64, [512])?;
    let mut group = criterion.benchmark_group("cross_entropy 512x1000");
    both_ways(&mut group, &[&x], || x.cross_entropy(&target))?;
    let (x, target) = (elements(&x)?, target.to_vec::<i64>()?);
    measure(&mut group, "plain forward", || Ok(plain::cross_entropy(black_box(&x), &target, CLASSES)))?;
    group.finish();
    Ok(())
}

fn max_pool2d(criterion: &mut Criterion, rng: &Rng) -> Result<()> {
    let x = leaf(rng, &[64, 32, 28, 28])?;
    let mut group = criterion.benchmark_group("max_pool2d 2 of 64x32x28x28");
    both_ways(&mut group, &[&x], || x.max_pool2d(MaxPoolOptions::new([2, 2])))?;
    let x = elements(&x)?;
    plain_loops(&mut group, x.len() / 4, |y| plain::max_pool2d(black_box(&x), 28, y))?;
    group.finish();
    Ok(())
}

/// 3×3 kernels on 64 images, padded to keep their size.
fn conv2d(criterion: &mut Criterion, rng: &Rng, from: usize, to: usize, side: usize) -> Result<()> {
    let x = leaf(rng, &[64, from, side, side])?;
    let (weight, bias) = (leaf(rng, &[to, from, 3, 3])?, leaf(rng, &[to])?);
    let options = ConvOptions { padding: 1.into(), ..Default::default() };
    let mut group = criterion.benchmark_group(format!("conv2d {from} to {to} of 64x{from}x{side}x{side}"));
    both_ways(&mut group, &[&x, &weight, &bias], || x.conv2d(&weight, Some(&bias), options))?;
    // With many channels the plain loops take most of the whole run.
    if from == 1 {
        let (x, weight, bias) = (elements(&x)?, elements(&weight)?, elements(&bias)?);
        plain_loops(&mut group, 64 * to * side * side, |y| {
            plain::conv2d(black_box(&x), &weight, &bias, side, y);
        })?;
    }
    group.finish();
    Ok(())
}

/// 4 sequences of 128 with 8 heads of 32.
/// By blocks, and as the products and the softmax that a mask asks for.
fn attention(criterion: &mut Criterion, rng: &Rng) -> Result<()> {
    for shape in [[4, 8, 128, 32], [4, 6, 256, 64]] {
        let (query, key, value) = (leaf(rng, &shape)?, leaf(rng, &shape)?, leaf(rng, &shape)?);
        let inputs = [&query, &key, &value];
        let mask = Tensor::ones([shape[2], shape[2]], DType::F32)?.tril(0)?.to_dtype(DType::Bool)?.into();
        let plain = AttentionOptions::default();
        let causal = AttentionOptions { is_causal: true, ..plain };
        let masked = AttentionOptions { attn_mask: Some(&mask), ..plain };
        for (kind, options) in [("", plain), (" causal", causal), (" masked", masked)] {
            let mut group = criterion.benchmark_group(format!("attention{kind} {shape:?}"));
            both_ways(&mut group, &inputs, || query.scaled_dot_product_attention(&key, &value, options))?;
            group.finish();
        }
    }
    Ok(())
}
