//! Element types.

/// The type of a tensor's elements, known at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// 32-bit float, PyTorch's default.
    F32,
    /// 64-bit float.
    F64,
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
            DType::U8 | DType::Bool => 1,
        }
    }

    /// Whether elements are floating-point numbers, the ones that can have a gradient.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
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

/// Runs `$body` with `$T` bound to the Rust type of `$dtype`.
macro_rules! dispatch_all {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::DType::F64 => {
                type $T = f64;
                $body
            }
            $crate::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::DType::U8 => {
                type $T = u8;
                $body
            }
            $crate::DType::Bool => {
                type $T = bool;
                $body
            }
        }
    };
}

/// Runs `$body` with `$T` bound to f32 or f64; any other dtype is an error of `$op`.
macro_rules! dispatch_float {
    ($op:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::DType::F64 => {
                type $T = f64;
                $body
            }
            found => Err($crate::Error::new(
                $op,
                $crate::ErrorKind::DType { argument: "input", found, expected: "f32 or f64" },
            )),
        }
    };
}

/// Runs `$body` with `$T` bound to a number type; bool is an error of `$op`.
macro_rules! dispatch_number {
    ($op:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::DType::F64 => {
                type $T = f64;
                $body
            }
            $crate::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::DType::U8 => {
                type $T = u8;
                $body
            }
            found @ $crate::DType::Bool => Err($crate::Error::new(
                $op,
                $crate::ErrorKind::DType {
                    argument: "input",
                    found,
                    expected: "a number dtype; convert with to_dtype()",
                },
            )),
        }
    };
}

/// Runs `$body` with `$T` bound to f32, f64 or i64, the dtypes of a widened tensor.
macro_rules! dispatch_wide {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::DType::F64 => {
                type $T = f64;
                $body
            }
            _ => {
                type $T = i64;
                $body
            }
        }
    };
}

pub(crate) use {dispatch_all, dispatch_float, dispatch_number, dispatch_wide};
