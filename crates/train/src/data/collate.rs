//! From samples to a batch.

use crate::{Error, Result};
use tensor_core::{Element, Tensor};

/// A sample that can be put together with others: PyTorch's `default_collate`. Tensors of one shape are stacked along
/// a new first dimension, numbers become a 1-d tensor, pairs a pair of batches.
///
/// ```
/// use train::data::Collate;
/// use train::Tensor;
///
/// let samples = vec![(Tensor::scalar(1.5f32)?, 7i64), (Tensor::scalar(2.5f32)?, 8i64)];
/// let (x, y) = Collate::collate(samples)?;
/// assert_eq!(x.to_vec::<f32>()?, [1.5, 2.5]);
/// assert_eq!(y.to_vec::<i64>()?, [7, 8]);
/// # Ok::<(), train::Error>(())
/// ```
pub trait Collate: Sized {
    /// What many samples become.
    type Batch;

    /// Puts samples together, in their order.
    ///
    /// # Errors
    /// If the samples do not fit together; the error names both shapes.
    fn collate(samples: Vec<Self>) -> Result<Self::Batch>;
}

impl Collate for Tensor {
    type Batch = Tensor;

    fn collate(samples: Vec<Self>) -> Result<Tensor> {
        if let Some((first, others)) = samples.split_first()
            && let Some(at) = others.iter().position(|sample| sample.shape() != first.shape())
        {
            let (found, first) = (others[at].shape().to_vec(), first.shape().to_vec());
            return Err(Error::Ragged { place: at + 1, found, first });
        }
        Ok(Tensor::stack(&samples.iter().collect::<Vec<_>>(), 0)?)
    }
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Collate for $t {
            type Batch = Tensor;

            fn collate(samples: Vec<Self>) -> Result<Tensor> {
                vector(samples)
            }
        }
    )*};
}
numbers!(f32, f64, i64, i32, u8, bool);

fn vector<T: Element>(numbers: Vec<T>) -> Result<Tensor> {
    let shape = [numbers.len()];
    Ok(Tensor::from_vec(numbers, shape)?)
}

impl<A: Collate, B: Collate> Collate for (A, B) {
    type Batch = (A::Batch, B::Batch);

    fn collate(samples: Vec<Self>) -> Result<Self::Batch> {
        let (a, b) = samples.into_iter().unzip();
        Ok((A::collate(a)?, B::collate(b)?))
    }
}
