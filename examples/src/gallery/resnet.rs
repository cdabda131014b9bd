//! ResNet-18 for small images (He et al., "Deep Residual Learning for Image Recognition", 2015): a first convolution of
//! 3 by 3 without pooling, as the paper's networks for CIFAR-10 have.

use train::nn;
use train::prelude::*;

/// Images `[N, channels, H, W]` to logits `[N, classes]`.
#[derive(Module)]
pub struct ResNet {
    stem: Sequential,
    stages: Vec<Block>,
    head: Linear,
}

impl ResNet {
    /// `width` features in the first of four stages, doubled in each next; ResNet-18 has 64.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(channels: usize, width: usize, classes: usize, rng: &Rng) -> nn::Result<Self> {
        let stem = sequential![conv(channels, width, 1, rng)?, BatchNorm2d::new(width)?, ReLU];
        let mut stages = Vec::new();
        let mut inputs = width;
        for stage in 0..4 {
            let outputs = width << stage;
            let stride = if stage == 0 { 1 } else { 2 };
            stages.push(Block::new(inputs, outputs, stride, rng)?);
            stages.push(Block::new(outputs, outputs, 1, rng)?);
            inputs = outputs;
        }
        Ok(Self { stem, stages, head: Linear::new(inputs, classes, rng)? })
    }
}

impl Layer for ResNet {
    fn compute(&self, x: &Var) -> nn::Result<Var> {
        let x = self.stages.iter().try_fold(self.stem.forward(x)?, |x, block| block.forward(&x))?;
        self.head.forward(&x.mean_dim([2, 3], false)?)
    }
}

/// Two convolutions beside a shortcut.
#[derive(Module)]
struct Block {
    body: Sequential,
    downsample: Option<Sequential>,
}

impl Block {
    fn new(inputs: usize, outputs: usize, stride: usize, rng: &Rng) -> nn::Result<Self> {
        let body = sequential![
            conv(inputs, outputs, stride, rng)?,
            BatchNorm2d::new(outputs)?,
            ReLU,
            conv(outputs, outputs, 1, rng)?,
            BatchNorm2d::new(outputs)?,
        ];
        let downsample = if inputs == outputs && stride == 1 {
            None
        } else {
            let project = Conv2d::options(inputs, outputs, 1).stride(stride).bias(false).build(rng)?;
            Some(sequential![project, BatchNorm2d::new(outputs)?])
        };
        Ok(Self { body, downsample })
    }
}

impl Layer for Block {
    fn compute(&self, x: &Var) -> nn::Result<Var> {
        Ok(self.body.forward(x)?.add(&self.downsample.forward(x)?)?.relu()?)
    }
}

fn conv(inputs: usize, outputs: usize, stride: usize, rng: &Rng) -> nn::Result<Conv2d> {
    Conv2d::options(inputs, outputs, 3).stride(stride).padding(1).bias(false).build(rng)
}
