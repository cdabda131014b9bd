//! Scalar functions of f32 and f64 that loop bodies are made of.
//!
//! The f32 versions of `exp` and its family are branch-free, so a loop over them becomes vector code; the f64
//! versions are the standard library's and `libm`'s, good to the last digit or two, because f64 is there to check
//! gradients with. `pow` is the standard library's for both: a call, not vectors.
//!
//! Largest error of the f32 functions, in units in the last place, over every instruction set (the tests hold them):
//! `exp` 2, `expm1` 2, `log` 2, `log1p` 3, `tanh` 3, `sigmoid` 4, `erf` 2.

use super::simd::Isa;

/// A floating-point element with the functions that kernels need, for the instruction set `I`.
pub(crate) trait Float:
    Copy
    + Send
    + Sync
    + PartialOrd
    + Default
    + std::fmt::Debug
    + 'static
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
    + std::ops::AddAssign
{
    const ZERO: Self;
    const ONE: Self;
    const NEG_INFINITY: Self;

    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    fn is_nan(self) -> bool;
    /// `self * b + c`, rounded once where the instruction set can.
    fn fma<I: Isa>(self, b: Self, c: Self) -> Self;
    fn sqrt(self) -> Self;
    /// The larger of two numbers; NaN if either is NaN.
    fn max_nan(self, b: Self) -> Self;
    fn exp<I: Isa>(self) -> Self;
    /// `exp(x) - 1` without cancellation near 0.
    fn expm1<I: Isa>(self) -> Self;
    fn log<I: Isa>(self) -> Self;
    /// `log(1 + x)` without cancellation near 0.
    fn log1p<I: Isa>(self) -> Self;
    fn tanh<I: Isa>(self) -> Self;
    /// `1 / (1 + exp(-x))`.
    fn sigmoid<I: Isa>(self) -> Self;
    fn erf<I: Isa>(self) -> Self;
    /// What the normal distribution has beyond |x|, `1 - Φ(|x|)`, and `exp(-x²/2)`.
    fn normal_tail<I: Isa>(self) -> (Self, Self);
    fn pow(self, exponent: Self) -> Self;
}

/// The items that read the same for both types.
macro_rules! common {
    ($t:ident, $fma:ident) => {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const NEG_INFINITY: Self = $t::NEG_INFINITY;

        #[inline(always)]
        fn from_f64(x: f64) -> Self {
            x as $t
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self.into()
        }
        #[inline(always)]
        fn is_nan(self) -> bool {
            self != self
        }
        #[inline(always)]
        fn fma<I: Isa>(self, b: Self, c: Self) -> Self {
            I::$fma(self, b, c)
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            $t::sqrt(self)
        }
        #[inline(always)]
        fn max_nan(self, b: Self) -> Self {
            if self > b || self != self { self } else { b }
        }
        #[inline(always)]
        fn pow(self, exponent: Self) -> Self {
            $t::powf(self, exponent)
        }
    };
}

impl Float for f32 {
    common!(f32, fma32);

    #[inline(always)]
    fn exp<I: Isa>(self) -> Self {
        // Beyond these ends the result is infinity or 0 anyway; the comparisons let NaN through.
        let x = if self > 89.0 { 89.0 } else { self };
        let x = if x < -104.0 { -104.0 } else { x };
        let (n, p) = exp_reduced::<I>(x);
        // 2^n in two factors, each a normal number: one alone overflows at n = 128 and is subnormal under -126.
        let half = n >> 1;
        (p + 1.0) * exponent(half) * exponent(n - half)
    }

    #[inline(always)]
    fn expm1<I: Isa>(self) -> Self {
        let x = if self > 89.0 { 89.0 } else { self };
        // exp(-18) is under a quarter of an ulp of 1.
        let x = if x < -18.0 { -18.0 } else { x };
        let (n, p) = exp_reduced::<I>(x);
        // 2^n (1 + p) - 1 with 2^(n-1), which is finite for n = 128 too.
        let s = exponent(n - 1);
        let y = 2.0 * I::fma32(s, p, s - 0.5);
        // Keeps the sign of -0.
        if x == 0.0 { self } else { y }
    }

    /// `x = 2^e m` with m in [sqrt(1/2), sqrt(2)); polynomial for log(m) from Cephes `logf` (Moshier).
    #[inline(always)]
    fn log<I: Isa>(self) -> Self {
        // 2^23 makes a subnormal number normal.
        let small = self < f32::MIN_POSITIVE;
        let x = if small { self * 8_388_608.0 } else { self };
        let (e, f) = split(x, if small { 23.0 } else { 0.0 });
        let z = f * f;
        let mut p = I::fma32(7.037_683_6e-2, f, -1.151_461e-1);
        p = I::fma32(p, f, 1.167_699_9e-1);
        p = I::fma32(p, f, -1.242_014_1e-1);
        p = I::fma32(p, f, 1.424_932_3e-1);
        p = I::fma32(p, f, -1.666_805_8e-1);
        p = I::fma32(p, f, 2.000_071_5e-1);
        p = I::fma32(p, f, -2.499_999_4e-1);
        p = I::fma32(p, f, 3.333_333e-1);
        let tail = I::fma32(-0.5, z, I::fma32(e, LN2_LOW, f * z * p));
        let y = I::fma32(e, LN2_HIGH, f + tail);
        let y = if self == f32::INFINITY { self } else { y };
        let y = if self == 0.0 { f32::NEG_INFINITY } else { y };
        // Also takes NaN to NaN.
        if self >= 0.0 { y } else { f32::NAN }
    }

    /// `log(u) + (x - (u - 1)) / u` for `u` = 1 + x rounded: the second term gives back what the rounding lost.
    #[inline(always)]
    fn log1p<I: Isa>(self) -> Self {
        let u = 1.0 + self;
        let lost = (self - (u - 1.0)) / u;
        let y = Float::log::<I>(u);
        let y = if y.abs() < f32::INFINITY { y + lost } else { y };
        if u == 1.0 { self } else { y }
    }

    /// `t / (t + 2)` with `t = exp(2 |x|) - 1`.
    #[inline(always)]
    fn tanh<I: Isa>(self) -> Self {
        // tanh(10) rounds to 1.
        let x = if self.abs() > 10.0 { 10.0 } else { self.abs() };
        let (n, p) = exp_reduced::<I>(x + x);
        let s = exponent(n);
        let t = I::fma32(s, p, s - 1.0);
        (t / (t + 2.0)).copysign(self)
    }

    /// With `z = exp(-|x|)`: `1 / (1 + z)` for x >= 0 and `z / (1 + z)` below, so nothing overflows.
    #[inline(always)]
    fn sigmoid<I: Isa>(self) -> Self {
        let z = Float::exp::<I>(-self.abs());
        let top = if self < 0.0 { z } else { 1.0 };
        top / (1.0 + z)
    }

    /// Up to 0.921875 `x + x P(x^2)`, then `1 - exp(-x - x Q(x))`.
    ///
    /// P and Q are minimax fits made for this file (least squares on 4,000 Chebyshev points, reweighted by Lawson's
    /// iteration). Error relative to erf: P 1.6e-8, Q 3.0e-9; half an ulp is at least 3.0e-8.
    #[inline(always)]
    fn erf<I: Isa>(self) -> Self {
        let a = self.abs();
        let s = a * a;
        let mut p = I::fma32(-5.990_871e-4, s, 4.993_184_5e-3);
        p = I::fma32(p, s, -2.676_662e-2);
        p = I::fma32(p, s, 1.128_181_7e-1);
        p = I::fma32(p, s, -3.761_249_5e-1);
        p = I::fma32(p, s, 1.283_791_5e-1);
        let near = I::fma32(p, a, a);

        // erf(4) rounds to 1.
        let t = if a > 4.0 { 4.0 } else { a };
        let mut q = I::fma32(-2.139_229_8e-4, t, 3.214_443_8e-3);
        q = I::fma32(q, t, -2.288_832e-2);
        q = I::fma32(q, t, 1.052_592_7e-1);
        q = I::fma32(q, t, 6.357_202_5e-1);
        q = I::fma32(q, t, 1.285_137_8e-1);
        // The exponent is between -18 and 0, so 2^n is a normal number.
        let (n, e) = exp_reduced::<I>(-I::fma32(q, t, t));
        let far = 1.0 - (e + 1.0) * exponent(n);
        let y = if a < 0.921_875 { near } else { far };
        y.copysign(self)
    }

    /// `exp(-x²/2) R(|x|)` and its first factor.
    ///
    /// R and the polynomial of the power are fitted for this file (as those of `erf`; with `R(0) = 1/2` and `exp(0) = 1`).
    /// R makes the tail's error, at most 7.1e-8, as even as can be up to 5; beyond, where the tail is under 2.9e-7, it stays
    /// as it is there. The power's relative error is 9.2e-8 and what rounding x²/2 adds, so ln 2 need not be exact.
    #[inline(always)]
    fn normal_tail<I: Isa>(self) -> (Self, Self) {
        let a = if self.abs() > 5.0 { 5.0 } else { self.abs() };
        let mut r = I::fma32(1.677_966_6e-6, a, -3.603_598e-5);
        r = I::fma32(r, a, 3.459_582_2e-4);
        r = I::fma32(r, a, -2.000_207_8e-3);
        r = I::fma32(r, a, 8.002_463e-3);
        r = I::fma32(r, a, -2.440_987_7e-2);
        r = I::fma32(r, a, 6.124_419_4e-2);
        r = I::fma32(r, a, -1.325_625_2e-1);
        r = I::fma32(r, a, 2.499_310_1e-1);
        r = I::fma32(r, a, -3.989_383_6e-1);
        r = I::fma32(r, a, 5e-1);

        let s = self * self * -0.5;
        // 2^n is a normal number down to here.
        let least = s < -87.0;
        let shifted = I::fma32(if least { -87.0 } else { s }, std::f32::consts::LOG2_E, ROUND);
        let y = I::fma32(shifted - ROUND, -std::f32::consts::LN_2, if least { -87.0 } else { s });
        let mut e = I::fma32(8.290_314e-3, y, 4.189_793e-2);
        e = I::fma32(e, y, 1.666_763_6e-1);
        e = I::fma32(e, y, 4.999_915e-1);
        e = I::fma32(e, y, 9.999_997e-1);
        e = I::fma32(e, y, 1.0);
        // times 2^n, in the exponent; the bits of ROUND above those of n go out on the left.
        let e = f32::from_bits(e.to_bits().wrapping_add(shifted.to_bits() << 23));
        let e = if least { 0.0 } else { e };
        (e * r, e)
    }
}

/// ln 2 in two parts (Cephes): the first has 9 significant bits, so a product with an exponent is exact.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// 1.5 * 2^23: adding it rounds a float to an integer, which then sits in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `n` and `p = exp(r) - 1` for `x = n ln 2 + r`, |r| <= ln(2) / 2; polynomial from Cephes `expf` (Moshier).
#[inline(always)]
fn exp_reduced<I: Isa>(x: f32) -> (i32, f32) {
    let shifted = I::fma32(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = I::fma32(n, -LN2_LOW, I::fma32(n, -LN2_HIGH, x));
    let mut p = I::fma32(1.987_569_1e-4, r, 1.398_199_9e-3);
    p = I::fma32(p, r, 8.333_452e-3);
    p = I::fma32(p, r, 4.166_579_6e-2);
    p = I::fma32(p, r, 1.666_666_5e-1);
    p = I::fma32(p, r, 5e-1);
    // Bits, not a cast: a cast saturates, and that costs more than the polynomial. NaN gives some n, and p = NaN.
    (shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed(), I::fma32(p, r * r, r))
}

/// 2^n for -126 <= n <= 127, else something finite or not: callers stay inside or throw it away.
#[inline(always)]
fn exponent(n: i32) -> f32 {
    f32::from_bits(n.wrapping_add(127).cast_unsigned() << 23)
}

/// `(e - less, m - 1)` for a positive normal `x = 2^e m`, m in [sqrt(1/2), sqrt(2)).
#[inline(always)]
fn split(x: f32, less: f32) -> (f32, f32) {
    const SQRT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let bits = x.to_bits().wrapping_sub(SQRT_HALF);
    let e = bits.cast_signed() >> 23;
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(SQRT_HALF));
    (e as f32 - less, m - 1.0)
}

impl Float for f64 {
    common!(f64, fma64);

    #[inline(always)]
    fn exp<I: Isa>(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn expm1<I: Isa>(self) -> Self {
        self.exp_m1()
    }
    #[inline(always)]
    fn log<I: Isa>(self) -> Self {
        self.ln()
    }
    #[inline(always)]
    fn log1p<I: Isa>(self) -> Self {
        self.ln_1p()
    }
    #[inline(always)]
    fn tanh<I: Isa>(self) -> Self {
        f64::tanh(self)
    }
    #[inline(always)]
    fn sigmoid<I: Isa>(self) -> Self {
        let z = f64::exp(-self.abs());
        let top = if self < 0.0 { z } else { 1.0 };
        top / (1.0 + z)
    }
    #[inline(always)]
    fn erf<I: Isa>(self) -> Self {
        libm::erf(self)
    }
    #[inline(always)]
    fn normal_tail<I: Isa>(self) -> (Self, Self) {
        let tail = 0.5 * libm::erfc(self.abs() * std::f64::consts::FRAC_1_SQRT_2);
        (tail, f64::exp(self * self * -0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::simd::{self, Kernel};

    /// No fused multiply-add, as on the baseline of x86-64.
    struct Plain;
    impl Isa for Plain {
        const FMA: bool = false;
    }

    /// Runs `F` over `x` in place.
    struct Map<'a, F>(&'a mut [f32], F);
    impl<F: Function> Kernel for Map<'_, F> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self) {
            for x in self.0 {
                *x = F::ours::<I>(*x);
            }
        }
    }

    trait Function: Default {
        fn ours<I: Isa>(x: f32) -> f32;
        fn exact(x: f64) -> f64;
    }

    macro_rules! function {
        ($name:ident, $ours:ident, $exact:expr) => {
            #[derive(Default)]
            struct $name;
            impl Function for $name {
                #[inline(always)]
                fn ours<I: Isa>(x: f32) -> f32 {
                    Float::$ours::<I>(x)
                }
                fn exact(x: f64) -> f64 {
                    $exact(x)
                }
            }
        };
    }
    function!(Exp, exp, f64::exp);
    function!(Expm1, expm1, f64::exp_m1);
    function!(Log, log, f64::ln);
    function!(Log1p, log1p, f64::ln_1p);
    function!(Tanh, tanh, f64::tanh);
    function!(Sigmoid, sigmoid, |x: f64| 1.0 / (1.0 + f64::exp(-x)));
    function!(Erf, erf, libm::erf);

    /// The distance of `got` from `want` in units in the last place of `want` rounded to f32.
    fn ulps(got: f32, want: f64) -> f64 {
        let rounded = want as f32;
        if got.to_bits() == rounded.to_bits() || got.is_nan() && want.is_nan() {
            return 0.0;
        }
        if rounded.is_infinite() {
            // The neighbour of an overflow may be the largest number: count from 2^128.
            return (f64::from(got) - 2f64.powi(128) * want.signum()).abs() / 2f64.powi(104);
        }
        let unit = f64::from(f32::from_bits(rounded.abs().to_bits() + 1)) - f64::from(rounded.abs());
        (f64::from(got) - want).abs() / unit
    }

    /// Every 1,009th bit pattern (a prime, so the low bits vary), both signs, on the widest vectors and without fma.
    fn check<F: Function>(bound: f64) {
        let inputs: Vec<f32> = (0..=u32::MAX).step_by(1009).map(f32::from_bits).collect();
        let mut fused = inputs.clone();
        simd::dispatch(Map(&mut fused, F::default()));
        let mut plain = inputs.clone();
        Map(&mut plain, F::default()).run::<Plain>();
        for (i, &x) in inputs.iter().enumerate() {
            let want = F::exact(x.into());
            for got in [fused[i], plain[i]] {
                let error = ulps(got, want);
                assert!(error <= bound, "f({x:e}) = {got:e}, want {want:e}: {error} ulp");
            }
        }
    }

    #[test]
    fn exp_error() {
        check::<Exp>(2.0);
    }
    #[test]
    fn expm1_error() {
        check::<Expm1>(2.0);
    }
    #[test]
    fn log_error() {
        check::<Log>(2.0);
    }
    #[test]
    fn log1p_error() {
        check::<Log1p>(3.0);
    }
    #[test]
    fn tanh_error() {
        check::<Tanh>(3.0);
    }
    #[test]
    fn sigmoid_error() {
        check::<Sigmoid>(4.0);
    }
    #[test]
    fn erf_error() {
        check::<Erf>(2.0);
    }

    /// Both results of `normal_tail`, in place of x and of what is beside it.
    struct NormalTail<'a>(&'a mut [[f32; 2]]);
    impl Kernel for NormalTail<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self) {
            for x in self.0 {
                *x = Float::normal_tail::<I>(x[0]).into();
            }
        }
    }

    #[test]
    fn normal_tail_error() {
        let inputs: Vec<[f32; 2]> = (-80_000..=80_000).map(|i| [i as f32 * 2e-4, 0.0]).collect();
        let (mut fused, mut plain) = (inputs.clone(), inputs.clone());
        simd::dispatch(NormalTail(&mut fused));
        NormalTail(&mut plain).run::<Plain>();
        for (i, &[x, _]) in inputs.iter().enumerate() {
            let (tail, power) = Float::normal_tail::<Plain>(f64::from(x));
            for [got_tail, got_power] in [fused[i], plain[i]] {
                let error = (f64::from(got_tail) - tail).abs();
                assert!(error <= 2e-7, "beyond {x}: {got_tail}, want {tail}");
                // x²/2 is rounded, and an error of the exponent is a relative one of the power.
                let bound = (3e-7 + f64::from(x * x) * 1.2e-7) * power + 2e-38;
                let error = (f64::from(got_power) - power).abs();
                assert!(error <= bound, "exp(-{x}²/2) = {got_power}, want {power}: {error:e}, {bound:e}");
            }
        }
        for x in [f32::INFINITY, f32::NEG_INFINITY, 1e30] {
            assert_eq!(Float::normal_tail::<Plain>(x), (0.0, 0.0));
        }
        assert_eq!(Float::normal_tail::<Plain>(-0.0f32), (0.5, 1.0));
        let (tail, power) = Float::normal_tail::<Plain>(f32::NAN);
        assert!(tail.is_nan() && power.is_nan());
    }

    #[test]
    fn special_values() {
        let special = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN];
        fn same<F: Function>(x: f32) {
            let (got, want) = (F::ours::<Plain>(x), F::exact(x.into()) as f32);
            let exact = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
            assert!(
                exact || (x.abs() == 1.0 && ulps(got, want.into()) <= 2.0),
                "f({x}) = {got}, want {want}"
            );
        }
        for x in special {
            same::<Exp>(x);
            same::<Expm1>(x);
            same::<Log>(x);
            same::<Log1p>(x);
            same::<Tanh>(x);
            same::<Sigmoid>(x);
            same::<Erf>(x);
        }
        assert_eq!(Exp::ours::<Plain>(88.722_84), f32::INFINITY);
        assert!(Exp::ours::<Plain>(88.722_83).is_finite());
        assert_eq!(Exp::ours::<Plain>(-103.98), 0.0);
    }

    #[test]
    fn max_keeps_nan() {
        for (a, b) in [(f32::NAN, 1.0), (1.0, f32::NAN)] {
            assert!(a.max_nan(b).is_nan());
        }
        assert_eq!(2f64.max_nan(3.0), 3.0);
    }
}
