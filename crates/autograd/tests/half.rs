//! Half precision against PyTorch's values and gradients, `fixtures/dtypes/half.json`, and, for every operation of the
//! table, against f64.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::ops::TABLE;
use autograd::testing::{Sample, Sampler};
use autograd::{Approximate, AvgPoolOptions, DType, MaxPoolOptions, Reduction, Tensor, Var, backward};
use serde_json::Value;
use tensor_core::Activation;

fn dtype_named(name: &str) -> DType {
    let dtypes = [DType::F32, DType::F16, DType::BF16, DType::I64, DType::Bool];
    dtypes.into_iter().find(|dtype| dtype.to_string() == name).unwrap()
}

fn tensor(stored: &Value) -> Tensor {
    let list = |key: &str| stored[key].as_array().into_iter().flatten();
    let shape: Vec<usize> = list("shape").map(|n| n.as_u64().unwrap() as usize).collect();
    let dtype = dtype_named(stored["dtype"].as_str().unwrap());
    if dtype.is_half() {
        let bytes: Vec<u8> = list("bits").flat_map(|b| (b.as_u64().unwrap() as u16).to_le_bytes()).collect();
        return Tensor::from_le_bytes(&bytes, dtype, shape).unwrap();
    }
    let number = |x: &Value| x.as_f64().unwrap_or_else(|| f64::from(u8::from(x == true)));
    Tensor::from_vec(list("values").map(number).collect(), shape).unwrap().to_dtype(dtype).unwrap()
}

fn call(op: &str, x: &[Var]) -> autograd::Result<Var> {
    let a = &x[0];
    match op {
        "add" => a.add(&x[1]),
        "sub" => a.sub(&x[1]),
        "mul" => a.mul(&x[1]),
        "div" => a.div(&x[1]),
        "maximum" => a.maximum(&x[1]),
        "minimum" => a.minimum(&x[1]),
        "neg" => a.neg(),
        "abs" => a.abs(),
        "exp" => a.exp(),
        "expm1" => a.expm1(),
        "log" => a.log(),
        "log1p" => a.log1p(),
        "sqrt" => a.sqrt(),
        "tanh" => a.tanh(),
        "sigmoid" => a.sigmoid(),
        "erf" => a.erf(),
        "relu" => a.relu(),
        "gelu" => a.gelu(Approximate::None),
        "gelu_tanh" => a.gelu(Approximate::Tanh),
        "silu" => a.silu(),
        "clamp" => a.clamp(Some(-0.3), Some(0.7)),
        "add_scalar" => a.add_scalar(0.1),
        "mul_scalar" => a.mul_scalar(0.3),
        "div_scalar" => a.div_scalar(0.3),
        "pow_scalar" => a.pow_scalar(1.7),
        "square" => a.pow_scalar(2),
        "sum" => a.sum(),
        "sum_dim" => a.sum_dim(0, false),
        "mean" => a.mean(),
        "mean_dim" => a.mean_dim(1, false),
        "amax" => a.amax(1, false),
        "max_dim" => Ok(a.max_dim(1, false)?.0),
        "cumsum" => a.cumsum(1),
        "softmax" => a.softmax(-1),
        "log_softmax" => a.log_softmax(-1),
        "layer_norm" => a.layer_norm([8], Some(&x[1]), Some(&x[2]), 1e-5),
        "rms_norm" => a.rms_norm([8], Some(&x[1]), 1e-6),
        "batch_norm" => Ok(a.batch_norm(Some(&x[1]), Some(&x[2]), 1e-5)?.0),
        "cross_entropy" => a.cross_entropy(x[1].detach()),
        "mse_loss" => a.mse_loss(&x[1], Reduction::Mean),
        "matmul" | "bmm" => a.matmul(&x[1]),
        "linear" => a.linear(&x[1], Some(&x[2]), Activation::Identity),
        "conv2d" => {
            a.conv2d(&x[1], Some(&x[2]), autograd::ConvOptions { padding: 1.into(), ..Default::default() })
        }
        "max_pool2d" => a.max_pool2d(MaxPoolOptions::new([2, 2])),
        "avg_pool2d" => a.avg_pool2d(AvgPoolOptions::new([2, 2])),
        "index_select" => a.index_select(0, &x[1].detach()),
        "embedding" => a.embedding(&x[1].detach(), None),
        "cat" => Var::cat(&[a, &x[1]], 0),
        "where" => a.where_cond(&a.detach().gt(&x[1].detach())?, &x[1]),
        "transpose" => a.transpose(0, 1),
        "to_f32" => a.to_dtype(DType::F32),
        "to_i64" => Ok(a.detach().to_dtype(DType::I64)?.into()),
        "gt" => Ok(a.detach().gt(&x[1].detach())?.into()),
        other => panic!("{other}"),
    }
}

/// The largest difference in steps of the half type, at the magnitude of the element or, `at_scale`, of the tensor.
fn steps(found: &Tensor, expected: &Tensor, at_scale: bool) -> f64 {
    assert_eq!((found.dtype(), found.shape()), (expected.dtype(), expected.shape()));
    let values = |x: &Tensor| x.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
    let (digits, smallest) = match found.dtype() {
        DType::F16 => (10, -14),
        DType::BF16 => (7, -126),
        _ => {
            return if found.to_le_bytes().unwrap() == expected.to_le_bytes().unwrap() {
                0.0
            } else {
                f64::INFINITY
            };
        }
    };
    let (found, expected) = (values(found), values(expected));
    let scale = if at_scale { expected.iter().fold(0.0f64, |m, v| m.max(v.abs())) } else { 0.0 };
    let distance = |(a, b): (&f64, &f64)| {
        let exponent = scale.max(b.abs()).log2().floor().max(f64::from(smallest));
        (a - b).abs() / 2f64.powf(exponent - f64::from(digits))
    };
    found.iter().zip(&expected).map(distance).fold(0.0, f64::max)
}

#[test]
fn values_and_gradients_are_pytorchs_to_a_step() {
    let path = format!("{}/../../fixtures/dtypes/half.json", env!("CARGO_MANIFEST_DIR"));
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for case in &cases {
        let op = case["op"].as_str().unwrap();
        let inputs: Vec<Var> = case["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(tensor)
            .map(|x| if x.dtype().is_float() { Var::leaf(x).unwrap() } else { Var::from(x) })
            .collect();
        let label = format!("{op} of {}", case["dtype"]);
        let y = call(op, &inputs).unwrap_or_else(|error| panic!("{label}: {error}"));
        // PyTorch keeps the scale and shift of a channel in half precision: where they cancel, it has fewer digits.
        let off = steps(&y.detach(), &tensor(&case["output"]), op == "batch_norm");
        assert!(off <= 1.0, "{label}: {off} steps");
        if case["grads"].is_null() {
            continue;
        }
        backward(&[&y], &[Some(&tensor(&case["cotangent"]))], false).unwrap();
        let grads = inputs.iter().filter_map(Var::grad);
        for (i, (found, expected)) in grads.zip(case["grads"].as_array().unwrap()).enumerate() {
            let off = steps(&found, &tensor(expected), true);
            // PyTorch keeps mean and deviation of a row in half precision, we in f32.
            let allowed = if op == "layer_norm" { 3.0 } else { 1.0 };
            assert!(off <= allowed, "{label}: gradient {i} is {off} steps off");
        }
    }
    assert_eq!(cases.len(), 108);
}

/// Output and gradients of a call of the table.
fn run(sample: &Sample, inputs: &[Tensor]) -> autograd::Result<Vec<Tensor>> {
    let leaf = |x: &Tensor| if x.dtype().is_float() { Var::leaf(x.clone()) } else { Ok(x.into()) };
    let inputs = inputs.iter().map(leaf).collect::<autograd::Result<Vec<_>>>()?;
    let y = (sample.call)(&inputs)?;
    let mut results = vec![y.detach()];
    if y.requires_grad() {
        let seed: Vec<f64> = (0..y.numel()).map(|i| ((i * 5 + 1) % 7) as f64 / 4.0 - 0.75).collect();
        backward(&[&y], &[Some(&Tensor::from_vec(seed, y.shape())?.to_dtype(y.dtype())?)], false)?;
        results.extend(inputs.iter().filter_map(Var::grad));
    }
    Ok(results)
}

/// Whether all results are those of f64 up to a few roundings; an error where the dtype is another.
fn agree(half: &[Tensor], double: &[Tensor], dtype: DType, epsilon: f64) -> Result<bool, String> {
    let values = |x: &Tensor| x.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
    for (h, d) in half.iter().zip(double) {
        if d.dtype() == DType::F64 && h.dtype() != dtype {
            return Err(format!("gives {}", h.dtype()));
        }
        let (h, d) = (values(h), values(d));
        let scale = d.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        let near =
            |h: f64, d: f64| (h - d).abs() <= 16.0 * epsilon * scale || h == d || h.is_nan() && d.is_nan();
        if !h.iter().zip(&d).all(|(h, d)| near(*h, *d)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[test]
fn every_operation_works_in_half_precision() {
    const SEEDS: u64 = 32;
    for (dtype, epsilon) in [(DType::F16, 2f64.powi(-10)), (DType::BF16, 2f64.powi(-7))] {
        // What converts to f64 is no operation in half precision.
        for row in TABLE.iter().filter(|row| row.name != "to_dtype") {
            let mut apart = 0;
            for seed in 0..SEEDS {
                let sample = (row.sample)(&mut Sampler::with_max_size(seed, 4)).unwrap();
                let to = |dtype: DType, inputs: &[Tensor]| -> Vec<Tensor> {
                    let to = |x: &Tensor| {
                        if x.dtype().is_float() { x.to_dtype(dtype).unwrap() } else { x.clone() }
                    };
                    inputs.iter().map(to).collect()
                };
                let inputs = to(dtype, &sample.inputs);
                let outcome = run(&sample, &inputs)
                    .and_then(|half| Ok((half, run(&sample, &to(DType::F64, &inputs))?)))
                    .map_err(|error| error.to_string())
                    .and_then(|(half, double)| agree(&half, &double, dtype, epsilon));
                match outcome {
                    Ok(agrees) => apart += usize::from(!agrees),
                    Err(reason) => panic!("{} of {dtype}, seed {seed}: {reason}", row.name),
                }
            }
            // A rounding can tip a comparison inside of an operation, and be large beside what cancels.
            assert!(apart <= 3, "{} of {dtype}: {apart} of {SEEDS} calls are far from f64", row.name);
        }
    }
}
