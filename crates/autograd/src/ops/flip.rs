//! Dimensions turned round or rolled; the gradient is turned or rolled back.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Flip {
    dims: Vec<isize>,
}

impl Op for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].flip(&self.dims)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().flip(&self.dims)?)]))
    }
}

struct Roll {
    shifts: Vec<isize>,
    dims: Vec<isize>,
}

impl Op for Roll {
    fn name(&self) -> &'static str {
        "roll"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].roll(&self.shifts, &self.dims)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let back: Vec<isize> = self.shifts.iter().map(|shift| shift.saturating_neg()).collect();
        Ok(Grads::from_iter([Some(ctx.grad().roll(back, &self.dims)?)]))
    }
}

impl Var {
    /// The elements of each of `dims` in reverse: `torch.flip`. An empty list turns nothing.
    ///
    /// # Errors
    /// If there is no such dimension or one is named twice.
    #[track_caller]
    pub fn flip(&self, dims: impl AsRef<[isize]>) -> Result<Var> {
        apply(Flip { dims: dims.as_ref().to_vec() }, &[self])
    }

    /// The elements of each of `dims` moved on by the shift beside it, those pushed out at the end coming in at the
    /// start: `torch.roll`. Without `dims`, one shift rolls all elements in row-major order.
    ///
    /// # Errors
    /// If there is not one shift for each dimension.
    #[track_caller]
    pub fn roll(&self, shifts: impl AsRef<[isize]>, dims: impl AsRef<[isize]>) -> Result<Var> {
        apply(Roll { shifts: shifts.as_ref().to_vec(), dims: dims.as_ref().to_vec() }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "flip",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let rank = shape.len();
        let dims: Vec<isize> = (0..rank as isize).filter(|_| s.one_in(2)).collect();
        let shifts: Vec<isize> = dims.iter().map(|_| s.below(9) as isize - 4).collect();
        let (flips, flat) = (s.one_in(2), s.one_in(4));
        let (shifts, dims) = if flat && !flips { (vec![2], vec![]) } else { (shifts, dims) };
        // Row-major numbers, moved index by index.
        let n = shape.numel();
        let values = x.to_vec::<f64>()?;
        let at = |i: usize, d: usize| i / shape[d + 1..].iter().product::<usize>() % shape[d];
        let source = |i: usize| {
            let place = |d: usize| match dims.iter().position(|&dim| dim == d as isize) {
                Some(_) if flips => shape[d] - 1 - at(i, d),
                Some(k) => (at(i, d) as isize - shifts[k]).rem_euclid(shape[d] as isize) as usize,
                None => at(i, d),
            };
            (0..rank).fold(0, |sum, d| sum * shape[d] + place(d))
        };
        let rolled = |i: usize| if flat && !flips { (i + n - 2 % n) % n } else { source(i) };
        let expected = (0..n).map(|i| values[rolled(i)]).collect();
        let call = move |x: &[Var]| if flips { x[0].flip(&dims) } else { x[0].roll(&shifts, &dims) };
        Ok(Sample::new(vec![x], call).expect(expected))
    },
    order: 2,
};

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::DType;

    #[test]
    fn a_shift_may_be_any_number() {
        let x = Var::leaf(Tensor::arange(0.0, 3.0, 1.0, DType::F64).unwrap()).unwrap();
        for shift in [isize::MIN, isize::MAX, 10_000] {
            x.roll([shift], [0]).unwrap().sum().unwrap().backward().unwrap();
        }
        assert_eq!(x.grad().unwrap().to_vec::<f64>().unwrap(), [3.0; 3]);
    }
}
