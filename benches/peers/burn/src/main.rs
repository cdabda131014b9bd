//! The workloads of `benches/src/workloads` in burn, written as its own layers, losses and optimizers ask for, on `flex`,
//! its backend in Rust.

#[path = "../../measure.rs"]
mod measure;

mod gpt;
mod operations;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{
    Embedding, EmbeddingConfig, Initializer, Linear, LinearConfig, Lstm, LstmConfig, PaddingConfig2d,
};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, tanh};
use burn::tensor::{Device, Distribution, Int, Tensor};
use measure::{Result, Settings, Workload};
use std::process::ExitCode;

const WORKLOADS: &[Workload] = &[
    ("mlp64", |s| mlp(s, 64)),
    ("mlp512", |s| mlp(s, 512)),
    ("cnn", cnn),
    ("gpt", gpt::small),
    ("gptbig", gpt::big),
    ("lstm", lstm),
    ("tiny", tiny),
    ("chain10k", |s| operations::chain(s, 10_000)),
    ("chain200k", |s| operations::chain(s, 200_000)),
    ("loader", |s| s.skip("loader", "burn has a loader (feature dataset); this program does not run it")),
    ("adamw", operations::adamw),
    ("matmul", operations::matmul),
    ("ops", operations::ops),
];

fn main() -> ExitCode {
    measure::main("burn", WORKLOADS)
}

const VOCABULARY: usize = 65;

/// PyTorch's; burn's own default is 1e-5.
const EPSILON: f32 = 1e-8;

/// Its backend in Rust; the same numbers in every run.
fn device() -> Device {
    let device = Device::flex();
    device.seed(0);
    device
}

fn randn<const N: usize>(shape: [usize; N], device: &Device) -> Tensor<N> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// Whole numbers below `end`.
fn randint<const N: usize>(end: usize, shape: [usize; N], device: &Device) -> Tensor<N, Int> {
    Tensor::random(shape, Distribution::Uniform(0.0, end as f64), device)
}

fn cross_entropy(logits: Tensor<2>, target: &Tensor<1, Int>) -> Tensor<1> {
    CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, target.clone())
}

/// A model and what trains it.
struct Training<M> {
    /// The optimizer takes it and gives it back.
    model: Option<M>,
    opt: ModuleOptimizer,
    lr: f64,
}

impl<M: Module> Training<M> {
    fn new(model: M, opt: ModuleOptimizer, lr: f64) -> Self {
        Self { model: Some(model), opt, lr }
    }

    /// One training step, whose loss is read back.
    fn step(&mut self, loss: impl FnOnce(&M) -> Tensor<1>) -> Result<f32> {
        let model = self.model.take().ok_or("a step failed before")?;
        let loss = loss(&model);
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.opt.step(self.lr, model, grads));
        Ok(loss.try_into_scalar()?)
    }
}

fn adam() -> ModuleOptimizer {
    AdamConfig::new().with_epsilon(EPSILON).init()
}

/// Linear layers between these widths.
fn dense<const N: usize>(widths: [usize; N], device: &Device) -> Vec<Linear> {
    widths.windows(2).map(|pair| LinearConfig::new(pair[0], pair[1]).init(device)).collect()
}

/// The layers with the activation between them.
fn forward(layers: &[Linear], x: Tensor<2>, activation: fn(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    layers.iter().enumerate().fold(x, |x, (i, layer)| layer.forward(if i == 0 { x } else { activation(x) }))
}

fn mlp(settings: &Settings, batch: usize) -> Result {
    let device = device().autodiff();
    let mut training = Training::new(dense([784, 256, 128, 10], &device), adam(), 1e-3);
    let (x, target) = (randn([batch, 784], &device), randint(10, [batch], &device));
    settings.train("mlp", batch, (batch, "samples/s"), || {
        training.step(|model| cross_entropy(forward(model, x.clone(), relu), &target))
    })
}

#[derive(Module, Debug)]
struct Cnn {
    convolutions: Vec<Conv2d>,
    dense: Vec<Linear>,
}

impl Cnn {
    fn new(device: &Device) -> Self {
        let convolution = |channels| {
            let config = Conv2dConfig::new(channels, [3, 3]);
            config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
        };
        Self {
            convolutions: vec![convolution([1, 32]), convolution([32, 64])],
            dense: dense([3136, 128, 10], device),
        }
    }

    fn forward(&self, mut x: Tensor<4>) -> Tensor<2> {
        let pool = MaxPool2dConfig::new([2, 2]).init();
        for convolution in &self.convolutions {
            x = pool.forward(relu(convolution.forward(x)));
        }
        forward(&self.dense, x.flatten(1, 3), relu)
    }
}

fn cnn(settings: &Settings) -> Result {
    const BATCH: usize = 64;
    let device = device().autodiff();
    // PyTorch's momentum has no dampening; burn's own default is 0.1.
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let opt = SgdConfig::new().with_momentum(Some(momentum)).init();
    let mut training = Training::new(Cnn::new(&device), opt, 0.01);
    let (x, target) = (randn([BATCH, 1, 28, 28], &device), randint(10, [BATCH], &device));
    settings.train("cnn", BATCH, (BATCH, "samples/s"), || {
        training.step(|model| cross_entropy(model.forward(x.clone()), &target))
    })
}

#[derive(Module, Debug)]
struct CharLstm {
    characters: Embedding,
    layers: Vec<Lstm>,
    head: Linear,
}

impl CharLstm {
    /// With PyTorch's initial weights, uniform within 1 / √hidden; burn's own are Xavier's.
    fn new(hidden: usize, layers: usize, device: &Device) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let uniform = Initializer::Uniform { min: -bound, max: bound };
        let layer = LstmConfig::new(hidden, hidden, true).with_initializer(uniform);
        Self {
            characters: EmbeddingConfig::new(VOCABULARY, hidden).init(device),
            layers: (0..layers).map(|_| layer.init(device)).collect(),
            head: LinearConfig::new(hidden, VOCABULARY).init(device),
        }
    }

    fn forward(&self, x: Tensor<2, Int>) -> Tensor<3> {
        let x = self.characters.forward(x);
        self.head.forward(self.layers.iter().fold(x, |x, layer| layer.forward(x, None).0))
    }
}

fn lstm(settings: &Settings) -> Result {
    const BATCH: usize = 32;
    const LENGTH: usize = 64;
    let device = device().autodiff();
    let mut training = Training::new(CharLstm::new(128, 2, &device), adam(), 1e-3);
    let x = randint(VOCABULARY, [BATCH, LENGTH], &device);
    let target = randint(VOCABULARY, [BATCH * LENGTH], &device);
    settings.train("lstm", BATCH, (BATCH * LENGTH, "tokens/s"), || {
        training.step(|model| cross_entropy(model.forward(x.clone()).flatten(0, 1), &target))
    })
}

fn tiny(settings: &Settings) -> Result {
    const BATCH: usize = 4;
    let device = device().autodiff();
    let mut training = Training::new(dense([2, 16, 16, 1], &device), SgdConfig::new().init(), 1e-2);
    let (x, target) = (randn([BATCH, 2], &device), randn([BATCH, 1], &device));
    settings.train("tiny", BATCH, (1, "steps/s"), || {
        training.step(|model| {
            MseLoss::new().forward(forward(model, x.clone(), tanh), target.clone(), Reduction::Mean)
        })
    })
}
