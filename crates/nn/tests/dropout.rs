//! Dropout in training: of channels, between recurrent layers, of attention's weights, in transformer layers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::tensor_core::Rng;
use autograd::{DType, Tensor, Var};
use nn::AttentionMasks;
use nn::prelude::*;

fn normal(shape: &[usize]) -> Var {
    Rng::seed(9).randn(shape, DType::F64).unwrap().into()
}

fn numbers(x: &Var) -> Vec<f64> {
    x.detach().to_vec().unwrap()
}

#[test]
fn whole_channels_are_dropped() {
    let rng = Rng::seed(0);
    // As many channels of five elements in each, with and without a batch.
    channels_drop(&Dropout1d::new(0.5, &rng).unwrap(), [&[40, 5], &[8, 5, 5]]);
    channels_drop(&Dropout2d::new(0.5, &rng).unwrap(), [&[8, 5, 5], &[8, 5, 1, 5]]);
    channels_drop(&Dropout3d::new(0.5, &rng).unwrap(), [&[40, 1, 1, 5], &[8, 5, 5, 1, 1]]);
    assert!(Dropout2d::new(1.1, &rng).is_err());
}

fn channels_drop(layer: &dyn Layer, shapes: [&[usize]; 2]) {
    for shape in shapes {
        let x = Var::from(Tensor::ones(shape, DType::F64).unwrap());
        layer.train();
        let y = numbers(&layer.forward(&x).unwrap());
        let kept = y.chunks(5).filter(|channel| **channel == [2.0; 5]).count();
        let dropped = y.chunks(5).filter(|channel| **channel == [0.0; 5]).count();
        assert_eq!(kept + dropped, 40, "{} {shape:?}", layer.repr());
        assert!(kept.min(dropped) > 8, "{kept}");
        layer.eval();
        assert_eq!(numbers(&layer.forward(&x).unwrap()), numbers(&x));
    }
    let text = layer.forward(&normal(&[2])).unwrap_err().to_string();
    assert!(text.starts_with("Dropout") && text.contains("[2]"), "{text}");
}

#[test]
fn an_lstm_drops_between_its_layers() {
    let rng = Rng::seed(0);
    let lstm = |p| {
        let options = LSTM::options(3, 4).num_layers(2).dropout(p).dtype(DType::F64);
        options.build(&Rng::seed(5)).unwrap()
    };
    let x = normal(&[6, 2, 3]);
    let plain = numbers(&lstm(0.0).forward(&x, None).unwrap().0);
    let model = LSTM::options(3, 4).num_layers(2).dropout(0.5).dtype(DType::F64).build(&rng).unwrap();
    model.load_state_dict(&lstm(0.0).state_dict(), true).unwrap();
    let state = rng.state();
    let (y, _) = model.forward(&x, None).unwrap();
    assert_ne!(numbers(&y), plain);
    y.sum().unwrap().backward().unwrap();
    assert!(model.parameters().iter().all(|parameter| parameter.grad().is_some()));
    // The same draws, the same result; none in evaluation.
    rng.set_state(&state).unwrap();
    assert_eq!(numbers(&model.forward(&x, None).unwrap().0), numbers(&y));
    model.eval();
    assert_eq!(numbers(&model.forward(&x, None).unwrap().0), plain);

    // With all dropped, the second layer sees zeros, as a layer of its own does; the last outputs are not dropped.
    let dropped = lstm(1.0);
    let second = LSTM::options(4, 4).dtype(DType::F64).build(&rng).unwrap();
    let rename =
        |(name, value): (String, Tensor)| Some((name.strip_suffix("_l1")?.to_string() + "_l0", value));
    second.load_state_dict(&dropped.state_dict().into_iter().filter_map(rename).collect(), true).unwrap();
    let zeros = Tensor::zeros([6, 2, 4], DType::F64).unwrap().into();
    let expected = numbers(&second.forward(&zeros, None).unwrap().0);
    assert_eq!(numbers(&dropped.forward(&x, None).unwrap().0), expected);
}

#[test]
fn attention_drops_its_weights() {
    let rng = Rng::seed(0);
    let options = MultiheadAttention::options(8, 2).batch_first(true).dtype(DType::F64);
    let attention = options.dropout(0.5).build(&rng).unwrap();
    let x = normal(&[2, 5, 8]);
    let masks = AttentionMasks::default();
    let state = rng.state();
    let (_, dropped) = attention.forward_with_head_weights(&x, &x, &x, masks).unwrap();
    let trained = attention.forward(&x, &x, &x, masks).unwrap();
    trained.sum().unwrap().backward().unwrap();
    assert!(attention.parameters().iter().all(|parameter| parameter.grad().is_some()));
    rng.set_state(&state).unwrap();
    assert_eq!(
        numbers(&attention.forward_with_head_weights(&x, &x, &x, masks).unwrap().1),
        numbers(&dropped)
    );
    assert_eq!(numbers(&attention.forward(&x, &x, &x, masks).unwrap()), numbers(&trained));
    // The mean over many draws is what evaluation gives.
    let draws = 400;
    let mut mean = vec![0.0; 80];
    for _ in 0..draws {
        let y = numbers(&attention.forward(&x, &x, &x, masks).unwrap());
        mean.iter_mut().zip(y).for_each(|(mean, y)| *mean += y / f64::from(draws));
    }
    attention.eval();
    let (y, kept) = attention.forward_with_head_weights(&x, &x, &x, masks).unwrap();
    let (dropped, kept) = (numbers(&dropped), numbers(&kept));
    assert!(dropped.iter().zip(&kept).all(|(&d, &k)| d == 0.0 || (d - 2.0 * k).abs() < 1e-12));
    let zeros = dropped.iter().filter(|&&d| d == 0.0).count();
    assert!((25..75).contains(&zeros), "{zeros} of 100");
    assert!(mean.iter().zip(numbers(&y)).all(|(a, b)| (a - b).abs() < 0.1));

    // With all dropped, the bias of the last projection is left.
    let attention = options.dropout(1.0).build(&rng).unwrap();
    let bias = attention.out_proj.bias.as_ref().unwrap();
    bias.set_value(Tensor::full([8], 0.5, DType::F64).unwrap()).unwrap();
    assert_eq!(numbers(&attention.forward(&x, &x, &x, masks).unwrap()), vec![0.5; 80]);
}

#[test]
fn a_transformer_layer_drops_each_part() {
    let rng = Rng::seed(0);
    let x = normal(&[5, 2, 8]);
    let options =
        TransformerEncoderLayer::options(8, 2).dim_feedforward(16).norm_first(true).dtype(DType::F64);
    // With all dropped, the shortcuts are left.
    let layer = options.dropout(1.0).build(&rng).unwrap();
    let masks = AttentionMasks::default();
    assert_eq!(numbers(&layer.forward(&x, masks).unwrap()), numbers(&x));
    let layer = options.dropout(0.3).build(&rng).unwrap();
    let trained = layer.forward(&x, masks).unwrap();
    trained.sum().unwrap().backward().unwrap();
    assert!(layer.parameters().iter().all(|parameter| parameter.grad().is_some()));
    layer.eval();
    assert_ne!(numbers(&layer.forward(&x, masks).unwrap()), numbers(&trained));
}
