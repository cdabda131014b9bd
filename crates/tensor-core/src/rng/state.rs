//! The generator's state as bytes, laid out as `torch.get_rng_state()` lays it out.
//!
//! 5,056 bytes, little-endian: `u64 seed`, `i32 left`, `i32 seeded`, `u64 next`, `u64 state[624]` (each a 32-bit
//! word), `f64 normal_x`, `f64 normal_y`, `f64 normal_rho`, `i32 normal_is_valid`, 4 bytes of padding,
//! `f32 next_float_normal`, `u8 next_float_normal_valid`, 3 bytes of padding. `normal_y` holds the cached normal;
//! `normal_x`, `normal_rho` and the float normal are unused.

use super::mt19937::{Mt19937, WORDS};
use super::{Generator, Rng};
use crate::{Error, ErrorKind, Result};

const BYTES: usize = 5056;
const LEFT: usize = 8;
const SEEDED: usize = 12;
const NEXT: usize = 16;
const STATE: usize = 24;
const NORMAL_Y: usize = STATE + 8 * WORDS + 8;
const NORMAL_IS_VALID: usize = NORMAL_Y + 16;
const FLOAT_NORMAL_IS_VALID: usize = NORMAL_IS_VALID + 12;

impl Rng {
    /// The whole state in the layout of `torch.get_rng_state()`: PyTorch's `set_rng_state` takes these bytes and
    /// then draws what this generator draws.
    pub fn state(&self) -> Vec<u8> {
        let generator = self.lock();
        let mut bytes = vec![0; BYTES];
        put(&mut bytes, 0, generator.seed.to_le_bytes());
        put(&mut bytes, LEFT, left(generator.words.next).to_le_bytes());
        put(&mut bytes, SEEDED, 1u32.to_le_bytes());
        put(&mut bytes, NEXT, (generator.words.next as u64).to_le_bytes());
        for (j, &word) in generator.words.state.iter().enumerate() {
            put(&mut bytes, STATE + 8 * j, u64::from(word).to_le_bytes());
        }
        if let Some(normal) = generator.cached_normal {
            put(&mut bytes, NORMAL_Y, normal.to_le_bytes());
            put(&mut bytes, NORMAL_IS_VALID, 1u32.to_le_bytes());
        }
        bytes
    }

    /// The generator that [`state`](Rng::state) or `torch.get_rng_state()` saved.
    ///
    /// # Errors
    /// [`ErrorKind::Format`] with the byte's position, if the bytes are no such state.
    #[track_caller]
    pub fn from_state(bytes: &[u8]) -> Result<Rng> {
        if bytes.len() != BYTES {
            return Err(malformed(
                bytes.len().min(BYTES),
                format!("{} bytes, expected {BYTES}", bytes.len()),
            ));
        }
        if u32_at(bytes, SEEDED) != 1 {
            return Err(malformed(SEEDED, "the generator was never seeded".into()));
        }
        let next = u64_at(bytes, NEXT);
        if next > WORDS as u64 {
            return Err(malformed(NEXT, format!("next word {next}, expected 0 to {WORDS}")));
        }
        let next = next as usize;
        if u32_at(bytes, LEFT) != left(next) {
            let found = u32_at(bytes, LEFT);
            return Err(malformed(LEFT, format!("{found} words left, expected {}", left(next))));
        }
        let mut state = [0; WORDS];
        for (j, word) in state.iter_mut().enumerate() {
            let at = STATE + 8 * j;
            let wide = u64_at(bytes, at);
            *word = u32::try_from(wide)
                .map_err(|_| malformed(at, format!("state word {wide}, expected 32 bits")))?;
        }
        if bytes[FLOAT_NORMAL_IS_VALID] != 0 {
            return Err(malformed(
                FLOAT_NORMAL_IS_VALID,
                "a cached f32 normal, which no CPU call draws".into(),
            ));
        }
        let cached_normal = cached_normal(bytes)?;
        let generator = Generator { words: Mt19937 { state, next }, seed: u64_at(bytes, 0), cached_normal };
        Ok(generator.into())
    }

    /// Puts the generator, under all its handles, back to a saved state: how a resumed run goes on.
    ///
    /// # Errors
    /// As for [`from_state`](Rng::from_state); the generator is then as before.
    #[track_caller]
    pub fn set_state(&self, bytes: &[u8]) -> Result<()> {
        let restored = Rng::from_state(bytes)?;
        *self.lock() = restored.lock().clone();
        Ok(())
    }
}

#[track_caller]
fn cached_normal(bytes: &[u8]) -> Result<Option<f64>> {
    let normal = f64::from_bits(u64_at(bytes, NORMAL_Y));
    match u32_at(bytes, NORMAL_IS_VALID) {
        0 => Ok(None),
        1 if normal.is_finite() => Ok(Some(normal)),
        1 => Err(malformed(NORMAL_Y, format!("cached normal {normal}, expected a finite number"))),
        flag => Err(malformed(NORMAL_IS_VALID, format!("flag {flag}, expected 0 or 1"))),
    }
}

/// Draws until the next twist, plus one. A generator that is fresh from its seed twists at once.
fn left(next: usize) -> u32 {
    if next == 0 { 1 } else { (WORDS + 1 - next) as u32 }
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[track_caller]
fn malformed(offset: usize, reason: String) -> Error {
    let path = "random generator state".to_string();
    Error::new("from_state", ErrorKind::Format { path, offset: offset as u64, reason })
}
