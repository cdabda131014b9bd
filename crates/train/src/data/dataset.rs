//! Sets of samples that are reached by an index.

use super::Collate;
use crate::{Error, Result};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use tensor_core::Tensor;

/// A finite set of samples: PyTorch's map-style `Dataset`. A set of one's own needs [`len`](Dataset::len) and
/// [`get`](Dataset::get); where many samples are cheaper to get together, also [`batch`](Dataset::batch).
///
/// ```
/// use train::data::{DataLoader, Dataset};
/// use train::{Result, Tensor};
///
/// /// The points of y = x².
/// struct Parabola;
///
/// impl Dataset for Parabola {
///     type Sample = (f32, f32);
///
///     fn len(&self) -> usize {
///         5
///     }
///
///     fn get(&self, index: usize) -> Result<(f32, f32)> {
///         let x = index as f32;
///         Ok((x, x * x))
///     }
/// }
///
/// let loader = DataLoader::new(Parabola, 2)?;
/// let ys = loader.epoch(0).map(|batch| Ok(batch?.1.to_vec::<f32>()?)).collect::<Result<Vec<_>>>()?;
/// assert_eq!(ys, [vec![0.0, 1.0], vec![4.0, 9.0], vec![16.0]]);
/// # Ok::<(), train::Error>(())
/// ```
pub trait Dataset {
    /// One sample, such as `(Tensor, i64)`: an image and its class.
    type Sample: Collate;

    /// The number of samples.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sample at `index`, which is below [`len`](Dataset::len).
    ///
    /// # Errors
    /// Whatever keeps the sample from being read; the loader adds the index.
    fn get(&self, index: usize) -> Result<Self::Sample>;

    /// The samples at `indices`, put together in this order.
    ///
    /// # Errors
    /// The first sample's that fails, as [`Error::Sample`].
    fn batch(&self, indices: &[usize]) -> Result<<Self::Sample as Collate>::Batch> {
        collate(self, indices)
    }
}

/// The samples one by one, put together.
pub(super) fn collate<D: Dataset + ?Sized>(
    dataset: &D,
    indices: &[usize],
) -> Result<<D::Sample as Collate>::Batch> {
    let sample = |&index: &usize| {
        under_way(Some(index));
        dataset.get(index).map_err(|error| Error::Sample { index, source: Box::new(error) })
    };
    let samples = indices.iter().map(sample).collect::<Result<Vec<_>>>();
    under_way(None);
    Collate::collate(samples?)
}

thread_local! {
    static UNDER_WAY: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Notes the sample that this thread is getting, and returns the one noted before: what a worker that panics is
/// reported with.
pub(super) fn under_way(index: Option<usize>) -> Option<usize> {
    UNDER_WAY.replace(index)
}

macro_rules! through {
    ($($t:ty),*) => {$(
        impl<D: Dataset + ?Sized> Dataset for $t {
            type Sample = D::Sample;

            fn len(&self) -> usize {
                (**self).len()
            }

            fn get(&self, index: usize) -> Result<D::Sample> {
                (**self).get(index)
            }

            fn batch(&self, indices: &[usize]) -> Result<<D::Sample as Collate>::Batch> {
                (**self).batch(indices)
            }
        }
    )*};
}
through!(&D, Arc<D>, Box<D>);

/// Features and targets in memory, one sample a row of each: `torch.utils.data.TensorDataset` of two tensors. A batch
/// is gathered in one pass, without a tensor for each sample.
#[derive(Clone, Debug)]
pub struct TensorDataset {
    data: Tensor,
    target: Tensor,
}

impl TensorDataset {
    /// The samples `(data[i], target[i])`.
    ///
    /// # Errors
    /// If the sizes of dimension 0 differ, or one has no dimension.
    pub fn new(data: Tensor, target: Tensor) -> Result<Self> {
        match (data.shape().first(), target.shape().first()) {
            (Some(n), Some(m)) if n == m => Ok(Self { data, target }),
            _ => {
                let (data, target) = (data.shape().to_vec(), target.shape().to_vec());
                Err(Error::SampleCount { op: "TensorDataset::new", data, target })
            }
        }
    }

    /// Features and targets from two `.npy` files.
    ///
    /// ```
    /// use train::data::{Dataset, TensorDataset};
    /// use train::{DType, Tensor};
    ///
    /// let path = |name: &str| std::env::temp_dir().join(name);
    /// Tensor::zeros([5, 2], DType::F32)?.write_npy(path("train_doc_x.npy"))?;
    /// Tensor::zeros([5], DType::I64)?.write_npy(path("train_doc_y.npy"))?;
    /// let data = TensorDataset::from_npy(path("train_doc_x.npy"), path("train_doc_y.npy"))?;
    /// assert_eq!(data.len(), 5);
    /// # for name in ["train_doc_x.npy", "train_doc_y.npy"] { std::fs::remove_file(path(name)).ok(); }
    /// # Ok::<(), train::Error>(())
    /// ```
    ///
    /// # Errors
    /// If a file cannot be read or is malformed, or the two do not hold equally many samples.
    pub fn from_npy(data: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<Self> {
        Self::new(Tensor::read_npy(data)?, Tensor::read_npy(target)?)
    }

    /// Features and targets from the arrays of these names in an `.npz` file.
    ///
    /// # Errors
    /// If the file cannot be read or is malformed, unpacks to more than 200 times its size, an array is missing, or the
    /// two do not hold equally many samples.
    #[cfg(feature = "npz")]
    pub fn from_npz(path: impl AsRef<Path>, data: &str, target: &str) -> Result<Self> {
        let path = path.as_ref();
        let metadata = std::fs::metadata(path);
        let length =
            metadata.map_err(|source| Error::File { path: path.display().to_string(), source })?.len();
        let mut arrays = tensor_core::io::npz::read(path, super::source::bound(length))?;
        let names = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
        let mut take = |name: &str| {
            let missing = || Error::argument("from_npz", "a name", name, format!("one of {names}"));
            arrays.remove(name).ok_or_else(missing)
        };
        Self::new(take(data)?, take(target)?)
    }

    /// All features, `[N, ...]`.
    pub fn data(&self) -> &Tensor {
        &self.data
    }

    /// All targets, `[N, ...]`.
    pub fn target(&self) -> &Tensor {
        &self.target
    }
}

impl Dataset for TensorDataset {
    type Sample = (Tensor, Tensor);

    fn len(&self) -> usize {
        self.data.shape()[0]
    }

    fn get(&self, index: usize) -> Result<Self::Sample> {
        Ok((self.data.select(0, index as isize)?, self.target.select(0, index as isize)?))
    }

    fn batch(&self, indices: &[usize]) -> Result<(Tensor, Tensor)> {
        let rows: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
        let rows = Tensor::from_vec(rows, [indices.len()])?;
        Ok((self.data.index_select(0, &rows)?, self.target.index_select(0, &rows)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> TensorDataset {
        let data = Tensor::from_vec((0..12).map(|i| i as f32).collect(), [4, 3]).unwrap();
        TensorDataset::new(data, Tensor::from_vec(vec![10i64, 11, 12, 13], [4]).unwrap()).unwrap()
    }

    /// The samples one by one, without the set's own `batch`.
    struct OneByOne(TensorDataset);

    impl Dataset for OneByOne {
        type Sample = (Tensor, Tensor);

        fn len(&self) -> usize {
            self.0.len()
        }

        fn get(&self, index: usize) -> Result<Self::Sample> {
            self.0.get(index)
        }
    }

    #[test]
    fn a_gathered_batch_is_the_collated_samples() {
        for indices in [&[2usize, 0, 2][..], &[3], &[]] {
            let gathered = columns().batch(indices).unwrap();
            if indices.is_empty() {
                assert_eq!(**gathered.0.shape(), [0, 3]);
                continue;
            }
            let stacked = OneByOne(columns()).batch(indices).unwrap();
            assert_eq!(gathered.0.shape(), stacked.0.shape());
            assert_eq!(gathered.0.to_vec::<f32>().unwrap(), stacked.0.to_vec::<f32>().unwrap());
            assert_eq!(gathered.1.to_vec::<i64>().unwrap(), stacked.1.to_vec::<i64>().unwrap());
        }
    }

    #[test]
    fn a_bad_sample_is_named() {
        let error = OneByOne(columns()).batch(&[1, 9]).unwrap_err();
        assert!(error.to_string().starts_with("sample 9: select: index 9 is out of bounds"), "{error}");
    }

    #[cfg(feature = "npz")]
    #[test]
    fn arrays_of_an_archive_are_taken_by_name() {
        use tensor_core::io::npz;
        let path = std::env::temp_dir().join(format!("train-{}.npz", std::process::id()));
        let set = columns();
        npz::write(&path, [("x", set.data()), ("y", set.target())], npz::Compression::Deflated).unwrap();
        let read = TensorDataset::from_npz(&path, "x", "y").unwrap();
        assert_eq!(read.data().to_vec::<f32>().unwrap(), set.data().to_vec::<f32>().unwrap());
        assert_eq!(read.target().to_vec::<i64>().unwrap(), [10, 11, 12, 13]);
        let error = TensorDataset::from_npz(&path, "x", "z").unwrap_err().to_string();
        assert_eq!(error, "from_npz: a name is z, expected one of x, y");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn features_and_targets_must_be_equally_many() {
        let data = Tensor::from_vec(vec![0.0f32; 6], [3, 2]).unwrap();
        let target = Tensor::from_vec(vec![0i64; 2], [2]).unwrap();
        let error = TensorDataset::new(data.clone(), target).unwrap_err().to_string();
        assert!(error.contains("[3, 2]") && error.contains("[2]"), "{error}");
        assert!(TensorDataset::new(data, Tensor::scalar(0i64).unwrap()).is_err());
    }
}
