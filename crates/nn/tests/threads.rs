//! The same bits on one and four threads, of inputs so large that the kernels share the work out; every parameter gets a
//! gradient there too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::tensor_core::{Rng, with_threads};
use autograd::{DType, Tensor, Var};
use nn::AttentionMasks;
use nn::prelude::*;

/// The bits of the output, of the input's gradient, and of the parameters' gradients and buffers.
fn bits<M: Module>(
    module: impl Fn(&Rng) -> nn::Result<M>,
    input: &Tensor,
    forward: impl Fn(&M, &Var) -> nn::Result<Var>,
) -> Vec<Vec<u8>> {
    let module = module(&Rng::seed(0)).unwrap();
    let x = if input.dtype().is_float() { Var::leaf(input.clone()).unwrap() } else { input.clone().into() };
    let y = forward(&module, &x).unwrap();
    y.mul(&y).unwrap().sum().unwrap().backward().unwrap();
    let mut tensors = vec![y.detach()];
    tensors.extend(x.grad());
    for (name, parameter) in module.named_parameters() {
        let Some(grad) = parameter.grad() else { panic!("{}: {name} has no gradient", module.repr()) };
        tensors.push(grad);
    }
    tensors.extend(module.buffers().iter().map(Buffer::value));
    tensors.iter().map(|tensor| tensor.to_le_bytes().unwrap()).collect()
}

#[track_caller]
fn same<M: Module>(
    shape: &[usize],
    module: impl Fn(&Rng) -> nn::Result<M> + Sync,
    forward: impl Fn(&M, &Var) -> nn::Result<Var> + Sync,
) {
    let input = Rng::seed(1).randn(shape, DType::F32).unwrap();
    same_of(&input, module, forward);
}

#[track_caller]
fn same_of<M: Module>(
    input: &Tensor,
    module: impl Fn(&Rng) -> nn::Result<M> + Sync,
    forward: impl Fn(&M, &Var) -> nn::Result<Var> + Sync,
) {
    let [one, four] = [1, 4].map(|threads| with_threads(threads, || bits(&module, input, &forward)));
    assert!(one == four);
}

/// For layers, by expressions of `rng`.
macro_rules! layers {
    ($($shape:expr, $rng:ident => $layer:expr;)*) => {
        $(same(&$shape, |$rng| Ok($layer), |layer, x| layer.forward(x));)*
    };
}

const IMAGES: [usize; 4] = [8, 8, 32, 33];

#[test]
fn linear_layers_and_activations() {
    layers! {
        [512, 129], rng => Linear::new(129, 130, rng)?;
        [512, 129], rng => WeightNorm::new(Linear::new(129, 130, rng)?)?;
        [512, 129], rng => SpectralNorm::new(Linear::new(129, 130, rng)?, rng)?;
        [512, 129], _rng => GELU::new();
        [512, 129], _rng => SiLU;
        [512, 129], _rng => PReLU::new()?;
        [512, 130], _rng => GLU::new();
        [512, 129], _rng => Softmax::new(1);
        [512, 129], _rng => LogSoftmax::new(0);
        [512, 129], rng => Dropout::new(0.3, rng)?;
    }
}

#[test]
fn convolutions_and_pools() {
    layers! {
        [4, 8, 2049], rng => Conv1d::new(8, 9, 3, rng)?;
        IMAGES, rng => Conv2d::options(8, 16, 3).padding(1).build(rng)?;
        IMAGES, rng => Conv2d::options(8, 16, 3).groups(4).stride(2).build(rng)?;
        IMAGES, rng => ConvTranspose2d::options(8, 6, 2).stride(2).build(rng)?;
        [2, 4, 9, 31, 32], rng => Conv3d::new(4, 4, 2, rng)?;
        IMAGES, _rng => MaxPool2d::new(2);
        IMAGES, _rng => AvgPool2d::new(3);
        IMAGES, _rng => AdaptiveAvgPool2d::new(3);
        IMAGES, _rng => Upsample::scale_factor([2.0]);
        IMAGES, _rng => ReflectionPad2d::new(2);
        IMAGES, _rng => Unfold::new(2);
        IMAGES, rng => Dropout2d::new(0.5, rng)?;
    }
}

#[test]
fn norms() {
    layers! {
        IMAGES, _rng => BatchNorm2d::new(8)?;
        [4096, 33], _rng => BatchNorm1d::new(33)?;
        IMAGES, _rng => GroupNorm::new(4, 8)?;
        IMAGES, _rng => InstanceNorm2d::options(8).affine(true).track_running_stats(true).build()?;
        [1024, 129], _rng => LayerNorm::new(129)?;
        [1024, 129], _rng => RMSNorm::new(129)?;
    }
}

#[test]
fn sequences() {
    let none = AttentionMasks::default;
    let tokens = Rng::seed(2).randint(0, 500, [64, 32]).unwrap();
    same_of(&tokens, |rng| Embedding::new(500, 40, rng), |layer, x| layer.forward(x));
    let by_frequency =
        |rng: &Rng| Embedding::options(500, 40).max_norm(1.0).scale_grad_by_freq(true).build(rng);
    same_of(&tokens, by_frequency, |layer, x| layer.forward(x));
    let shape = [6, 64, 64];
    same(
        &shape,
        |rng| LSTM::options(64, 64).bidirectional(true).build(rng),
        |lstm, x| Ok(lstm.forward(x, None)?.0),
    );
    same(&shape, |rng| GRU::new(64, 64, rng), |gru, x| Ok(gru.forward(x, None)?.0));
    same(&shape, |rng| RNN::new(64, 64, rng), |rnn, x| Ok(rnn.forward(x, None)?.0));
    let attention = |rng: &Rng| MultiheadAttention::options(64, 4).batch_first(true).dropout(0.1).build(rng);
    same(&[8, 48, 64], attention, |layer, x| {
        layer.forward(x, x, x, AttentionMasks { is_causal: true, ..none() })
    });
    let encoder = |rng: &Rng| TransformerEncoderLayer::options(64, 4).dim_feedforward(96).build(rng);
    same(&[48, 8, 64], encoder, |layer, x| layer.forward(x, none()));
    let decoder = |rng: &Rng| TransformerDecoderLayer::options(64, 4).dim_feedforward(96).build(rng);
    same(&[48, 8, 64], decoder, |layer, x| layer.forward(x, x, none(), none()));
}

#[test]
fn losses() {
    let classes = Rng::seed(2).randint(0, 65, [2048]).unwrap();
    let target = Rng::seed(3).rand([2048, 65], DType::F32).unwrap();
    let shape = [2048, 65];
    same(&shape, |_| Ok(CrossEntropyLoss::new().label_smoothing(0.1)), |loss, x| loss.forward(x, &classes));
    same(&shape, |_| Ok(MSELoss::new()), |loss, x| loss.forward(x, &target));
    same(&shape, |_| Ok(HuberLoss::new()), |loss, x| loss.forward(x, &target));
    same(&shape, |_| Ok(BCEWithLogitsLoss::new()), |loss, x| loss.forward(x, &target));
    same(&shape, |_| Ok(KLDivLoss::new()), |loss, x| loss.forward(x, &target));
    same(&shape, |_| Ok(PairwiseDistance::new()), |measure, x| measure.forward(x, &(&target).into()));
    same(&shape, |_| Ok(CosineSimilarity::new()), |measure, x| measure.forward(x, &(&target).into()));
}
