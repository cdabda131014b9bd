//! Quantiles: places between the sorted elements.

use crate::testing::{Row, Sample};
use crate::{DType, Error, Result, Var};
use tensor_core::Tensor;

/// What a quantile is between two elements: `interpolation` in PyTorch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// On the line between them.
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// The nearer one; halfway, that of even rank.
    Nearest,
    /// Their mean.
    Midpoint,
}

impl Var {
    /// The q-th quantiles along `dim`, of the whole for `None`: `torch.quantile`. The q-th quantile of n sorted elements
    /// is the one at place q (n − 1). `q`, of this dtype and from 0 to 1, is a number (0-d) or a list of them (1-d), which
    /// becomes the first dimension of the result. A NaN among the elements makes the result NaN.
    ///
    /// # Errors
    /// If there is nothing to reduce, the dtypes differ, or `q` has more dimensions or leaves 0 to 1.
    ///
    /// ```
    /// use autograd::{Interpolation, Tensor, Var};
    /// let x = Var::from(Tensor::from_vec(vec![3.0f64, 1.0, 2.0, 10.0], [4])?);
    /// let q = Var::from(Tensor::from_vec(vec![0.5f64, 1.0], [2])?);
    /// assert_eq!(x.quantile(&q, None, false, Interpolation::Linear)?.to_vec::<f64>()?, [2.5, 10.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn quantile(
        &self,
        q: &Var,
        dim: impl Into<Option<isize>>,
        keepdim: bool,
        interpolation: Interpolation,
    ) -> Result<Var> {
        self.quantile_of("quantile", q, dim.into(), (keepdim, false), interpolation)
    }

    /// As [`quantile`](Var::quantile), of the elements that are not NaN: `torch.nanquantile`. NaN where there are none.
    ///
    /// # Errors
    /// As for `quantile`.
    #[track_caller]
    pub fn nanquantile(
        &self,
        q: &Var,
        dim: impl Into<Option<isize>>,
        keepdim: bool,
        interpolation: Interpolation,
    ) -> Result<Var> {
        self.quantile_of("nanquantile", q, dim.into(), (keepdim, true), interpolation)
    }

    #[track_caller]
    fn quantile_of(
        &self,
        op: &'static str,
        q: &Var,
        dim: Option<isize>,
        (keepdim, skip_nan): (bool, bool),
        interpolation: Interpolation,
    ) -> Result<Var> {
        let location = std::panic::Location::caller();
        let refuse = |argument, value: String, expected| {
            Err(Error::Argument { op, argument, value, expected, location })
        };
        if self.numel() == 0 {
            return refuse("the input's shape", self.shape().to_string(), "at least one element");
        }
        if q.rank() > 1 {
            return refuse("the shape of q", q.shape().to_string(), "[] or [n]");
        }
        let within = q.value().ge_scalar(0)?.all()? && q.value().le_scalar(1)?.all()?;
        if q.dtype() != self.dtype() || !within {
            let value = format!("{} {:?}", q.dtype(), q.value().to_dtype(DType::F64)?.to_vec::<f64>()?);
            return refuse("q", value, "numbers from 0 to 1 of the input's dtype");
        }
        let lines = match dim {
            Some(dim) if self.rank() > 0 => self.transpose(dim, -1)?,
            _ => self.flatten(0, -1)?,
        };
        let y = lines.quantile_of_lines(&q.flatten(0, -1)?, skip_nan, interpolation)?;
        // [.., q] where the reduced dimension was the last; q goes first, and the reduced one back to its place.
        let mut y = y.unsqueeze(0)?.transpose(0, -1)?;
        if keepdim && dim.is_none() {
            let kept = q.shape().iter().copied().chain(self.shape().iter().map(|_| 1)).collect();
            return y.view_as(&kept);
        }
        match dim {
            Some(dim) if self.rank() > 0 => {
                let at = self.shape().dim(op, dim)? as isize + 1;
                y = y.transpose(at, -1)?;
                y = if keepdim { y } else { y.squeeze(at)? };
            }
            _ => y = y.squeeze(-1)?,
        }
        if q.rank() == 0 { y.squeeze(0) } else { Ok(y) }
    }

    /// Quantiles `q` (1-d) along the last dimension, which they replace.
    fn quantile_of_lines(&self, q: &Var, skip_nan: bool, interpolation: Interpolation) -> Result<Var> {
        let (sorted, _) = self.sort(-1, false)?;
        let x = sorted.value();
        let last = x.size(-1)? as f64 - 1.0;
        // How many numbers each line has, as the place of its last one; a line that is NaN as a whole gives its last
        // element, which is NaN.
        let numbers = x.eq(x)?.sum_dim(-1, true)?.to_dtype(x.dtype())?;
        let places: Var = if skip_nan {
            q.mul(&numbers.sub_scalar(1)?.clamp(Some(0.0), None)?.into())?
        } else {
            let spoiled = numbers.lt_scalar(last + 1.0)?;
            q.mul_scalar(last)?.add(&numbers.zeros_like()?.into())?.masked_fill(&spoiled, last)?
        };
        let at = |places: &Tensor| places.to_dtype(DType::I64);
        let place = places.value();
        let below = at(place)?;
        let ceil = || below.add(&at(&place.gt(&below.to_dtype(x.dtype())?)?.to_dtype(x.dtype())?)?);
        match interpolation {
            Interpolation::Lower => sorted.gather(-1, &below),
            Interpolation::Higher => sorted.gather(-1, &ceil()?),
            Interpolation::Nearest => sorted.gather(-1, &nearest(place)?),
            Interpolation::Linear | Interpolation::Midpoint => {
                let (low, high) = (sorted.gather(-1, &below)?, sorted.gather(-1, &ceil()?)?);
                let weight = match interpolation {
                    Interpolation::Midpoint => place.full_like(0.5)?.into(),
                    _ => places.sub(&below.to_dtype(x.dtype())?.into())?,
                };
                low.add(&high.sub(&low)?.mul(&weight)?)
            }
        }
    }
}

/// The nearest whole numbers, halves to the even one.
fn nearest(places: &Tensor) -> Result<Tensor> {
    let values = places.to_dtype(DType::F64)?.to_vec::<f64>()?;
    let values = values.into_iter().map(|place| place.round_ties_even() as i64).collect();
    Ok(Tensor::from_vec::<i64>(values, places.shape())?)
}

pub(crate) const ROW: Row = Row {
    name: "quantile",
    sample: |s| {
        use Interpolation::{Higher, Linear, Lower, Midpoint, Nearest};
        let rank = s.below(3);
        let shape = s.shape_of_rank(rank);
        let x = s.distinct(&shape)?;
        let dim = if s.one_in(3) { None } else { Some(s.dim(rank)) };
        let (keepdim, skip_nan) = (s.one_in(2), s.one_in(2));
        let interpolation = [Linear, Lower, Higher, Nearest, Midpoint][s.below(5)];
        // Not at a rank of the small sizes, where the result has a kink.
        let quantiles = vec![s.uniform(0.02, 0.16), s.uniform(0.52, 0.65)];
        let q = if s.one_in(2) { Tensor::scalar(quantiles[0])? } else { Tensor::from_vec(quantiles, [2])? };
        Ok(Sample::new(vec![x, q], move |x| match skip_nan {
            true => x[0].nanquantile(&x[1], dim, keepdim, interpolation),
            false => x[0].quantile(&x[1], dim, keepdim, interpolation),
        }))
    },
    order: 2,
};
