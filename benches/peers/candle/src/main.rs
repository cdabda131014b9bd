//! The workloads of `benches/src/workloads` in candle, written as its own layers, losses and optimizers ask for.

#[path = "../../measure.rs"]
mod measure;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device::Cpu, Module, Tensor, Var, D};
use candle_nn::{self as nn, AdamW, Optimizer, ParamsAdamW, VarBuilder, VarMap, RNN, SGD};
use measure::{Result, Settings, Workload};
use std::process::ExitCode;

const WORKLOADS: &[Workload] = &[
    ("mlp64", |s| mlp(s, 64)),
    ("mlp512", |s| mlp(s, 512)),
    ("cnn", cnn),
    ("gpt", |s| gpt(s, "gpt", GptSize { context: 64, width: 128, heads: 4, blocks: 4 }, 12)),
    ("gptbig", |s| gpt(s, "gptbig", GptSize { context: 256, width: 384, heads: 6, blocks: 6 }, 4)),
    ("lstm", lstm),
    ("tiny", tiny),
    ("chain10k", |s| chain(s, 10_000)),
    ("chain200k", |s| chain(s, 200_000)),
    ("loader", |s| s.skip("loader", "candle has no shuffling loader with workers")),
    ("adamw", adamw),
    ("matmul", matmul),
    ("ops", ops),
];

fn main() -> ExitCode {
    measure::main("candle", WORKLOADS)
}

type Candle<T> = candle_core::Result<T>;

/// An empty model's parameters, and what makes layers that add theirs.
fn parameters() -> (VarMap, VarBuilder<'static>) {
    let map = VarMap::new();
    let builder = VarBuilder::from_varmap(&map, DType::F32, &Cpu);
    (map, builder)
}

fn randn<const N: usize>(shape: [usize; N]) -> Candle<Tensor> {
    Tensor::randn(0f32, 1.0, shape.to_vec(), &Cpu)
}

/// Whole numbers below `end`.
fn randint<const N: usize>(end: usize, shape: [usize; N]) -> Candle<Tensor> {
    Tensor::rand(0f32, end as f32, shape.to_vec(), &Cpu)?.to_dtype(DType::U32)
}

/// One training step, whose loss is read back.
fn step(opt: &mut impl Optimizer, loss: Candle<Tensor>) -> Result<f32> {
    let loss = loss?;
    opt.backward_step(&loss)?;
    Ok(loss.to_scalar()?)
}

/// Adam is AdamW without decay.
fn adam(map: &VarMap) -> Candle<AdamW> {
    AdamW::new(map.all_vars(), ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() })
}

fn mlp(settings: &Settings, batch: usize) -> Result {
    let (map, vb) = parameters();
    let model = nn::seq()
        .add(nn::linear(784, 256, vb.pp(0))?)
        .add(nn::Activation::Relu)
        .add(nn::linear(256, 128, vb.pp(1))?)
        .add(nn::Activation::Relu)
        .add(nn::linear(128, 10, vb.pp(2))?);
    let mut opt = adam(&map)?;
    let (x, target) = (randn([batch, 784])?, randint(10, [batch])?);
    settings.train("mlp", batch, (batch, "samples/s"), || {
        step(&mut opt, model.forward(&x).and_then(|y| nn::loss::cross_entropy(&y, &target)))
    })
}

/// candle-nn's SGD has no momentum: this one keeps PyTorch's velocity, v = momentum · v + gradient.
struct Momentum {
    parameters: Vec<(Var, Option<Tensor>)>,
    lr: f64,
}

impl Optimizer for Momentum {
    type Config = f64;

    fn new(vars: Vec<Var>, lr: f64) -> Candle<Self> {
        Ok(Self { parameters: vars.into_iter().map(|var| (var, None)).collect(), lr })
    }

    fn step(&mut self, grads: &GradStore) -> Candle<()> {
        for (var, velocity) in &mut self.parameters {
            let Some(grad) = grads.get(var) else { continue };
            let next = match velocity {
                Some(velocity) => ((&*velocity * 0.9)? + grad)?,
                None => grad.clone(),
            };
            var.set(&var.sub(&(&next * self.lr)?)?)?;
            *velocity = Some(next);
        }
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn set_learning_rate(&mut self, lr: f64) {
        self.lr = lr;
    }
}

fn cnn(settings: &Settings) -> Result {
    const BATCH: usize = 64;
    let (map, vb) = parameters();
    let padded = nn::Conv2dConfig { padding: 1, ..Default::default() };
    let model = nn::seq()
        .add(nn::conv2d(1, 32, 3, padded, vb.pp(0))?)
        .add(nn::Activation::Relu)
        .add_fn(|x| x.max_pool2d(2))
        .add(nn::conv2d(32, 64, 3, padded, vb.pp(1))?)
        .add(nn::Activation::Relu)
        .add_fn(|x| x.max_pool2d(2)?.flatten_from(1))
        .add(nn::linear(3136, 128, vb.pp(2))?)
        .add(nn::Activation::Relu)
        .add(nn::linear(128, 10, vb.pp(3))?);
    let mut opt = Momentum::new(map.all_vars(), 0.01)?;
    let (x, target) = (randn([BATCH, 1, 28, 28])?, randint(10, [BATCH])?);
    settings.train("cnn", BATCH, (BATCH, "samples/s"), || {
        step(&mut opt, model.forward(&x).and_then(|y| nn::loss::cross_entropy(&y, &target)))
    })
}

#[derive(Clone, Copy)]
struct GptSize {
    context: usize,
    width: usize,
    heads: usize,
    blocks: usize,
}

const VOCABULARY: usize = 65;

/// candle-nn's `LayerNorm` calls an operation without a gradient; `layer_norm_slow` is the one that trains.
struct Norm {
    weight: Tensor,
    bias: Tensor,
}

impl Norm {
    fn new(width: usize, vb: VarBuilder) -> Candle<Self> {
        let weight = vb.get_with_hints(width, "weight", nn::Init::Const(1.0))?;
        Ok(Self { weight, bias: vb.get_with_hints(width, "bias", nn::Init::Const(0.0))? })
    }

    fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        nn::ops::layer_norm_slow(x, &self.weight, &self.bias, 1e-5)
    }
}

struct Block {
    heads: usize,
    norms: [Norm; 2],
    query_key_value: nn::Linear,
    output: nn::Linear,
    up: nn::Linear,
    down: nn::Linear,
}

impl Block {
    fn new(size: GptSize, vb: VarBuilder) -> Candle<Self> {
        let width = size.width;
        Ok(Self {
            heads: size.heads,
            norms: [Norm::new(width, vb.pp("norm_1"))?, Norm::new(width, vb.pp("norm_2"))?],
            query_key_value: nn::linear(width, 3 * width, vb.pp("qkv"))?,
            output: nn::linear(width, width, vb.pp("out"))?,
            up: nn::linear(width, 4 * width, vb.pp("up"))?,
            down: nn::linear(4 * width, width, vb.pp("down"))?,
        })
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Candle<Tensor> {
        let x = (x + self.attention(&self.norms[0].forward(x)?, mask)?)?;
        let y = self.down.forward(&self.up.forward(&self.norms[1].forward(&x)?)?.gelu_erf()?)?;
        x + y
    }

    fn attention(&self, x: &Tensor, mask: &Tensor) -> Candle<Tensor> {
        let (n, t, width) = x.dims3()?;
        let features = width / self.heads;
        let joined = self.query_key_value.forward(x)?.reshape((n, t, 3, self.heads, features))?;
        let heads = |i: usize| joined.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let (query, key, value) = (heads(0)?, heads(1)?, heads(2)?);
        let scores = (query.matmul(&key.t()?)? / (features as f64).sqrt())?.broadcast_add(mask)?;
        let mixed = nn::ops::softmax(&scores, D::Minus1)?.matmul(&value)?;
        self.output.forward(&mixed.transpose(1, 2)?.reshape((n, t, width))?)
    }
}

struct Gpt {
    characters: nn::Embedding,
    positions: nn::Embedding,
    mask: Tensor,
    blocks: Vec<Block>,
    norm: Norm,
    head: nn::Linear,
}

impl Gpt {
    fn new(size: GptSize, vb: VarBuilder) -> Candle<Self> {
        let GptSize { context, width, .. } = size;
        let embedding = |entries: usize, name: &str| -> Candle<nn::Embedding> {
            let init = nn::Init::Randn { mean: 0.0, stdev: 0.02 };
            Ok(nn::Embedding::new(vb.pp(name).get_with_hints((entries, width), "weight", init)?, width))
        };
        // What is added to the scores: nothing up to the diagonal, −∞ beyond.
        let allowed = Tensor::tril2(context, DType::U8, &Cpu)?;
        let beyond = Tensor::full(f32::NEG_INFINITY, (context, context), &Cpu)?;
        Ok(Self {
            characters: embedding(VOCABULARY, "characters")?,
            positions: embedding(context, "positions")?,
            mask: allowed.where_cond(&beyond.zeros_like()?, &beyond)?,
            blocks: (0..size.blocks).map(|i| Block::new(size, vb.pp(i))).collect::<Candle<_>>()?,
            norm: Norm::new(width, vb.pp("norm"))?,
            head: nn::linear_no_bias(width, VOCABULARY, vb.pp("head"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        let positions = Tensor::arange(0u32, x.dim(1)? as u32, &Cpu)?;
        let mut x = self.characters.forward(x)?.broadcast_add(&self.positions.forward(&positions)?)?;
        for block in &self.blocks {
            x = block.forward(&x, &self.mask)?;
        }
        self.head.forward(&self.norm.forward(&x)?)
    }
}

fn gpt(settings: &Settings, name: &str, size: GptSize, batch: usize) -> Result {
    let (map, vb) = parameters();
    let model = Gpt::new(size, vb)?;
    let options = ParamsAdamW { lr: 1e-3, weight_decay: 0.1, beta2: 0.95, ..ParamsAdamW::default() };
    let mut opt = AdamW::new(map.all_vars(), options)?;
    let tokens = batch * size.context;
    let (x, target) = (randint(VOCABULARY, [batch, size.context])?, randint(VOCABULARY, [tokens])?);
    settings.train(name, batch, (tokens, "tokens/s"), || {
        let logits = model.forward(&x)?.flatten(0, 1)?;
        step(&mut opt, nn::loss::cross_entropy(&logits, &target))
    })
}

fn lstm(settings: &Settings) -> Result {
    const BATCH: usize = 32;
    const LENGTH: usize = 64;
    const HIDDEN: usize = 128;
    let (map, vb) = parameters();
    let characters = nn::embedding(VOCABULARY, HIDDEN, vb.pp("characters"))?;
    let layers: Vec<_> = (0..2)
        .map(|i| nn::lstm(HIDDEN, HIDDEN, nn::LSTMConfig { layer_idx: i, ..Default::default() }, vb.pp("lstm")))
        .collect::<Candle<_>>()?;
    let head = nn::linear(HIDDEN, VOCABULARY, vb.pp("head"))?;
    let mut opt = adam(&map)?;
    let (x, target) = (randint(VOCABULARY, [BATCH, LENGTH])?, randint(VOCABULARY, [BATCH * LENGTH])?);
    settings.train("lstm", BATCH, (BATCH * LENGTH, "tokens/s"), || {
        let mut y = characters.forward(&x)?;
        for layer in &layers {
            y = layer.states_to_tensor(&layer.seq(&y)?)?;
        }
        step(&mut opt, nn::loss::cross_entropy(&head.forward(&y)?.flatten(0, 1)?, &target))
    })
}

fn tiny(settings: &Settings) -> Result {
    const BATCH: usize = 4;
    let (map, vb) = parameters();
    let model = nn::seq()
        .add(nn::linear(2, 16, vb.pp(0))?)
        .add_fn(Tensor::tanh)
        .add(nn::linear(16, 16, vb.pp(1))?)
        .add_fn(Tensor::tanh)
        .add(nn::linear(16, 1, vb.pp(2))?);
    let mut opt = SGD::new(map.all_vars(), 1e-2)?;
    let (x, target) = (randn([BATCH, 2])?, randn([BATCH, 1])?);
    settings.train("tiny", BATCH, (1, "steps/s"), || {
        step(&mut opt, model.forward(&x).and_then(|y| nn::loss::mse(&y, &target)))
    })
}

fn chain(settings: &Settings, links: usize) -> Result {
    let x = Var::rand(0f32, 1.0, 1, &Cpu)?;
    let (a, b) = (Tensor::rand(0f32, 1.0, 1, &Cpu)?, Tensor::rand(0f32, 1.0, 1, &Cpu)?);
    settings.micros(&format!("chain_{links}"), (2.0 * links as f64, "us/op"), || {
        let mut y = x.as_tensor().clone();
        for _ in 0..links {
            y = ((y * &a)? + &b)?;
        }
        Ok(y.backward()?)
    })
}

fn adamw(settings: &Settings) -> Result {
    const LENGTH: usize = 1_000_000;
    let vars: Vec<Var> = (0..10).map(|_| Var::randn(0f32, 1.0, LENGTH, &Cpu)).collect::<Candle<_>>()?;
    // The gradient of ∑ var · g is g.
    let mut loss = Tensor::zeros((), DType::F32, &Cpu)?;
    for var in &vars {
        loss = (loss + (var.as_tensor() * randn([LENGTH])?)?.sum_all()?)?;
    }
    let grads = loss.backward()?;
    let mut opt = AdamW::new_lr(vars, 1e-3)?;
    settings.micros("adamw", (1.0, "us"), || Ok(opt.step(&grads)?))
}

fn matmul(settings: &Settings) -> Result {
    let product = |name: &str, [m, k, n]: [usize; 3], a: Tensor, b: Tensor| {
        let flops = 2.0 * (m * k * n) as f64;
        settings.rate(&format!("matmul_{name}"), (flops * 1e-9, "GF/s"), || Ok(a.matmul(&b)?))
    };
    for [m, k, n] in [[64; 3], [256; 3], [512; 3], [1024; 3], [8, 512, 512], [1, 784, 256]] {
        product(&format!("{m}x{k}x{n}"), [m, k, n], randn([m, k])?, randn([k, n])?)?;
    }
    let square = || randn([512, 512]);
    product("512_left_transposed", [512; 3], square()?.t()?, square()?)?;
    product("512_right_transposed", [512; 3], square()?, square()?.t()?)
}

fn ops(settings: &Settings) -> Result {
    const SIDE: usize = 1000;
    let (x, y, row) = (randn([SIDE, SIDE])?, randn([SIDE, SIDE])?, randn([SIDE])?);
    let (weight, bias) = (row.ones_like()?, row.zeros_like()?);
    let call = |name: &str, call: &dyn Fn() -> Candle<Tensor>| {
        settings.micros(&format!("ops_{name}"), (1.0, "us"), || Ok(call()?))
    };
    call("add", &|| x.add(&y))?;
    call("exp", &|| x.exp())?;
    call("tanh", &|| x.tanh())?;
    call("gelu", &|| x.gelu_erf())?;
    call("sum", &|| x.sum_all())?;
    call("softmax", &|| nn::ops::softmax_last_dim(&x))?;
    call("layer_norm", &|| nn::ops::layer_norm(&x, &weight, &bias, 1e-5))?;
    call("transpose_copy", &|| x.t()?.contiguous())?;
    call("broadcast_add", &|| x.broadcast_add(&row))
}
