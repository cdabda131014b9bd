//! The rate of fused multiply-adds that the processor reaches in registers: what products are measured against.

use super::parallel::for_each_task;
use super::simd::{self, Isa, Kernel, Level, dispatch};
use std::hint::black_box;
use std::time::Instant;

/// Numbers in an accumulator: one 512-bit register of f32.
const LANES: usize = 16;

/// Accumulators that do not wait for each other: the latency of a multiply-add times the number of units is at most 10
/// on processors with AVX2 or AVX-512; 256-bit registers take half an accumulator and there are 16 of them.
const WIDE: usize = 12;
const NARROW: usize = 6;

/// Rounds of a measurement: some milliseconds.
const ROUNDS: usize = 1 << 20;

/// Multiply-adds of `N` accumulators.
struct Chains<const N: usize>;

impl<const N: usize> Kernel for Chains<N> {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self) -> f32 {
        let (factor, step) = (black_box(0.5f32), black_box(1.0f32));
        let mut sums = [[0.0f32; LANES]; N];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                for x in sum {
                    *x = I::fma32(*x, factor, step);
                }
            }
        }
        sums.iter().flatten().sum()
    }
}

/// Floating-point operations a second of all threads, a multiply-add counted as two: the best of `tries` measurements.
pub(crate) fn fma_peak(tries: usize) -> f64 {
    let threads = rayon::current_num_threads();
    let (accumulators, chains): (usize, fn() -> f32) = match simd::level() {
        Level::Avx512 => (WIDE, || dispatch(Chains::<WIDE>)),
        _ => (NARROW, || dispatch(Chains::<NARROW>)),
    };
    let flops = 2.0 * (threads * ROUNDS * accumulators * LANES) as f64;
    let rate = || {
        let start = Instant::now();
        for_each_task(threads, |_| {
            black_box(chains());
        });
        flops / start.elapsed().as_secs_f64()
    };
    (0..tries.max(1)).map(|_| rate()).fold(0.0, f64::max)
}
