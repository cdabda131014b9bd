//! A value with slices of a dimension replaced; the new ones get the gradient from there, the old ones none.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::{DType, Tensor};

struct IndexCopy {
    dim: isize,
    index: Tensor,
}

impl Op for IndexCopy {
    fn name(&self) -> &'static str {
        "index_copy"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].index_copy(self.dim, &self.index, inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let dx = if ctx.needs_grad(0) { Some(g.index_fill(self.dim, &self.index, 0)?) } else { None };
        let dsource = if ctx.needs_grad(1) {
            Some(g.index_select(self.dim, &self.index)?.view_as(ctx.shape(1))?)
        } else {
            None
        };
        Ok(Grads::from_iter([dx, dsource]))
    }
}

struct IndexFill {
    dim: isize,
    index: Tensor,
    value: Scalar,
}

impl Op for IndexFill {
    fn name(&self) -> &'static str {
        "index_fill"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].index_fill(self.dim, &self.index, self.value)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().index_fill(self.dim, &self.index, 0)?)]))
    }
}

impl Var {
    /// The value with the slices of dimension `dim` that `index` (1-d, i64 or i32) names replaced by those of
    /// `source`: `torch.index_copy`. Of a place named twice the last stays; the gradient of each is that of the place,
    /// as in PyTorch.
    ///
    /// # Errors
    /// If an index is out of range, or shapes or dtypes do not fit.
    #[track_caller]
    pub fn index_copy(&self, dim: isize, index: &Tensor, source: &Var) -> Result<Var> {
        apply(IndexCopy { dim, index: index.clone() }, &[self, source])
    }

    /// The value with `value` in the slices of dimension `dim` that `index` (1-d, i64 or i32) names:
    /// `torch.index_fill`.
    ///
    /// # Errors
    /// If an index is out of range or `index` has more than one dimension or another dtype.
    #[track_caller]
    pub fn index_fill(&self, dim: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Var> {
        apply(IndexFill { dim, index: index.clone(), value: value.into() }, &[self])
    }

    /// The value with the first elements of `source`, in row-major order, where `mask` (bool) is true:
    /// `torch.masked_scatter`. Shapes of value and mask broadcast.
    ///
    /// # Errors
    /// If the mask is not bool, the shapes do not broadcast, dtypes differ, or `source` has too few elements.
    #[track_caller]
    pub fn masked_scatter(&self, mask: &Tensor, source: &Var) -> Result<Var> {
        // What the tensor's method refuses is refused with its words.
        let shape = self.value().masked_scatter(mask, source.value())?.shape().clone();
        let places = mask.mask_places(&shape)?;
        let values = source.reshape([-1])?.narrow(0, 0, places.numel())?;
        self.broadcast_to(&shape)?.reshape([-1])?.index_copy(0, &places, &values)?.view_as(&shape)
    }
}

pub(crate) const ROW: Row = Row {
    name: "index_copy",
    sample: |s| {
        if s.one_in(3) {
            let shape = s.shape(3);
            let (a, m) = (s.narrowed(&shape), s.narrowed(&shape));
            let (x, mask) = (s.tensor(&a, -2.0, 2.0)?, s.indices(&m, 2)?.to_dtype(DType::Bool)?);
            let wide = a.broadcast("sample", &m)?;
            let source = s.tensor(&[wide.numel() + 1].into(), -2.0, 2.0)?;
            let mut values = source.to_vec::<f64>()?.into_iter();
            let flags = mask.broadcast_to(&wide)?.to_vec::<bool>()?;
            let old = x.broadcast_to(&wide)?.to_vec::<f64>()?.into_iter();
            let expected = old.zip(flags).filter_map(|(x, m)| if m { values.next() } else { Some(x) }).collect();
            let call = move |x: &[Var]| x[0].masked_scatter(&mask, &x[1]);
            return Ok(Sample::new(vec![x, source], call).expect(expected));
        }
        let rank = s.below(4);
        let (shape, dim) = (s.shape_of_rank(rank), s.dim(rank));
        let at = shape.dim("sample", dim)?;
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let size = shape.get(at).copied().unwrap_or(1);
        // Each place once.
        let start = s.below(if rank == 0 { 1 } else { size + 1 });
        let index = Tensor::arange(start as f64, size as f64, 1.0, DType::I64)?.flip([0])?;
        let slices: Vec<usize> = index.to_vec::<i64>()?.into_iter().map(|i| i as usize).collect();
        let new = shape.iter().enumerate().map(|(d, &n)| if d == at { slices.len() } else { n }).collect();
        let fill = s.one_in(2);
        let source = if fill { Tensor::full(&new, 0.5, DType::F64)? } else { s.tensor(&new, -2.0, 2.0)? };
        let inner = shape.get(at + 1..).map_or(1, |inner| inner.iter().product::<usize>());
        let (mut expected, values) = (x.to_vec::<f64>()?, source.to_vec::<f64>()?);
        for (i, &value) in values.iter().enumerate() {
            let (plane, slice) = (i / (inner * slices.len()), i / inner % slices.len());
            expected[(plane * size + slices[slice]) * inner + i % inner] = value;
        }
        if fill {
            return Ok(Sample::new(vec![x], move |x| x[0].index_fill(dim, &index, 0.5)).expect(expected));
        }
        Ok(Sample::new(vec![x, source], move |x| x[0].index_copy(dim, &index, &x[1])).expect(expected))
    },
    order: 2,
};
