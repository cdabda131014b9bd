//! Each model of the gallery learns one batch by heart: what is wired wrong does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::data;
use examples::gallery::{self, autoencoder, gan, lenet, lstm::CharLstm, reinforce, resnet::ResNet};
use examples::text::{Text, passages};
use train::prelude::*;

/// The loss after `steps` steps on one batch, of which all parameters get a gradient.
fn overfit_one_batch(steps: usize, lr: f64, model: &dyn Module, loss: impl Fn() -> Var) -> f64 {
    let mut opt = Adam::new(model.parameters(), lr).unwrap();
    let mut last = f64::NAN;
    for _ in 0..steps {
        let loss = loss();
        opt.zero_grad();
        loss.backward().unwrap();
        opt.step().unwrap();
        last = loss.detach().to_dtype(DType::F64).unwrap().item().unwrap();
    }
    for (name, parameter) in model.named_parameters() {
        assert!(parameter.grad().is_some(), "{name} gets no gradient");
    }
    last
}

fn digits(count: usize) -> (Tensor, Tensor) {
    data::digits().unwrap().batch(&(0..count).collect::<Vec<_>>()).unwrap()
}

#[test]
fn lenet_overfits_one_batch() {
    let (images, classes) = digits(8);
    let images = gallery::enlarge(&images, 4).unwrap();
    let model = lenet::model(&Rng::seed(0)).unwrap();
    let loss = || model.forward(&(&images).into()).unwrap().cross_entropy(&classes).unwrap();
    let last = overfit_one_batch(40, 3e-3, &model, loss);
    assert!(last < 0.05, "{last}");
}

#[test]
fn resnet_overfits_one_batch() {
    let (images, classes) = digits(8);
    let model = ResNet::new(1, 8, 10, &Rng::seed(0)).unwrap();
    let loss = || model.forward(&(&images).into()).unwrap().cross_entropy(&classes).unwrap();
    let last = overfit_one_batch(20, 3e-3, &model, loss);
    assert!(last < 0.05, "{last}");
}

#[test]
fn the_lstm_overfits_one_batch() {
    let text = Text::new("A stitch in time saves nine, and a penny saved is a penny earned.");
    let (x, y) = passages(text.tokens(), [0, 16, 32, 48], 16).unwrap();
    let model = CharLstm::new(text.vocabulary(), 32, &Rng::seed(0)).unwrap();
    let loss = || {
        let logits = model.forward(&(&x).into()).unwrap().flatten(0, 1).unwrap();
        logits.cross_entropy(y.flatten(0, 1).unwrap()).unwrap()
    };
    let last = overfit_one_batch(100, 1e-2, &model, loss);
    assert!(last < 0.1, "{last}");
}

#[test]
fn the_autoencoder_overfits_one_batch() {
    let (images, _) = digits(8);
    let model = autoencoder::Autoencoder::new(8, &Rng::seed(0)).unwrap();
    let mut opt = Adam::new(model.parameters(), 1e-2).unwrap();
    let errors: Vec<f32> = (0..150).map(|_| autoencoder::step(&model, &mut opt, &images).unwrap()).collect();
    assert!(errors[0] > 0.1 && errors[149] < 0.005, "{} {}", errors[0], errors[149]);
}

#[test]
fn the_gan_overfits_one_batch() {
    let rng = Rng::seed(0);
    let gan = gan::Gan::new(16, &rng).unwrap();
    let mut players = gan::Players::new(&gan, 1e-3).unwrap();
    // One point, sixteen times.
    let real = Tensor::from_vec([1.0f32, -0.5].repeat(16), [16, 2]).unwrap();
    let distance = || {
        let points = no_grad(|| gan.generate(64, &rng)).unwrap().detach();
        let off = points.sub(&real.narrow(0, 0, 1).unwrap()).unwrap();
        off.mul(&off)
            .unwrap()
            .sum_dim(1, false)
            .unwrap()
            .sqrt()
            .unwrap()
            .mean()
            .unwrap()
            .item::<f32>()
            .unwrap()
    };
    let before = distance();
    for _ in 0..300 {
        players.step(&gan, &real, &rng).unwrap();
    }
    let after = distance();
    assert!(after < before / 2.0, "{before} {after}");
}

#[test]
fn the_policy_overfits_one_batch() {
    let rng = Rng::seed(0);
    let policy = reinforce::policy(&rng).unwrap();
    // Of each state the first action seen in it, as if it had been the best.
    let episode = reinforce::play(&policy, &rng).unwrap();
    let best = Tensor::ones(episode.returns.shape(), DType::F32).unwrap();
    let last = overfit_one_batch(400, 3e-2, &policy, || reinforce::loss(&policy, &episode, &best).unwrap());
    assert!(last < 0.1, "{last}");
    let returns = episode.returns.to_vec::<f32>().unwrap();
    assert_eq!(returns[returns.len() - 1], 1.0);
    assert!(returns.windows(2).all(|pair| pair[0] > pair[1]));
    let advantages = reinforce::advantages(&episode.returns).unwrap();
    assert!(advantages.mean().unwrap().item::<f32>().unwrap().abs() < 1e-5);
}
