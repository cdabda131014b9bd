//! Elements picked and placed one by one by an index tensor of the same rank.

use super::binary::Arithmetic;
use super::index_select::checked_indices;
use super::reduce::replaces;
use crate::dtype::{dispatch_all, dispatch_number};
use crate::kernel::parallel::{CHUNK, for_each_chunk};
use crate::kernel::walk::Walk;
use crate::{DType, Element, Error, ErrorKind, Result, Scalar, Shape, Tensor};

/// How [`Tensor::scatter_reduce`] joins the values that meet in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScatterReduce {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
    /// Their mean; of integers rounded down.
    Mean,
    /// The largest; NaN wins.
    Amax,
    /// The smallest; NaN wins.
    Amin,
}

/// Where the elements of an index tensor point: at its own position, but along one dimension at the index.
struct Targets {
    /// The positions with the indexed dimension left out.
    walk: Walk<1>,
    /// Dense, i64.
    indices: Tensor,
    /// The step of the indexed dimension.
    along: usize,
}

impl Targets {
    /// Into a tensor of `sizes` and `steps`. A 0-d tensor counts as one of one dimension.
    #[track_caller]
    fn new(op: &'static str, dim: isize, index: &Tensor, (sizes, steps): (&Shape, &[usize])) -> Result<Self> {
        let at = sizes.dim(op, dim)?;
        let lifted = |shape: &Shape| if shape.is_empty() { Shape::from([1]) } else { shape.clone() };
        let (shape, sizes) = (lifted(index.shape()), lifted(sizes));
        if index.numel() == 0 {
            let indices = Tensor::zeros([0], DType::I64)?;
            return Ok(Self { walk: Walk::new(&[], [&[]]), indices, along: 0 });
        }
        let fits = shape.len() == sizes.len()
            && shape.iter().zip(sizes.iter()).enumerate().all(|(d, (i, s))| d == at || i <= s);
        if !fits {
            let expected =
                format!("{} dimensions, no larger than {sizes} but for dimension {at}", sizes.len());
            let found = index.shape().clone();
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "index", found, expected }));
        }
        let indices = checked_indices(op, index, at, sizes[at])?;
        let mut steps = if steps.is_empty() { vec![1] } else { steps.to_vec() };
        let along = std::mem::take(&mut steps[at]);
        Ok(Self { walk: Walk::new(&shape, [&steps]), indices, along })
    }

    /// Calls `visit(i, place)` for elements `start..end` of the index tensor in order; `i` counts from `start`.
    #[inline(always)]
    fn each(&self, start: usize, end: usize, mut visit: impl FnMut(usize, usize)) {
        let [step] = self.walk.inner_strides();
        let indices = self.indices.dense::<i64>();
        for (at, length, [base]) in self.walk.rows(start, end) {
            for (k, &index) in indices[start + at..start + at + length].iter().enumerate() {
                visit(at + k, base + k * step + index as usize * self.along);
            }
        }
    }

    /// `write(place, value)` for each index and its value, in order.
    fn put<T: Element>(&self, out: &mut [T], source: &[T], write: impl Fn(&mut T, T)) {
        self.each(0, self.indices.numel(), |i, to| write(&mut out[to], source[i]));
    }
}

/// The part of `source` that has the shape of `index`.
#[track_caller]
fn used(op: &'static str, index: &Tensor, source: &Tensor) -> Result<Tensor> {
    let lifted = |x: &Tensor| if x.rank() == 0 { x.unsqueeze(0) } else { Ok(x.clone()) };
    let (index, mut used) = (lifted(index)?, lifted(source)?);
    let fits =
        index.rank() == used.rank() && index.shape().iter().zip(used.shape().iter()).all(|(i, s)| i <= s);
    if !fits && index.numel() > 0 {
        let (found, expected) = (source.shape().clone(), format!("at least {}", index.shape()));
        return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "source", found, expected }));
    }
    if fits {
        for (d, &n) in index.shape().iter().enumerate() {
            used = used.narrow(d as isize, 0, n)?;
        }
    }
    used.contiguous()
}

impl Tensor {
    /// `out[i][j] = self[index[i][j]][j]` for `dim` 0, and alike along other dimensions: `torch.gather`.
    /// `index` (i64 or i32) has as many dimensions as the tensor and is no larger than it beyond `dim`.
    ///
    /// # Errors
    /// If an index is out of range or the shapes do not fit.
    #[track_caller]
    pub fn gather(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "gather";
        let targets = Targets::new(OP, dim, index, (self.shape(), self.strides()))?;
        dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, index.shape().clone(), |out| {
            let x = self.data::<T>();
            for_each_chunk(out, CHUNK, |start, out| {
                targets.each(start, start + out.len(), |i, from| out[i] = x[from]);
            });
        }))
    }

    /// As [`gather`](Tensor::gather), with shapes that broadcast together beyond `dim`: what `argsort` names is
    /// fetched by it. `torch.take_along_dim`; its form without `dim` is [`take`](Tensor::take).
    ///
    /// # Errors
    /// If an index is out of range or the shapes do not broadcast.
    #[track_caller]
    pub fn take_along_dim(&self, index: &Tensor, dim: isize) -> Result<Tensor> {
        const OP: &str = "take_along_dim";
        let at = self.shape().dim(OP, dim)?;
        let (x, index) = self.beyond(OP, index, at)?;
        x.gather(dim, &index).map_err(|e| e.of(OP))
    }

    /// Both tensors, broadcast together beyond dimension `at`.
    #[track_caller]
    fn beyond(&self, op: &'static str, index: &Tensor, at: usize) -> Result<(Tensor, Tensor)> {
        if index.rank() != self.rank() {
            let (found, expected) = (index.shape().clone(), format!("{} dimensions", self.rank()));
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "index", found, expected }));
        }
        let with = |shape: &Shape, size: Option<&usize>| -> Shape {
            let size = size.copied().unwrap_or(1);
            shape.iter().enumerate().map(|(d, &n)| if d == at { size } else { n }).collect()
        };
        let one = |shape: &Shape| with(shape, Some(&1));
        let shared = one(self.shape()).broadcast(op, &one(index.shape()))?;
        let x = self.broadcast_to(&with(&shared, self.shape().get(at)))?;
        Ok((x, index.broadcast_to(&with(&shared, index.shape().get(at)))?))
    }

    /// This tensor with `source` where `index` points, `out[index[i][j]][j] = source[i][j]` for `dim` 0, and alike
    /// along other dimensions; of a place named twice the last stays: `torch.scatter`. `source` is at least as large
    /// as `index`.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    #[track_caller]
    pub fn scatter(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "scatter";
        self.same_dtype(OP, source)?;
        let (base, source) = (self.contiguous()?, used(OP, index, source)?);
        let targets = Targets::new(OP, dim, index, (base.shape(), base.strides()))?;
        dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, self.shape().clone(), |out| {
            out.copy_from_slice(base.dense::<T>());
            targets.put(out, source.dense::<T>(), |y, value| *y = value);
        }))
    }

    /// This tensor with `value` where `index` points: [`scatter`](Tensor::scatter) of one number.
    ///
    /// # Errors
    /// If an index is out of range or the shapes do not fit.
    #[track_caller]
    pub fn scatter_value(&self, dim: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = dispatch_all!(self.dtype(), T => Tensor::scalar::<T>(value.into().to()))?;
        self.scatter(dim, index, &value.broadcast_to(index.shape())?)
    }

    /// This tensor with `source` added where `index` points, `out[index[i][j]][j] += source[i][j]` for `dim` 0;
    /// a place named twice receives both, in order: `torch.scatter_add`.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    #[track_caller]
    pub fn scatter_add(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "scatter_add";
        self.same_dtype(OP, source)?;
        let (base, source) = (self.contiguous()?, used(OP, index, source)?);
        let targets = Targets::new(OP, dim, index, (base.shape(), base.strides()))?;
        dispatch_number!(OP, [base, source], T => Tensor::build::<T>(OP, self.shape().clone(), |out| {
            out.copy_from_slice(base.dense::<T>());
            targets.put(out, source.dense::<T>(), |y, value| *y = y.plus(value));
        }))
    }

    /// This tensor with the elements of `source` joined by `reduce` where `index` points: `torch.scatter_reduce`.
    /// Without `include_self` the tensor's own elements are left out where a value arrives.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    ///
    /// ```
    /// use tensor_core::{ScatterReduce, Tensor};
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0], [2])?;
    /// let (index, source) = (Tensor::from_vec(vec![0i64, 0], [2])?, Tensor::from_vec(vec![5.0f32, 3.0], [2])?);
    /// assert_eq!(x.scatter_reduce(0, &index, &source, ScatterReduce::Mean, true)?.to_vec::<f32>()?, [3.0, 2.0]);
    /// assert_eq!(x.scatter_reduce(0, &index, &source, ScatterReduce::Mean, false)?.to_vec::<f32>()?, [4.0, 2.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter_reduce(
        &self,
        dim: isize,
        index: &Tensor,
        source: &Tensor,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor> {
        const OP: &str = "scatter_reduce";
        self.same_dtype(OP, source)?;
        let (base, source) = (self.contiguous()?, used(OP, index, source)?);
        let targets = Targets::new(OP, dim, index, (base.shape(), base.strides()))?;
        dispatch_number!(OP, [base, source], T => Tensor::build::<T>(OP, self.shape().clone(), |out| {
            out.copy_from_slice(base.dense::<T>());
            let join: fn(T, T) -> T = match reduce {
                ScatterReduce::Sum | ScatterReduce::Mean => Arithmetic::plus,
                ScatterReduce::Prod => Arithmetic::times,
                ScatterReduce::Amax => |y, value| if replaces(true)(value, y) { value } else { y },
                ScatterReduce::Amin => |y, value| if replaces(false)(value, y) { value } else { y },
            };
            let source = source.dense::<T>();
            if include_self && reduce != ScatterReduce::Mean {
                return targets.put(out, source, |y, value| *y = join(*y, value));
            }
            // How many values each place holds.
            let mut counts = vec![usize::from(include_self); out.len()];
            targets.each(0, targets.indices.numel(), |i, to| {
                out[to] = if counts[to] == 0 { source[i] } else { join(out[to], source[i]) };
                counts[to] += 1;
            });
            if reduce == ScatterReduce::Mean {
                out.iter_mut().zip(counts).for_each(|(y, count)| *y = divided(*y, count.max(1)));
            }
        }))
    }
}

/// A sum divided by the number of its terms; of integers rounded down.
fn divided<T: Element>(sum: T, count: usize) -> T {
    if T::DTYPE.is_float() {
        T::from_f64(sum.to_f64() / count as f64)
    } else {
        T::from_i64(sum.to_i64().div_euclid(count as i64))
    }
}
