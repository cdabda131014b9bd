//! The formats that are read from files nobody vouches for: one function each, which tests and fuzzers call with any
//! bytes. What it reads it must be able to write, and to read again as the same.
//!
//! `fuzz/` includes this file.
#![allow(dead_code, reason = "a fuzz target uses one of the formats")]

mod files;

use train::Tensor;
use train::checkpoint::Checkpoint;
use train::data::{csv, idx};
use train::optim::Value;
use train::tensor_core::io::{npz, pt, safetensors};

/// A format by its name.
pub struct Format {
    pub name: &'static str,
    /// Reads the bytes of a file, and says what is wrong with it.
    pub read: fn(&[u8]) -> Result<(), String>,
    /// Files that are right.
    pub files: fn() -> Vec<Vec<u8>>,
}

pub const ALL: &[Format] = &[
    Format { name: "idx", read: idx, files: files::idx },
    Format { name: "gz", read: gz, files: files::gz },
    Format { name: "csv", read: csv, files: files::csv },
    Format { name: "npy", read: npy, files: files::npy },
    Format { name: "npz", read: npz, files: files::npz },
    Format { name: "safetensors", read: safetensors, files: files::safetensors },
    Format { name: "pt", read: pt, files: files::pt },
    Format { name: "checkpoint", read: checkpoint, files: files::checkpoint },
    Format { name: "image", read: image, files: files::image },
];

/// The most bytes that an archive's arrays may have in these tests.
pub const NPZ_LIMIT: u64 = 1 << 20;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

pub fn idx(bytes: &[u8]) -> Result<(), String> {
    // Compressed data is the next format's.
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err("compressed".into());
    }
    let tensor = idx::from_bytes("file", bytes).map_err(text)?;
    assert!(tensor.numel() * tensor.dtype().size() < bytes.len());
    Ok(())
}

pub fn gz(bytes: &[u8]) -> Result<(), String> {
    idx::from_bytes("file", bytes).map(drop).map_err(text)
}

pub fn csv(bytes: &[u8]) -> Result<(), String> {
    let table = csv::from_bytes("file", bytes, false).map_err(text)?;
    assert_eq!(table.rank(), 2);
    assert!(table.numel() <= bytes.len());
    Ok(())
}

pub fn npy(bytes: &[u8]) -> Result<(), String> {
    let tensor = Tensor::from_npy(bytes).map_err(text)?;
    let written = tensor.to_npy().map_err(text)?;
    assert_same(&tensor, &Tensor::from_npy(&written).map_err(text)?);
    Ok(())
}

pub fn npz(bytes: &[u8]) -> Result<(), String> {
    let tensors = npz::from_bytes(bytes, NPZ_LIMIT).map_err(text)?;
    let held: usize = tensors.values().map(|tensor| tensor.numel() * tensor.dtype().size()).sum();
    assert!(held as u64 <= NPZ_LIMIT);
    Ok(())
}

pub fn safetensors(bytes: &[u8]) -> Result<(), String> {
    let read = safetensors::from_bytes(bytes).map_err(text)?;
    let written = safetensors::to_bytes(&read.tensors, &read.metadata).map_err(text)?;
    let again = safetensors::from_bytes(&written).map_err(text)?;
    assert_eq!(again.metadata, read.metadata);
    assert!(again.tensors.keys().eq(read.tensors.keys()));
    read.tensors.iter().for_each(|(name, tensor)| assert_same(tensor, &again.tensors[name]));
    Ok(())
}

pub fn pt(bytes: &[u8]) -> Result<(), String> {
    pt::from_bytes(bytes).map(drop).map_err(text)
}

pub fn checkpoint(bytes: &[u8]) -> Result<(), String> {
    let read = Checkpoint::from_bytes(bytes).map_err(text)?;
    let written = read.to_bytes().map_err(text)?;
    assert_eq!(Checkpoint::from_bytes(&written).map_err(text)?, read);
    Ok(())
}

pub fn image(bytes: &[u8]) -> Result<(), String> {
    let image = train::data::image::from_bytes("file", bytes).map_err(text)?;
    assert_eq!(image.shape()[0], 3);
    Ok(())
}

fn assert_same(a: &Tensor, b: &Tensor) {
    assert_eq!(Value::Tensor(a.clone()), Value::Tensor(b.clone()));
}
