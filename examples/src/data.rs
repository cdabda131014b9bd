//! The images that the examples learn.

use std::path::{Path, PathBuf};
use train::data::{TensorDataset, csv, idx};
use train::prelude::*;
use train::tensor_core::{InterpolateMode, InterpolateOptions, Resize};

/// Where the data of the repository lies.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data")
}

/// The handwritten digits: images `[1797, 1, 8, 8]` of 0 … 1 and classes `[1797]`.
///
/// # Errors
/// If the file is missing or broken.
pub fn digits() -> Result<TensorDataset> {
    let table = csv::read(folder().join("digits/digits.csv.gz"), false)?;
    let pixels = table.narrow(1, 0, 64)?.div_scalar(16.0)?.to_dtype(DType::F32)?;
    let classes = table.select(1, 64)?.to_dtype(DType::I64)?;
    TensorDataset::new(pixels.reshape([-1, 1, 8, 8])?, classes)
}

/// The digits in two parts, four fifths to learn from and a fifth that is held out, as images `[1, size, size]`. The parts
/// are the same for every `--seed`, so that runs can be compared.
///
/// # Errors
/// If the file is missing or broken.
pub fn digits_split(size: usize) -> Result<[Subset<TensorDataset>; 2]> {
    let digits = digits()?;
    // To their own size, 8, bilinear interpolation changes nothing.
    let options = InterpolateOptions { mode: InterpolateMode::Bilinear, ..InterpolateOptions::default() };
    let images = digits.data().interpolate(Resize::Size(&[size]), options)?;
    let held_out = digits.len() / 5;
    let lengths = [digits.len() - held_out, held_out];
    random_split(TensorDataset::new(images, digits.target().clone())?, lengths, &Rng::seed(0))
}

/// What keeps Fashion-MNIST from being read.
pub const FASHION_MNIST_HINT: &str = "\
Fashion-MNIST is four files: {train,t10k}-images-idx3-ubyte.gz and {train,t10k}-labels-idx1-ubyte.gz (or unpacked,
without .gz). On Debian and Ubuntu: apt install dataset-fashion-mnist, then
--data /usr/share/datasets/fashion-mnist. Elsewhere: https://github.com/zalandoresearch/fashion-mnist";

/// Mean and deviation of the training pixels of Fashion-MNIST, as published with it.
const FASHION_MNIST_PIXELS: (f64, f64) = (0.2860, 0.3530);

/// Fashion-MNIST's training (`train`) or test (`t10k`) part: images `[N, 1, 28, 28]`, normalized, and classes `[N]`.
///
/// # Errors
/// If a file is missing or broken, or the two do not belong together.
pub fn fashion_mnist(folder: &Path, part: &str) -> Result<TensorDataset> {
    let images = idx::read(file(folder, &format!("{part}-images-idx3-ubyte")))?;
    let classes = idx::read(file(folder, &format!("{part}-labels-idx1-ubyte")))?;
    let (mean, deviation) = FASHION_MNIST_PIXELS;
    let pixels = images.to_dtype(DType::F32)?.div_scalar(255.0)?.sub_scalar(mean)?.div_scalar(deviation)?;
    TensorDataset::new(pixels.reshape([-1, 1, 28, 28])?, classes.to_dtype(DType::I64)?)
}

/// The compressed file, or the unpacked one where only that is there.
fn file(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.exists() { plain } else { folder.join(format!("{name}.gz")) }
}
