//! Edge values of the functions of one and two elements, as PyTorch 2.15 has them: NaN, infinities, zeros, integers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use tensor_core::{DType, ErrorKind, RoundingMode, Tensor, f16};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

fn floats(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

fn ints(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

/// Bit by bit, so that −0 is not 0; any NaN is NaN.
#[track_caller]
fn same(found: tensor_core::Result<Tensor>, expected: &[f64]) {
    let found = found.unwrap().to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
    let equal = |(f, e): (&f64, &f64)| f.to_bits() == e.to_bits() || f.is_nan() && e.is_nan();
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(equal), "{found:?} {expected:?}");
}

#[test]
fn division_rounds_and_leaves_as_in_python() {
    let (a, b) =
        (floats(&[5.0, -5.0, 5.0, -5.0, 1.0, 0.0, 6.0]), floats(&[3.0, 3.0, -3.0, -3.0, 0.0, 0.0, 3.0]));
    same(a.remainder(&b), &[2.0, 1.0, -1.0, -2.0, NAN, NAN, 0.0]);
    same(a.fmod(&b), &[2.0, -2.0, 2.0, -2.0, NAN, NAN, 0.0]);
    same(a.div_mode(&b, RoundingMode::Floor), &[1.0, -2.0, -2.0, 1.0, INF, NAN, 2.0]);
    same(a.div_mode(&b, RoundingMode::Trunc), &[1.0, -1.0, -1.0, 1.0, INF, NAN, 2.0]);
    let (a, b) = (ints(&[7, -7, 7, -7, i64::MIN]), ints(&[2, 2, -2, -2, -1]));
    assert_eq!(a.floor_divide(&b).unwrap().to_vec::<i64>().unwrap(), [3, -4, -4, 3, i64::MIN]);
    assert_eq!(a.remainder(&b).unwrap().to_vec::<i64>().unwrap(), [1, 1, -1, -1, 0]);
    assert_eq!(a.fmod(&b).unwrap().to_vec::<i64>().unwrap(), [1, -1, 1, -1, 0]);
    same(a.remainder_scalar(2.5).and_then(|y| y.narrow(0, 0, 2)), &[2.0, 0.5]);
}

#[test]
fn what_has_no_result_is_refused() {
    let x = ints(&[1, 2]);
    for refused in [x.floor_divide_scalar(0), x.fmod_scalar(0), x.remainder(&ints(&[1, 0]))] {
        assert_eq!(*refused.unwrap_err().kind(), ErrorKind::ZeroDivision);
    }
    let message = |refused: tensor_core::Result<Tensor>| refused.unwrap_err().to_string();
    assert!(message(x.pow_scalar(-1)).starts_with("pow: exponent is -1, expected from 0 on"));
    assert!(
        message(floats(&[1.0]).softshrink(-1.0)).starts_with("softshrink: lambd is -1, expected 0 or more")
    );
    assert!(message(floats(&[1.0]).celu(0.0)).starts_with("celu: alpha is 0, expected not 0"));
    assert!(message(floats(&[1.0, 2.0, 3.0]).glu(0)).starts_with("glu: input has shape [3]"));
    assert!(message(floats(&[1.0]).prelu(&floats(&[1.0, 2.0]))).starts_with("prelu: weight has shape [2]"));
    assert!(message(floats(&[1.0]).bitwise_not()).starts_with("bitwise_not: input is f64"));
    assert!(message(ints(&[1]).frac()).starts_with("frac: input is i64"));
    assert!(message(ints(&[1]).leaky_relu(0.1)).starts_with("leaky_relu: input is i64"));
    assert!(
        message(ints(&[1]).to_dtype(DType::Bool).and_then(|x| x.ceil())).starts_with("ceil: input is bool")
    );
}

#[test]
fn powers_at_their_edges() {
    let (a, b) = (floats(&[0.0, 0.0, 0.0, -2.0, -1.0]), floats(&[0.0, 2.0, -1.0, 2.0, 0.5]));
    same(a.pow(&b), &[1.0, 0.0, INF, 4.0, NAN]);
    let (a, b) = (ints(&[2, -3, 1, -1, -1, 2, 0]), ints(&[10, 3, -5, -3, -2, -1, -1]));
    assert_eq!(a.pow(&b).unwrap().to_vec::<i64>().unwrap(), [1024, -27, 1, -1, 1, 0, 0]);
    assert_eq!(ints(&[3, -2]).square().unwrap().to_vec::<i64>().unwrap(), [9, 4]);
    assert_eq!(ints(&[3]).rpow_scalar(2).unwrap().to_vec::<i64>().unwrap(), [8]);
    assert_eq!(ints(&[4]).pow_scalar(0.5).unwrap().to_vec::<f32>().unwrap(), [2.0]);
}

#[test]
fn rounding_and_signs() {
    same(floats(&[0.5, 1.5, -0.5, 2.5, NAN]).round(), &[0.0, 2.0, -0.0, 2.0, NAN]);
    same(floats(&[1.25, 0.35]).round_decimals(1), &[1.2, 0.4]);
    same(floats(&[15.0, 25.0]).round_decimals(-1), &[20.0, 20.0]);
    same(floats(&[1.5, -1.5, INF]).frac(), &[0.5, -0.5, NAN]);
    same(floats(&[2.0, -2.0, NAN]).sign(), &[1.0, -1.0, 0.0]);
    same(
        floats(&[0.0, 1.0, -2.0, -0.0]).copysign(&floats(&[-1.0, -1.0, 0.0, -0.0])),
        &[-0.0, -1.0, 2.0, -0.0],
    );
    assert_eq!(ints(&[3]).floor().unwrap().dtype(), DType::I64);
}

#[test]
fn numbers_among_nan_and_infinities() {
    let (a, b) = (floats(&[1.0, NAN, 1.0, NAN, 2.0]), floats(&[1.0, 1.0, NAN, NAN, 1.0]));
    same(a.fmax(&b), &[1.0, 1.0, 1.0, NAN, 2.0]);
    same(a.fmin(&b), &[1.0, 1.0, 1.0, NAN, 1.0]);
    let x = floats(&[NAN, INF, -INF, 1.0]);
    same(x.nan_to_num(0.0, None, None), &[0.0, f64::MAX, f64::MIN, 1.0]);
    same(x.nan_to_num(7.0, Some(8.0), Some(9.0)), &[7.0, 8.0, 9.0, 1.0]);
    let half = x.to_dtype(DType::F16).unwrap().nan_to_num(0.0, None, None).unwrap().to_vec::<f16>().unwrap();
    assert_eq!(half[1].to_f32(), 65504.0);
    let truth = |x: tensor_core::Result<Tensor>| x.unwrap().to_vec::<bool>().unwrap();
    assert_eq!(truth(x.isnan()), [true, false, false, false]);
    assert_eq!(truth(x.isinf()), [false, true, true, false]);
    assert_eq!(truth(x.isfinite()), [false, false, false, true]);
    assert_eq!(truth(ints(&[1, 0]).isfinite()), [true, true]);
    assert_eq!(truth(x.logical_not()), [false; 4]);
    assert_eq!(truth(ints(&[2, 0]).logical_xor(&floats(&[1.0, NAN]))), [false, true]);
    assert_eq!(ints(&[6]).bitwise_and(&ints(&[3])).unwrap().to_vec::<i64>().unwrap(), [2]);
    same(
        floats(&[1.0, 2.0]).clamp_tensor(Some(&floats(&[2.0, 0.0])), Some(&floats(&[1.0, NAN]))),
        &[1.0, NAN],
    );
    same(floats(&[0.0, 1.0, -0.1]).logit(None), &[-INF, INF, NAN]);
    let (three, seven) = (floats(&[3.0]), floats(&[7.1]));
    same(three.lerp_scalar(&seven, 1.0), &[7.1]);
    same(three.lerp(&seven, &floats(&[1.0])), &[7.1]);
}

#[test]
fn activations_at_their_edges() {
    let x = floats(&[-INF, -3.0, -0.5, 0.0, 0.5, 3.0, INF, NAN]);
    same(x.hardshrink(0.5), &[-INF, -3.0, 0.0, 0.0, 0.0, 3.0, INF, NAN]);
    same(x.hardtanh(-1.0, 1.0), &[-1.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0, NAN]);
    same(x.threshold(0.5, 7.0), &[7.0, 7.0, 7.0, 7.0, 7.0, 3.0, INF, NAN]);
    same(x.leaky_relu(0.5), &[-INF, -1.5, -0.25, 0.0, 0.5, 3.0, INF, NAN]);
    same(x.relu6(), &[0.0, 0.0, 0.0, 0.0, 0.5, 3.0, 6.0, NAN]);
    let finite = floats(&[-1000.0, 1000.0, NAN]);
    same(finite.softplus(1.0, 20.0), &[0.0, 1000.0, NAN]);
    same(finite.logsigmoid(), &[-1000.0, 0.0, NAN]);
    same(finite.mish(), &[-0.0, 1000.0, NAN]);
    same(finite.elu(1.0), &[-1.0, 1000.0, NAN]);
    // Slopes where the pieces meet, and at NaN.
    let (ones, at) = (floats(&[1.0; 4]), floats(&[-3.0, 0.0, 3.0, NAN]));
    same(ones.hardtanh_backward(&at, 0.0, 3.0), &[0.0, 0.0, 0.0, 1.0]);
    same(ones.leaky_relu_backward(&at, 0.5), &[0.5, 0.5, 1.0, 0.5]);
    same(ones.hardswish_backward(&at), &[0.0, 0.5, 1.0, 1.0]);
    same(ones.hardsigmoid_backward(&at), &[0.0, 1.0 / 6.0, 0.0, 0.0]);
    same(ones.threshold_backward(&at, 0.0, 7.0), &[0.0, 0.0, 1.0, 1.0]);
    // An empty tensor and a 0-d one.
    assert_eq!(floats(&[]).mish().unwrap().numel(), 0);
    assert_eq!(Tensor::scalar(2.0f32).unwrap().sin().unwrap().item::<f32>().unwrap(), 2f32.sin());
}
