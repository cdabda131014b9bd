//! Dropout whose mask is computed, never stored: element `i` is kept or not as a function of a key and of `i` alone,
//! so forward and backward agree and the number of threads does not matter.
//!
//! The random bits are Philox 4×32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
//! 2011): the counter is the number of the group of four elements, the key one 64-bit draw.

use super::math::Float;
use super::parallel::{CHUNK, for_each_chunk};
use super::simd::{Isa, Kernel, dispatch};

/// Multipliers and key increments of Philox 4×32.
const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const INCREMENTS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Elements of a group: the words of one Philox block.
const GROUP: usize = 4;

/// Groups that are computed side by side: a 512-bit register of 32-bit words.
const LANES: usize = 16;

/// `LANES` blocks of Philox, for the counters `first..first + LANES`: word `w` of block `l` at `[w][l]`.
#[inline(always)]
fn philox(key: u64, first: u64) -> [[u32; LANES]; GROUP] {
    let mut words = [[0u32; LANES]; GROUP];
    for lane in 0..LANES {
        let counter = first.wrapping_add(lane as u64);
        words[0][lane] = counter as u32;
        words[1][lane] = (counter >> 32) as u32;
    }
    let mut keys = [key as u32, (key >> 32) as u32];
    for _ in 0..ROUNDS {
        let [w0, w1, w2, w3] = words;
        for lane in 0..LANES {
            let a = u64::from(w0[lane]) * MULTIPLIERS[0];
            let b = u64::from(w2[lane]) * MULTIPLIERS[1];
            words[0][lane] = (b >> 32) as u32 ^ w1[lane] ^ keys[0];
            words[1][lane] = b as u32;
            words[2][lane] = (a >> 32) as u32 ^ w3[lane] ^ keys[1];
            words[3][lane] = a as u32;
        }
        keys = [keys[0].wrapping_add(INCREMENTS[0]), keys[1].wrapping_add(INCREMENTS[1])];
    }
    words
}

/// `y[i] = x[i] / (1 - p)` with probability `1 - p`, else `0 * x[i]`; all zeros times `x` for `p = 1`.
///
/// The gradient is the same function of the gradient, with the same key. `p` is in `0..=1` and is met to 2⁻³².
pub(crate) fn dropout<F: Float>(x: &[F], p: f64, key: u64, y: &mut [F]) {
    let scale = F::from_f64(if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 });
    // Words below the threshold drop their element.
    let threshold = (p * 2f64.powi(32)).round() as u64;
    for_each_chunk(y, CHUNK, |start, y| {
        let x = &x[start..start + y.len()];
        dispatch(Chunk { x, threshold, scale, key, start, y });
    });
}

struct Chunk<'a, F> {
    x: &'a [F],
    threshold: u64,
    scale: F,
    key: u64,
    /// Index of the first element, a multiple of a block.
    start: usize,
    y: &'a mut [F],
}

/// Elements of a block of lanes: element `w * LANES + l` of the block takes word `w` of lane `l`.
const BLOCK: usize = GROUP * LANES;

impl<F: Float> Kernel for Chunk<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { threshold, scale, key, .. } = self;
        let first = (self.start / GROUP) as u64;
        for (block, (x, y)) in self.x.chunks(BLOCK).zip(self.y.chunks_mut(BLOCK)).enumerate() {
            let words = philox(key, first + (block * LANES) as u64);
            let words = words.as_flattened();
            for ((y, &x), &word) in y.iter_mut().zip(x).zip(words) {
                *y = x * if u64::from(word) < threshold { F::ZERO } else { scale };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::same_bits_for_threads;
    use super::*;

    /// Philox 4×32-10 word for word, from the paper.
    fn naive(key: u64, counter: u64) -> [u32; 4] {
        let mut c = [counter as u32, (counter >> 32) as u32, 0, 0];
        let mut k = [key as u32, (key >> 32) as u32];
        for _ in 0..10 {
            let a = u64::from(c[0]) * 0xD251_1F53;
            let b = u64::from(c[2]) * 0xCD9E_8D57;
            c = [(b >> 32) as u32 ^ c[1] ^ k[0], b as u32, (a >> 32) as u32 ^ c[3] ^ k[1], a as u32];
            k = [k[0].wrapping_add(0x9E37_79B9), k[1].wrapping_add(0xBB67_AE85)];
        }
        c
    }

    /// The first known answer of Random123: counter and key 0.
    #[test]
    fn known_answer() {
        let want = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8];
        assert_eq!(naive(0, 0), want);
        assert_eq!(philox(0, 0).map(|word| word[0]), want);
    }

    #[test]
    fn lanes_follow_the_definition() {
        for (key, first) in [(0, 0), (0x0123_4567_89AB_CDEF, 5), (u64::MAX, (1 << 32) - 3)] {
            let words = philox(key, first);
            for lane in 0..LANES {
                assert_eq!(words.map(|word| word[lane]), naive(key, first + lane as u64));
            }
        }
    }

    fn mask(count: usize, p: f64, key: u64) -> Vec<f32> {
        let mut y = vec![9.0; count];
        dropout(&vec![1.0; count], p, key, &mut y);
        y
    }

    #[test]
    fn values_are_zero_or_scaled_and_their_share_is_right() {
        let count = 1 << 20;
        for p in [0.1, 0.5, 0.9] {
            for key in [1, 0xDEAD_BEEF_0000_0001] {
                let y = mask(count, p, key);
                let scale = (1.0 / (1.0 - p)) as f32;
                assert!(y.iter().all(|&y| y == 0.0 || y == scale));
                let kept = |i: usize| f64::from(u8::from(y[i] != 0.0));
                let share = (0..count).map(kept).sum::<f64>() / count as f64;
                // Five standard deviations.
                let deviation = (p * (1.0 - p) / count as f64).sqrt();
                assert!((share - (1.0 - p)).abs() < 5.0 * deviation, "{p}: {share}");
                // Neighbours at every distance inside a block and just beyond are uncorrelated.
                for lag in [1, 2, 3, 4, 15, 16, 17, 32, 63, 64, 65, 128] {
                    let both = (0..count - lag).map(|i| kept(i) * kept(i + lag)).sum::<f64>();
                    let share = both / (count - lag) as f64;
                    assert!((share - (1.0 - p).powi(2)).abs() < 10.0 * deviation, "{p}, lag {lag}: {share}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_p_keys_and_lengths() {
        assert_eq!(mask(100, 0.0, 7), vec![1.0; 100]);
        assert_eq!(mask(100, 1.0, 7), vec![0.0; 100]);
        assert_ne!(mask(100, 0.5, 7), mask(100, 0.5, 8));
        assert_ne!(mask(100, 0.5, 7), mask(100, 0.5, 7 + (1 << 32)));
        // Element i does not depend on the length.
        let long = mask(3 * CHUNK + 77, 0.5, 7);
        for count in [0, 1, 63, 64, 65, CHUNK + 1] {
            assert_eq!(mask(count, 0.5, 7), long[..count]);
        }
        let mut y = [0.0f64; 2];
        dropout(&[f64::NAN, f64::NAN], 1.0, 7, &mut y);
        assert!(y.iter().all(|y| y.is_nan()), "a dropped NaN is not hidden, as in PyTorch");
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        same_bits_for_threads(|| mask(5 * CHUNK + 3, 0.3, 9));
    }
}
