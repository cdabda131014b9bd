//! Metrics over uneven batches, against scikit-learn's over all samples at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use serde_json::Value;
use train::metric::{Accuracy, Auroc, ConfusionMatrix, Perplexity, Regression, TopK};
use train::{DType, Tensor, Var};

fn record() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/metrics/values.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Tensor {
    match value[0].as_array() {
        Some(row) => {
            let all: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
            Tensor::from_vec(all.concat(), [all.len(), row.len()]).unwrap()
        }
        None => {
            let all: Vec<f64> = serde_json::from_value(value.clone()).unwrap();
            let n = all.len();
            Tensor::from_vec(all, [n]).unwrap()
        }
    }
}

fn classes(value: &Value) -> Tensor {
    numbers(value).to_dtype(DType::I64).unwrap()
}

/// Calls `add` with batches of 1, 2, 3, … samples.
fn uneven(a: &Tensor, b: &Tensor, mut add: impl FnMut(&Tensor, &Tensor)) {
    let (mut start, mut size, n) = (0, 1, a.shape()[0]);
    while start < n {
        let length = size.min(n - start);
        add(&a.narrow(0, start as isize, length).unwrap(), &b.narrow(0, start as isize, length).unwrap());
        (start, size) = (start + length, size + 1);
    }
}

fn close(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found}, recorded {expected}");
}

#[test]
fn classes_are_counted_as_scikit_learn_counts_them() {
    let record = record();
    let (output, target) = (numbers(&record["output"]), classes(&record["target"]));
    let (mut matrix, mut accuracy) = (ConfusionMatrix::new(5), Accuracy::default());
    uneven(&output, &target, |output, target| {
        matrix.add(output, target).unwrap();
        accuracy.add(output, target).unwrap();
    });
    assert_eq!(
        Value::from(matrix.rows().into_iter().map(<[usize]>::to_vec).collect::<Vec<_>>()),
        record["matrix"]
    );
    for class in 0..5 {
        close(matrix.precision(class), &record["precision"][class]);
        close(matrix.recall(class), &record["recall"][class]);
        close(matrix.f1(class), &record["f1"][class]);
    }
    close(matrix.macro_mean(ConfusionMatrix::f1), &record["f1_macro"]);
    close(matrix.accuracy(), &record["accuracy"]);
    close(accuracy.value(), &record["accuracy"]);
    assert_eq!((matrix.precision(9), matrix.recall(9), matrix.f1(9)), (0.0, 0.0, 0.0));
}

#[test]
fn the_k_largest() {
    let record = record();
    for k in 1..=3 {
        let mut top = TopK::new(k);
        uneven(&numbers(&record["ranked"]), &classes(&record["target"]), |x, y| top.add(x, y).unwrap());
        close(top.value(), &record["top_k"][k - 1]);
    }
    let mut top = TopK::new(1);
    top.add(&Tensor::zeros([2, 3], DType::F32).unwrap(), &Tensor::from_vec(vec![0i64, 1], [2]).unwrap())
        .unwrap();
    assert_eq!(top.value(), 0.5, "of equal outputs the first is the largest");
}

#[test]
fn the_area_under_the_curve_counts_ties_half() {
    let record = record();
    let mut area = Auroc::default();
    assert!(area.value().is_nan());
    uneven(&numbers(&record["score"]), &classes(&record["label"]), |x, y| area.add(x, y).unwrap());
    close(area.value(), &record["auroc"]);
    let nan = Tensor::from_vec(vec![f32::NAN], [1]).unwrap();
    area.add(&nan, &Tensor::zeros([1], DType::I64).unwrap()).unwrap();
    assert!(area.value().is_nan());
}

#[test]
fn errors_of_numbers() {
    let record = record();
    let mut errors = Regression::default();
    uneven(&numbers(&record["prediction"]), &numbers(&record["number"]), |x, y| errors.add(x, y).unwrap());
    close(errors.mse(), &record["mse"]);
    close(errors.mae(), &record["mae"]);
    close(errors.r2(), &record["r2"]);
    let ones = Tensor::ones([3], DType::F32).unwrap();
    let mut constant = Regression::default();
    constant.add(&ones, &ones).unwrap();
    assert_eq!(constant.r2(), 1.0);
    constant.add(&Tensor::zeros([3], DType::F32).unwrap(), &ones).unwrap();
    assert_eq!(constant.r2(), 0.0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let output = Tensor::zeros([2, 3], DType::F32).unwrap();
    let target = |classes: Vec<i64>| Tensor::from_vec(classes, [2]).unwrap();
    for wrong in [target(vec![0, 3]), target(vec![-1, 0]), Tensor::zeros([3], DType::I64).unwrap()] {
        assert!(TopK::new(1).add(&output, &wrong).is_err());
        assert!(ConfusionMatrix::new(3).add(&output, &wrong).is_err());
    }
    let error = ConfusionMatrix::new(4).add(&output, &target(vec![0, 1])).unwrap_err().to_string();
    assert_eq!(error, "ConfusionMatrix::add: the number of classes is 3, expected 4");
    assert!(Auroc::default().add(&output, &target(vec![0, 1])).is_err());
    assert!(Regression::default().add(&output, &target(vec![0, 1])).is_err());
}

#[test]
fn perplexity_is_that_of_all_tokens_at_once() {
    let record = record();
    let (output, target) = (numbers(&record["output"]), classes(&record["target"]));
    let loss = |output: &Tensor, target: &Tensor| {
        let loss = Var::from(output.clone()).cross_entropy(target).unwrap();
        loss.item::<f64>().unwrap()
    };
    let mut perplexity = Perplexity::default();
    assert!(perplexity.value().is_nan());
    uneven(&output, &target, |output, target| perplexity.add(loss(output, target), target.numel()));
    let whole = loss(&output, &target).exp();
    assert!((perplexity.value() / whole - 1.0).abs() < 1e-12, "{} and {whole}", perplexity.value());
}
