//! One loop body, compiled once for each instruction set, chosen at run time.
//!
//! A [`Kernel`] is written as plain scalar Rust over slices. [`dispatch`] runs the copy that was compiled with the
//! widest vectors this processor has, so a plain `cargo build --release` is fast on every machine.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU8, Ordering};

/// What a loop body may know about the instruction set that it is compiled for.
pub(crate) trait Isa {
    /// Whether `a * b + c` is one instruction; without it `mul_add` would be a slow library call.
    const FMA: bool;

    /// `a * b + c`, rounded once where the instruction set can, twice where it cannot.
    #[inline(always)]
    fn fma32(a: f32, b: f32, c: f32) -> f32 {
        if Self::FMA { a.mul_add(b, c) } else { a * b + c }
    }

    /// `a * b + c`, rounded once where the instruction set can, twice where it cannot.
    #[inline(always)]
    fn fma64(a: f64, b: f64, c: f64) -> f64 {
        if Self::FMA { a.mul_add(b, c) } else { a * b + c }
    }
}

/// A loop body. Implementations mark `run` and everything it calls `#[inline(always)]`, or the vector instructions
/// are not used.
pub(crate) trait Kernel {
    /// What the loop returns.
    type Output;
    /// Runs the loop.
    fn run<I: Isa>(self) -> Self::Output;
}

/// The instruction sets that bodies are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Level {
    /// What the compiler's target guarantees: SSE2 on x86-64, NEON on aarch64.
    Baseline = 1,
    /// 256-bit vectors with fused multiply-add.
    Avx2 = 2,
    /// 512-bit vectors.
    Avx512 = 3,
}

/// What the compiler's target guarantees.
pub(crate) struct Baseline;
impl Isa for Baseline {
    // NEON always has a fused multiply-add.
    const FMA: bool = cfg!(target_arch = "aarch64");
}

#[cfg(target_arch = "x86_64")]
struct Fused;
#[cfg(target_arch = "x86_64")]
impl Isa for Fused {
    const FMA: bool = true;
}

/// The level found on this machine, 0 before the first look.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The widest instruction set of this processor.
#[inline]
pub(crate) fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        3 => Level::Avx512,
        2 => Level::Avx2,
        1 => Level::Baseline,
        _ => detect(),
    }
}

#[cold]
fn detect() -> Level {
    let found = detect_features();
    LEVEL.store(found as u8, Ordering::Relaxed);
    found
}

#[cfg(target_arch = "x86_64")]
fn detect_features() -> Level {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx512, avx2) {
        (true, _) => Level::Avx512,
        (_, true) => Level::Avx2,
        _ => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect_features() -> Level {
    Level::Baseline
}

/// Runs `kernel` compiled for the widest instruction set of this processor.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` returns Avx512 only after the processor reported every feature that `avx512` enables.
        Level::Avx512 => return unsafe { avx512(kernel) },
        // SAFETY: `level` returns Avx2 only after the processor reported every feature that `avx2` enables.
        Level::Avx2 => return unsafe { avx2(kernel) },
        Level::Baseline => {}
    }
    kernel.run::<Baseline>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}
