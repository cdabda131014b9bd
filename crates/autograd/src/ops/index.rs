//! Elements named by a list of integers, ranges, index tensors and masks, read or written; each is the other's
//! gradient.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample, Sampler};
use crate::{Result, Var};
use tensor_core::{DType, Index, Indices, Shape, Tensor};

struct Read {
    indices: Vec<Index>,
}

impl Op for Read {
    fn name(&self) -> &'static str {
        "index"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].index(&self.indices[..])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let zeros: Var = Tensor::zeros(ctx.shape(0), ctx.dtype(0))?.into();
        Ok(Grads::from_iter([Some(zeros.index_put(&self.indices[..], ctx.grad(), true)?)]))
    }
}

struct Put {
    indices: Vec<Index>,
    accumulate: bool,
}

impl Op for Put {
    fn name(&self) -> &'static str {
        "index_put"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].index_put(&self.indices[..], inputs[1], self.accumulate)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let dx = match self.accumulate {
            true => g.clone(),
            false => g.index_put(&self.indices[..], &Tensor::zeros([], ctx.dtype(0))?.into(), false)?,
        };
        let dvalues = if ctx.needs_grad(1) { Some(g.index(&self.indices[..])?) } else { None };
        Ok(Grads::from_iter([Some(dx), dvalues]))
    }
}

impl Var {
    /// The elements that `indices` name, as `x[...]` in PyTorch: see [`Tensor::index`].
    ///
    /// # Errors
    /// If there are more indices than dimensions, one is out of range, a mask has another shape than what it masks, or
    /// an index tensor is not i64, i32 or bool.
    ///
    /// ```
    /// use autograd::{Index, Tensor, Var};
    /// let x = Var::leaf(Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], [2, 2])?)?;
    /// x.index((.., -1))?.sum()?.backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0, 1.0, 0.0, 1.0]);
    /// assert_eq!(*x.index((Index::NewAxis, 0))?.shape(), [1, 2]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn index(&self, indices: impl Indices) -> Result<Var> {
        apply(Read { indices: indices.to_indices() }, &[self])
    }

    /// The value with `values` at the places that `indices` name, as `x[...] = values` in PyTorch, or added there with
    /// `accumulate`: `torch.index_put`. `values` broadcasts. Of a place named twice the last value stays, or all are
    /// added; the gradient of each is that of the place, as in PyTorch.
    ///
    /// # Errors
    /// As [`index`](Var::index), and if `values` does not broadcast or has another dtype.
    #[track_caller]
    pub fn index_put(&self, indices: impl Indices, values: &Var, accumulate: bool) -> Result<Var> {
        apply(Put { indices: indices.to_indices(), accumulate }, &[self, values])
    }
}

/// A random list for `shape`; with `once` no element is named twice.
fn sample_indices(s: &mut Sampler, shape: &Shape, once: bool) -> Result<Vec<Index>> {
    let mut list: Vec<Index> = Vec::new();
    let (mut left, length) = (shape.len(), s.size());
    let mut tensors = 0;
    for &size in shape.iter().take(s.below(shape.len() + 1)) {
        left -= 1;
        if s.one_in(6) {
            list.push(Index::NewAxis);
        }
        list.push(match s.below(5) {
            0 => Index::At(s.below(size) as isize - if s.one_in(2) { size as isize } else { 0 }),
            1 => Index::from(s.below(size) as isize..).step(1 + s.below(2)),
            2 => Index::from(s.indices(&Shape::from([size]), 2)?.to_dtype(DType::Bool)?),
            // Several tensors must broadcast together, and a mask beside them would have to fit by chance.
            _ if tensors == 0 || !once => {
                tensors += 1;
                let places = if once {
                    Tensor::arange(0.0, size as f64, 1.0, DType::I64)?.flip([0])?
                } else {
                    s.indices(&Shape::from([length]), size)?
                };
                Index::from(places)
            }
            _ => Index::from(..),
        });
    }
    let masks = list.iter().filter(|i| matches!(i, Index::Tensor(t) if t.dtype() == DType::Bool)).count();
    if masks + tensors.min(1) > 1 {
        list.iter_mut()
            .filter(|i| matches!(i, Index::Tensor(t) if t.dtype() == DType::Bool))
            .for_each(|i| *i = Index::from(..));
    }
    if left > 0 && s.one_in(3) {
        list.insert(0, Index::Ellipsis);
    }
    Ok(list)
}

pub(crate) const ROW: Row = Row {
    name: "index",
    sample: |s| {
        let rank = s.below(4);
        let shape = s.shape_of_rank(rank);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (read, accumulate) = (s.one_in(2), s.one_in(2));
        // The list is for the first dimensions; after an ellipsis it would be for the last.
        let square: Shape = shape.iter().map(|_| shape.first().copied().unwrap_or(1)).collect();
        let x = if x.shape() == &square { x } else { s.tensor(&square, -2.0, 2.0)? };
        let indices = sample_indices(s, &square, !read && !accumulate)?;
        let picked = x.index(&indices[..])?;
        // Row-major numbers picked alike are the places.
        let n = square.numel();
        let places = Tensor::arange(0.0, n as f64, 1.0, DType::F64)?.view_as(&square)?.index(&indices[..])?;
        let places = places.to_vec::<f64>()?.into_iter().map(|p| p as usize);
        let mut plain = x.to_vec::<f64>()?;
        if read {
            let expected = places.map(|p| plain[p]).collect();
            return Ok(Sample::new(vec![x], move |x| x[0].index(&indices[..])).expect(expected));
        }
        let narrow = s.narrowed(picked.shape());
        let values = s.tensor(&narrow, -2.0, 2.0)?;
        for (p, v) in places.zip(values.broadcast_to(picked.shape())?.to_vec::<f64>()?) {
            plain[p] = if accumulate { plain[p] + v } else { v };
        }
        let call = move |x: &[Var]| x[0].index_put(&indices[..], &x[1], accumulate);
        Ok(Sample::new(vec![x, values], call).expect(plain))
    },
    order: 2,
};
