//! A small GPT.

use train::autograd::AttentionOptions;
use train::nn::{self, Result};
use train::prelude::{
    Embedding, GELU, Layer, LayerNorm, Linear, Module, Rng, Sequential, Tensor, Var, sequential,
};

/// The sizes of a [`Gpt`].
#[derive(Clone, Copy, Debug)]
pub struct GptSize {
    /// Distinct characters.
    pub vocabulary: usize,
    /// The most characters that it looks back.
    pub context: usize,
    /// Features of a character.
    pub width: usize,
    /// Attention heads; they share the width.
    pub heads: usize,
    /// Blocks of attention and perceptron.
    pub blocks: usize,
}

/// A language model after GPT-2 (Radford et al., 2019): learned positions, blocks of causal attention and GELU
/// perceptron, each behind a layer norm and beside a shortcut. Characters `[N, T]` (i64) to logits `[N, T, vocabulary]`.
#[derive(Module)]
pub struct Gpt {
    characters: Embedding,
    positions: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
}

impl Gpt {
    /// With GPT-2's initial embeddings: normal with deviation 0.02.
    pub fn new(size: GptSize, rng: &Rng) -> Result<Self> {
        let GptSize { vocabulary, context, width, .. } = size;
        let characters = Embedding::new(vocabulary, width, rng)?;
        let positions = Embedding::new(context, width, rng)?;
        for embedding in [&characters, &positions] {
            nn::init::normal(&embedding.weight, 0.0, 0.02, rng)?;
        }
        Ok(Self {
            characters,
            positions,
            blocks: (0..size.blocks).map(|_| Block::new(size, rng)).collect::<Result<_>>()?,
            norm: LayerNorm::new(width)?,
            head: Linear::options(width, vocabulary).bias(false).build(rng)?,
        })
    }
}

impl Layer for Gpt {
    fn compute(&self, x: &Var) -> Result<Var> {
        let positions = Tensor::arange(0.0, x.size(1)? as f64, 1.0, x.dtype())?;
        let mut x = self.characters.forward(x)?.add(&self.positions.forward(&positions.into())?)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        self.head.forward(&self.norm.forward(&x)?)
    }
}

/// x + attention(norm(x)), then x + perceptron(norm(x)).
#[derive(Module)]
struct Block {
    norm_1: LayerNorm,
    attention: Attention,
    norm_2: LayerNorm,
    perceptron: Sequential,
}

impl Block {
    fn new(size: GptSize, rng: &Rng) -> Result<Self> {
        let width = size.width;
        let (up, down) = (Linear::new(width, 4 * width, rng)?, Linear::new(4 * width, width, rng)?);
        Ok(Self {
            norm_1: LayerNorm::new(width)?,
            attention: Attention::new(size, rng)?,
            norm_2: LayerNorm::new(width)?,
            perceptron: sequential![up, GELU::new(), down],
        })
    }
}

impl Layer for Block {
    fn compute(&self, x: &Var) -> Result<Var> {
        let x = x.add(&self.attention.forward(&self.norm_1.forward(x)?)?)?;
        Ok(x.add(&self.perceptron.forward(&self.norm_2.forward(&x)?)?)?)
    }
}

/// Causal attention over several heads.
#[derive(Module)]
struct Attention {
    heads: usize,
    query_key_value: Linear,
    output: Linear,
}

impl Attention {
    fn new(GptSize { width, heads, .. }: GptSize, rng: &Rng) -> Result<Self> {
        Ok(Self {
            heads,
            query_key_value: Linear::new(width, 3 * width, rng)?,
            output: Linear::new(width, width, rng)?,
        })
    }
}

impl Layer for Attention {
    fn compute(&self, x: &Var) -> Result<Var> {
        let (n, t, width) = (x.size(0)?, x.size(1)?, x.size(2)?);
        let features = (width / self.heads) as isize;
        let joined = self.query_key_value.forward(x)?;
        let joined = joined.reshape([n as isize, t as isize, 3, self.heads as isize, features])?;
        // Each [N, T, heads, features] to [N, heads, T, features].
        let split = joined.unbind(2)?;
        let heads = |i: usize| split[i].transpose(1, 2);
        let (query, key, value) = (heads(0)?, heads(1)?, heads(2)?);
        let options = AttentionOptions { is_causal: true, ..AttentionOptions::default() };
        let mixed = query.scaled_dot_product_attention(&key, &value, options)?;
        self.output.forward(&mixed.transpose(1, 2)?.reshape([n as isize, t as isize, width as isize])?)
    }
}
