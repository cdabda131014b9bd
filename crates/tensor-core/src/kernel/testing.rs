//! What the tests of the kernels share.

use super::math::Float;

/// `count` numbers in (-1, 1), a fixed stream for each seed (splitmix64).
pub(crate) fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    (0..count).map(|_| (next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0).collect()
}

/// The same numbers rounded to f32.
pub(crate) fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

/// Fails unless `|got - want| <= relative * |want| + absolute` everywhere, NaN equal to NaN.
#[track_caller]
pub(crate) fn assert_close<F: Float>(got: &[F], want: &[f64], relative: f64, absolute: f64) {
    assert_eq!(got.len(), want.len());
    for (i, (got, &want)) in got.iter().zip(want).enumerate() {
        let got = got.to_f64();
        let same = got == want || (got.is_nan() && want.is_nan());
        let close = (got - want).abs() <= relative * want.abs() + absolute;
        assert!(same || close, "at {i}: got {got}, want {want}");
    }
}

/// Bits for exact comparison, all NaN alike.
pub(crate) fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}

/// Fails unless `run` gives the same bits with 1, 2 and 3 threads.
#[track_caller]
pub(crate) fn same_bits_for_threads(run: impl Fn() -> Vec<f32> + Sync) {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        bits(&pool.install(&run))
    };
    let one = with(1);
    assert!(one == with(2), "2 threads differ from 1");
    assert!(one == with(3), "3 threads differ from 1");
}
