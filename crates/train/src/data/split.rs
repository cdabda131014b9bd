//! Parts of a set.

use super::{Collate, Dataset};
use crate::{Error, Result};
use std::sync::Arc;
use tensor_core::Rng;

/// Some of a set's samples, in an order of their own: `torch.utils.data.Subset`. Subsets share their set.
#[derive(Debug)]
pub struct Subset<D> {
    dataset: Arc<D>,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// The samples of `dataset` at `indices`.
    ///
    /// # Errors
    /// If an index is not below the set's length.
    pub fn new(dataset: impl Into<Arc<D>>, indices: Vec<usize>) -> Result<Self> {
        let dataset = dataset.into();
        let len = dataset.len();
        match indices.iter().find(|&&index| index >= len) {
            Some(index) => Err(Error::argument("Subset::new", "an index", index, format!("less than {len}"))),
            None => Ok(Self { dataset, indices }),
        }
    }

    /// The indices into the whole set.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// The whole set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }
}

impl<D> Clone for Subset<D> {
    fn clone(&self) -> Self {
        Self { dataset: Arc::clone(&self.dataset), indices: self.indices.clone() }
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Sample = D::Sample;

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn get(&self, index: usize) -> Result<D::Sample> {
        self.dataset.get(self.whole(index)?)
    }

    fn batch(&self, indices: &[usize]) -> Result<<D::Sample as Collate>::Batch> {
        let indices = indices.iter().map(|&index| self.whole(index)).collect::<Result<Vec<_>>>()?;
        self.dataset.batch(&indices)
    }
}

impl<D: Dataset> Subset<D> {
    /// The index into the whole set.
    fn whole(&self, index: usize) -> Result<usize> {
        let len = self.indices.len();
        let wrong = || Error::argument("Subset::get", "the index", index, format!("less than {len}"));
        self.indices.get(index).copied().ok_or_else(wrong)
    }
}

/// Deals the samples of a set out at random to subsets of the given lengths, as `torch.utils.data.random_split` does
/// with a generator in the same state.
///
/// ```
/// use train::data::{random_split, Dataset, TensorDataset};
/// use train::{DType, Rng, Tensor};
///
/// let data = TensorDataset::new(Tensor::zeros([10, 2], DType::F32)?, Tensor::zeros([10], DType::I64)?)?;
/// let [train, test] = random_split(data, [8, 2], &Rng::seed(0))?;
/// assert_eq!((train.len(), test.len()), (8, 2));
/// # Ok::<(), train::Error>(())
/// ```
///
/// # Errors
/// If the lengths do not add up to the set's.
pub fn random_split<D: Dataset, const N: usize>(
    dataset: impl Into<Arc<D>>,
    lengths: [usize; N],
    rng: &Rng,
) -> Result<[Subset<D>; N]> {
    let dataset = dataset.into();
    let total = lengths.iter().try_fold(0usize, |sum, &length| sum.checked_add(length));
    if total != Some(dataset.len()) {
        let expected = format!("lengths that add up to {}", dataset.len());
        return Err(Error::argument("random_split", "lengths", format!("{lengths:?}"), expected));
    }
    let mut order = rng.randperm(dataset.len())?.to_vec::<i64>()?.into_iter().map(|index| index as usize);
    Ok(lengths.map(|length| {
        let indices = order.by_ref().take(length).collect();
        Subset { dataset: Arc::clone(&dataset), indices }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TensorDataset;
    use tensor_core::Tensor;

    fn numbers(n: usize) -> TensorDataset {
        let numbers = Tensor::from_vec((0..n as i64).collect(), [n]).unwrap();
        TensorDataset::new(numbers.clone(), numbers).unwrap()
    }

    #[test]
    fn a_split_deals_out_every_sample_once_in_the_order_of_randperm() {
        let [a, b, none] = random_split(numbers(10), [7, 3, 0], &Rng::seed(0)).unwrap();
        let order = Rng::seed(0).randperm(10).unwrap().to_vec::<i64>().unwrap();
        let dealt: Vec<i64> = a.indices().iter().chain(b.indices()).map(|&i| i as i64).collect();
        assert_eq!(dealt, order);
        assert!(none.is_empty());
        assert_eq!(b.batch(&[2, 0]).unwrap().0.to_vec::<i64>().unwrap(), [order[9], order[7]]);
        assert_eq!(b.get(1).unwrap().1.item::<i64>().unwrap(), order[8]);
    }

    #[test]
    fn wrong_lengths_and_indices_are_refused() {
        let error = random_split(numbers(10), [7, 4], &Rng::seed(0)).unwrap_err().to_string();
        assert_eq!(error, "random_split: lengths is [7, 4], expected lengths that add up to 10");
        assert!(random_split(numbers(10), [usize::MAX, 11], &Rng::seed(0)).is_err());
        assert!(Subset::new(numbers(3), vec![0, 3]).is_err());
        assert!(Subset::new(numbers(3), vec![0, 2]).unwrap().batch(&[2]).is_err());
    }
}
