//! A model in half precision: it trains, every kind of layer in it, and is saved and loaded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use train::prelude::*;
use train::{load_model, save_model};

/// Pictures of one channel, one class for each of the four quarters that is bright.
fn pictures(rng: &Rng, dtype: DType) -> (Tensor, Tensor) {
    let target = rng.randint(0, 4, [32]).unwrap();
    let mut x = rng.rand([32, 1, 8, 8], DType::F32).unwrap().to_vec::<f32>().unwrap();
    for (picture, &class) in x.chunks_exact_mut(64).zip(&target.to_vec::<i64>().unwrap()) {
        let (top, left) = (class as usize / 2 * 4, class as usize % 2 * 4);
        (0..16).for_each(|i| picture[(top + i / 4) * 8 + left + i % 4] += 1.0);
    }
    (Tensor::from_vec(x, [32, 1, 8, 8]).unwrap().to_dtype(dtype).unwrap(), target)
}

fn network(dtype: DType, rng: &Rng) -> Result<impl Layer> {
    Ok(sequential![
        Conv2d::options(1, 4, 3).padding(1).dtype(dtype).build(rng)?,
        BatchNorm2d::options(4).dtype(dtype).build()?,
        ReLU,
        MaxPool2d::new(2),
        Flatten::default(),
        Linear::options(64, 32).dtype(dtype).build(rng)?,
        LayerNorm::options([32]).dtype(dtype).build()?,
        GELU::default(),
        Dropout::new(0.1, rng)?,
        Linear::options(32, 4).dtype(dtype).build(rng)?,
    ])
}

#[test]
fn a_model_in_half_precision_trains_and_comes_back() {
    for dtype in [DType::F16, DType::BF16] {
        let rng = Rng::seed(1);
        let (x, target) = pictures(&rng, dtype);
        let model = network(dtype, &rng).unwrap();
        let mut opt = AdamW::new(model.parameters(), 1e-2).unwrap();
        let mut losses = Vec::new();
        for _ in 0..30 {
            let loss = model.forward(&Var::from(&x)).unwrap().cross_entropy(&target).unwrap();
            assert_eq!(loss.dtype(), dtype);
            opt.zero_grad();
            loss.backward().unwrap();
            assert!(model.parameters().iter().all(|p| p.grad().unwrap().dtype() == dtype));
            opt.step().unwrap();
            losses.push(loss.detach().to_dtype(DType::F64).unwrap().item::<f64>().unwrap());
        }
        assert!(losses[29] < losses[0] / 4.0, "{dtype}: {losses:?}");

        let path =
            std::env::temp_dir().join(format!("train_half_{dtype}_{}.safetensors", std::process::id()));
        save_model(&model, &path).unwrap();
        let copy = network(dtype, &Rng::seed(2)).unwrap();
        load_model(&copy, &path).unwrap();
        std::fs::remove_file(path).unwrap();
        for model in [&model as &dyn Module, &copy] {
            model.eval();
        }
        let output =
            |model: &dyn Layer| model.forward(&Var::from(&x)).unwrap().detach().to_le_bytes().unwrap();
        assert_eq!(output(&model), output(&copy));
    }
}
