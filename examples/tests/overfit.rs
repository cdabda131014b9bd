//! Each example's model learns one batch by heart: what is wired wrong does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::models::{self, ActorCritic, Autoencoder, CharLstm, Gpt, GptSize, ResNet18};
use examples::reinforce::{self, Episodes};
use examples::text::{Text, passages};
use examples::{data, gan, heat};
use train::autograd::Reduction;
use train::prelude::*;

/// Takes `steps` steps at `lr` on one batch, whose loss must end below `bound`; every parameter must get a gradient.
fn overfit(model: &dyn Module, steps: usize, lr: f64, bound: f32, loss: impl Fn() -> Result<Var>) {
    // Dropout would keep the loss up.
    model.eval();
    let mut opt = Adam::new(model.parameters(), lr).unwrap();
    for _ in 0..steps {
        let loss = loss().unwrap();
        opt.zero_grad();
        loss.backward().unwrap();
        opt.step().unwrap();
    }
    for (name, parameter) in model.named_parameters() {
        assert!(parameter.grad().is_some(), "{name} gets no gradient");
    }
    let end: f32 = loss().unwrap().detach().item().unwrap();
    assert!(end < bound, "{} ends at {end}, not below {bound}", model.type_name());
}

/// The cross-entropy of a classifier.
fn classify(model: &dyn Layer, steps: usize, bound: f32, x: &Tensor, y: &Tensor) {
    overfit(model, steps, 3e-3, bound, || {
        let logits = model.forward(&x.into())?;
        Ok(logits.flatten(0, -2)?.cross_entropy(y.flatten(0, -1)?)?)
    });
}

#[test]
fn the_digits_model() {
    let (x, y) = data::digits().unwrap().batch(&(0..32).collect::<Vec<_>>()).unwrap();
    classify(&models::digits_cnn(&Rng::seed(0)).unwrap(), 100, 0.01, &x, &y);
}

#[test]
fn the_fashion_models() {
    let rng = Rng::seed(0);
    let x = rng.randn([16, 1, 28, 28], DType::F32).unwrap();
    let y = rng.randint(0, 10, [16]).unwrap();
    classify(&models::fashion_mlp(&rng).unwrap(), 40, 0.01, &x, &y);
    classify(&models::fashion_cnn(&rng).unwrap(), 40, 0.01, &x, &y);
}

#[test]
fn the_language_model() {
    let text = Text::new("A stitch in time saves nine, and a penny saved is a penny earned.");
    let size = GptSize { vocabulary: text.vocabulary(), context: 16, width: 32, heads: 4, blocks: 2 };
    let (x, y) = passages(text.tokens(), [0, 16, 32, 48], 16).unwrap();
    classify(&Gpt::new(size, &Rng::seed(0)).unwrap(), 150, 0.1, &x, &y);
}

#[test]
fn the_language_model_does_not_look_ahead() {
    let size = GptSize { vocabulary: 5, context: 8, width: 16, heads: 2, blocks: 2 };
    let model = Gpt::new(size, &Rng::seed(0)).unwrap();
    let logits = |tokens: [i64; 8]| {
        let x = Tensor::from_slice(&tokens, [1, 8]).unwrap();
        model.forward(&x.into()).unwrap().detach()
    };
    let (a, b) = (logits([0, 1, 2, 3, 4, 0, 1, 2]), logits([0, 1, 2, 3, 4, 3, 3, 3]));
    let first = |logits: &Tensor| logits.narrow(1, 0, 5).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(first(&a), first(&b));
    assert_ne!(a.to_vec::<f32>().unwrap(), b.to_vec::<f32>().unwrap());
}

#[test]
fn the_physics_informed_network() {
    let rng = Rng::seed(0);
    let (model, points) = (models::pinn(16, &rng).unwrap(), heat::Points::draw(32, &rng).unwrap());
    overfit(&model, 200, 1e-2, 1e-2, || heat::loss(&model, &points));
}

#[test]
fn lenet() {
    let rng = Rng::seed(0);
    let (x, y) = (rng.randn([8, 1, 28, 28], DType::F32).unwrap(), rng.randint(0, 10, [8]).unwrap());
    classify(&models::lenet5(&rng).unwrap(), 60, 0.1, &x, &y);
}

#[test]
fn the_residual_network() {
    let (x, y) = data::digits().unwrap().batch(&(0..16).collect::<Vec<_>>()).unwrap();
    let model = ResNet18::new(1, 10, 4, &Rng::seed(0)).unwrap();
    classify(&model, 30, 0.1, &x, &y);
}

#[test]
fn the_recurrent_language_model() {
    let text = Text::new("A stitch in time saves nine, and a penny saved is a penny earned.");
    let model = CharLstm::new(text.vocabulary(), 16, 32, 1, &Rng::seed(0)).unwrap();
    let (x, y) = passages(text.tokens(), [0, 16, 32, 48], 16).unwrap();
    overfit(&model, 100, 2e-2, 0.1, || {
        let (logits, _) = model.forward(&(&x).into(), None)?;
        Ok(logits.flatten(0, 1)?.cross_entropy(y.flatten(0, 1)?)?)
    });
}

#[test]
fn the_autoencoder() {
    let (x, _) = data::digits().unwrap().batch(&(0..8).collect::<Vec<_>>()).unwrap();
    let model = Autoencoder::new(8, 32, &Rng::seed(0)).unwrap();
    overfit(&model, 200, 1e-2, 0.01, || Ok(model.forward(&(&x).into())?.mse_loss(&x, Reduction::Mean)?));
}

/// Fake points in the middle are at distance 1 from the ring: so large the critic's scores can grow apart, and more, since
/// the penalty is a mild one. Then the generator leaves the middle.
#[test]
fn the_generative_adversarial_network() {
    let rng = Rng::seed(0);
    let (generator, critic) =
        (models::points(4, 16, 2, &rng).unwrap(), models::points(2, 16, 1, &rng).unwrap());
    let (real, noise) = (gan::ring(32, &rng).unwrap(), rng.randn([32, 4], DType::F32).unwrap());
    let fake = no_grad(|| generator.forward(&(&noise).into())).unwrap().detach();
    overfit(&critic, 100, 1e-2, -1.0, || gan::critic_loss(&critic, &real, &fake, &rng));
    let of_real: f32 = critic.forward(&(&real).into()).unwrap().mean().unwrap().detach().item().unwrap();
    overfit(&generator, 100, 1e-2, -of_real, || gan::generator_loss(&generator, &critic, &noise));
}

#[test]
fn the_policy_and_its_baseline() {
    let rng = Rng::seed(0);
    let model = ActorCritic::new(4, 2, 16, &rng).unwrap();
    let episodes = Episodes::play(&model.policy, 4, &rng).unwrap();
    overfit(&model, 100, 1e-2, -0.3, || reinforce::loss(&model, &episodes));
}
