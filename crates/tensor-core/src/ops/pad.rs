//! Elements added at the ends of dimensions, or cut off.

use crate::dtype::dispatch_all;
use crate::kernel::pad::{self as kernel, Frame};
use crate::{Element, Error, ErrorKind, Result, Shape, Tensor};

/// What [`Tensor::pad`] adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// This value; default 0.
    Constant(f64),
    /// The elements mirrored at the first and last, which are not repeated: fewer than there are.
    Reflect,
    /// The first and the last element.
    Replicate,
    /// The elements from the other end: at most as many as there are.
    Circular,
}

impl Default for PadMode {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

const OP: &str = "pad";

#[track_caller]
fn refused<T>(pads: &[isize], expected: &'static str) -> Result<T> {
    Err(Error::new(OP, ErrorKind::Argument { argument: "pad", value: format!("{pads:?}"), expected }))
}

/// One dimension and what is added before and after it.
#[derive(Clone, Copy)]
struct Padded {
    dim: usize,
    size: usize,
    before: isize,
    after: isize,
    /// The new size.
    padded: usize,
}

/// The dimensions that change; pads come in pairs from the last dimension on.
#[track_caller]
fn dimensions(shape: &Shape, pads: &[isize]) -> Result<Vec<Padded>> {
    let (pairs, odd) = pads.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() > shape.len() {
        return refused(pads, "a pair of numbers for each of some dimensions, the last one first");
    }
    let mut padded = Vec::with_capacity(pairs.len());
    for (i, &[before, after]) in pairs.iter().enumerate().filter(|(_, pair)| **pair != [0, 0]) {
        let dim = shape.len() - 1 - i;
        let size = shape[dim];
        let total = size.checked_add_signed(before).and_then(|n| n.checked_add_signed(after));
        match total {
            Some(total) => padded.push(Padded { dim, size, before, after, padded: total }),
            None => return refused(pads, "no more cut off a dimension than it has"),
        }
    }
    Ok(padded)
}

impl PadMode {
    /// Where in a dimension each element of the padded one comes from.
    #[track_caller]
    fn index(self, pads: &[isize], along: Padded) -> Result<Tensor> {
        let Padded { size, before, after, padded, .. } = along;
        let size = size as isize;
        // What is left after cutting goes round.
        let (cut, kept) =
            (before.min(0).saturating_neg(), size.saturating_add(before.min(0)).saturating_add(after.min(0)));
        let most = match self {
            Self::Reflect => size - 1,
            Self::Circular => kept,
            Self::Replicate if size > 0 => isize::MAX,
            _ => 0,
        };
        if before.max(after) > most.max(0) {
            return refused(
                pads,
                "less than the size for Reflect, at most the size for Circular, a size of at least 1 for Replicate",
            );
        }
        Tensor::build::<i64>(OP, Shape::from([padded]), |out| {
            for (j, index) in out.iter_mut().enumerate() {
                let i = j as isize - before;
                let i = match self {
                    Self::Reflect if i < 0 => -i,
                    Self::Reflect if i >= size => 2 * (size - 1) - i,
                    Self::Circular => (i - cut).rem_euclid(kept) + cut,
                    _ => i.clamp(0, size - 1),
                };
                *index = i as i64;
            }
        })
    }
}

impl Tensor {
    /// Elements added before and after dimensions, `pads` being a pair of numbers for the last dimension, one for the
    /// one before it, and so on; a negative number cuts off: `torch.nn.functional.pad`.
    ///
    /// # Errors
    /// If there are more pairs than dimensions, more is cut off than there is, or the mode needs more elements.
    ///
    /// ```
    /// use tensor_core::{DType, PadMode, Tensor};
    /// let x = Tensor::arange(1.0, 4.0, 1.0, DType::F32)?;
    /// assert_eq!(x.pad([1, 2], PadMode::Constant(0.5))?.to_vec::<f32>()?, [0.5, 1.0, 2.0, 3.0, 0.5, 0.5]);
    /// assert_eq!(x.pad([2, 2], PadMode::Reflect)?.to_vec::<f32>()?, [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
    /// assert_eq!(x.pad([2, -1], PadMode::Replicate)?.to_vec::<f32>()?, [1.0, 1.0, 1.0, 2.0]);
    /// assert_eq!(x.pad([1, 1], PadMode::Circular)?.to_vec::<f32>()?, [3.0, 1.0, 2.0, 3.0, 1.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn pad(&self, pads: impl AsRef<[isize]>, mode: PadMode) -> Result<Tensor> {
        let pads = pads.as_ref();
        let padded = dimensions(self.shape(), pads)?;
        if let PadMode::Constant(value) = mode {
            return self.pad_constant(pads, &padded, value);
        }
        let mut y = self.clone();
        for along in padded {
            y = y.index_select(along.dim as isize, &mode.index(pads, along)?)?;
        }
        Ok(y)
    }

    #[track_caller]
    fn pad_constant(&self, pads: &[isize], padded: &[Padded], value: f64) -> Result<Tensor> {
        let (mut x, mut shape) = (self.clone(), self.shape().clone());
        let mut before = vec![0; self.rank()];
        for along in padded {
            let cut = |pad: isize| pad.min(0).unsigned_abs();
            let Some(kept) = along.size.checked_sub(cut(along.before).saturating_add(cut(along.after)))
            else {
                return refused(pads, "no more cut off a dimension than it has");
            };
            x = x.narrow(along.dim as isize, cut(along.before) as isize, kept)?;
            shape.sizes_mut()[along.dim] = along.padded;
            before[along.dim] = along.before.max(0).unsigned_abs();
        }
        // Dimensions before the first padded one count planes.
        let lead = padded.iter().map(|along| along.dim).min().unwrap_or(self.rank());
        let x = x.contiguous()?;
        dispatch_all!(x.dtype(), T => Tensor::build::<T>(OP, shape.clone(), |out| {
            let frame = Frame { sizes: &x.shape()[lead..], framed: &shape[lead..], before: &before[lead..] };
            kernel::pad(x.dense::<T>(), &frame, T::from_f64(value), out);
        }))
    }

    /// The gradient of the input of shape `input` of [`pad`](Tensor::pad), with this tensor as that of its output.
    ///
    /// # Errors
    /// As for `pad`, or if the shapes do not fit.
    #[track_caller]
    pub fn pad_backward(&self, input: &Shape, pads: &[isize], mode: PadMode) -> Result<Tensor> {
        let padded = dimensions(input, pads)?;
        let mut shape = input.clone();
        padded.iter().for_each(|along| shape.sizes_mut()[along.dim] = along.padded);
        if *self.shape() != shape {
            let (found, expected) = (self.shape().clone(), shape.to_string());
            return Err(Error::new(
                OP,
                ErrorKind::ShapeMismatch { argument: "the gradient", found, expected },
            ));
        }
        if let PadMode::Constant(_) = mode {
            let cut: Vec<isize> = pads.iter().map(|pad| pad.saturating_neg()).collect();
            return self.pad(cut, PadMode::default());
        }
        let mut dx = self.clone();
        for along in padded.into_iter().rev() {
            let mut shape = dx.shape().clone();
            shape.sizes_mut()[along.dim] = along.size;
            let zeros = Tensor::zeros(shape, self.dtype())?;
            dx = zeros.index_add(along.dim as isize, &mode.index(pads, along)?, &dx)?;
        }
        Ok(dx)
    }
}
