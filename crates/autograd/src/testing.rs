//! Random shapes, layouts and values, and the row of a checked operation.
//!
//! A [`Sampler`] is driven by a seed, so a failing case is repeated by its seed alone. The crate's own operations are
//! checked with it (see [`TABLE`](crate::ops::TABLE)); yours can be too.

use crate::{Reduction, Result, Tensor, Var};
use tensor_core::Shape;

/// One differentiable operation as the tests walk it.
pub struct Row {
    /// The operation's name: the file it is in.
    pub name: &'static str,
    /// A random call of it.
    pub sample: fn(&mut Sampler) -> Result<Sample>,
    /// The highest order of derivative that finite differences confirm: 2 for a smooth operation, 1 for one whose
    /// derivative is piecewise constant or jumps.
    pub order: u8,
}

/// A call with its inputs.
pub struct Sample {
    /// f64 values, which are differentiated, and constants of other dtypes.
    pub inputs: Vec<Tensor>,
    /// The call.
    pub call: Call,
    /// The values that plain loops give, in row-major order; None where another test has them.
    pub expected: Option<Vec<f64>>,
}

/// A call of an operation on its inputs.
pub type Call = Box<dyn Fn(&[Var]) -> Result<Var> + Send + Sync>;

impl Sample {
    /// A call without expected values.
    pub fn new(inputs: Vec<Tensor>, call: impl Fn(&[Var]) -> Result<Var> + Send + Sync + 'static) -> Self {
        Self { inputs, call: Box::new(call), expected: None }
    }

    /// The same call with the values that it must give.
    pub fn expect(self, expected: Vec<f64>) -> Self {
        Self { expected: Some(expected), ..self }
    }

    /// A call of a function of each element, on values from `low` to `high`, with the function itself.
    pub fn pointwise(
        s: &mut Sampler,
        (low, high): (f64, f64),
        call: impl Fn(&Var) -> Result<Var> + Send + Sync + 'static,
        reference: impl Fn(f64) -> f64,
    ) -> Result<Self> {
        let shape = s.shape(4);
        let x = s.tensor(&shape, low, high)?;
        let expected = x.to_vec::<f64>()?.into_iter().map(reference).collect();
        Ok(Self::new(vec![x], move |x| call(&x[0])).expect(expected))
    }

    /// A call of a function of two elements on broadcast operands, with the function itself.
    pub fn broadcast(
        s: &mut Sampler,
        (low, high): (f64, f64),
        call: impl Fn(&Var, &Var) -> Result<Var> + Send + Sync + 'static,
        reference: impl Fn(f64, f64) -> f64,
    ) -> Result<Self> {
        let (a, b) = s.broadcast_pair(3);
        let (a, b) = (s.tensor(&a, low, high)?, s.tensor(&b, low, high)?);
        let shape = a.shape().broadcast("sample", b.shape())?;
        let (wide_a, wide_b) =
            (a.broadcast_to(&shape)?.to_vec::<f64>()?, b.broadcast_to(&shape)?.to_vec::<f64>()?);
        let expected = wide_a.into_iter().zip(wide_b).map(|(a, b)| reference(a, b)).collect();
        Ok(Self::new(vec![a, b], move |x| call(&x[0], &x[1])).expect(expected))
    }
}

/// How a tensor's elements lie in storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Row by row.
    RowMajor,
    /// With the dimensions in reverse order.
    Permuted,
    /// Every second place of one dimension.
    Stepped,
    /// From the second place of one dimension on, with another after the last.
    Offset,
    /// One place for all of one dimension: its values are equal.
    Expanded,
}

impl Layout {
    /// Every layout, the plainest first.
    pub const ALL: [Layout; 5] =
        [Layout::RowMajor, Layout::Permuted, Layout::Stepped, Layout::Offset, Layout::Expanded];

    /// A tensor of this layout, out of a row-major one of the shape that `dense` is asked for. `dim` is the dimension
    /// that is stepped, offset or expanded; it counts from 0 and wraps around.
    ///
    /// # Errors
    /// What `dense` refuses.
    pub fn build(
        self,
        shape: &Shape,
        dim: usize,
        mut dense: impl FnMut(&[usize]) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut base = shape.to_vec();
        let Some(dim) = dim.checked_rem(base.len()) else { return dense(&base) };
        Ok(match self {
            Layout::RowMajor => dense(&base)?,
            Layout::Permuted => {
                base.reverse();
                let order: Vec<isize> = (0..base.len() as isize).rev().collect();
                dense(&base)?.permute(order)?
            }
            Layout::Stepped => {
                base[dim] *= 2;
                dense(&base)?.slice(dim as isize, 0, isize::MAX, 2)?
            }
            Layout::Offset => {
                base[dim] += 2;
                dense(&base)?.narrow(dim as isize, 1, shape[dim])?
            }
            Layout::Expanded => {
                base[dim] = base[dim].min(1);
                dense(&base)?.broadcast_to(shape)?
            }
        })
    }
}

/// A source of random calls.
#[derive(Clone, Debug)]
pub struct Sampler {
    state: u64,
    max_size: usize,
}

impl Sampler {
    /// Sizes 0 to 3: for finite differences.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, max_size: 3 }
    }

    /// Sizes up to `max_size`: for comparing threads and dtypes.
    pub fn with_max_size(seed: u64, max_size: usize) -> Self {
        Self { state: seed, max_size }
    }

    /// A number below `n`; 0 if `n` is 0. SplitMix64 (Steele, Lea and Flood, 2014).
    pub fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        if n == 0 { 0 } else { (z % n as u64) as usize }
    }

    /// True once in `n` calls.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A number from `low` to `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.below(1 << 30) as f64 / (1u64 << 30) as f64)
    }

    /// A size of at least 1.
    pub fn size(&mut self) -> usize {
        1 + self.below(self.max_size)
    }

    /// A shape of up to `max_rank` dimensions: 0-d and sizes of 0 and 1 among them.
    pub fn shape(&mut self, max_rank: usize) -> Shape {
        let rank = self.below(max_rank + 1);
        (0..rank).map(|_| if self.one_in(12) { 0 } else { self.size() }).collect()
    }

    /// A shape of exactly `rank` dimensions without empty ones.
    pub fn shape_of_rank(&mut self, rank: usize) -> Shape {
        (0..rank).map(|_| self.size()).collect()
    }

    /// A dimension of a tensor of `rank` dimensions, counted from the left or the right.
    pub fn dim(&mut self, rank: usize) -> isize {
        let dim = self.below(rank) as isize;
        if self.one_in(2) { dim } else { dim - rank.max(1) as isize }
    }

    /// Two shapes that broadcast together.
    pub fn broadcast_pair(&mut self, max_rank: usize) -> (Shape, Shape) {
        let full = self.shape(max_rank);
        let (a, b) = (self.narrowed(&full), self.narrowed(&full));
        (a, b)
    }

    /// A shape that broadcasts to `full`.
    pub fn narrowed(&mut self, full: &Shape) -> Shape {
        let drop = if self.one_in(3) { self.below(full.len() + 1) } else { 0 };
        full[drop..].iter().map(|&n| if self.one_in(4) { 1 } else { n }).collect()
    }

    /// An f64 tensor with values from `low` to `high`, in a random [`Layout`].
    pub fn tensor(&mut self, shape: &Shape, low: f64, high: f64) -> Result<Tensor> {
        let layout = Layout::ALL[self.below(Layout::ALL.len())];
        let dim = self.below(shape.len());
        layout.build(shape, dim, |base| self.dense(base, low, high))
    }

    /// As [`tensor`](Sampler::tensor), with all values at least 0.05 apart, so that no two tie within a finite
    /// difference, and none nearer than that to 0.
    pub fn distinct(&mut self, shape: &Shape) -> Result<Tensor> {
        let n = shape.numel();
        let mut ranks: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            let j = self.below(i + 1);
            ranks.swap(i, j);
        }
        let values = ranks.into_iter().map(|r| (r as f64 - (n / 2) as f64 + 0.5) * 0.1).collect();
        Ok(Tensor::from_vec::<f64>(values, shape)?)
    }

    /// A random reduction of `losses`, and what it gives.
    pub(crate) fn reduced(&mut self, losses: Vec<f64>) -> (Reduction, Vec<f64>) {
        let total: f64 = losses.iter().sum();
        match self.below(3) {
            0 if !losses.is_empty() => (Reduction::Mean, vec![total / losses.len() as f64]),
            1 => (Reduction::Sum, vec![total]),
            _ => (Reduction::None, losses),
        }
    }

    /// An i64 tensor of indices below `n`, which is at least 1.
    pub fn indices(&mut self, shape: &Shape, n: usize) -> Result<Tensor> {
        let values = (0..shape.numel()).map(|_| self.below(n) as i64).collect();
        Ok(Tensor::from_vec::<i64>(values, shape)?)
    }

    pub(crate) fn dense(&mut self, shape: impl AsRef<[usize]>, low: f64, high: f64) -> Result<Tensor> {
        let n = Shape::new(shape.as_ref()).numel();
        let values = (0..n).map(|_| self.uniform(low, high)).collect();
        Ok(Tensor::from_vec::<f64>(values, shape)?)
    }
}
