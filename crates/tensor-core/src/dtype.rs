//! Element types.

use crate::ErrorKind;
use crate::half::{bf16, f16};

/// The type of a tensor's elements, known at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// 32-bit float, PyTorch's default.
    F32,
    /// 64-bit float.
    F64,
    /// 16-bit float of IEEE 754, [`f16`](struct@crate::f16). Operations compute in f32 and round once, as those of `BF16`.
    F16,
    /// The upper half of an f32, [`bf16`].
    BF16,
    /// 64-bit signed integer: indices and class labels.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 8-bit unsigned integer: image bytes.
    U8,
    /// Truth value, one byte.
    Bool,
}

impl DType {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 => 8,
            DType::F32 | DType::I32 => 4,
            DType::F16 | DType::BF16 => 2,
            DType::U8 | DType::Bool => 1,
        }
    }

    /// Whether elements are floating-point numbers, the ones that can have a gradient.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64 | DType::F16 | DType::BF16)
    }

    /// Whether elements are 16-bit floats.
    pub const fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::BF16)
    }

    /// The dtype that operations compute in: f32 for 16-bit floats, any other itself.
    pub const fn computed(self) -> DType {
        if self.is_half() { DType::F32 } else { self }
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::I64 => "i64",
            DType::I32 => "i32",
            DType::U8 => "u8",
            DType::Bool => "bool",
        })
    }
}

/// A Rust type that a tensor can hold. Sealed: storage relies on every bit pattern it writes being valid.
pub trait Element:
    sealed::Sealed + Copy + Default + PartialEq + PartialOrd + Send + Sync + std::fmt::Debug + 'static
{
    /// The matching [`DType`].
    const DTYPE: DType;
    /// Whether pointwise loops over this type are compiled for each instruction set. f64 is there to check gradients
    /// with, and its functions are calls; vectors would only double what there is to compile.
    #[doc(hidden)]
    const VECTORS: bool = matches!(Self::DTYPE, DType::F32);
    /// The value as f64; integers beyond 2⁵³ round.
    fn to_f64(self) -> f64;
    /// The value nearest to `x` as PyTorch converts: floats truncate to integers, nonzero is `true`.
    fn from_f64(x: f64) -> Self;
    /// The value as i64: floats truncate.
    fn to_i64(self) -> i64;
    /// The value of `x`, wrapped to the type's width; nonzero is `true`.
    fn from_i64(x: i64) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! number_element {
    ($($t:ty => $dtype:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$dtype;
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                self as i64
            }
            #[inline(always)]
            fn from_i64(x: i64) -> Self {
                x as $t
            }
        }
    )*};
}
number_element!(f32 => F32, f64 => F64, i64 => I64, i32 => I32, u8 => U8);

macro_rules! half_element {
    ($($t:ty => $dtype:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$dtype;
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.to_f32().into()
            }
            /// By way of f32, as PyTorch converts.
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                Self::from_f32(x as f32)
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                self.to_f32() as i64
            }
            #[inline(always)]
            fn from_i64(x: i64) -> Self {
                Self::from_f32(x as f32)
            }
        }
    )*};
}
half_element!(f16 => F16, bf16 => BF16);

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    fn from_f64(x: f64) -> Self {
        x != 0.0
    }
    fn to_i64(self) -> i64 {
        i64::from(self)
    }
    fn from_i64(x: i64) -> Self {
        x != 0
    }
}

/// `$body` with `$T` bound to a type.
macro_rules! with_type {
    ($T:ident = $t:ty, $body:expr) => {{
        type $T = $t;
        $body
    }};
}

/// `$dispatch!` over the dtype of `$first`, half precision by way of f32: in `$body` the names are the operands with
/// halves as f32, and the result is rounded to the dtype that `$first` had (see `half.rs`). Operands are tensors,
/// references to tensors, or options of these.
macro_rules! with_operands {
    ($dispatch:ident, $op:expr, [$first:ident $(, $operand:ident)*], $T:ident => $body:expr) => {{
        let dtype = $first.dtype();
        let $first = $crate::half::Widen::widen(&$first)?;
        $(let $operand = $crate::half::Widen::widen(&$operand)?;)*
        $crate::half::narrow($crate::dtype::$dispatch!($op, $first.dtype(), $T => $body), dtype)
    }};
}

/// Runs `$body` with `$T` bound to the Rust type of `$dtype`: for what moves, converts or compares single elements.
macro_rules! dispatch_all {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => $crate::dtype::with_type!($T = f32, $body),
            $crate::DType::F64 => $crate::dtype::with_type!($T = f64, $body),
            $crate::DType::F16 => $crate::dtype::with_type!($T = $crate::f16, $body),
            $crate::DType::BF16 => $crate::dtype::with_type!($T = $crate::bf16, $body),
            $crate::DType::I64 => $crate::dtype::with_type!($T = i64, $body),
            $crate::DType::I32 => $crate::dtype::with_type!($T = i32, $body),
            $crate::DType::U8 => $crate::dtype::with_type!($T = u8, $body),
            $crate::DType::Bool => $crate::dtype::with_type!($T = bool, $body),
        }
    };
}

/// Runs `$body` with `$T` bound to f32 or f64; any other dtype is an error of `$op`. With its operands named,
/// `[x, weight]` in place of a dtype, half precision works too (`with_operands!`).
macro_rules! dispatch_float {
    ($op:expr, [$($operand:ident),+], $T:ident => $body:expr) => {
        $crate::dtype::with_operands!(dispatch_float, $op, [$($operand),+], $T => $body)
    };
    ($op:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => $crate::dtype::with_type!($T = f32, $body),
            $crate::DType::F64 => $crate::dtype::with_type!($T = f64, $body),
            found => Err($crate::Error::new($op, $crate::dtype::no_float(found))),
        }
    };
}

/// Runs `$body` with `$T` bound to a number type; bool is an error of `$op`. With its operands named, `[x, weight]` in
/// place of a dtype, half precision works too (`with_operands!`).
macro_rules! dispatch_number {
    ($op:expr, [$($operand:ident),+], $T:ident => $body:expr) => {
        $crate::dtype::with_operands!(dispatch_number, $op, [$($operand),+], $T => $body)
    };
    ($op:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => $crate::dtype::with_type!($T = f32, $body),
            $crate::DType::F64 => $crate::dtype::with_type!($T = f64, $body),
            $crate::DType::I64 => $crate::dtype::with_type!($T = i64, $body),
            $crate::DType::I32 => $crate::dtype::with_type!($T = i32, $body),
            $crate::DType::U8 => $crate::dtype::with_type!($T = u8, $body),
            found => Err($crate::Error::new($op, $crate::dtype::no_number(found))),
        }
    };
}

/// Runs `$body` with `$T` bound to f32, f64 or i64, the dtypes of a widened tensor.
macro_rules! dispatch_wide {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => $crate::dtype::with_type!($T = f32, $body),
            $crate::DType::F64 => $crate::dtype::with_type!($T = f64, $body),
            _ => $crate::dtype::with_type!($T = i64, $body),
        }
    };
}

pub(crate) use {dispatch_all, dispatch_float, dispatch_number, dispatch_wide, with_operands, with_type};

#[cold]
pub(crate) fn no_float(found: DType) -> ErrorKind {
    ErrorKind::DType {
        argument: "input",
        found,
        expected: "a float dtype as f32 or f64; convert with to_dtype()",
    }
}

#[cold]
pub(crate) fn no_number(found: DType) -> ErrorKind {
    ErrorKind::DType { argument: "input", found, expected: "a number dtype; convert with to_dtype()" }
}
