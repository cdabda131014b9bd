//! ResNet-18 for small images.

use train::nn::init::{FanMode, Nonlinearity, kaiming_normal};
use train::nn::{self, Conv2d, ConvLayerOptions, Result};
use train::prelude::{BatchNorm2d, Layer, Linear, Module, Rng, Sequential, Var, sequential};

/// The residual network of 18 layers of He et al. (2015), with their stem for small images: one 3×3 convolution in place
/// of 7×7 with stride 2 and max pooling. Images `[N, C, H, W]` to logits `[N, classes]`.
///
/// Parameters and buffers have torchvision's names, so `load_state_dict` takes what it saves, where shapes fit.
#[derive(Module)]
pub struct ResNet18 {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    layer4: Vec<BasicBlock>,
    fc: Linear,
}

impl ResNet18 {
    /// `width` channels in the first stage, twice as many in each that follows; the paper's is 64.
    pub fn new(channels: usize, classes: usize, width: usize, rng: &Rng) -> Result<Self> {
        let stage = |from, to, stride| -> Result<_> {
            Ok(vec![BasicBlock::new(from, to, stride, rng)?, BasicBlock::new(to, to, 1, rng)?])
        };
        let model = Self {
            conv1: conv3x3(channels, width, 1).build(rng)?,
            bn1: BatchNorm2d::new(width)?,
            layer1: stage(width, width, 1)?,
            layer2: stage(width, 2 * width, 2)?,
            layer3: stage(2 * width, 4 * width, 2)?,
            layer4: stage(4 * width, 8 * width, 2)?,
            fc: Linear::new(8 * width, classes, rng)?,
        };
        for weight in model.parameters().iter().filter(|weight| weight.shape().len() == 4) {
            kaiming_normal(weight, FanMode::FanOut, Nonlinearity::ReLU, rng)?;
        }
        Ok(model)
    }
}

impl Layer for ResNet18 {
    fn compute(&self, x: &Var) -> Result<Var> {
        let mut x = self.bn1.forward(&self.conv1.forward(x)?)?.relu()?;
        for block in [&self.layer1, &self.layer2, &self.layer3, &self.layer4].into_iter().flatten() {
            x = block.forward(&x)?;
        }
        self.fc.forward(&x.mean_dim([2, 3], false)?)
    }
}

/// relu(norm(conv(relu(norm(conv(x))))) + x), with x shrunk where the convolutions shrink.
#[derive(Module)]
struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    /// None passes x on.
    downsample: Option<Sequential>,
}

impl BasicBlock {
    fn new(from: usize, to: usize, stride: usize, rng: &Rng) -> Result<Self> {
        let shrinks = stride > 1 || from != to;
        let downsample = shrinks.then(|| -> Result<_> {
            let conv = Conv2d::options(from, to, 1).stride(stride).bias(false).build(rng)?;
            Ok(sequential![conv, BatchNorm2d::new(to)?])
        });
        Ok(Self {
            downsample: downsample.transpose()?,
            conv1: conv3x3(from, to, stride).build(rng)?,
            bn1: BatchNorm2d::new(to)?,
            conv2: conv3x3(to, to, 1).build(rng)?,
            bn2: BatchNorm2d::new(to)?,
        })
    }
}

impl Layer for BasicBlock {
    fn compute(&self, x: &Var) -> Result<Var> {
        let y = self.bn1.forward(&self.conv1.forward(x)?)?.relu()?;
        let y = self.bn2.forward(&self.conv2.forward(&y)?)?;
        Ok(y.add(&self.downsample.forward(x)?)?.relu()?)
    }
}

/// Without a bias: the norm behind it has one.
fn conv3x3(from: usize, to: usize, stride: usize) -> ConvLayerOptions<2> {
    Conv2d::options(from, to, 3).stride(stride).padding(1).bias(false)
}
