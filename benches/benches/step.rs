//! Training steps: a small perceptron whole and in parts, a long chain of small operations, and an optimizer's step
//! over many parameters beside a copy of as many bytes.

mod common;
mod prepared;

use common::{measure, run};
use criterion::{Criterion, Throughput};
use prepared::measure_prepared;
use std::hint::black_box;
use train::prelude::{Adam, AdamW, Layer, Linear, Module, Optimizer, ReLU, sequential};
use train::{DType, Parameter, Result, Rng, Var};

fn main() -> Result<()> {
    run(|criterion| {
        perceptron(criterion)?;
        chain(criterion)?;
        adamw(criterion)
    })
}

/// 784-256-128-10 on a batch of 64 with Adam.
fn perceptron(criterion: &mut Criterion) -> Result<()> {
    let rng = Rng::seed(0);
    let model = sequential![
        Linear::new(784, 256, &rng)?,
        ReLU,
        Linear::new(256, 128, &rng)?,
        ReLU,
        Linear::new(128, 10, &rng)?,
    ];
    let mut opt = Adam::new(model.parameters(), 1e-3)?;
    let x = Var::from(rng.randn([64, 784], DType::F32)?);
    let target = rng.randint(0, 10, [64])?;
    let loss = || -> Result<Var> { Ok(model.forward(&x)?.cross_entropy(&target)?) };

    let mut group = criterion.benchmark_group("perceptron 784-256-128-10, batch 64");
    measure(&mut group, "forward and loss", loss)?;
    let prepare = || {
        model.parameters().iter().for_each(Parameter::zero_grad);
        loss()
    };
    measure_prepared(&mut group, "backward", prepare, |loss| {
        loss.backward()?;
        Ok(loss)
    })?;
    measure(&mut group, "step", || Ok(opt.step()?))?;
    measure(&mut group, "all", || {
        let loss = loss()?;
        opt.zero_grad();
        loss.backward()?;
        Ok(opt.step()?)
    })?;
    group.finish();
    Ok(())
}

/// 10,000 products and as many sums of one element: what an operation costs beside its arithmetic.
fn chain(criterion: &mut Criterion) -> Result<()> {
    const LENGTH: usize = 10_000;
    let rng = Rng::seed(0);
    let (x, factor) = (Var::leaf(rng.rand([1], DType::F32)?)?, Var::from(rng.rand([1], DType::F32)?));
    let forward = || -> Result<Var> {
        x.zero_grad();
        let mut y = x.clone();
        for _ in 0..LENGTH {
            y = y.mul(&factor)?.add(&x)?;
        }
        Ok(y)
    };
    let mut group = criterion.benchmark_group("chain of 10,000 mul and add");
    group.throughput(Throughput::Elements(2 * LENGTH as u64));
    measure_prepared(&mut group, "forward", || Ok(()), |()| forward())?;
    measure_prepared(&mut group, "backward", forward, |y| {
        y.backward()?;
        Ok(y)
    })?;
    measure_prepared(&mut group, "drop", forward, |y| {
        drop(y);
        Ok(())
    })?;
    group.finish();
    Ok(())
}

/// Ten million parameters in ten tensors.
fn adamw(criterion: &mut Criterion) -> Result<()> {
    const TENSORS: usize = 10;
    const LEN: usize = 1_000_000;
    // A step reads parameter, gradient and two means, and writes back all but the gradient.
    const TRAFFIC: usize = 7 * TENSORS * LEN;
    let rng = Rng::seed(0);
    let mut parameters = Vec::with_capacity(TENSORS);
    for _ in 0..TENSORS {
        let parameter = Parameter::new(rng.randn([LEN], DType::F32)?)?;
        parameter.set_grad(Some(rng.randn([LEN], DType::F32)?))?;
        parameters.push(parameter);
    }
    let mut opt = AdamW::new(parameters, 1e-3)?;
    let mut group = criterion.benchmark_group("adamw, 10 of 1,000,000");
    group.throughput(Throughput::Bytes((TRAFFIC * size_of::<f32>()) as u64));
    measure(&mut group, "step", || Ok(opt.step()?))?;
    // Half of the traffic is read, half written.
    let (from, mut to) = (vec![1.0f32; TRAFFIC / 2], vec![0.0f32; TRAFFIC / 2]);
    measure(&mut group, "copy of as many bytes", || {
        to.copy_from_slice(black_box(&from));
        black_box(&to);
        Ok(())
    })?;
    group.finish();
    Ok(())
}
