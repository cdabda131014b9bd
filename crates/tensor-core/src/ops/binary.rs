//! Functions of two elements: `y[i] = f(a[i], b[i])`, shapes broadcast.

use super::unary;
use crate::dtype::{dispatch_all, dispatch_float, dispatch_number, dispatch_wide};
use crate::kernel::pointwise::{Zip, zip, zip_dense, zip_in_place};
use crate::{DType, Element, Error, ErrorKind, Result, Scalar, Tensor};
use std::sync::Arc;

/// The result of mapping `f` over `a` and `b`, broadcast together.
#[track_caller]
pub(crate) fn apply<A: Element, B: Element, Y: Element>(
    op: &'static str,
    a: &Tensor,
    b: &Tensor,
    f: impl Zip<A, B, Y>,
) -> Result<Tensor> {
    let same_shape = || Arc::ptr_eq(&a.layout, &b.layout) || a.shape() == b.shape();
    if a.layout.contiguous && b.layout.contiguous && same_shape() {
        return Tensor::build_like::<Y>(op, a, |out| zip_dense(a.dense::<A>(), b.dense::<B>(), out, f));
    }
    let shape = a.shape().broadcast(op, b.shape())?;
    if !(A::VECTORS && Y::VECTORS) {
        // Integers and comparisons are not worth a strided loop for each function and type.
        let (a, b) = (a.broadcast_to(&shape)?.contiguous()?, b.broadcast_to(&shape)?.contiguous()?);
        return Tensor::build::<Y>(op, shape, |out| zip_dense(a.dense::<A>(), b.dense::<B>(), out, f));
    }
    Tensor::build::<Y>(op, shape.clone(), |out| {
        zip((&a.layout, a.storage.slice::<A>()), (&b.layout, b.storage.slice::<B>()), &shape, out, f);
    })
}

/// Integer arithmetic wraps, as in PyTorch; floats are floats.
pub(crate) trait Arithmetic: Element {
    fn plus(self, b: Self) -> Self;
    fn minus(self, b: Self) -> Self;
    fn times(self, b: Self) -> Self;
    fn negative(self) -> Self;
    fn absolute(self) -> Self;
}

macro_rules! arithmetic {
    (float $($t:ty),*) => {$(
        impl Arithmetic for $t {
            #[inline(always)]
            fn plus(self, b: Self) -> Self { self + b }
            #[inline(always)]
            fn minus(self, b: Self) -> Self { self - b }
            #[inline(always)]
            fn times(self, b: Self) -> Self { self * b }
            #[inline(always)]
            fn negative(self) -> Self { -self }
            #[inline(always)]
            fn absolute(self) -> Self { self.abs() }
        }
    )*};
    (int $($t:ty),*) => {$(
        impl Arithmetic for $t {
            #[inline(always)]
            fn plus(self, b: Self) -> Self { self.wrapping_add(b) }
            #[inline(always)]
            fn minus(self, b: Self) -> Self { self.wrapping_sub(b) }
            #[inline(always)]
            fn times(self, b: Self) -> Self { self.wrapping_mul(b) }
            #[inline(always)]
            fn negative(self) -> Self { self.wrapping_neg() }
            #[inline(always)]
            #[allow(unused_comparisons, reason = "u8 is never negative")]
            fn absolute(self) -> Self { if self < 0 { self.wrapping_neg() } else { self } }
        }
    )*};
}
arithmetic!(float f32, f64);
arithmetic!(int i64, i32, u8);

/// Methods of two tensors and of a tensor and a number, over number dtypes.
/// `$rounded` is what becomes of a number first.
macro_rules! arithmetic_methods {
    ($($(#[$doc:meta])* $name:ident, $scalar:ident, $f:ident, $rounded:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// Shapes broadcast.
                ///
                /// # Errors
                /// If the shapes do not broadcast, the dtypes differ, or are bool.
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Result<Tensor> {
                    self.same_dtype(stringify!($name), other)?;
                    let (a, b) = (self, other);
                    dispatch_number!(stringify!($name), [a, b], T => {
                        apply::<T, T, T>(stringify!($name), &a, &b, <T as Arithmetic>::$f)
                    })
                }

                $(#[$doc])*
                /// A float with an integer tensor gives f32, as PyTorch promotes.
                #[track_caller]
                pub fn $scalar(&self, other: impl Into<Scalar>) -> Result<Tensor> {
                    let other = other.into();
                    let x = self.promoted(other)?;
                    let other: Scalar = $rounded(other, x.dtype());
                    dispatch_number!(stringify!($name), [x], T => {
                        let b: T = other.to();
                        unary::apply::<T, T>(stringify!($name), &x, move |a: T| a.$f(b))
                    })
                }
            )*
        }
    };
}

arithmetic_methods! {
    /// Sum: self + other.
    add, add_scalar, plus, Scalar::rounded;
    /// Difference: self − other.
    sub, sub_scalar, minus, Scalar::rounded;
    /// Product: self · other.
    // PyTorch rounds a summand to half precision, but no factor.
    mul, mul_scalar, times, |factor, _| factor;
}

/// Methods of two float tensors.
macro_rules! float_methods {
    ($($(#[$doc:meta])* $name:ident, |$a:ident, $b:ident| $body:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// Shapes broadcast.
                ///
                /// # Errors
                /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Result<Tensor> {
                    self.same_dtype(stringify!($name), other)?;
                    let (a, b) = (self, other);
                    dispatch_float!(stringify!($name), [a, b], T => {
                        apply(stringify!($name), &a, &b, |$a: T, $b: T| -> T { $body })
                    })
                }
            )*
        }
    };
}

float_methods! {
    /// The gradient of [`relu`](Tensor::relu): 0 where `other` (the output) is at most 0, else `self` (the gradient), also
    /// at NaN.
    relu_backward, |g, y| if y <= 0.0 { 0.0 } else { g };
    /// The gradient of [`tanh`](Tensor::tanh): `self` (the gradient) · (1 − y²), with `other` the output y.
    tanh_backward, |g, y| g * (1.0 - y * y);
    /// The gradient of [`sigmoid`](Tensor::sigmoid): `self` (the gradient) · y · (1 − y), with `other` the output y.
    sigmoid_backward, |g, y| g * ((1.0 - y) * y);
}

/// Comparisons; the result is bool.
macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident, $scalar:ident, $op:tt;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// element by element, as bool. Shapes broadcast.
                ///
                /// # Errors
                /// If the shapes do not broadcast or the dtypes differ.
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Result<Tensor> {
                    self.same_dtype(stringify!($name), other)?;
                    let (a, b) = (self.widened()?, other.widened()?);
                    dispatch_wide!(a.dtype(), T => {
                        apply(stringify!($name), &a, &b, |a: T, b: T| a $op b)
                    })
                }

                $(#[$doc])*
                /// each element against one number, as bool.
                #[track_caller]
                pub fn $scalar(&self, other: impl Into<Scalar>) -> Result<Tensor> {
                    let other = other.into();
                    let x = self.promoted(other)?;
                    let (x, other) = (x.widened()?, other.rounded(x.dtype()));
                    dispatch_wide!(x.dtype(), T => {
                        let b: T = other.to();
                        unary::apply::<T, bool>(stringify!($name), &x, move |a: T| a $op b)
                    })
                }
            )*
        }
    };
}

comparisons! {
    /// self = other,
    eq, eq_scalar, ==;
    /// self ≠ other,
    ne, ne_scalar, !=;
    /// self < other,
    lt, lt_scalar, <;
    /// self ≤ other,
    le, le_scalar, <=;
    /// self > other,
    gt, gt_scalar, >;
    /// self ≥ other,
    ge, ge_scalar, >=;
}

impl Tensor {
    /// Quotient: self / other. Integers are divided as f32, as PyTorch's `/` does. Shapes broadcast.
    #[track_caller]
    pub fn div(&self, other: &Tensor) -> Result<Tensor> {
        self.same_dtype("div", other)?;
        let (a, b) = (self.as_float()?, other.as_float()?);
        dispatch_float!("div", [a, b], T => apply("div", &a, &b, |a: T, b: T| a / b))
    }

    /// Quotient: self / other.
    #[track_caller]
    pub fn div_scalar(&self, other: impl Into<Scalar>) -> Result<Tensor> {
        let other = other.into();
        let x = self.as_float()?;
        dispatch_float!("div", [x], T => {
            let b: T = other.to();
            unary::apply("div", &x, move |a: T| a / b)
        })
    }

    /// The larger of the two, element by element; NaN if either is NaN. Shapes broadcast.
    #[track_caller]
    #[expect(clippy::eq_op, reason = "a float that differs from itself is NaN; an integer never does")]
    pub fn maximum(&self, other: &Tensor) -> Result<Tensor> {
        self.same_dtype("maximum", other)?;
        let (a, b) = (self.widened()?, other.widened()?);
        let y = dispatch_wide!(a.dtype(), T => {
            apply("maximum", &a, &b, |a: T, b: T| if a >= b || a != a { a } else { b })
        })?;
        y.to_dtype(self.dtype())
    }

    /// The smaller of the two, element by element; NaN if either is NaN. Shapes broadcast.
    #[track_caller]
    #[expect(clippy::eq_op, reason = "a float that differs from itself is NaN; an integer never does")]
    pub fn minimum(&self, other: &Tensor) -> Result<Tensor> {
        self.same_dtype("minimum", other)?;
        let (a, b) = (self.widened()?, other.widened()?);
        let y = dispatch_wide!(a.dtype(), T => {
            apply("minimum", &a, &b, |a: T, b: T| if a <= b || a != a { a } else { b })
        })?;
        y.to_dtype(self.dtype())
    }

    /// `other` added to this tensor, in its own storage where nobody else holds it: gradients meet with it.
    /// The shape stays this tensor's.
    ///
    /// # Errors
    /// If the dtypes differ or `other` does not broadcast to this shape. The tensor is then as before.
    #[track_caller]
    pub fn add_assign(&mut self, other: &Tensor) -> Result<()> {
        self.same_dtype("add_assign", other)?;
        if !other.shape().broadcasts_to(self.shape()) {
            let (left, right) = (self.shape().clone(), other.shape().clone());
            return Err(Error::new("add_assign", ErrorKind::Broadcast { left, right }));
        }
        if self.shape() == other.shape() && self.is_contiguous() && other.is_contiguous() {
            let range = self.layout.offset..self.layout.offset + self.numel();
            // A half-precision sum passes through f32, not in place.
            if let Some(storage) = Arc::get_mut(&mut self.storage).filter(|s| !s.dtype().is_half()) {
                return dispatch_number!("add_assign", storage.dtype(), T => {
                    zip_in_place(&mut storage.slice_mut::<T>()[range], other.dense::<T>(), T::plus);
                    Ok(())
                });
            }
        }
        *self = self.add(other).map_err(|e| e.of("add_assign"))?;
        Ok(())
    }

    /// In one of three dtypes that hold every value of all: f64 as it is, other floats as f32, all others as i64.
    #[track_caller]
    fn widened(&self) -> Result<Tensor> {
        match self.dtype() {
            DType::F64 => Ok(self.clone()),
            dtype => self.to_dtype(if dtype.is_float() { DType::F32 } else { DType::I64 }),
        }
    }

    /// As float: f32 for an integer or bool tensor.
    #[track_caller]
    pub(crate) fn as_float(&self) -> Result<Tensor> {
        if self.dtype().is_float() { Ok(self.clone()) } else { self.to_dtype(DType::F32) }
    }

    /// The tensor in the dtype that it has beside the number, and the number as a 0-d tensor of it: a float makes an
    /// integer tensor f32, an integer makes a bool tensor i64; else the dtype stays (`torch.result_type`).
    #[track_caller]
    pub fn beside(&self, other: impl Into<Scalar>) -> Result<(Tensor, Tensor)> {
        let other = other.into();
        let x = self.promoted(other)?;
        let other = dispatch_all!(x.dtype(), T => Tensor::scalar::<T>(other.to()))?;
        Ok((x, other))
    }

    /// The tensor in the dtype that it has beside the number: a float makes an integer tensor f32, an integer makes a
    /// bool tensor i64; else the dtype stays (torch.result_type).
    #[track_caller]
    pub(crate) fn promoted(&self, other: Scalar) -> Result<Tensor> {
        match (self.dtype(), other) {
            (dtype, Scalar::Float(_)) if !dtype.is_float() => self.to_dtype(DType::F32),
            (DType::Bool, Scalar::Int(_)) => self.to_dtype(DType::I64),
            _ => Ok(self.clone()),
        }
    }

    /// Elements of `self` where `condition` is true, else of `other`: `torch.where`. Shapes broadcast.
    ///
    /// # Errors
    /// If `condition` is not bool, the other dtypes differ, or shapes do not broadcast.
    #[track_caller]
    pub fn where_cond(&self, condition: &Tensor, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "where";
        self.same_dtype(OP, other)?;
        if condition.dtype() != DType::Bool {
            let found = condition.dtype();
            return Err(Error::new(OP, ErrorKind::DType { argument: "condition", found, expected: "bool" }));
        }
        let shape = self.shape().broadcast(OP, other.shape())?.broadcast(OP, condition.shape())?;
        let condition = condition.broadcast_to(&shape)?.contiguous()?;
        let (a, b) = (self.broadcast_to(&shape)?, other.broadcast_to(&shape)?);
        let condition = condition.dense::<bool>();
        dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, shape.clone(), |out| {
            let (a_data, b_data) = (a.data::<T>(), b.data::<T>());
            let walk = crate::kernel::walk::Walk::new(&shape, [&a.layout.strides, &b.layout.strides]);
            crate::kernel::parallel::for_each_chunk(out, crate::kernel::parallel::CHUNK, |start, out| {
                let [a_step, b_step] = walk.inner_strides();
                for (at, length, [i, j]) in walk.rows(start, start + out.len()) {
                    let chosen = &condition[start + at..start + at + length];
                    for (k, (y, &c)) in out[at..at + length].iter_mut().zip(chosen).enumerate() {
                        *y = if c { a_data[i + k * a_step] } else { b_data[j + k * b_step] };
                    }
                }
            });
        }))
    }

    /// The elements, `value` where `mask` is true. The mask broadcasts to this shape; a fraction of `value` is cut off in
    /// an integer tensor.
    ///
    /// # Errors
    /// If `mask` is not bool or does not broadcast, or the dtype does not hold `value`: infinity or 300 in u8, 1e9 in
    /// f16.
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = value.into();
        let fill =
            dispatch_all!(self.dtype(), T => Tensor::scalar::<T>(value.checked("masked_fill", "value")?))?;
        fill.where_cond(mask, self).map_err(|e| e.of("masked_fill"))
    }
}
