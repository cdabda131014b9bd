//! The 16-bit floats, and how operations compute on them.
//!
//! One rule: an operation on a half-precision tensor reads its operands as f32, computes in f32 and rounds its result
//! once (PyTorch's opmath). `dispatch_float!` and `dispatch_number!` apply it to the operands that they are given by
//! name: [`Widen`] on the way in, [`narrow`] on the way out. So there is no loop for these types but the conversions.

use crate::{DType, Result, Tensor};
use std::borrow::Cow;
use std::cmp::Ordering;

/// IEEE 754 binary16: 5 bits of exponent, 10 of fraction. Largest number 65504, about 3 decimal digits.
#[expect(non_camel_case_types, reason = "a number type beside f32 and f64")]
#[derive(Clone, Copy, Default)]
pub struct f16(u16);

/// bfloat16, the upper half of an f32: 8 bits of exponent, 7 of fraction. The range of f32, about 2 decimal digits.
#[expect(non_camel_case_types, reason = "a number type beside f32 and f64")]
#[derive(Clone, Copy, Default)]
pub struct bf16(u16);

impl f16 {
    /// The distance of the exponent biases of f32 and f16, 127 − 15, in an f32's place of it.
    const REBIAS: u32 = (127 - 15) << 23;
    /// 2⁻¹⁴ as an f32.
    const SMALLEST_NORMAL: u32 = (127 - 14) << 23;

    /// The nearest number, ties to even; beyond the largest by half a step or more, infinity.
    #[inline]
    pub const fn from_f32(x: f32) -> Self {
        let sign = (x.to_bits() >> 16) & 0x8000;
        let size = x.to_bits() & 0x7fff_ffff;
        let half = if size > f32::INFINITY.to_bits() {
            // A quiet NaN with the upper bits of the payload.
            0x7e00 | ((size >> 13) & 0x03ff)
        } else if size >= 65536f32.to_bits() {
            0x7c00
        } else if size >= Self::SMALLEST_NORMAL {
            // A carry out of the fraction raises the exponent, up to infinity.
            round_off(size - Self::REBIAS, 13)
        } else {
            // The last bit of ½ as an f32 is 2⁻²⁴, the smallest f16: the addition rounds to multiples of it.
            (f32::from_bits(size) + 0.5).to_bits() - 0.5f32.to_bits()
        };
        Self((sign | half) as u16)
    }

    /// The same number as f32.
    #[inline]
    pub const fn to_f32(self) -> f32 {
        let sign = ((self.0 & 0x8000) as u32) << 16;
        let size = (self.0 & 0x7fff) as u32;
        let wide = match size {
            0x7c00.. => f32::INFINITY.to_bits() | (size << 13),
            0x0400.. => (size << 13) + Self::REBIAS,
            // Subnormal: a multiple of 2⁻²⁴.
            _ => (size as f32 * (1.0 / 16_777_216.0)).to_bits(),
        };
        f32::from_bits(sign | wide)
    }
}

impl bf16 {
    /// The nearest number, ties to even; beyond the largest by half a step or more, infinity.
    #[inline]
    pub const fn from_f32(x: f32) -> Self {
        let bits = x.to_bits();
        // A NaN keeps the upper bits of its payload and is made quiet, lest it become an infinity.
        Self(if x.is_nan() { (bits >> 16) | 0x0040 } else { round_off(bits, 16) } as u16)
    }

    /// The same number as f32.
    #[inline]
    pub const fn to_f32(self) -> f32 {
        f32::from_bits((self.0 as u32) << 16)
    }
}

/// `bits` without the lowest `count`, rounded to nearest, ties to even.
const fn round_off(bits: u32, count: u32) -> u32 {
    let below_half = (1 << (count - 1)) - 1;
    (bits + below_half + ((bits >> count) & 1)) >> count
}

macro_rules! half {
    ($($t:ident),*) => {$(
        impl $t {
            /// The number of these bits.
            pub const fn from_bits(bits: u16) -> Self {
                Self(bits)
            }
            /// The number's bits.
            pub const fn to_bits(self) -> u16 {
                self.0
            }
            pub(crate) const fn from_le_bytes(bytes: [u8; 2]) -> Self {
                Self(u16::from_le_bytes(bytes))
            }
            pub(crate) const fn from_be_bytes(bytes: [u8; 2]) -> Self {
                Self(u16::from_be_bytes(bytes))
            }
        }
        impl From<$t> for f32 {
            fn from(x: $t) -> f32 {
                x.to_f32()
            }
        }
        impl PartialEq for $t {
            fn eq(&self, other: &Self) -> bool {
                self.to_f32() == other.to_f32()
            }
        }
        impl PartialOrd for $t {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.to_f32().partial_cmp(&other.to_f32())
            }
        }
        impl std::fmt::Debug for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.to_f32(), f)
            }
        }
        impl std::fmt::Display for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.to_f32(), f)
            }
        }
    )*};
}
half!(f16, bf16);

/// An operand as loops read it: half precision as f32, any other dtype as it is.
pub(crate) trait Widen {
    type Wide<'a>
    where
        Self: 'a;
    fn widen(&self) -> Result<Self::Wide<'_>>;
}

impl Widen for Tensor {
    type Wide<'a> = Cow<'a, Tensor>;
    #[inline]
    fn widen(&self) -> Result<Cow<'_, Tensor>> {
        if self.dtype().is_half() {
            self.to_dtype(DType::F32).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(self))
        }
    }
}

impl<W: Widen> Widen for &W {
    type Wide<'a>
        = W::Wide<'a>
    where
        Self: 'a;
    #[inline]
    fn widen(&self) -> Result<W::Wide<'_>> {
        W::widen(self)
    }
}

impl<W: Widen> Widen for Option<W> {
    type Wide<'a>
        = Option<W::Wide<'a>>
    where
        Self: 'a;
    #[inline]
    fn widen(&self) -> Result<Self::Wide<'_>> {
        self.as_ref().map(W::widen).transpose()
    }
}

/// A new tensor of `dtype` by `make`, which knows no half precision: it is made in f32 and rounded.
pub(crate) fn made(dtype: DType, make: impl FnOnce(DType) -> Result<Tensor>) -> Result<Tensor> {
    narrow(make(dtype.computed()), dtype)
}

/// What an operation in f32 gives to operands of `dtype`.
#[inline]
pub(crate) fn narrow<R: Narrow>(result: Result<R>, dtype: DType) -> Result<R> {
    if dtype.is_half() { result?.narrow(dtype) } else { result }
}

/// A result: its f32 tensors are rounded; indices, masks and what is kept for a gradient pass.
pub(crate) trait Narrow: Sized {
    fn narrow(self, dtype: DType) -> Result<Self>;
}

impl Narrow for Tensor {
    fn narrow(self, dtype: DType) -> Result<Self> {
        if self.dtype() == DType::F32 { self.to_dtype(dtype) } else { Ok(self) }
    }
}

/// Not yet a tensor: what an operation keeps for its gradient, which is read as f32 again.
impl Narrow for crate::storage::Storage {
    fn narrow(self, _: DType) -> Result<Self> {
        Ok(self)
    }
}

impl<A: Narrow, B: Narrow> Narrow for (A, B) {
    fn narrow(self, dtype: DType) -> Result<Self> {
        Ok((self.0.narrow(dtype)?, self.1.narrow(dtype)?))
    }
}

impl<A: Narrow, B: Narrow, C: Narrow> Narrow for (A, B, C) {
    fn narrow(self, dtype: DType) -> Result<Self> {
        Ok((self.0.narrow(dtype)?, self.1.narrow(dtype)?, self.2.narrow(dtype)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        widen: impl Fn(u16) -> f32,
        round: impl Fn(f32) -> u16,
        (exponent_bits, fraction_bits): (i32, i32),
    ) {
        let bias = (1 << (exponent_bits - 1)) - 1;
        // By its definition, in f64.
        let value = |bits: u16| {
            let fraction = f64::from(bits & ((1 << fraction_bits) - 1)) / 2f64.powi(fraction_bits);
            let exponent = i32::from(bits & 0x7fff) >> fraction_bits;
            let size = match exponent {
                0 => fraction * 2f64.powi(1 - bias),
                e if e == 2 * bias + 1 => {
                    if fraction == 0.0 {
                        f64::INFINITY
                    } else {
                        f64::NAN
                    }
                }
                e => (1.0 + fraction) * 2f64.powi(e - bias),
            };
            if bits & 0x8000 == 0 { size } else { -size }
        };
        let infinity = ((2 * bias + 1) << fraction_bits) as u16;
        for bits in 0..=u16::MAX {
            let (wide, want) = (widen(bits), value(bits));
            assert!(
                f64::from(wide).to_bits() == want.to_bits() || wide.is_nan() && want.is_nan(),
                "{bits:#x}"
            );
            let back = round(wide);
            let quiet = 1 << (fraction_bits - 1);
            assert_eq!(back, if want.is_nan() { bits | quiet } else { bits }, "{wide}");
        }
        // Between neighbours: the middle goes to the even one, all else to the nearer.
        for low in 0..infinity {
            let (a, b) = (value(low), value(low + 1));
            // Rounding takes the first number beyond the largest for as far away as it would be.
            let b = if b.is_infinite() { 2.0 * a - value(low - 1) } else { b };
            let middle = (a + b) as f32 / 2.0;
            let middle = if middle.is_finite() { middle } else { (a / 2.0 + b / 2.0) as f32 };
            let even = if low % 2 == 0 { low } else { low + 1 };
            for sign in [1.0, -1.0] {
                let bit = if sign < 0.0 { 0x8000 } else { 0 };
                assert_eq!(round(sign * middle), even | bit, "{middle}");
                assert_eq!(round(sign * middle.next_down()), low | bit, "below {middle}");
                assert_eq!(round(sign * middle.next_up()), (low + 1) | bit, "above {middle}");
            }
        }
        for x in [f32::MAX, f32::INFINITY] {
            assert_eq!(round(x), infinity);
            assert_eq!(round(-x), infinity | 0x8000);
        }
    }

    #[test]
    fn f16_converts_every_pattern_and_rounds_every_boundary() {
        check(|bits| f16::from_bits(bits).to_f32(), |x| f16::from_f32(x).to_bits(), (5, 10));
    }

    #[test]
    fn bf16_converts_every_pattern_and_rounds_every_boundary() {
        check(|bits| bf16::from_bits(bits).to_f32(), |x| bf16::from_f32(x).to_bits(), (8, 7));
    }

    #[test]
    fn compares_as_numbers() {
        let (one, nan) = (f16::from_f32(1.0), f16::from_f32(f32::NAN));
        assert!(nan != nan && one.partial_cmp(&nan).is_none());
        assert!(bf16::from_f32(-0.0) == bf16::from_f32(0.0) && f16::from_f32(-2.0) < one);
        assert_eq!(format!("{one:?} {}", bf16::from_f32(0.1)), "1.0 0.100097656");
    }
}
