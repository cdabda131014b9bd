//! Integers as counts and as one-hot rows, and histograms.

use crate::dtype::dispatch_float;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

impl Tensor {
    /// How often each integer from 0 on occurs in this 1-d tensor, i64, at least `minlength` of them; with `weights`
    /// the sum of the weights where it occurs, f32 if they are, else f64: `torch.bincount`.
    ///
    /// # Errors
    /// If this is not a 1-d tensor of integers from 0 on, or `weights` has another shape.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1i64, 3, 1], [3])?;
    /// assert_eq!(x.bincount(None, 0)?.to_vec::<i64>()?, [0, 2, 0, 1]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn bincount(&self, weights: Option<&Tensor>, minlength: usize) -> Result<Tensor> {
        const OP: &str = "bincount";
        let values = self.counted(OP)?;
        if self.rank() != 1 {
            let (found, expected) = (self.shape().clone(), "1 dimension".to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let places = values.dense::<i64>();
        if let Some(value) = places.iter().find(|&&v| v < 0) {
            let (value, expected) = (value.to_string(), "integers from 0 on");
            return Err(Error::new(OP, ErrorKind::Argument { argument: "input", value, expected }));
        }
        let length = places.iter().max().map_or(0, |&max| (max as usize).saturating_add(1)).max(minlength);
        let shape = Shape::from([length]);
        let Some(weights) = weights else {
            return Tensor::build::<i64>(OP, shape, |out| {
                out.fill(0);
                places.iter().for_each(|&place| out[place as usize] += 1);
            });
        };
        if weights.shape() != self.shape() {
            let (found, expected) = (weights.shape().clone(), self.shape().to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "weights", found, expected }));
        }
        let dtype = if weights.dtype() == DType::F32 { DType::F32 } else { DType::F64 };
        let weights = weights.to_dtype(dtype)?.contiguous()?;
        dispatch_float!(OP, dtype, T => Tensor::build::<T>(OP, shape, |out| {
            out.fill(T::default());
            places.iter().zip(weights.dense::<T>()).for_each(|(&place, &w)| out[place as usize] += w);
        }))
    }

    /// For each class index of this integer tensor a row of `classes` numbers (i64), 1 at the index and 0 elsewhere:
    /// `torch.nn.functional.one_hot`. `None` stands for one more than the largest index.
    ///
    /// # Errors
    /// If the dtype is no integer, an index is not below `classes`, or an empty tensor comes without `classes`.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![2i64, 0], [2])?;
    /// assert_eq!(x.one_hot(3)?.to_vec::<i64>()?, [0, 0, 1, 1, 0, 0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn one_hot(&self, classes: impl Into<Option<usize>>) -> Result<Tensor> {
        const OP: &str = "one_hot";
        let indices = self.counted(OP)?;
        let indices = indices.dense::<i64>();
        let classes = match (classes.into(), indices.iter().max()) {
            (Some(classes), _) => classes,
            (None, Some(&max)) => (max.max(-1) as usize).wrapping_add(1),
            (None, None) => {
                let kind = ErrorKind::EmptyReduction { shape: self.shape().clone() };
                return Err(Error::new(OP, kind));
            }
        };
        if let Some(&index) = indices.iter().find(|&&i| i < 0 || i as u64 >= classes as u64) {
            return Err(Error::new(
                OP,
                ErrorKind::IndexOutOfRange { index, dim: self.rank(), size: classes },
            ));
        }
        let mut shape = self.shape().clone();
        shape.push(classes);
        Tensor::build::<i64>(OP, shape, |out| {
            out.fill(0);
            for (row, &index) in out.chunks_exact_mut(classes.max(1)).zip(indices) {
                row[index as usize] = 1;
            }
        })
    }

    /// How many elements fall into each of `bins` equal parts of `min..=max`, in this dtype; elements outside and NaN
    /// do not count. Where `min` and `max` are equal, the smallest and the largest element take their place, and where
    /// those are equal too, one less and one more: `torch.histc`.
    ///
    /// # Errors
    /// If the dtype is not floating-point, `bins` is 0, or the bounds are not finite or in the wrong order.
    #[track_caller]
    pub fn histc(&self, bins: usize, min: f64, max: f64) -> Result<Tensor> {
        const OP: &str = "histc";
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => {
            let x = x.dense::<T>();
            let (mut low, mut high) = (min as T, max as T);
            if low == high && !x.is_empty() {
                low = x.iter().copied().fold(T::INFINITY, T::min);
                high = x.iter().copied().fold(T::NEG_INFINITY, T::max);
            }
            if low == high {
                (low, high) = (low - 1.0, high + 1.0);
            }
            if bins == 0 || !(low < high && low.is_finite() && high.is_finite()) {
                let value = format!("{bins}, {low}, {high}");
                let expected = "at least one bin between finite bounds";
                return Err(Error::new(OP, ErrorKind::Argument { argument: "bins, min, max", value, expected }));
            }
            Tensor::build::<T>(OP, Shape::from([bins]), |out| {
                out.fill(T::default());
                for &v in x.iter().filter(|&&v| v >= low && v <= high) {
                    let bin = ((v - low) * bins as T / (high - low)) as usize;
                    out[bin.min(bins - 1)] += 1.0;
                }
            })
        })
    }

    /// The elements of an integer tensor as i64, side by side.
    #[track_caller]
    fn counted(&self, op: &'static str) -> Result<Tensor> {
        if self.dtype().is_float() || self.dtype() == DType::Bool {
            let found = self.dtype();
            let kind = ErrorKind::DType { argument: "input", found, expected: "i64, i32 or u8" };
            return Err(Error::new(op, kind));
        }
        self.to_dtype(DType::I64)?.contiguous()
    }
}
