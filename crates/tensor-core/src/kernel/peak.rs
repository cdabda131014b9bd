//! The rate of fused multiply-adds that products are measured against.

use super::gemm::{Bias, Micro, Panel, Segment};
use super::parallel::for_each_task;
use super::simd;
use std::hint::black_box;
use std::time::Instant;

/// Steps of k of a measurement: some ten milliseconds.
const STEPS: usize = 1 << 20;

/// Floating-point operations a second of all threads, a multiply-add counted as two: the best of `tries` measurements.
/// `None` if the processor has no kernel of ours.
///
/// The innermost loop of products over one step's numbers, again and again: they stay in the L1 cache, and its sums are
/// enough not to wait for each other (28 of 512 bits or 12 of 256; a multiply-add's latency times the number of units is
/// at most 10 on processors with AVX2 or AVX-512).
pub(crate) fn fma_peak(tries: usize) -> Option<f64> {
    let micro = Micro::new(simd::level())?;
    let threads = rayon::current_num_threads();
    let flops = 2.0 * (threads * STEPS * micro.rows * micro.cols) as f64;
    let rate = || {
        let start = Instant::now();
        for_each_task(threads, |_| run(&micro));
        flops / start.elapsed().as_secs_f64()
    };
    Some((0..tries.max(1)).map(|_| rate()).fold(0.0, f64::max))
}

/// One panel of C whose operands stand still.
fn run(micro: &Micro) {
    let (a, b) = (vec![0.5; micro.rows], vec![0.5; micro.cols]);
    let mut c = vec![0.0; micro.rows * micro.cols];
    let panel = Panel {
        rows: micro.rows,
        cols: micro.cols,
        segments: &[Segment::whole(STEPS, micro.cols)],
        a: &a,
        a_strides: [1, 0],
        b: &b,
        b_stride: 0,
        beta: 0.0,
        bias: Bias::None,
        relu: false,
        c_stride: micro.cols,
    };
    micro.run_in(&panel, &mut c);
    black_box(c);
}
