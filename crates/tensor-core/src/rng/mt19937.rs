//! The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded with 32 bits.

/// Words of state, the degree of recurrence.
pub(super) const WORDS: usize = 624;
/// Offset of the recurrence.
const SHIFT: usize = 397;

#[derive(Clone, PartialEq)]
pub(super) struct Mt19937 {
    pub state: [u32; WORDS],
    /// The word that the next draw tempers. 0 right after seeding, [`WORDS`] once all are used: both twist first.
    pub next: usize,
}

impl Mt19937 {
    pub fn seed(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        for j in 1..WORDS {
            let previous = state[j - 1];
            state[j] = (previous ^ (previous >> 30)).wrapping_mul(1_812_433_253).wrapping_add(j as u32);
        }
        Self { state, next: 0 }
    }

    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.next == 0 || self.next >= WORDS {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Two words, the first is the high one.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        high << 32 | u64::from(self.next_u32())
    }

    fn twist(&mut self) {
        let s = &mut self.state;
        for k in 0..WORDS {
            let following = s[(k + 1) % WORDS];
            let mixed = (s[k] & 0x8000_0000) | (following & 0x7fff_ffff);
            let odd = if following & 1 == 1 { 0x9908_b0df } else { 0 };
            s[k] = s[(k + SHIFT) % WORDS] ^ (mixed >> 1) ^ odd;
        }
        self.next = 0;
    }
}
