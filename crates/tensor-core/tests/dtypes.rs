//! What a number does to a tensor's dtype, half precision at random, and dtypes that do not meet: `fixtures/dtypes`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod support;

use serde_json::Value;
use support::{DTYPES, dtype_named};
use tensor_core::{DType, ErrorKind, Result, Rng, Scalar, Tensor, bf16, f16};

fn recorded(name: &str) -> Vec<Value> {
    let path = format!("{}/../../fixtures/dtypes/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn number(x: &Value) -> f64 {
    match x {
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(text) => text.parse().unwrap(),
        _ => x.as_f64().unwrap(),
    }
}

fn call(op: &str, x: &Tensor, scalar: Scalar) -> Result<Tensor> {
    let bound = Some(scalar.to::<f64>());
    match op {
        "add" => x.add_scalar(scalar),
        "sub" => x.sub_scalar(scalar),
        "mul" => x.mul_scalar(scalar),
        "div" => x.div_scalar(scalar),
        "pow" => x.pow_scalar(scalar),
        "eq" => x.eq_scalar(scalar),
        "ne" => x.ne_scalar(scalar),
        "lt" => x.lt_scalar(scalar),
        "le" => x.le_scalar(scalar),
        "gt" => x.gt_scalar(scalar),
        "ge" => x.ge_scalar(scalar),
        "masked_fill" => x.masked_fill(&Tensor::from_vec(vec![true, false, true, false], [4])?, scalar),
        "clamp_min" => x.clamp(bound, None),
        "clamp_max" => x.clamp(None, bound),
        other => panic!("{other}"),
    }
}

/// Where we differ from PyTorch on purpose.
fn differs(op: &str, dtype: DType, kind: &str, value: f64) -> bool {
    let beyond = match dtype {
        DType::U8 => !(0.0..=255.0).contains(&value),
        _ => false,
    };
    match op {
        // PyTorch compares with, and fills, the number modulo 256.
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "masked_fill" => kind == "int" && beyond,
        // Sums and products of truth values alone: logical_or and logical_and say it.
        "add" | "mul" => dtype == DType::Bool && kind == "bool",
        // Bounds are numbers, without the difference of True and 1 or 2 and 2.0.
        "clamp_min" | "clamp_max" => kind == "bool" || (kind == "float" && value.fract() == 0.0),
        _ => false,
    }
}

#[test]
fn numbers_promote_as_in_pytorch() {
    let mut compared = 0;
    for case in recorded("scalars") {
        let (op, dtype) = (case["op"].as_str().unwrap(), dtype_named(case["dtype"].as_str().unwrap()));
        let (kind, value) = (case["kind"].as_str().unwrap(), number(&case["scalar"]));
        let scalar = match kind {
            "int" => Scalar::Int(value as i64),
            "bool" => Scalar::Bool(value != 0.0),
            _ => Scalar::Float(value),
        };
        let x = Tensor::from_vec(vec![0.0, 1.0, 3.0, 0.1], [4]).unwrap().to_dtype(dtype).unwrap();
        // What PyTorch refuses must not panic.
        let found = call(op, &x, scalar);
        if case["result"].is_null() || differs(op, dtype, kind, value) {
            continue;
        }
        let label = format!("{op} of {dtype} and {scalar:?}");
        let found = found.unwrap_or_else(|error| panic!("{label}: {error}"));
        assert_eq!(found.dtype(), dtype_named(case["result"]["dtype"].as_str().unwrap()), "{label}");
        let values = found.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
        let tolerance = match found.dtype() {
            DType::F64 => 1e-15,
            DType::F32 => 1e-7,
            DType::F16 => 2f64.powi(-10),
            DType::BF16 => 2f64.powi(-7),
            _ => 0.0,
        };
        let expected: Vec<f64> = case["result"]["values"].as_array().unwrap().iter().map(number).collect();
        for (found, expected) in values.iter().zip(&expected) {
            let near = (found - expected).abs() <= tolerance * expected.abs();
            assert!(
                near || found == expected || found.is_nan() && expected.is_nan(),
                "{label}: {values:?}, expected {expected:?}"
            );
        }
        compared += 1;
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn numbers_that_a_dtype_does_not_hold_are_refused() {
    let mask = Tensor::ones([2], DType::Bool).unwrap();
    let cases = [
        (DType::F16, Scalar::Float(-1e9)),
        (DType::F32, Scalar::Float(1e39)),
        (DType::BF16, Scalar::Float(3.4e38)),
        (DType::U8, Scalar::Int(256)),
        (DType::U8, Scalar::Int(-1)),
        (DType::I32, Scalar::Int(1 << 31)),
        (DType::I64, Scalar::Float(f64::NEG_INFINITY)),
        (DType::I64, Scalar::Float(f64::NAN)),
    ];
    for (dtype, value) in cases {
        let error = Tensor::zeros([2], dtype).unwrap().masked_fill(&mask, value).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument { argument: "value", .. }), "{error}");
        assert!(error.to_string().contains("a number that the tensor's dtype holds"), "{error}");
    }
    let error = Tensor::ones([2], DType::I32).unwrap().pow_scalar(-1).unwrap_err().to_string();
    assert!(error.starts_with("pow: exponent is -1, expected from 0 on for an integer tensor"), "{error}");
}

#[test]
fn tensors_of_two_dtypes_are_an_error_that_says_how_to_convert() {
    for left in DTYPES {
        for right in DTYPES.into_iter().filter(|&right| right != left) {
            let (a, b) = (Tensor::ones([2, 2], left).unwrap(), Tensor::ones([2, 2], right).unwrap());
            let refused =
                [a.add(&b), a.mul(&b), a.eq(&b), a.maximum(&b), a.matmul(&b), Tensor::cat(&[&a, &b], 0)];
            for error in refused.into_iter().map(Result::unwrap_err) {
                assert_eq!(*error.kind(), ErrorKind::DTypeMismatch { left, right });
                let text = error.to_string();
                assert!(
                    text.contains(&format!("operands are {left} and {right}; convert one with")),
                    "{text}"
                );
                assert!(text.contains(&format!("to_dtype(DType::{right:?})")), "{text}");
            }
        }
    }
}

#[test]
fn every_dtype_converts_to_every_other() {
    let values = [0.0, 1.0, 3.0, 200.0];
    for from in DTYPES {
        let x = Tensor::from_vec(values.to_vec(), [4]).unwrap().to_dtype(from).unwrap();
        for to in DTYPES {
            let y = x.to_dtype(to).unwrap();
            assert_eq!(y.dtype(), to);
            let truth = from == DType::Bool || to == DType::Bool;
            let expected = values.map(|v| if truth { f64::from(u8::from(v != 0.0)) } else { v });
            assert_eq!(y.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap(), expected, "{from} to {to}");
        }
    }
    // By way of f32, as PyTorch: rounded twice, 1 + 2⁻¹¹ + 2⁻³⁰ ends at 1.
    let twice = Tensor::scalar(1.0 + 2f64.powi(-11) + 2f64.powi(-30)).unwrap().to_dtype(DType::F16).unwrap();
    assert_eq!(twice.item::<f16>().unwrap().to_f32(), 1.0);
}

#[test]
fn halves_are_made_read_and_printed() {
    let x = Tensor::from_vec([1.0, -2.5, 65504.0].map(f16::from_f32).to_vec(), [3]).unwrap();
    assert_eq!(x.to_string(), "tensor([ 1.0000e+00, -2.5000e+00,  6.5504e+04], dtype=f16)");
    assert_eq!(x.as_slice::<f16>().unwrap()[1].to_f32(), -2.5);
    let y = Tensor::from_vec([0.1, 1.0].map(bf16::from_f32).to_vec(), [2]).unwrap();
    assert_eq!(y.to_string(), "tensor([0.1001, 1.0000], dtype=bf16)");
    assert_eq!(y.to_vec::<bf16>().unwrap()[0].to_bits(), 0x3dcd);
    let text = y.to_vec::<f16>().unwrap_err().to_string();
    assert!(text.contains("input is bf16, expected f16; convert with to_dtype(DType::F16)"), "{text}");
    for dtype in [DType::F16, DType::BF16] {
        assert!(dtype.is_float() && dtype.is_half() && dtype.size() == 2);
        let third = Tensor::full([2], 1.0 / 3.0, dtype).unwrap().to_dtype(DType::F64).unwrap();
        assert!((third.to_vec::<f64>().unwrap()[0] * 3.0 - 1.0).abs() < 2f64.powi(-8));
    }
}

#[test]
fn random_halves_are_pytorchs() {
    for case in recorded("random") {
        let (op, dtype) = (case["op"].as_str().unwrap(), dtype_named(case["dtype"].as_str().unwrap()));
        let shape = [case["shape"][0].as_u64().unwrap() as usize];
        let rng = Rng::seed(3);
        let x = match op {
            "rand" => rng.rand(shape, dtype),
            "uniform" => rng.uniform(shape, -0.1, 0.3, dtype),
            "randn" => rng.randn(shape, dtype),
            "normal" => rng.normal(shape, 1.5, 0.3, dtype),
            "exponential" => rng.exponential(shape, 1.5, dtype),
            "bernoulli" => rng.bernoulli(0.3, shape, dtype),
            other => panic!("{other}"),
        }
        .unwrap();
        let bits: Vec<u64> = x
            .to_le_bytes()
            .unwrap()
            .chunks_exact(2)
            .map(|b| u64::from(u16::from_le_bytes([b[0], b[1]])))
            .collect();
        let expected: Vec<u64> =
            case["bits"].as_array().unwrap().iter().map(|b| b.as_u64().unwrap()).collect();
        // The logarithm of normals may be off in f32's last bit, which can tip a rounding: one step of the half type.
        let off = bits.iter().zip(&expected).filter(|(a, b)| a != b).count();
        assert!(bits.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 1), "{op} {dtype} {shape:?}");
        assert!(off * 100 <= bits.len(), "{op} {dtype} {shape:?}: {off} are off");
        let next = rng.rand([1], DType::F32).unwrap().item::<f32>().unwrap();
        assert_eq!(
            (next * 16_777_216.0) as u64,
            case["next"].as_u64().unwrap(),
            "after {op} {dtype} {shape:?}"
        );
    }
}
