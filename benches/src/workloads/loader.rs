//! `loader`: an epoch over Fashion-MNIST in shuffled batches of 64, on the loop's own thread and on two workers.
//!
//! `samples`: images are kept as bytes, and each is made normalised f32 when it is asked for. `tensors`: all are
//! normalised f32 in memory, in a `TensorDataset`. `indexed` is `tensors` again, beside what PyTorch users write where
//! the loader is too slow: no collate, one indexing with the indices of the whole batch.

use crate::measure::{Settings, Unit};
use std::path::Path;
use train::data::{Collate, DataLoader, Dataset, TensorDataset, idx};
use train::{DType, Result, Rng, Tensor};

const BATCH: usize = 64;
/// Where Debian's package dataset-fashion-mnist puts the files.
const FOLDER: &str = "/usr/share/datasets/fashion-mnist";
/// Images of the training part.
const IMAGES: usize = 60_000;
/// Mean and deviation of the training pixels, as published with them.
const PIXELS: (f64, f64) = (0.2860, 0.3530);

/// Images `[N, 28, 28]` of bytes and their classes.
struct Images {
    images: Tensor,
    classes: Vec<i64>,
}

impl Dataset for Images {
    type Sample = (Tensor, i64);

    fn len(&self) -> usize {
        self.classes.len()
    }

    fn get(&self, index: usize) -> Result<(Tensor, i64)> {
        Ok((normalised(&self.images.narrow(0, index as isize, 1)?)?, self.classes[index]))
    }
}

fn normalised(bytes: &Tensor) -> Result<Tensor> {
    let (mean, deviation) = PIXELS;
    Ok(bytes.to_dtype(DType::F32)?.div_scalar(255.0)?.sub_scalar(mean)?.div_scalar(deviation)?)
}

pub fn run(settings: &Settings) -> Result<()> {
    let images = read()?;
    let pixels = normalised(&images.images)?.unsqueeze(1)?;
    let classes = Tensor::from_vec(images.classes.clone(), [images.classes.len()])?;
    let tensors = TensorDataset::new(pixels, classes)?;
    epochs(settings, "loader_samples", images)?;
    epochs(settings, "loader_tensors", tensors.clone())?;
    epochs(settings, "loader_indexed", tensors)
}

/// The training images, or random ones of the same shape.
fn read() -> Result<Images> {
    let file = |name: &str| Path::new(FOLDER).join(name);
    let (images, classes) = (file("train-images-idx3-ubyte.gz"), file("train-labels-idx1-ubyte.gz"));
    if images.exists() && classes.exists() {
        let classes = idx::read(classes)?.to_dtype(DType::I64)?.to_vec()?;
        return Ok(Images { images: idx::read(images)?, classes });
    }
    println!("note: random images of the same shape, for there is no {FOLDER}");
    let rng = Rng::seed(0);
    let images = rng.randint(0, 256, [IMAGES, 28, 28])?.to_dtype(DType::U8)?;
    Ok(Images { images, classes: rng.randint(0, 10, [IMAGES])?.to_vec()? })
}

fn epochs<D>(settings: &Settings, name: &str, dataset: D) -> Result<()>
where
    D: Dataset<Sample: Collate<Batch: Send>> + Send + Sync + 'static,
{
    let samples = dataset.len() as f64;
    let mut loader = DataLoader::new(dataset, BATCH)?.shuffle(&Rng::seed(0));
    for workers in [0, 2] {
        loader = loader.workers(workers);
        settings.call(&format!("{name}_workers_{workers}"), Unit::Rate(samples, "samples/s"), || {
            loader.epoch(0).try_for_each(|batch| batch.map(drop))
        })?;
    }
    Ok(())
}
