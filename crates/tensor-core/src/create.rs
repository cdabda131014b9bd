//! Making tensors from nothing.

use crate::dtype::{dispatch_all, dispatch_number};
use crate::half::made;
use crate::kernel::pointwise::map;
use crate::storage::Storage;
use crate::{DType, Element, Error, ErrorKind, Result, Scalar, Shape, Tensor};

impl Tensor {
    /// Zeros.
    #[track_caller]
    pub fn zeros(shape: impl AsRef<[usize]>, dtype: DType) -> Result<Self> {
        let shape = Shape::new(shape.as_ref());
        let numel = shape.checked_numel("zeros", dtype.size())?;
        Ok(Self::from_storage(Storage::zeroed("zeros", dtype, numel)?, shape))
    }

    /// Ones.
    #[track_caller]
    pub fn ones(shape: impl AsRef<[usize]>, dtype: DType) -> Result<Self> {
        Self::filled("ones", shape.as_ref(), Scalar::Int(1), dtype)
    }

    /// Every element `value`, converted to `dtype`.
    #[track_caller]
    pub fn full(shape: impl AsRef<[usize]>, value: impl Into<Scalar>, dtype: DType) -> Result<Self> {
        Self::filled("full", shape.as_ref(), value.into(), dtype)
    }

    #[track_caller]
    fn filled(op: &'static str, shape: &[usize], value: Scalar, dtype: DType) -> Result<Self> {
        dispatch_all!(dtype, T => Self::build::<T>(op, Shape::new(shape), |out| out.fill(value.to())))
    }

    /// Zeros of this tensor's shape and dtype.
    #[track_caller]
    pub fn zeros_like(&self) -> Result<Self> {
        Self::zeros(self.shape(), self.dtype())
    }

    /// Ones of this tensor's shape and dtype.
    #[track_caller]
    pub fn ones_like(&self) -> Result<Self> {
        Self::ones(self.shape(), self.dtype())
    }

    /// `value` in every element, with this tensor's shape and dtype.
    #[track_caller]
    pub fn full_like(&self, value: impl Into<Scalar>) -> Result<Self> {
        Self::full(self.shape(), value, self.dtype())
    }

    /// A tensor to be overwritten: `torch.empty`. Its elements are 0 here, since memory as it was found would make
    /// results irreproducible.
    #[track_caller]
    pub fn empty(shape: impl AsRef<[usize]>, dtype: DType) -> Result<Self> {
        Self::zeros(shape, dtype)
    }

    /// [`empty`](Tensor::empty) of this tensor's shape and dtype.
    #[track_caller]
    pub fn empty_like(&self) -> Result<Self> {
        self.zeros_like()
    }

    /// A 0-d tensor.
    #[track_caller]
    pub fn scalar<T: Element>(value: T) -> Result<Self> {
        Self::build::<T>("scalar", Shape::default(), |out| out.fill(value))
    }

    /// `start, start + step, …` up to but without `end`, as `torch.arange`: ⌈(end − start) / step⌉ elements.
    ///
    /// # Errors
    /// If `step` is 0, or leads away from `end`, or a bound is not finite.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// assert_eq!(Tensor::arange(0.0, 5.0, 2.0, DType::I64)?.to_vec::<i64>()?, [0, 2, 4]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn arange(start: f64, end: f64, step: f64, dtype: DType) -> Result<Self> {
        const OP: &str = "arange";
        let count = ((end - start) / step).ceil();
        if !(count.is_finite() && count >= 0.0) || step == 0.0 {
            let value = format!("{start}, {end}, {step}");
            let expected = "finite bounds and a nonzero step from start towards end";
            return Err(Error::new(
                OP,
                ErrorKind::Argument { argument: "start, end, step", value, expected },
            ));
        }
        made(dtype, |dtype| {
            dispatch_number!(OP, dtype, T => Self::build::<T>(OP, Shape::from([count as usize]), |out| {
                out.iter_mut().enumerate().for_each(|(i, y)| *y = T::from_f64(start + i as f64 * step));
            }))
        })
    }

    /// `steps` values from `start` to `end`, both included, as `torch.linspace`.
    #[track_caller]
    pub fn linspace(start: f64, end: f64, steps: usize, dtype: DType) -> Result<Self> {
        let step = (end - start) / (steps.max(2) - 1) as f64;
        // PyTorch counts the second half backwards from `end`, so that both ends are exact.
        let value = |i: usize| match i {
            i if i < steps / 2 || steps == 1 => start + i as f64 * step,
            i => end - (steps - 1 - i) as f64 * step,
        };
        made(dtype, |dtype| {
            dispatch_number!("linspace", dtype, T => Self::build::<T>("linspace", Shape::from([steps]), |out| {
                out.iter_mut().enumerate().for_each(|(i, y)| *y = T::from_f64(value(i)));
            }))
        })
    }

    /// `base` to the powers of [`linspace(start, end)`](Tensor::linspace): `torch.logspace`, whose default base is 10.
    #[track_caller]
    pub fn logspace(start: f64, end: f64, steps: usize, base: f64, dtype: DType) -> Result<Self> {
        let powers = Self::linspace(start, end, steps, DType::F64)?;
        made(dtype, |dtype| {
            dispatch_number!("logspace", dtype, T => Self::build::<T>("logspace", Shape::from([steps]), |out| {
                map(powers.dense::<f64>(), out, |power: f64| T::from_f64(base.powf(power)));
            }))
        })
    }

    /// The rows and columns (i64, `[2, n]`) of the elements that [`tril`](Tensor::tril) keeps of a matrix
    /// `[rows, cols]`: `torch.tril_indices`.
    #[track_caller]
    pub fn tril_indices(rows: usize, cols: usize, offset: isize) -> Result<Self> {
        Self::ones([rows, cols], DType::Bool)?.tril(offset)?.nonzero()?.t()?.contiguous()
    }

    /// The rows and columns (i64, `[2, n]`) of the elements that [`triu`](Tensor::triu) keeps of a matrix
    /// `[rows, cols]`: `torch.triu_indices`.
    #[track_caller]
    pub fn triu_indices(rows: usize, cols: usize, offset: isize) -> Result<Self> {
        Self::ones([rows, cols], DType::Bool)?.triu(offset)?.nonzero()?.t()?.contiguous()
    }

    /// The identity matrix `[n, n]`.
    #[track_caller]
    pub fn eye(n: usize, dtype: DType) -> Result<Self> {
        dispatch_all!(dtype, T => Self::build::<T>("eye", Shape::from([n, n]), |out| {
            out.fill(T::default());
            out.iter_mut().step_by(n + 1).for_each(|y| *y = T::from_f64(1.0));
        }))
    }

    /// The elements converted to `dtype` as PyTorch's `to`: floats truncate to integers, nonzero is `true`.
    /// The same tensor if it has that dtype.
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Result<Self> {
        if self.dtype() == dtype {
            return Ok(self.clone());
        }
        let x = self.contiguous()?;
        dispatch_all!(self.dtype(), A => dispatch_all!(dtype, Y => {
            Tensor::build_like::<Y>("to_dtype", &x, |out| {
                // i64 to an integer must not pass through f64, which holds 53 bits.
                if A::DTYPE.is_float() || Y::DTYPE.is_float() {
                    map(x.dense(), out, |a: A| Y::from_f64(a.to_f64()));
                } else {
                    map(x.dense(), out, |a: A| Y::from_i64(a.to_i64()));
                }
            })
        }))
    }
}
