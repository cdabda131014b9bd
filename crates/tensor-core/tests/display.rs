//! Printing against the texts that PyTorch prints: `fixtures/display`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use tensor_core::{DType, Tensor};

/// PyTorch's name of a dtype and ours.
const DTYPES: [(&str, DType); 8] = [
    ("float32", DType::F32),
    ("float64", DType::F64),
    ("bfloat16", DType::BF16),
    ("float16", DType::F16),
    ("int64", DType::I64),
    ("int32", DType::I32),
    ("uint8", DType::U8),
    ("bool", DType::Bool),
];

fn tensor(case: &Value) -> Tensor {
    let shape: Vec<usize> =
        case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let values = case["values"].as_array().unwrap();
    let (_, dtype) = DTYPES.into_iter().find(|(name, _)| case["dtype"] == *name).unwrap();
    if dtype.is_float() {
        let number = |x: &Value| match x.as_str() {
            Some(text) => text.parse().unwrap(),
            None => x.as_f64().unwrap(),
        };
        let values: Vec<f64> = values.iter().map(number).collect();
        Tensor::from_vec(values, shape).unwrap().to_dtype(dtype).unwrap()
    } else {
        let number = |x: &Value| x.as_i64().unwrap_or_else(|| i64::from(x == true));
        let values: Vec<i64> = values.iter().map(number).collect();
        Tensor::from_vec(values, shape).unwrap().to_dtype(dtype).unwrap()
    }
}

#[test]
fn tensors_print_as_in_pytorch() {
    let path = format!("{}/../../fixtures/display/display.json", env!("CARGO_MANIFEST_DIR"));
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 92);
    // Our names are shorter, so a suffix can stay on its line where PyTorch's did not fit.
    let mut rejoined = 0;
    for case in &cases {
        let mut expected = case["text"].as_str().unwrap().to_string();
        for (theirs, ours) in DTYPES {
            expected = expected.replace(&format!("dtype=torch.{theirs}"), &format!("dtype={ours}"));
        }
        let found = tensor(case).to_string();
        if found != expected && found == expected.replace(",\n       dtype", ", dtype") {
            rejoined += 1;
            continue;
        }
        assert_eq!(found, expected, "{}", case["label"]);
    }
    assert!(rejoined <= 2, "{rejoined}");
}

#[test]
fn a_suffix_that_does_not_fit_gets_its_own_line() {
    // Eight numbers of six characters: 71 columns with their commas, the brackets and the prefix.
    let fits = Tensor::full([7], 0.5, DType::F64).unwrap();
    assert_eq!(fits.to_string().lines().count(), 1);
    let long = Tensor::full([8], 0.5, DType::F64).unwrap();
    assert_eq!(long.to_string().lines().nth(1), Some("       dtype=f64)"));
}

#[test]
fn views_print_what_they_show() {
    let x = Tensor::arange(0.0, 6.0, 1.0, DType::I64).unwrap().reshape([2, 3]).unwrap();
    assert_eq!(x.transpose(0, 1).unwrap().to_string(), "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])");
    assert_eq!(x.narrow(1, 1, 2).unwrap().to_string(), "tensor([[1, 2],\n        [4, 5]])");
}

#[test]
fn debug_names_dtype_and_shape() {
    let x = Tensor::ones([2], DType::F32).unwrap();
    assert_eq!(format!("{x:?}"), "Tensor f32 [2]\ntensor([1., 1.])");
}
