//! Each example's model learns one batch by heart: what is wired wrong does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::data;
use examples::models::{self, Gpt, GptSize};
use examples::text::{Text, passages};
use train::prelude::*;

/// The loss after `steps` steps on one batch.
fn loss_after(steps: usize, model: &dyn Layer, x: &Tensor, y: &Tensor) -> f32 {
    // Dropout would keep the loss up.
    model.eval();
    let mut opt = Adam::new(model.parameters(), 3e-3).unwrap();
    let mut last = f32::NAN;
    for _ in 0..steps {
        let output = model.forward(&x.into()).unwrap();
        let loss = output.flatten(0, -2).unwrap().cross_entropy(y.flatten(0, -1).unwrap()).unwrap();
        opt.zero_grad();
        loss.backward().unwrap();
        opt.step().unwrap();
        last = loss.detach().item().unwrap();
    }
    for (name, parameter) in model.named_parameters() {
        assert!(parameter.grad().is_some(), "{name} gets no gradient");
    }
    last
}

#[test]
fn the_digits_model() {
    let (x, y) = data::digits().unwrap().batch(&(0..32).collect::<Vec<_>>()).unwrap();
    let loss = loss_after(100, &models::digits_cnn(&Rng::seed(0)).unwrap(), &x, &y);
    assert!(loss < 0.01, "{loss}");
}

#[test]
fn the_fashion_models() {
    let rng = Rng::seed(0);
    let x = rng.randn([16, 1, 28, 28], DType::F32).unwrap();
    let y = rng.randint(0, 10, [16]).unwrap();
    let loss = loss_after(40, &models::fashion_mlp(&rng).unwrap(), &x, &y);
    assert!(loss < 0.01, "mlp: {loss}");
    let loss = loss_after(40, &models::fashion_cnn(&rng).unwrap(), &x, &y);
    assert!(loss < 0.01, "cnn: {loss}");
}

#[test]
fn the_language_model() {
    let text = Text::new("A stitch in time saves nine, and a penny saved is a penny earned.");
    let size = GptSize { vocabulary: text.vocabulary(), context: 16, width: 32, heads: 4, blocks: 2 };
    let (x, y) = passages(text.tokens(), [0, 16, 32, 48], 16).unwrap();
    let loss = loss_after(150, &Gpt::new(size, &Rng::seed(0)).unwrap(), &x, &y);
    assert!(loss < 0.1, "{loss}");
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
