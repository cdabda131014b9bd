//! Attention by blocks and its gradient.

use crate::dtype::dispatch_float;
use crate::kernel::attention::{self, Geometry, Gradients, Heads, Kept, Operands};
use crate::storage::Storage;
use crate::{Element, Error, ErrorKind, Result, Shape, Tensor};

/// Queries, keys and values as `[batch, heads, rows, features]`, features next to each other.
struct Prepared {
    query: Tensor,
    key: Tensor,
    value: Tensor,
    geometry: Geometry,
    /// Of the output.
    shape: Shape,
}

impl Prepared {
    #[track_caller]
    fn new(op: &'static str, [query, key, value]: [&Tensor; 3], is_causal: bool, scale: f64) -> Result<Self> {
        query.same_dtype(op, key)?;
        query.same_dtype(op, value)?;
        let shape = expect_shapes(op, query, key, value)?;
        // The default scale of no features is infinite, and times 0 that is NaN.
        let scale = if query.shape().last() == Some(&0) { 0.0 } else { scale };
        let (wide_query, wide_key) = (with_features(query)?, with_features(key)?);
        let (query, key, value) =
            (heads_of(op, &wide_query)?, heads_of(op, &wide_key)?, heads_of(op, value)?);
        let geometry = Geometry {
            batch: query.shape()[0],
            heads: query.shape()[1],
            groups: key.shape()[1],
            queries: query.shape()[2],
            keys: key.shape()[2],
            width: query.shape()[3],
            values: value.shape()[3],
            causal: is_causal,
            scale,
        };
        Ok(Self { query, key, value, geometry, shape })
    }

    /// Whether there is nothing to sum or nothing to write.
    fn is_empty(&self) -> bool {
        let Geometry { batch, groups, heads, queries, keys, values, .. } = self.geometry;
        [batch, groups, heads, queries, keys, values].contains(&0)
    }
}

/// The shape of the output, if the operands' shapes fit each other.
#[track_caller]
fn expect_shapes(op: &'static str, query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Shape> {
    let refuse = |argument, found: &Tensor, expected| {
        let found = found.shape().clone();
        Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found, expected }))
    };
    let [lead @ .., queries, width] = &**query.shape() else {
        return refuse("query", query, "[.., L, E]".to_string());
    };
    let heads = |heads: Option<&usize>| heads.copied().unwrap_or(1);
    let fits = match &**key.shape() {
        [key_lead @ .., _, key_width] if key_lead.len() == lead.len() && key_width == width => {
            let (own, shared) = (heads(lead.last()), heads(key_lead.last()));
            let grouped = own == shared || (shared > 0 && own.is_multiple_of(shared));
            grouped && lead.iter().rev().skip(1).eq(key_lead.iter().rev().skip(1))
        }
        _ => false,
    };
    if !fits {
        return refuse("key", key, format!("[.., S, {width}] with the batch of {}", query.shape()));
    }
    let rows = key.rank() - 1;
    match &**value.shape() {
        [value_lead @ .., values] if *value_lead == key.shape()[..rows] => {
            Ok(lead.iter().chain([queries, values]).copied().collect())
        }
        _ => refuse("value", value, format!("[.., V] with {:?} before it, as the key", &key.shape()[..rows])),
    }
}

/// With one feature of 0 if there are none: their scores are 0 too.
#[track_caller]
fn with_features(x: &Tensor) -> Result<Tensor> {
    match **x.shape() {
        [ref rows @ .., 0] => {
            let shape: Shape = rows.iter().copied().chain([1]).collect();
            Tensor::zeros(shape, x.dtype())
        }
        _ => Ok(x.clone()),
    }
}

/// `[.., heads, rows, features]` as `[batch, heads, rows, features]`, features next to each other.
#[track_caller]
fn heads_of(op: &'static str, x: &Tensor) -> Result<Tensor> {
    let rank = x.rank();
    let (lead, last) = x.shape().split_at(rank.saturating_sub(3));
    let mut sizes = [1, 1, 1, 1];
    sizes[0] = lead.iter().product();
    sizes[4 - last.len()..].copy_from_slice(last);
    let x = x.reshape_to(op, Shape::from(sizes))?;
    if x.strides()[3] == 1 || x.shape()[3] == 1 { Ok(x) } else { x.contiguous() }
}

/// What a kernel reads of `[batch, heads, rows, features]`.
fn operand<T: Element>(x: &Tensor) -> Heads<'_, T> {
    let strides = x.strides();
    Heads { data: x.data::<T>(), strides: [strides[0], strides[1], strides[2]] }
}

impl Tensor {
    /// `softmax(Q Kᵀ · scale) V` with this tensor as the queries `[.., H, L, E]`, keys `[.., G, S, E]` and values
    /// `[.., G, S, V]`, each head of these serving H / G of the queries: `[.., H, L, V]`. With `is_causal` query i
    /// looks at keys 0 to i alone. Scores are computed by blocks and never all there at once.
    ///
    /// Returned beside it is what
    /// [`scaled_dot_product_attention_backward`](Tensor::scaled_dot_product_attention_backward) needs: of each query the
    /// logarithm of the sum of the exponentials of its scores.
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let (query, key) = (Tensor::ones([2, 5, 8], DType::F32)?, Tensor::ones([2, 3, 8], DType::F32)?);
    /// let value = Tensor::full([2, 3, 4], 7.0, DType::F32)?;
    /// let (output, _) = query.scaled_dot_product_attention(&key, &value, false, 0.5)?;
    /// assert_eq!(output.to_vec::<f32>()?, [7.0; 40]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn scaled_dot_product_attention(
        &self,
        key: &Tensor,
        value: &Tensor,
        is_causal: bool,
        scale: f64,
    ) -> Result<(Tensor, Tensor)> {
        const OP: &str = "scaled_dot_product_attention";
        let prepared = Prepared::new(OP, [self, key, value], is_causal, scale)?;
        let Geometry { batch, heads, queries, values, .. } = prepared.geometry;
        // Heads inside rows: joining them again, as layers do, then needs no copy.
        let (by_rows, kept_shape) = (Shape::from([batch, queries, heads, values]), [batch, queries, heads]);
        if prepared.is_empty() {
            let zeros = Tensor::zeros(prepared.shape, self.dtype())?;
            return Ok((zeros, Tensor::zeros(kept_shape, self.dtype().computed())?));
        }
        let Prepared { query, key, value, geometry, shape } = prepared;
        let (output, kept) = dispatch_float!(OP, [query, key, value], T => {
            let mut kept = Storage::recycled(OP, query.dtype(), batch * queries * heads)?;
            let output = Tensor::build::<T>(OP, by_rows, |out| {
                let operands = Operands { query: operand(&query), key: operand(&key), value: operand(&value) };
                attention::attention::<T>(&geometry, &operands, out, kept.slice_mut());
            })?;
            Ok((output, kept))
        })?;
        let output = output.transpose(1, 2)?.reshape_to(OP, shape)?;
        Ok((output, Tensor::from_storage(kept, Shape::from(kept_shape))))
    }

    /// The gradients of queries, keys and values of
    /// [`scaled_dot_product_attention`](Tensor::scaled_dot_product_attention), with this tensor as the gradient of its
    /// output, and the output and what was kept as it returned them.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn scaled_dot_product_attention_backward(
        &self,
        [query, key, value]: [&Tensor; 3],
        output: &Tensor,
        kept: &Tensor,
        is_causal: bool,
        scale: f64,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        const OP: &str = "scaled_dot_product_attention_backward";
        let shapes = [query.shape(), key.shape(), value.shape()].map(Clone::clone);
        let prepared = Prepared::new(OP, [query, key, value], is_causal, scale)?;
        for (argument, x) in [("the gradient", self), ("the output", output)] {
            query.same_dtype(OP, x)?;
            if *x.shape() != prepared.shape {
                let (found, expected) = (x.shape().clone(), prepared.shape.to_string());
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument, found, expected }));
            }
        }
        if prepared.is_empty() {
            return Ok((query.zeros_like()?, key.zeros_like()?, value.zeros_like()?));
        }
        let (g, output) = (heads_of(OP, self)?, heads_of(OP, output)?);
        let Prepared { query, key, value, geometry, .. } = prepared;
        let Geometry { batch, heads, queries, .. } = geometry;
        if *kept.shape() != [batch, queries, heads] {
            let (found, expected) = (kept.shape().clone(), format!("[{batch}, {queries}, {heads}]"));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "kept", found, expected }));
        }
        let kept = kept.contiguous()?;
        let (dquery, dkey, dvalue) = dispatch_float!(OP, [query, key, value, g, output], T => {
            query.same_dtype(OP, &kept)?;
            let operands = Operands { query: operand(&query), key: operand(&key), value: operand(&value) };
            let kept = Kept { out: operand(&output), gradient: operand(&g), log_sums: kept.dense::<T>() };
            let [query, key, value] = [&query, &key, &value].map(|x| x.shape().clone());
            let mut dkey = Storage::recycled(OP, T::DTYPE, key.numel())?;
            let mut dvalue = Storage::recycled(OP, T::DTYPE, value.numel())?;
            let dquery = Tensor::build::<T>(OP, query, |query| {
                let gradients = Gradients { query, key: dkey.slice_mut(), value: dvalue.slice_mut() };
                attention::attention_backward::<T>(&geometry, &operands, &kept, gradients);
            })?;
            Ok((dquery, Tensor::from_storage(dkey, key), Tensor::from_storage(dvalue, value)))
        })?;
        let [query, key, value] = shapes;
        // Without features there is no gradient of them.
        let back = |dx: Tensor, shape: Shape| match shape.numel() {
            0 => Tensor::zeros(shape, dx.dtype()),
            _ => dx.reshape_to(OP, shape),
        };
        Ok((back(dquery, query)?, back(dkey, key)?, back(dvalue, value)?))
    }
}
