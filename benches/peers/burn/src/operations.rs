//! The workloads without a model: a long chain of small operations, an optimizer's step, products, single operations.

use crate::measure::{Result, Settings};
use crate::{device, randn, EPSILON};
use burn::module::Param;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::module::layer_norm;
use burn::tensor::{Distribution, Tensor};

pub fn chain(settings: &Settings, links: usize) -> Result {
    let device = device().autodiff();
    let rand = || Tensor::<1>::random([1], Distribution::Default, &device);
    let (x, a, b) = (rand().require_grad(), rand(), rand());
    settings.micros(&format!("chain_{links}"), (2.0 * links as f64, "us/op"), || {
        let mut y = x.clone();
        for _ in 0..links {
            y = y * a.clone() + b.clone();
        }
        Ok(y.backward())
    })
}

pub fn adamw(settings: &Settings) -> Result {
    const LENGTH: usize = 1_000_000;
    let device = device();
    let autodiff = device.clone().autodiff();
    let parameters: Vec<Param<Tensor<1>>> =
        (0..10).map(|_| Param::from_tensor(randn([LENGTH], &autodiff))).collect();
    let grads: Vec<Tensor<1>> = (0..10).map(|_| randn([LENGTH], &device)).collect();
    // PyTorch's; burn's own default is 1e-4.
    let mut opt = AdamWConfig::new().with_weight_decay(0.01).with_epsilon(EPSILON).init();
    let mut model = Some(parameters);
    settings.micros("adamw", (1.0, "us"), || {
        let parameters = model.take().ok_or("a step failed before")?;
        let mut registered = GradientsParams::new();
        for (parameter, grad) in parameters.iter().zip(&grads) {
            registered.register(parameter.id, grad.clone());
        }
        model = Some(opt.step(1e-3, parameters, registered));
        Ok(())
    })
}

pub fn matmul(settings: &Settings) -> Result {
    let device = device();
    let product = |name: &str, [m, k, n]: [usize; 3], a: Tensor<2>, b: Tensor<2>| {
        let flops = 2.0 * (m * k * n) as f64;
        let call = || Ok(a.clone().matmul(b.clone()));
        settings.rate(&format!("matmul_{name}"), (flops * 1e-9, "GF/s"), call)
    };
    for [m, k, n] in [[64; 3], [256; 3], [512; 3], [1024; 3], [8, 512, 512], [1, 784, 256]] {
        product(&format!("{m}x{k}x{n}"), [m, k, n], randn([m, k], &device), randn([k, n], &device))?;
    }
    let square = || randn([512, 512], &device);
    product("512_left_transposed", [512; 3], square().t(), square())?;
    product("512_right_transposed", [512; 3], square(), square().t())
}

pub fn ops(settings: &Settings) -> Result {
    const SIDE: usize = 1000;
    let device = device();
    let (x, y) = (randn([SIDE, SIDE], &device), randn([SIDE, SIDE], &device));
    let row = randn([SIDE], &device);
    let (weight, bias) = (row.ones_like(), row.zeros_like());
    call(settings, "add", || x.clone() + y.clone())?;
    call(settings, "exp", || x.clone().exp())?;
    call(settings, "tanh", || x.clone().tanh())?;
    call(settings, "gelu", || gelu(x.clone()))?;
    call(settings, "sum", || x.clone().sum())?;
    call(settings, "softmax", || softmax(x.clone(), 1))?;
    let norm = || layer_norm(x.clone(), weight.clone(), Some(bias.clone()), 1e-5);
    call(settings, "layer_norm", norm)?;
    // A transposed tensor cannot be seen as one row: it is copied.
    call(settings, "transpose_copy", || x.clone().t().reshape([SIDE * SIDE]) as Tensor<1>)?;
    call(settings, "broadcast_add", || x.clone() + row.clone().unsqueeze())
}

fn call<const N: usize>(settings: &Settings, name: &str, call: impl Fn() -> Tensor<N>) -> Result {
    settings.micros(&format!("ops_{name}"), (1.0, "us"), || Ok(call()))
}
