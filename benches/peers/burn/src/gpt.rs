//! `gpt` and `gptbig`: character models, pre-norm, with erf GELU and causal attention.

use crate::measure::{Result, Settings};
use crate::{cross_entropy, device, randint, Training, EPSILON, VOCABULARY};
use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::AdamWConfig;
use burn::tensor::activation::gelu;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Int, Tensor};

#[derive(Clone, Copy)]
struct Size {
    context: usize,
    width: usize,
    heads: usize,
    blocks: usize,
}

pub fn small(settings: &Settings) -> Result {
    run(settings, "gpt", Size { context: 64, width: 128, heads: 4, blocks: 4 }, 12)
}

pub fn big(settings: &Settings) -> Result {
    run(settings, "gptbig", Size { context: 256, width: 384, heads: 6, blocks: 6 }, 4)
}

#[derive(Module, Debug)]
struct Block {
    heads: usize,
    norm_1: LayerNorm,
    norm_2: LayerNorm,
    query_key_value: Linear,
    output: Linear,
    up: Linear,
    down: Linear,
}

impl Block {
    fn new(Size { width, heads, .. }: Size, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            heads,
            norm_1: LayerNormConfig::new(width).init(device),
            norm_2: LayerNormConfig::new(width).init(device),
            query_key_value: linear(width, 3 * width),
            output: linear(width, width),
            up: linear(width, 4 * width),
            down: linear(4 * width, width),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attention(self.norm_1.forward(x));
        x.clone() + self.down.forward(gelu(self.up.forward(self.norm_2.forward(x))))
    }

    fn attention(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, t, width] = x.dims();
        let joined = self.query_key_value.forward(x).reshape([n, t, 3, self.heads, width / self.heads]);
        // Each [N, T, heads, features] to [N, heads, T, features].
        let heads = |i| joined.clone().narrow(2, i, 1).squeeze_dim::<4>(2).swap_dims(1, 2);
        let options = AttentionModuleOptions { is_causal: true, ..Default::default() };
        let mixed = attention(heads(0), heads(1), heads(2), None, None, options);
        self.output.forward(mixed.swap_dims(1, 2).reshape([n, t, width]))
    }
}

#[derive(Module, Debug)]
struct Gpt {
    characters: Embedding,
    positions: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
}

impl Gpt {
    fn new(size: Size, device: &Device) -> Self {
        let embedding = |entries| {
            let normal = Initializer::Normal { mean: 0.0, std: 0.02 };
            EmbeddingConfig::new(entries, size.width).with_initializer(normal).init(device)
        };
        Self {
            characters: embedding(VOCABULARY),
            positions: embedding(size.context),
            blocks: (0..size.blocks).map(|_| Block::new(size, device)).collect(),
            norm: LayerNormConfig::new(size.width).init(device),
            head: LinearConfig::new(size.width, VOCABULARY).with_bias(false).init(device),
        }
    }

    fn forward(&self, x: Tensor<2, Int>) -> Tensor<3> {
        let positions = Tensor::arange(0..x.dims()[1] as i64, &x.device()).unsqueeze();
        let x = self.characters.forward(x) + self.positions.forward(positions);
        self.head.forward(self.norm.forward(self.blocks.iter().fold(x, |x, block| block.forward(x))))
    }
}

fn run(settings: &Settings, name: &str, size: Size, batch: usize) -> Result {
    let device = device().autodiff();
    let config = AdamWConfig::new().with_weight_decay(0.1).with_beta_2(0.95).with_epsilon(EPSILON);
    let mut training = Training::new(Gpt::new(size, &device), config.init(), 1e-3);
    let tokens = batch * size.context;
    let x = randint(VOCABULARY, [batch, size.context], &device);
    let target = randint(VOCABULARY, [tokens], &device);
    settings.train(name, batch, (tokens, "tokens/s"), || {
        training.step(|model| cross_entropy(model.forward(x.clone()).flatten(0, 1), &target))
    })
}
