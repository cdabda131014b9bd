//! Uniforms to normals, by blocks of 16, in f32 as PyTorch's vector code computes it.
//!
//! `log`, `sin` and `cos` are the single-precision polynomials of the Cephes library (Moshier, 1989), with a fused
//! multiply-add wherever PyTorch's build for AVX2 has one: so the results are the same bits, on every processor and
//! operating system. In f64 they are the system's, as PyTorch's.
#![allow(clippy::excessive_precision)] // The digits are those of Cephes.

use super::distribution::BLOCK;
use crate::kernel::simd::{Isa, Kernel, dispatch};

/// Replaces each block of 16 uniforms by normals: the first eight give the radius, the others the angle.
pub(super) fn normals_f64(blocks: &mut [f64], mean: f64, std: f64) {
    for block in blocks.chunks_exact_mut(BLOCK) {
        let (radii, angles) = block.split_at_mut(BLOCK / 2);
        for (a, b) in radii.iter_mut().zip(angles) {
            let radius = (-2.0 * (1.0 - *a).ln()).sqrt();
            let theta = 2.0 * std::f64::consts::PI * *b;
            *a = (radius * theta.cos()).mul_add(std, mean);
            *b = (radius * theta.sin()).mul_add(std, mean);
        }
    }
}

/// [`normals_f64`] in f32.
pub(super) fn normals_f32(blocks: &mut [f32], mean: f32, std: f32) {
    dispatch(Blocks { blocks, mean, std });
}

struct Blocks<'a> {
    blocks: &'a mut [f32],
    mean: f32,
    std: f32,
}

impl Kernel for Blocks<'_> {
    type Output = ();

    // `mul_add` rounds once on every instruction set; it is slow where there is no such instruction, never different.
    #[inline(always)]
    fn run<I: Isa>(self) {
        for block in self.blocks.chunks_exact_mut(BLOCK) {
            let (radii, angles) = block.split_at_mut(BLOCK / 2);
            for (a, b) in radii.iter_mut().zip(angles) {
                let radius = (-2.0 * log(1.0 - *a)).sqrt();
                let (sin, cos) = sin_cos(2.0 * std::f32::consts::PI * *b);
                *a = (radius * cos).mul_add(self.std, self.mean);
                *b = (radius * sin).mul_add(self.std, self.mean);
            }
        }
    }
}

/// Natural logarithm of a normal number above 0.
#[inline(always)]
fn log(x: f32) -> f32 {
    const FRACTION: u32 = 0x007f_ffff;
    // x = m · 2^e with m in [√½, √2), and log(m) = log(1 + f).
    let half = f32::from_bits(x.to_bits() & FRACTION | 0.5f32.to_bits());
    let exponent = (x.to_bits() >> 23) as i32 as f32 - 126.0;
    let small = half < std::f32::consts::FRAC_1_SQRT_2;
    let e = if small { exponent - 1.0 } else { exponent };
    let f = (half - 1.0) + if small { half } else { 0.0 };
    let square = f * f;
    let mut p = 7.037_683_629_2e-2;
    for c in [
        -1.151_461_031_0e-1,
        1.167_699_874_0e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ] {
        p = f32::mul_add(p, f, c);
    }
    // log(2) in two parts, the first with few digits, so that its product with e is exact.
    let low = (p * f).mul_add(square, e * -2.121_944_40e-4);
    e.mul_add(0.693_359_375, f + square.mul_add(-0.5, low))
}

/// Sine and cosine of an angle in [0, 2π].
#[inline(always)]
fn sin_cos(x: f32) -> (f32, f32) {
    const SIGN: u32 = 1 << 31;
    // The octant, rounded up to even: x minus as many quarters of π lies in [−π/4, π/4].
    let octant = ((x * 1.273_239_544_735_16) as i32 + 1) & !1;
    let quarters = octant as f32;
    // π/4 in three parts, so that the products are exact.
    let r = quarters.mul_add(-0.785_156_25, x);
    let r = quarters.mul_add(-2.418_756_484_985_351_562_5e-4, r);
    let r = quarters.mul_add(-3.774_894_977_445_941_08e-8, r);
    let z = r * r;
    let c = 2.443_315_711_809_948e-5f32
        .mul_add(z, -1.388_731_625_493_765e-3)
        .mul_add(z, 4.166_664_568_298_827e-2)
        * z;
    let c = c.mul_add(z, -(z * 0.5)) + 1.0;
    let s = (-1.951_529_589_1e-4f32).mul_add(z, 8.332_160_873_6e-3).mul_add(z, -1.666_665_461_1e-1) * z;
    let s = s.mul_add(r, r);
    let (sin, cos) = if octant & 2 == 0 { (s, c) } else { (c, s) };
    let sin_sign = if octant & 4 == 0 { 0 } else { SIGN };
    let cos_sign = if (octant - 2) & 4 == 0 { SIGN } else { 0 };
    (f32::from_bits(sin.to_bits() ^ sin_sign), f32::from_bits(cos.to_bits() ^ cos_sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every 257th of the uniforms that can be drawn.
    fn uniforms() -> impl Iterator<Item = f32> {
        (0..1u32 << 24).step_by(257).map(|bits| bits as f32 / (1u32 << 24) as f32)
    }

    #[test]
    fn the_polynomials_are_good_to_the_last_digits() {
        for u in uniforms() {
            let x = 1.0 - u;
            let exact = f64::from(x).ln();
            assert!((f64::from(log(x)) - exact).abs() <= 1e-7 * exact.abs().max(1e-7), "log({x})");
            let x = 2.0 * std::f32::consts::PI * u;
            let (sin, cos) = sin_cos(x);
            assert!((f64::from(sin) - f64::from(x).sin()).abs() < 1e-7, "sin({x})");
            assert!((f64::from(cos) - f64::from(x).cos()).abs() < 1e-7, "cos({x})");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        struct NoVectors;
        impl Isa for NoVectors {
            const FMA: bool = false;
        }
        let mut fast: Vec<f32> = uniforms().take(4096).collect();
        let mut slow = fast.clone();
        normals_f32(&mut fast, 0.5, 2.0);
        Blocks { blocks: &mut slow, mean: 0.5, std: 2.0 }.run::<NoVectors>();
        assert!(fast.iter().zip(&slow).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
