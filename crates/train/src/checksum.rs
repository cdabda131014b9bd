//! CRC-32C (Castagnoli), the checksum of checkpoints and of TensorBoard's files; and a quicker hash for run records.

use crate::Result;
use tensor_core::Tensor;

/// The polynomial, bits reversed (RFC 3720, section B.4).
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[k][b]` is the remainder of byte `b` with `k` zero bytes behind: eight bytes are taken at a time.
const TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = (remainder >> 1) ^ (POLYNOMIAL * (remainder & 1));
            bit += 1;
        }
        tables[0][byte] = remainder;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
};

/// The CRC-32C of `bytes`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc32c_append(0, bytes)
}

/// The CRC-32C of what has the checksum `before`, followed by `bytes`.
pub(crate) fn crc32c_append(before: u32, bytes: &[u8]) -> u32 {
    let mut state = !before;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk) ^ u64::from(state);
        state = (0..8).fold(0, |next, k| next ^ TABLES[7 - k][((word >> (8 * k)) & 0xff) as usize]);
    }
    for &byte in rest {
        state = (state >> 8) ^ TABLES[0][((state ^ u32::from(byte)) & 0xff) as usize];
    }
    !state
}

/// A hash of tensors, 64 bits. Each word of eight bytes goes through products and shifts, all one-to-one: a change
/// within one word always changes the hash. It is no defence against somebody who looks for collisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash(pub u64);

impl Hash {
    pub const START: Self = Self(0);
    /// 2⁶⁴ over the golden ratio, as in Knuth's multiplicative hash.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    fn word(&mut self, word: u64) {
        // Twice, so that the highest bit, the sign of a number, reaches all others.
        let mixed = |word: u64| {
            let product = word.wrapping_mul(Self::FACTOR);
            product ^ (product >> 32)
        };
        self.0 = mixed(mixed(self.0 ^ word));
    }

    /// Takes bytes in, and their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        chunks.iter().for_each(|chunk| self.word(u64::from_le_bytes(*chunk)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    /// Takes a tensor in: dtype, shape, elements.
    pub fn tensor(&mut self, tensor: &Tensor) -> Result<()> {
        self.bytes(tensor.dtype().to_string().as_bytes());
        tensor.shape().iter().for_each(|size| self.word(*size as u64));
        self.bytes(&tensor.to_le_bytes()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 3720, section B.4, and the check value of the catalogue of CRCs.
    #[test]
    fn known_answers() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b""), 0);
        assert_eq!(crc32c_append(crc32c(b"1234"), b"56789"), 0xe306_9283);
    }
    #[test]
    fn the_hash_sees_each_bit_and_the_order() {
        let hash = |bytes: &[u8]| {
            let mut hash = Hash::START;
            hash.bytes(bytes);
            hash.0
        };
        let base = [7u8; 20];
        let mut seen = std::collections::BTreeSet::from([hash(&base), hash(&base[..19]), hash(&[])]);
        for bit in 0..160 {
            let mut other = base;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(hash(&other)), "bit {bit}");
            // Two signs that change together: the highest bits of words.
            other[7] ^= 128;
            assert!(bit == 63 || seen.insert(hash(&other)), "bit {bit} and a sign");
        }
        assert_ne!(hash(b"12345678abcdefgh"), hash(b"abcdefgh12345678"));
    }
}
