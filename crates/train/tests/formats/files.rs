//! Small files of each format that are right: what damage begins with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use train::checkpoint::Checkpoint;
use train::optim::{Dict, OptionValue, Value};
use train::tensor_core::io::{npz, pt, safetensors};
use train::{DType, Tensor};

fn matrix(dtype: DType) -> Tensor {
    Tensor::arange(0.0, 6.0, 1.0, DType::I64).unwrap().reshape([2, 3]).unwrap().to_dtype(dtype).unwrap()
}

/// A matrix, a list of truth values and a number.
fn tensors() -> BTreeMap<String, Tensor> {
    let mask = Tensor::from_vec(vec![true, false], [2]).unwrap();
    let tensors = [("w", matrix(DType::F32)), ("mask", mask), ("n", Tensor::scalar(7i64).unwrap())];
    tensors.map(|(name, tensor)| (name.to_string(), tensor)).into()
}

/// A state of every kind of value.
fn state() -> Dict {
    let step = Value::Dict([("step".to_string(), Value::Int(3))].into());
    let entries = [
        ("tensors", tensors().to_value()),
        ("state", Value::IntDict([(0, step)].into())),
        ("pair", Value::Tuple(vec![Value::Float(0.9), Value::Float(f64::INFINITY)])),
        ("list", Value::List(vec![Value::None, Value::Bool(true), Value::Str("a \"ü\"\n".into())])),
    ];
    entries.map(|(name, value)| (name.to_string(), value)).into()
}

/// What `write` leaves in a file.
fn written(name: &str, write: impl FnOnce(&std::path::Path)) -> Vec<u8> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let own =
        format!("train-formats-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(own);
    write(&path);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    bytes
}

pub fn idx() -> Vec<Vec<u8>> {
    let floats = [&[0, 0, 0x0d, 1, 0, 0, 0, 2][..], &1.5f32.to_be_bytes(), &2.5f32.to_be_bytes()].concat();
    vec![vec![0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30], floats]
}

pub fn gz() -> Vec<Vec<u8>> {
    let pack = |bytes: Vec<u8>| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &bytes).unwrap();
        encoder.finish().unwrap()
    };
    idx().into_iter().map(pack).collect()
}

pub fn csv() -> Vec<Vec<u8>> {
    vec![b"1,2.5\n-3e4,\"4\"\r\n\n0.1, inf\n".to_vec()]
}

pub fn npy() -> Vec<Vec<u8>> {
    let fortran = matrix(DType::F64).to_npy().unwrap();
    let place = fortran.windows(5).position(|text| text == b"False").unwrap();
    let fortran = [&fortran[..place], b"True ", &fortran[place + 5..]].concat();
    vec![matrix(DType::F32).to_npy().unwrap(), matrix(DType::Bool).to_npy().unwrap(), fortran]
}

pub fn npz() -> Vec<Vec<u8>> {
    let one = |compression| written("npz", |path| npz::write(path, &tensors(), compression).unwrap());
    vec![one(npz::Compression::Stored), one(npz::Compression::Deflated)]
}

pub fn safetensors() -> Vec<Vec<u8>> {
    let metadata = BTreeMap::from([("key".to_string(), "a \"ü\"\n".to_string())]);
    vec![safetensors::to_bytes(&tensors(), &metadata).unwrap()]
}

pub fn pt() -> Vec<Vec<u8>> {
    vec![written("pt", |path| pt::write(path, &Value::Dict(state())).unwrap())]
}

pub fn checkpoint() -> Vec<Vec<u8>> {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("state", &state());
    checkpoint.put("step", &7usize);
    vec![checkpoint.to_bytes().unwrap()]
}

pub fn image() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images");
    ["rgba.png", "palette.png", "baseline.jpg", "progressive.jpg"]
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .into()
}
