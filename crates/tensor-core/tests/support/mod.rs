//! What the tests of the file formats share.
#![allow(dead_code)] // Each test file uses its part.

use proptest::prelude::*;
use std::path::PathBuf;
use std::process::Command;
use tensor_core::{DType, ErrorKind, Result, Tensor};

/// All dtypes, those that NumPy has first.
pub const DTYPES: [DType; 8] =
    [DType::F32, DType::F64, DType::F16, DType::I64, DType::I32, DType::U8, DType::Bool, DType::BF16];

/// The dtype that prints as `name`.
pub fn dtype_named(name: &str) -> DType {
    DTYPES.into_iter().find(|dtype| dtype.to_string() == name).unwrap()
}

/// The dtypes that NumPy has.
pub fn numpy_dtypes() -> &'static [DType] {
    &DTYPES[..7]
}

/// Any tensor of one of these dtypes, of up to four small dimensions, empty and 0-d ones among them, of any bits; sometimes transposed.
pub fn any_tensor(dtypes: &'static [DType]) -> impl Strategy<Value = Tensor> {
    let shape = prop::collection::vec(0usize..5, 0..5);
    (shape, prop::sample::select(dtypes), any::<bool>()).prop_flat_map(|(shape, dtype, transposed)| {
        let bytes = shape.iter().product::<usize>() * dtype.size();
        prop::collection::vec(any::<u8>(), bytes).prop_map(move |mut bytes| {
            if dtype == DType::Bool {
                bytes.iter_mut().for_each(|b| *b &= 1);
            }
            let x = Tensor::from_le_bytes(&bytes, dtype, &shape).unwrap();
            if transposed && x.rank() > 1 { x.transpose(0, 1).unwrap() } else { x }
        })
    })
}

/// The same dtype, shape and bits.
#[track_caller]
pub fn assert_same(a: &Tensor, b: &Tensor) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
    assert_eq!(a.to_le_bytes().unwrap(), b.to_le_bytes().unwrap());
}

/// The offset and the reason of a format error.
#[track_caller]
pub fn format_error<T>(result: Result<T>) -> (u64, String) {
    match result.err().expect("an error").kind() {
        ErrorKind::Format { offset, reason, .. } => (*offset, reason.clone()),
        other => panic!("{other}"),
    }
}

/// Reads every beginning of `file`, which must be an error, and `file` with each single bit flipped, which must be a
/// tensor or an error.
pub fn cut_and_flip<T>(file: &[u8], read: impl Fn(&[u8]) -> Result<T>) {
    assert!(read(file).is_ok());
    for end in 0..file.len() {
        assert!(read(&file[..end]).is_err(), "cut at {end}");
    }
    let mut flipped = file.to_vec();
    for bit in 0..file.len() * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        let _ = read(&flipped);
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
}

/// A path of its own for a test, removed with its folder when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tensor_core_{name}_{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a Python script in the folder. False, said aloud, where there is no Python with this module.
pub fn python(module: &str, folder: &Scratch, script: &str) -> bool {
    let named = std::env::var("TORCH_PYTHON").or_else(|_| std::env::var("PYTHON"));
    let program = named.unwrap_or_else(|_| "python3".to_string());
    let run = |script: &str| Command::new(&program).args(["-c", script]).current_dir(&folder.0).output();
    if !run(&format!("import numpy, {module}")).is_ok_and(|done| done.status.success()) {
        println!("SKIP: {program} with {module} not found");
        return false;
    }
    let done = run(script).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    true
}
