//! How many threads the kernels use. Results never depend on it.

use crate::{Error, ErrorKind, Result};

/// Sets the number of threads for the whole process: `torch.set_num_threads`. Default: one for each core that the
/// system offers, or the environment variable `RAYON_NUM_THREADS`.
///
/// # Errors
/// If the threads have been started already, by an earlier call or a large operation.
#[track_caller]
pub fn set_num_threads(threads: usize) -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|e| {
        let expected = "a call before the first large operation";
        Error::new(
            "set_num_threads",
            ErrorKind::Argument { argument: "threads", value: format!("{threads} ({e})"), expected },
        )
    })
}

/// The number of threads that kernels called from here use.
pub fn num_threads() -> usize {
    rayon::current_num_threads()
}

/// Floating-point operations a second that all threads reach together, measured now in some 100 ms: f32 multiply-adds
/// on numbers in the L1 cache, each counted as two. What a product of matrices can reach at most; `None` where products
/// have no kernels for the processor's vectors (without AVX2).
pub fn fma_peak() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    return crate::kernel::peak::fma_peak(8);
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Runs `body` on `threads` threads of its own, and its kernels with it. Switches that belong to a thread, such as
/// gradient recording, start there as on any new thread.
///
/// # Panics
/// If the system refuses the threads.
#[expect(
    clippy::expect_used,
    reason = "without threads nothing can run; the body's own result type is not ours"
)]
pub fn with_threads<R: Send>(threads: usize, body: impl FnOnce() -> R + Send) -> R {
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("the system starts threads");
    pool.install(body)
}
