//! Anomaly mode: the first operation that made a NaN or an infinity is named.

use crate::support::*;

#[test]
fn a_nan_of_the_forward_is_named_where_it_was_made() {
    let x = leaf(&[1.0, -1.0]);
    let line = line!() + 1;
    let outcome = detect_anomaly(|| x.log()?.exp()?.sum());
    let here = format!("{}:{line}", file!());
    says(outcome, &["forward", "function 'log' returned nan values in its 0th output", "[2]", &here]);
}

#[test]
fn an_infinity_of_the_forward_is_named_unless_only_nan_is_looked_for() {
    let x = leaf(&[1.0, 0.0]);
    says(detect_anomaly(|| x.log()), &["'log'", "inf"]);
    assert_eq!(values(&detect_nan(|| x.log()).unwrap())[1], f64::NEG_INFINITY);
    says(detect_nan(|| x.log()?.mul_scalar(0.0)), &["'mul", "nan"]);
}

#[test]
fn a_backward_names_the_operation_and_its_forward_line() {
    let x = leaf(&[4.0, 0.0]);
    let line = line!() + 1;
    let y = x.sqrt().unwrap();
    let loss = y.mul_scalar(0.0).unwrap().sum().unwrap();
    let here = format!("{}:{line}", file!());
    // d sqrt(0) = inf, times 0.
    let outcome = detect_anomaly(|| loss.backward());
    says(outcome, &["backward", "function 'sqrt' returned nan values in its 0th output", "[2]", &here]);
    assert!(x.grad().is_none(), "the fault does not reach the leaf");
}

#[test]
fn the_mode_ends_with_its_body_and_its_guard() {
    let x = leaf(&[0.0]);
    assert!(detect_anomaly(|| x.log()).is_err());
    assert!(x.log().is_ok());
    {
        let _on = set_detect_anomaly(true);
        assert!(x.log().is_err());
        let _off = set_detect_anomaly(false);
        assert!(x.log().is_ok());
    }
    assert!(x.log().is_ok());
    // The gradient mode is another switch.
    no_grad(|| assert!(detect_anomaly(|| x.log()).is_err()));
}

#[test]
fn every_float_dtype_is_watched_and_integers_are_not() {
    for dtype in [DType::F32, DType::F64] {
        let zeros = Var::from(Tensor::zeros([300], dtype).unwrap());
        says(detect_anomaly(|| zeros.div(&zeros)), &["'div'", "nan", "[300]"]);
        assert!(detect_anomaly(|| zeros.add_scalar(1.0)).is_ok());
    }
    let index = Var::from(Tensor::from_slice(&[1i64, 2], [2]).unwrap());
    assert!(detect_anomaly(|| index.add(&index)).is_ok());
}
