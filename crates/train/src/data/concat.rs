//! Sets one behind the other.

use super::{Collate, Dataset};
use crate::{Error, Result};

/// The samples of several sets, one set behind the other: `torch.utils.data.ConcatDataset`. Sets of different types are
/// concatenated as `Box<dyn Dataset<Sample = S>>`.
///
/// ```
/// use train::data::{ConcatDataset, Dataset, TensorDataset};
/// use train::{DType, Tensor};
///
/// let part = |n: usize| TensorDataset::new(Tensor::zeros([n, 2], DType::F32)?, Tensor::zeros([n], DType::I64)?);
/// let both = ConcatDataset::new(vec![part(3)?, part(2)?])?;
/// assert_eq!(both.len(), 5);
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConcatDataset<D> {
    datasets: Vec<D>,
    /// Where each set ends.
    ends: Vec<usize>,
}

impl<D: Dataset> ConcatDataset<D> {
    /// These sets in this order.
    ///
    /// # Errors
    /// If there is none, or they have more samples together than can be counted.
    pub fn new(datasets: Vec<D>) -> Result<Self> {
        let wrong = |value: &str| {
            Error::argument(
                "ConcatDataset::new",
                "datasets",
                value,
                "at least one set, fewer than 2^64 samples",
            )
        };
        if datasets.is_empty() {
            return Err(wrong("empty"));
        }
        let mut end = 0usize;
        let mut ends = Vec::with_capacity(datasets.len());
        for dataset in &datasets {
            end = end.checked_add(dataset.len()).ok_or_else(|| wrong("too long"))?;
            ends.push(end);
        }
        Ok(Self { datasets, ends })
    }

    /// The sets.
    pub fn datasets(&self) -> &[D] {
        &self.datasets
    }

    /// The set that holds a sample, and where in it.
    fn place(&self, index: usize) -> Result<(&D, usize)> {
        let set = self.ends.partition_point(|&end| end <= index);
        match self.datasets.get(set) {
            Some(dataset) => Ok((dataset, index - set.checked_sub(1).map_or(0, |before| self.ends[before]))),
            None => {
                let expected = format!("less than {}", self.len());
                Err(Error::argument("ConcatDataset::get", "the index", index, expected))
            }
        }
    }
}

impl<D: Dataset> Dataset for ConcatDataset<D> {
    type Sample = D::Sample;

    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn get(&self, index: usize) -> Result<D::Sample> {
        let (dataset, within) = self.place(index)?;
        dataset.get(within)
    }

    /// A batch from one set is that set's own; samples of several are put together one by one.
    fn batch(&self, indices: &[usize]) -> Result<<D::Sample as Collate>::Batch> {
        let places = indices.iter().map(|&index| self.place(index)).collect::<Result<Vec<_>>>()?;
        match places.first() {
            Some((first, _)) if places.iter().all(|(dataset, _)| std::ptr::eq(*dataset, *first)) => {
                first.batch(&places.iter().map(|(_, within)| *within).collect::<Vec<_>>())
            }
            _ => super::dataset::collate(self, indices),
        }
    }
}
