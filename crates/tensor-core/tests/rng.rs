//! The generator against PyTorch's recorded streams: `fixtures/rng`, whose README states the rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use tensor_core::{DType, ErrorKind, Result, Rng, Tensor};

const SEEDS: [u64; 4] = [0, 1, 42, (1 << 40) + 7];

fn recorded(seed: u64) -> Value {
    let path = format!("{}/../../fixtures/rng/seed_{seed}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

fn dtype_of(entry: &Value) -> DType {
    match entry["dtype"].as_str().unwrap() {
        "float32" => DType::F32,
        "float64" => DType::F64,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        other => panic!("{other}"),
    }
}

/// The numbers between the last `open` of the call and the next `)`: `-2**62`, `2**28 - 1`, `0.3`.
fn arguments(call: &str, open: &str) -> Vec<f64> {
    let rest = &call[call.rfind(open).unwrap() + open.len()..];
    let inside = rest.split([')', '(']).next().unwrap();
    inside.split(',').map(str::trim).filter(|a| !a.is_empty() && !a.contains('=')).map(sum).collect()
}

fn sum(text: &str) -> f64 {
    integer(text).map_or_else(|| text.parse().unwrap(), |x| x as f64)
}

/// A sum of integers and powers of two.
fn integer(text: &str) -> Option<i64> {
    let mut total = 0i64;
    for term in text.replace(" - ", " + -").split(" + ") {
        let (sign, term) = term.strip_prefix('-').map_or((1, term), |t| (-1, t));
        let power = match term.split_once("**") {
            Some((base, exponent)) => base.parse::<i64>().ok()?.pow(exponent.parse().ok()?),
            None => term.parse().ok()?,
        };
        total += sign * power;
    }
    Some(total)
}

/// Makes the recorded call; `None` where the crate has no such call.
fn draw(rng: &Rng, entry: &Value) -> Result<Option<Tensor>> {
    let call = entry["call"].as_str().unwrap();
    let shape: Vec<usize> =
        list(entry, "shape").iter().map(|n| n.as_u64().unwrap().try_into().unwrap()).collect();
    let dtype = dtype_of(entry);
    let two = |open: &str| {
        let found = arguments(call, open);
        (found[0], found[1])
    };
    Ok(Some(if call.starts_with("torch.randperm") {
        rng.randperm(shape[0])?
    } else if call.starts_with("torch.randint") {
        let inside = call.trim_start_matches("torch.randint(");
        let mut bounds = inside.split(", ").map(|text| integer(text).unwrap());
        let (low, high) = (bounds.next().unwrap(), bounds.next().unwrap());
        rng.randint(low, high, shape)?.to_dtype(dtype)?
    } else if call.starts_with("torch.randn") {
        rng.randn(shape, dtype)?
    } else if call.starts_with("torch.rand") {
        rng.rand(shape, dtype)?
    } else if call.contains(".normal_") {
        let (mean, std) = two(".normal_(");
        rng.normal(shape, mean, std, dtype)?
    } else if call.contains(".uniform_") {
        let (from, to) = two(".uniform_(");
        rng.uniform(shape, from, to, dtype)?
    } else if call.contains(".exponential_") {
        rng.exponential(shape, arguments(call, ".exponential_(")[0], dtype)?
    } else if call.contains(".bernoulli_") {
        rng.bernoulli(arguments(call, ".bernoulli_(")[0], shape, dtype)?
    } else if call.ends_with(".random_()") {
        let values: Vec<i64> = (0..shape[0]).map(|_| (rng.next_u64() % (1 << 63)) as i64).collect();
        Tensor::from_vec(values, shape)?
    } else if call.starts_with("F.dropout") {
        let scale = Tensor::full(&shape, 1.0 - 0.3, dtype)?;
        rng.bernoulli(1.0 - 0.3, shape, dtype)?.div(&scale)?
    } else if call.starts_with("torch.bernoulli(") {
        let wide = call.contains("float64");
        rng.bernoulli_each(&Tensor::full(&shape, 0.3, if wide { DType::F64 } else { DType::F32 })?)?
    } else if call.starts_with("torch.multinomial(") {
        let dtype = if call.contains("float64") { DType::F64 } else { DType::F32 };
        let weights = match shape.len() {
            1 => Tensor::from_vec(vec![0.1f32, 0.2, 0.3, 0.4], [4])?,
            _ => Tensor::linspace(0.0, 1.0, 60, dtype)?.reshape([3, 20])?,
        };
        rng.multinomial(&weights, *shape.last().unwrap(), call.contains("replacement"))?
    } else if call.contains("DataLoader") {
        rng.next_u64();
        let seed = rng.next_u64() % (1 << 63);
        Rng::seed(seed).randperm(shape[0])?
    } else {
        return Ok(None);
    }))
}

/// The elements as the fixture's checksum takes them.
fn elements(tensor: &Tensor) -> Vec<u64> {
    match tensor.dtype() {
        DType::F32 => tensor.to_vec::<f32>().unwrap().iter().map(|x| u64::from(x.to_bits())).collect(),
        DType::F64 => tensor.to_vec::<f64>().unwrap().iter().map(|x| x.to_bits()).collect(),
        _ => {
            let wide = tensor.to_dtype(DType::I64).unwrap();
            wide.to_vec::<i64>().unwrap().iter().map(|&x| x as u64).collect()
        }
    }
}

fn checksum(elements: &[u64]) -> u64 {
    elements.iter().fold(0u64, |h, &x| h.wrapping_mul(31).wrapping_add(x))
}

/// Compares with the recorded value, bit for bit, and all elements by their checksum.
fn compare(entry: &Value, found: &Tensor, place: &str) {
    let found_elements = elements(found);
    let key = if found.dtype().is_float() { "bits" } else { "values" };
    let expected: Vec<u64> = list(entry, key)
        .iter()
        .map(|x| x.as_u64().or_else(|| x.as_i64().map(|x| x as u64)).unwrap_or_else(|| u64::from(x == true)))
        .collect();
    assert_eq!(found_elements[..expected.len()], expected, "{place}");
    assert_eq!(checksum(&found_elements), entry["checksum"].as_u64().unwrap(), "{place}");
}

#[test]
fn words_are_those_of_the_mersenne_twister() {
    for seed in SEEDS {
        let rng = Rng::seed(seed);
        for word in list(&recorded(seed), "words") {
            assert_eq!(u64::from(rng.next_u32()), word.as_u64().unwrap());
        }
        assert_eq!(rng.initial_seed(), seed);
    }
}

#[test]
fn single_calls_draw_what_pytorch_draws() {
    for seed in SEEDS {
        let mut made = 0;
        for entry in list(&recorded(seed), "single") {
            let call = entry["call"].as_str().unwrap();
            let found = draw(&Rng::seed(seed), entry).unwrap();
            let found = found.unwrap_or_else(|| panic!("{call} is not made"));
            compare(entry, &found, &format!("seed {seed}: {call}"));
            made += 1;
        }
        assert_eq!(made, 43);
    }
}

#[test]
fn default_initialisation_of_modules_is_pytorchs() {
    for seed in SEEDS {
        for entry in list(&recorded(seed), "modules") {
            let call = entry["call"].as_str().unwrap();
            let rng = Rng::seed(seed);
            let parameters = entry["parameters"].as_object().unwrap();
            // A layer's weight comes before its bias, whose bound takes the weight's fan-in.
            let mut names: Vec<_> = parameters.keys().collect();
            names.sort_by_key(|name| {
                let (layer, kind) = name.rsplit_once('.').unwrap_or(("", name));
                (layer.to_string(), kind != "weight")
            });
            let mut fan_in = 0.0f64;
            for name in names {
                let expected = &parameters[name];
                let shape: Vec<usize> =
                    list(expected, "shape").iter().map(|n| n.as_u64().unwrap() as usize).collect();
                let found = if call.contains("Embedding") {
                    rng.randn(shape, DType::F32)
                } else {
                    let mut bound = 1.0 / fan_in.sqrt();
                    if name.ends_with("weight") {
                        fan_in = shape[1..].iter().product::<usize>() as f64;
                        let gain = (2.0 / (1.0 + 5.0f64.sqrt().powi(2))).sqrt();
                        bound = 3.0f64.sqrt() * (gain / fan_in.sqrt());
                    }
                    rng.uniform(shape, -bound, bound, DType::F32)
                };
                compare(expected, &found.unwrap(), &format!("seed {seed}: {call} {name}"));
            }
        }
    }
}

fn compare_state(rng: &Rng, expected: &Value, place: &str) {
    let bytes = rng.state();
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let u32_at = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
    let state: Vec<u64> = (0..624).map(|j| u64_at(24 + 8 * j)).collect();
    let number = |key: &str| expected[key].as_u64().unwrap();
    assert_eq!(bytes.len() as u64, number("bytes"), "{place}");
    assert_eq!(u64_at(0), number("seed"), "{place}");
    assert_eq!(u32_at(8), number("left"), "{place}");
    assert_eq!(u32_at(12), number("seeded"), "{place}");
    assert_eq!(u64_at(16), number("next"), "{place}");
    assert_eq!(checksum(&state), number("state_checksum"), "{place}");
    assert_eq!(u32_at(5040), number("normal_is_valid"), "{place}");
    if number("normal_is_valid") == 1 {
        assert_eq!(u64_at(5024), number("normal_y_bits"), "{place}");
    }
}

#[test]
fn a_sequence_of_calls_passes_through_pytorchs_states() {
    for seed in SEEDS {
        let file = recorded(seed);
        let states = list(&file, "states");
        let rng = Rng::seed(seed);
        compare_state(&rng, &states[0], "start");
        for (entry, state) in list(&file, "sequence").iter().zip(&states[1..]) {
            let call = entry["call"].as_str().unwrap();
            // From each state on a restored generator draws the same.
            let restored = Rng::from_state(&rng.state()).unwrap();
            let found = draw(&rng, entry).unwrap().unwrap();
            compare(entry, &found, call);
            assert_eq!(elements(&draw(&restored, entry).unwrap().unwrap()), elements(&found), "{call}");
            assert_eq!(restored.state(), rng.state());
            compare_state(&rng, state, call);
        }
    }
}

#[test]
fn bad_state_bytes_are_an_error_with_their_place() {
    let good = Rng::seed(7).state();
    let offset = |bytes: &[u8]| match Rng::from_state(bytes).unwrap_err().kind() {
        ErrorKind::Format { offset, .. } => *offset,
        other => panic!("{other}"),
    };
    assert_eq!(offset(&good[..5055]), 5055);
    assert_eq!(offset(&[]), 0);
    assert_eq!(offset(&[good.clone(), vec![0]].concat()), 5056);
    // Byte, value, and the place that the error names.
    for (at, value, place) in
        [(12, 0, 12), (8, 2, 8), (16, 1, 8), (17, 3, 16), (28, 1, 24), (5040, 2, 5040), (5052, 1, 5052)]
    {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(offset(&bad), place, "byte {at}");
    }
    let mut bad = good;
    bad[5024..5032].copy_from_slice(&f64::NAN.to_le_bytes());
    bad[5040] = 1;
    assert_eq!(offset(&bad), 5024);
}

#[test]
fn wrong_arguments_are_errors_and_draw_nothing() {
    let rng = Rng::seed(3);
    let before = rng.state();
    assert!(
        rng.randint(5, 5, [2]).unwrap_err().to_string().starts_with("randint: low, high is 5, 5, expected")
    );
    assert!(rng.uniform([2], 1.0, 0.5, DType::F32).is_err());
    assert!(rng.uniform([2], f64::NAN, 0.5, DType::F32).is_err());
    assert!(rng.uniform([2], -1e300, 1e300, DType::F32).is_err());
    assert!(rng.uniform([2], -f64::MAX, f64::MAX, DType::F64).is_err());
    assert!(rng.normal([2], 0.0, -1.0, DType::F32).is_err());
    assert!(rng.normal([2], f64::INFINITY, 1.0, DType::F32).is_err());
    assert!(rng.bernoulli(1.5, [2], DType::F32).is_err());
    assert!(rng.bernoulli(f64::NAN, [2], DType::F32).is_err());
    assert!(rng.exponential([2], 0.0, DType::F32).is_err());
    assert!(matches!(rng.rand([2], DType::I64).unwrap_err().kind(), ErrorKind::DType { .. }));
    assert!(matches!(rng.randperm(usize::MAX).unwrap_err().kind(), ErrorKind::ShapeOverflow { .. }));
    assert!(matches!(rng.randperm(1 << 57).unwrap_err().kind(), ErrorKind::OutOfMemory { .. }));
    assert_eq!(rng.state(), before);
}

#[test]
fn the_widest_ranges_and_empty_shapes_work() {
    let rng = Rng::seed(9);
    let all = rng.randint(i64::MIN, i64::MAX, [1000]).unwrap().to_vec::<i64>().unwrap();
    assert!(all.iter().any(|&x| x < 0) && all.iter().any(|&x| x > 0));
    assert_eq!(rng.rand([0, 3], DType::F32).unwrap().numel(), 0);
    assert_eq!(rng.randn([0], DType::F64).unwrap().numel(), 0);
    assert_eq!(rng.uniform([3], 2.0, 2.0, DType::F64).unwrap().to_vec::<f64>().unwrap(), [2.0; 3]);
    assert_eq!(rng.initial_seed(), 9);
}

#[test]
fn a_clone_is_a_handle_on_the_same_generator() {
    let (rng, alone) = (Rng::seed(5), Rng::seed(5));
    let handle = rng.clone();
    let words: Vec<u32> = (0..4).map(|_| alone.next_u32()).collect();
    assert_eq!([rng.next_u32(), handle.next_u32(), rng.next_u32(), handle.next_u32()], words[..]);

    let saved = rng.state();
    let next = handle.next_u64();
    rng.set_state(&saved).unwrap();
    assert_eq!(handle.next_u64(), next, "every handle goes back");
    assert!(rng.set_state(&saved[1..]).is_err());
}
