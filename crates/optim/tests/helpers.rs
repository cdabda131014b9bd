//! Clipping, averaging, accumulation and loss scaling. Numbers are PyTorch 2.15's, printed in f64.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use autograd::{DType, Parameter, Tensor};
use optim::*;
use proptest::prelude::*;

const A: [f64; 3] = [3.0, -4.0, 0.5];
const B: [f64; 4] = [1.0, 2.0, -2.0, 0.25];

fn scalar(x: f64) -> Parameter {
    Parameter::new(Tensor::scalar(x).unwrap()).unwrap()
}

fn value(p: &Parameter) -> f64 {
    p.value().item().unwrap()
}

fn with_grad(grad: &[f64], shape: &[usize]) -> Parameter {
    let p = Parameter::new(Tensor::zeros(shape, DType::F64).unwrap()).unwrap();
    p.set_grad(Some(Tensor::from_slice(grad, shape).unwrap())).unwrap();
    p
}

fn grad(p: &Parameter) -> Vec<f64> {
    p.grad().unwrap().to_vec().unwrap()
}

#[track_caller]
fn close(got: &[f64], want: &[f64]) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-14 * b.abs().max(1e-3);
    assert!(got.len() == want.len() && got.iter().zip(want).all(near), "{got:?} {want:?}");
}

/// `torch.nn.utils.clip_grad_norm_([a, b], 1.5, norm_type)`: the norm and the first element of the first gradient.
#[test]
fn the_norm_is_that_of_all_gradients_together() {
    let cases = [
        (2.0, 5.8576872569299905, 0.7682211484498573),
        (1.0, 12.75, 0.3529411487889295),
        (3.0, 4.764269187901703, 0.944530814273971),
        (0.5, 76.87054170842718, 0.05853997957408297),
        (f64::INFINITY, 4.0, 1.1249997187500704),
        (f64::NEG_INFINITY, 0.25, 3.0),
    ];
    for (norm_type, norm, first) in cases {
        let params = [with_grad(&A, &[3]), with_grad(&B, &[2, 2]), scalar(1.0)];
        close(&[total_norm(&params, norm_type).unwrap()], &[norm]);
        let got = clip_grad_norm(&params, ClipOptions { norm_type, ..1.5.into() }).unwrap();
        close(&[got, grad(&params[0])[0]], &[norm, first]);
        close(&grad(&params[1]), &B.map(|b| b * first / 3.0));
        assert!(params[2].grad().is_none());
    }
    let none: [Parameter; 0] = [];
    assert_eq!(clip_grad_norm(&none, 1.0).unwrap(), 0.0);
    let params = [with_grad(&A, &[3])];
    clip_grads_with_norm(&params, 1.0, 10.0 - 1e-6).unwrap();
    close(&grad(&params[0]), &A.map(|a| a / 10.0));
}

#[test]
fn small_gradients_are_left_as_they_are() {
    let params = [with_grad(&A, &[3])];
    clip_grad_norm(&params, 6.0).unwrap();
    assert_eq!(grad(&params[0]), A);
}

#[test]
fn a_norm_that_is_not_finite_is_an_error_that_names_the_parameter() {
    for bad in [f64::NAN, f64::INFINITY] {
        let params = [("fine", with_grad(&A, &[3])), ("head.weight", with_grad(&[1.0, bad], &[2]))];
        let message = clip_grad_norm(params.clone(), 1.0).unwrap_err().to_string();
        assert!(message.contains("head.weight") && message.contains("non-finite"), "{message}");
        assert!(message.contains("helpers.rs"), "{message}");
        assert_eq!(grad(&params[0].1), A);
        let options = ClipOptions { error_if_nonfinite: false, ..1.0.into() };
        assert!(!clip_grad_norm(params.clone(), options).unwrap().is_finite());
        // Scaled all the same, as PyTorch does by default.
        assert!(grad(&params[0].1).iter().all(|g| *g == 0.0 || g.is_nan()));
    }
}

#[test]
fn values_are_clipped_one_by_one() {
    let params = [with_grad(&[3.0, -4.0, 0.5, f64::NAN], &[4]), scalar(1.0)];
    clip_grad_value(&params, 1.5).unwrap();
    let got = grad(&params[0]);
    assert_eq!(got[..3], [1.5, -1.5, 0.5]);
    assert!(got[3].is_nan());
}

/// `AveragedModel` over weights 1, 2, 4, -3, with the default and with `get_ema_multi_avg_fn(0.9)`.
#[test]
fn averages_follow_pytorch() {
    let swa = [1.0, 1.5, 2.3333333333333335, 1.0];
    let ema = [1.0, 1.1, 1.3900000000000001, 0.9510000000000002];
    for (average, want) in [(Average::Swa, swa), (Average::Ema { decay: 0.9 }, ema)] {
        let w = scalar(0.0);
        let mut averaged = AveragedModel::new([("w", w.clone())], average).unwrap();
        for (x, want) in [1.0, 2.0, 4.0, -3.0].into_iter().zip(want) {
            w.set_value(Tensor::scalar(x).unwrap()).unwrap();
            averaged.update_parameters().unwrap();
            close(&[averaged.averages()[0].item().unwrap()], &[want]);
        }
        let state = averaged.state_dict();
        assert_eq!(state.keys().collect::<Vec<_>>(), ["module.w", "n_averaged"]);
        let mut fresh = AveragedModel::new([("w", scalar(7.0))], average).unwrap();
        fresh.load_state_dict(&state).unwrap();
        assert_eq!((fresh.n_averaged(), fresh.state_dict()), (4, state));
    }
}

#[test]
fn weights_come_back_after_the_averages_even_after_a_panic() {
    let w = scalar(1.0);
    let averaged = AveragedModel::new([&w], Average::Swa).unwrap();
    w.set_value(Tensor::scalar(5.0).unwrap()).unwrap();
    assert_eq!(averaged.with_averages(|| value(&w)).unwrap(), 1.0);
    assert_eq!(value(&w), 5.0);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        averaged.with_averages(|| assert_ne!(value(&w), 1.0)).unwrap();
    }));
    assert!(result.is_err());
    assert_eq!(value(&w), 5.0);
}

/// `torch.amp.GradScaler("cpu", init_scale=8, growth_interval=2)` with SGD(lr=0.1, momentum=0.9).
#[test]
fn the_scaler_follows_pytorch_and_a_skipped_step_leaves_no_trace() {
    let w = scalar(1.0);
    let mut opt = SGD::new([&w], SGDOptions { momentum: 0.9, ..0.1.into() }).unwrap();
    let options = GradScalerOptions { init_scale: 8.0, growth_interval: 2, ..GradScalerOptions::default() };
    let mut scaler = GradScaler::new(options);
    let want = [(0.9, 8.0), (0.9, 4.0), (0.71, 4.0), (0.439, 8.0), (0.0951, 8.0)];
    for (g, (weight, scale)) in [1.0, f64::INFINITY, 1.0, 1.0, 1.0].into_iter().zip(want) {
        opt.zero_grad();
        scaler.scale(&w.var().mul_scalar(g).unwrap()).unwrap().backward().unwrap();
        let before = (opt.state_dict().unwrap(), value(&w));
        assert_eq!(scaler.step(&mut opt).unwrap(), g.is_finite());
        if !g.is_finite() {
            assert_eq!((opt.state_dict().unwrap(), value(&w)), before);
        }
        scaler.update();
        close(&[value(&w), scaler.get_scale()], &[weight, scale]);
    }
    let state = scaler.state_dict();
    assert_eq!(state["_growth_tracker"], Value::Int(1));
    let mut fresh = GradScaler::new(GradScalerOptions::default());
    fresh.load_state_dict(&state).unwrap();
    assert_eq!(fresh.state_dict(), state);
}

#[test]
fn gradients_are_unscaled_once_so_that_they_can_be_clipped_before_the_step() {
    let w = scalar(1.0);
    let mut opt = SGD::new([&w], 1.0).unwrap();
    let mut scaler = GradScaler::new(GradScalerOptions::default());
    scaler.scale(&w.var().mul_scalar(8.0).unwrap()).unwrap().backward().unwrap();
    scaler.unscale(&opt).unwrap();
    assert_eq!(clip_grad_norm([&w], 2.0).unwrap(), 8.0);
    assert!(scaler.step(&mut opt).unwrap());
    assert!((value(&w) + 1.0).abs() < 1e-6);
}

proptest! {
    /// A group of batches steps as one batch of all of them; the last group by its own mean.
    #[test]
    fn accumulation_is_the_mean_over_each_group(
        targets in proptest::collection::vec(-5.0..5.0f64, 1..20),
        every in 1..6usize,
    ) {
        let (w, reference) = (scalar(0.3), scalar(0.3));
        let mut opt = SGD::new([&w], 0.1).unwrap();
        let mut whole = SGD::new([&reference], 0.1).unwrap();
        let mut accumulation = Accumulation::new(every).unwrap();
        let loss = |p: &Parameter, target: f64| p.var().sub_scalar(target).unwrap().pow_scalar(2.0).unwrap();
        let mut steps = 0;
        for &target in &targets {
            loss(&w, target).backward().unwrap();
            if accumulation.ready([&w]).unwrap() {
                opt.step().unwrap();
                opt.zero_grad();
                steps += 1;
            }
        }
        prop_assert_eq!(accumulation.count(), targets.len() % every);
        if accumulation.flush([&w]).unwrap() {
            opt.step().unwrap();
            steps += 1;
        }
        for group in targets.chunks(every) {
            whole.zero_grad();
            for &target in group {
                loss(&reference, target).mul_scalar(1.0 / group.len() as f64).unwrap().backward().unwrap();
            }
            whole.step().unwrap();
        }
        prop_assert_eq!(steps, targets.chunks(every).count());
        prop_assert!((value(&w) - value(&reference)).abs() < 1e-12);
    }
}
