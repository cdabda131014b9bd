//! A value with others written or added where an index tensor points; they get back the gradient from there.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample, Sampler};
use crate::{Result, Scalar, Var};
use tensor_core::{DType, Shape, Tensor};

struct Scatter {
    dim: isize,
    index: Tensor,
    add: bool,
}

impl Op for Scatter {
    fn name(&self) -> &'static str {
        if self.add { "scatter_add" } else { "scatter" }
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let scatter = if self.add { Tensor::scatter_add } else { Tensor::scatter };
        Ok(scatter(inputs[0], self.dim, &self.index, inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let dx = if self.add { g.clone() } else { g.scatter_value(self.dim, &self.index, 0)? };
        let dsource = if ctx.needs_grad(1) { Some(g.gather(self.dim, &self.index)?) } else { None };
        Ok(Grads::from_iter([Some(dx), dsource]))
    }
}

struct ScatterValue {
    dim: isize,
    index: Tensor,
    value: Scalar,
}

impl Op for ScatterValue {
    fn name(&self) -> &'static str {
        "scatter"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].scatter_value(self.dim, &self.index, self.value)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().scatter_value(self.dim, &self.index, 0)?)]))
    }
}

/// The part of `source` that an index of `shape` uses.
#[track_caller]
pub(super) fn used(source: &Var, shape: &Shape) -> Result<Var> {
    let mut used = source.clone();
    if source.rank() == shape.len() {
        for (d, (&length, &size)) in shape.iter().zip(source.shape().iter()).enumerate() {
            if length < size {
                used = used.narrow(d as isize, 0, length)?;
            }
        }
    }
    Ok(used)
}

impl Var {
    /// The value with `source` where `index` (i64 or i32) points, `out[index[i][j]][j] = source[i][j]` for `dim` 0:
    /// `torch.scatter`. Of a place named twice the last stays; the gradient of each is that of the place, as in
    /// PyTorch. Elements of `source` beyond the shape of `index` are not used.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    #[track_caller]
    pub fn scatter(&self, dim: isize, index: &Tensor, source: &Var) -> Result<Var> {
        let source = used(source, index.shape())?;
        apply(Scatter { dim, index: index.clone(), add: false }, &[self, &source])
    }

    /// The value with a number where `index` points: [`scatter`](Var::scatter) of one number.
    ///
    /// # Errors
    /// If an index is out of range or the shapes do not fit.
    #[track_caller]
    pub fn scatter_value(&self, dim: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Var> {
        apply(ScatterValue { dim, index: index.clone(), value: value.into() }, &[self])
    }

    /// The value with `source` added where `index` points, `out[index[i][j]][j] += source[i][j]` for `dim` 0:
    /// `torch.scatter_add`. A place named twice receives both. Elements of `source` beyond the shape of `index` are
    /// not used.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    #[track_caller]
    pub fn scatter_add(&self, dim: isize, index: &Tensor, source: &Var) -> Result<Var> {
        let source = used(source, index.shape())?;
        apply(Scatter { dim, index: index.clone(), add: true }, &[self, &source])
    }
}

/// A call with one index tensor and a source that is as large or larger, and for each element of the index the
/// row-major place in the value that it points at. With `once` no place is named twice.
pub(super) struct Placed {
    pub dim: isize,
    pub index: Tensor,
    pub shape: Shape,
    pub source: Shape,
    pub places: Vec<usize>,
}

impl Placed {
    pub fn sample(s: &mut Sampler, once: bool) -> Result<Placed> {
        let rank = s.below(4);
        let (shape, dim) = (s.shape_of_rank(rank), s.dim(rank));
        let at = shape.dim("sample", dim)?;
        let size = shape.get(at).copied().unwrap_or(1);
        let count = s.below(if once { size + 1 } else { 4 });
        let picked: Shape =
            shape.iter().enumerate().map(|(d, &n)| if d == at { count } else { 1 + s.below(n) }).collect();
        let index = if once {
            let shift = s.below(size);
            let line: Shape = (0..rank).map(|d| if d == at { count } else { 1 }).collect();
            let turned = (0..count.max(1)).map(|i| ((i + shift) % size) as i64);
            let turned: Vec<i64> = if rank == 0 { vec![0] } else { turned.take(count).collect() };
            Tensor::from_vec(turned, &line)?.broadcast_to(&picked)?
        } else {
            s.indices(&picked, size)?
        };
        let source = picked.iter().map(|&n| n + s.below(2)).collect();
        // Row-major numbers gathered alike are the places.
        let n = shape.numel();
        let numbers = Tensor::arange(0.0, n as f64, 1.0, DType::F64)?.view_as(&shape)?;
        let places = numbers.gather(dim, &index)?.to_vec::<f64>()?.into_iter().map(|p| p as usize).collect();
        Ok(Placed { dim, index, shape, source, places })
    }

    /// The elements of `source` that the index uses.
    pub fn used(&self, source: &Tensor) -> Result<Vec<f64>> {
        Ok(used(&source.into(), self.index.shape())?.value().to_vec()?)
    }
}

pub(crate) const ROW: Row = Row {
    name: "scatter",
    sample: |s| {
        let form = s.below(3);
        let placed = Placed::sample(s, form != 0)?;
        let (x, source) = (s.tensor(&placed.shape, -2.0, 2.0)?, s.tensor(&placed.source, -2.0, 2.0)?);
        let mut expected = x.to_vec::<f64>()?;
        for (&place, value) in placed.places.iter().zip(placed.used(&source)?) {
            expected[place] = [expected[place] + value, value, 0.5][form];
        }
        let Placed { dim, index, .. } = placed;
        let inputs = if form == 2 { vec![x] } else { vec![x, source] };
        let call = move |x: &[Var]| match form {
            0 => x[0].scatter_add(dim, &index, &x[1]),
            1 => x[0].scatter(dim, &index, &x[1]),
            _ => x[0].scatter_value(dim, &index, 0.5),
        };
        Ok(Sample::new(inputs, call).expect(expected))
    },
    order: 2,
};
