//! Special functions of one or two numbers that neither the standard library nor `libm` has.

use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// sin(πx) / (πx); 1 at 0.
pub(crate) fn sinc(x: f64) -> f64 {
    let t = PI * x;
    if t == 0.0 { 1.0 } else { t.sin() / t }
}

/// log(eᵃ + eᵇ) without overflow.
pub(crate) fn logaddexp(a: f64, b: f64) -> f64 {
    // Equal infinities, whose difference is NaN, and a NaN, which stays.
    if a == b && a.is_infinite() {
        return a;
    }
    a.max(b) + (-(a - b).abs()).exp().ln_1p()
}

/// x log y, and 0 for x = 0 unless y is NaN.
pub(crate) fn xlogy(x: f64, y: f64) -> f64 {
    if y.is_nan() {
        y
    } else if x == 0.0 {
        0.0
    } else {
        x * y.ln()
    }
}

/// The inverse of the error function: ±∞ at ±1, NaN beyond.
///
/// Giles' approximation ("Approximating the erfinv function", 2012), made for f32, then Newton's method; near ±1 on
/// erfc, where 1 − erf would lose digits.
pub(crate) fn erfinv(y: f64) -> f64 {
    let a = y.abs();
    if a >= 1.0 || y.is_nan() {
        return if a == 1.0 { f64::INFINITY.copysign(y) } else { f64::NAN };
    }
    let mut x = giles(a);
    for _ in 0..4 {
        let slope = FRAC_2_SQRT_PI * (-x * x).exp();
        x -= if a < 0.5 {
            (libm::erf(x) - a) / slope
        } else {
            // Of log erfc, which is nearly a parabola, so that the steps are good far out, too.
            let erfc = libm::erfc(x);
            ((1.0 - a) / erfc).ln() * erfc / slope
        };
    }
    x.copysign(y)
}

fn giles(a: f64) -> f64 {
    const NEAR: [f64; 9] = [
        2.810_226_36e-8,
        3.432_739_39e-7,
        -3.523_387_7e-6,
        -4.391_506_54e-6,
        2.185_808_7e-4,
        -1.253_725_03e-3,
        -4.177_681_64e-3,
        2.466_407_27e-1,
        1.501_409_41,
    ];
    const FAR: [f64; 9] = [
        -2.002_142_57e-4,
        1.009_505_58e-4,
        1.349_343_22e-3,
        -3.673_428_44e-3,
        5.739_507_73e-3,
        -7.622_461_3e-3,
        9.438_870_47e-3,
        1.001_674_06,
        2.832_976_82,
    ];
    let w = -((1.0 - a) * (1.0 + a)).ln();
    let (coefficients, t) = if w < 5.0 { (NEAR, w - 2.5) } else { (FAR, w.sqrt() - 3.0) };
    coefficients.iter().fold(0.0, |p, c| p * t + c) * a
}

/// B₂ₖ for k = 1, 2, …: the Bernoulli numbers of the asymptotic series below.
const BERNOULLI: [f64; 10] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43867.0 / 798.0,
    -174_611.0 / 330.0,
];

/// Where the asymptotic series is good to the last digits.
const LARGE: f64 = 15.0;

/// ψ(x), the derivative of log Γ: −∞ at 0, ∞ at −0 and NaN at negative integers, as in PyTorch.
pub(crate) fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY.copysign(-x);
    }
    if x < 0.0 {
        // Reflection: ψ(1 − x) − ψ(x) = π cot(πx). The fraction keeps the argument of the tangent small.
        let fraction = x - x.trunc();
        return if fraction == 0.0 || x.is_infinite() {
            f64::NAN
        } else {
            digamma(1.0 - x) - PI / (PI * fraction).tan()
        };
    }
    // Recurrence: ψ(x) = ψ(x + 1) − 1/x.
    let (mut x, mut sum) = (x, 0.0);
    while x < LARGE {
        sum -= 1.0 / x;
        x += 1.0;
    }
    if x.is_infinite() {
        return x;
    }
    // ψ(x) ~ log x − 1/(2x) − Σ B₂ₖ / (2k x²ᵏ).
    let square = 1.0 / (x * x);
    let (mut power, mut series) = (1.0, 0.0);
    for (k, b) in BERNOULLI.iter().enumerate() {
        power *= square;
        series += b / (2 * (k + 1)) as f64 * power;
    }
    sum + x.ln() - 0.5 / x - series
}

/// The n-th derivative of [`digamma`], for n ≥ 1: ±∞ at 0, −1, −2, …
pub(crate) fn polygamma(n: u32, x: f64) -> f64 {
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    if x <= 0.0 {
        return if x == x.trunc() { sign * f64::INFINITY } else { reflected(n, x, sign) };
    }
    if x.is_nan() || x.is_infinite() {
        return if x.is_nan() { x } else { 0.0 };
    }
    let order = f64::from(n);
    // n! overflows from 171 on.
    let factorial = libm::tgamma(order + 1.0);
    // Recurrence: ψₙ(x) = ψₙ(x + 1) − (−1)ⁿ n! / xⁿ⁺¹. The series wants x large beside n.
    let (mut x, mut sum) = (x, 0.0);
    let large = LARGE + order.min(170.0);
    while x < large {
        sum += factorial * x.powf(-order - 1.0);
        x += 1.0;
    }
    // (n−1)!/xⁿ + n!/(2xⁿ⁺¹) + Σ B₂ₖ (2k+n−1)! / ((2k)! x²ᵏ⁺ⁿ); `term` is (2k+n−1)! / ((2k)! x²ᵏ⁺ⁿ).
    let scale = factorial / order * x.powf(-order);
    let (mut term, mut series) = (scale, scale + 0.5 * scale * order / x);
    for (k, b) in BERNOULLI.iter().enumerate() {
        let even = 2.0 * (k + 1) as f64;
        term *= (even + order - 2.0) * (even + order - 1.0) / ((even - 1.0) * even * x * x);
        series += b * term;
    }
    sign * (sum + series)
}

/// ψₙ at a negative x: (−1)ⁿ ψₙ(1 − x) − ψₙ(x) = π dⁿ/dxⁿ cot(πx), where the derivative of a polynomial p in
/// c = cot(πx) is −π (1 + c²) p′(c).
fn reflected(n: u32, x: f64, sign: f64) -> f64 {
    if n > 170 {
        return f64::NAN;
    }
    let mut p = vec![0.0, 1.0];
    for _ in 0..n {
        let mut next = vec![0.0; p.len() + 1];
        for (power, coefficient) in p.iter().enumerate().skip(1) {
            let slope = -PI * coefficient * power as f64;
            next[power - 1] += slope;
            next[power + 1] += slope;
        }
        p = next;
    }
    let c = 1.0 / (PI * (x - x.trunc())).tan();
    let derivative = p.iter().rev().fold(0.0, |sum, coefficient| sum * c + coefficient);
    -sign * polygamma(n, 1.0 - x) - PI * derivative
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        let close = found == expected || (found - expected).abs() <= tolerance * expected.abs();
        assert!(close || found.is_nan() && expected.is_nan(), "{found}, expected {expected}");
    }

    #[test]
    fn erfinv_undoes_erf() {
        for y in [1e-300, 1e-9, 0.1, 0.49, 0.51, 0.9, 0.999, 1.0 - 1e-9, 1.0 - f64::EPSILON] {
            for y in [y, -y] {
                let x = erfinv(y);
                // Relative to the smaller of y and 1 − |y|, both of which a good inverse keeps.
                close(libm::erf(x), y, 4e-16);
                close(libm::erfc(x.abs()), 1.0 - y.abs(), 1e-13);
            }
        }
        assert_eq!((erfinv(1.0), erfinv(-1.0)), (f64::INFINITY, f64::NEG_INFINITY));
        assert!(erfinv(1.1).is_nan() && erfinv(f64::NAN).is_nan());
        assert!(erfinv(-0.0).is_sign_negative());
    }

    /// Values of `torch.digamma`, and of ψₙ(1) = (−1)ⁿ⁺¹ n! ζ(n + 1).
    #[test]
    fn gamma_derivatives() {
        close(digamma(1.0), -0.577_215_664_901_532_9, 1e-15);
        close(digamma(-1.5), 0.703_156_640_645_243_2, 1e-14);
        close(digamma(0.3), -3.502_524_222_200_133, 1e-14);
        close(digamma(30.0), 3.384_438_132_685_525, 1e-14);
        close(polygamma(1, 1.0), PI * PI / 6.0, 1e-14);
        close(polygamma(1, 0.5), PI * PI / 2.0, 1e-14);
        // ζ(3) and ζ(4).
        close(polygamma(2, 1.0), -2.0 * 1.202_056_903_159_594_2, 1e-14);
        close(polygamma(3, 1.0), PI.powi(4) / 15.0, 1e-14);
        // ψₙ(x + 1) = ψₙ(x) + (−1)ⁿ n! / xⁿ⁺¹ across 0, where the reflection begins.
        for n in 1..6u32 {
            for x in [-0.3f64, -0.75, -2.4] {
                let factorial = libm::tgamma(f64::from(n) + 1.0);
                let step = (-1.0f64).powi(n as i32) * factorial / x.powi(n as i32 + 1);
                let expected = polygamma(n, x) + step;
                let size = polygamma(n, x).abs().max(step.abs());
                assert!((polygamma(n, x + 1.0) - expected).abs() <= 1e-12 * size, "{n} {x}");
            }
        }
        assert_eq!(polygamma(1, -2.0), f64::INFINITY);
        assert_eq!(digamma(0.0), f64::NEG_INFINITY);
        assert_eq!(digamma(-0.0), f64::INFINITY);
        assert!(digamma(-3.0).is_nan() && digamma(f64::NEG_INFINITY).is_nan());
        // Far arguments end, too.
        assert!(
            polygamma(1, -1e18).is_infinite()
                && polygamma(500, 2.0).is_nan() | polygamma(500, 2.0).is_infinite()
        );
    }

    #[test]
    fn sums_of_exponentials_and_products_with_logarithms() {
        close(logaddexp(1.0, 2.0), 2.313_261_687_518_222_8, 1e-15);
        assert_eq!(logaddexp(f64::INFINITY, f64::INFINITY), f64::INFINITY);
        assert_eq!(logaddexp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(logaddexp(1000.0, f64::NEG_INFINITY), 1000.0);
        assert!(logaddexp(f64::NAN, 1.0).is_nan() && logaddexp(1.0, f64::NAN).is_nan());
        assert_eq!((xlogy(0.0, 0.0), xlogy(0.0, -1.0)), (0.0, 0.0));
        assert!(xlogy(0.0, f64::NAN).is_nan() && xlogy(1.0, -1.0).is_nan());
        assert_eq!((sinc(0.0), sinc(0.5)), (1.0, 2.0 / PI));
    }
}
