//! Files of every format, damaged in every way that is cheap to try: an error that says what and where, never a panic.
#![cfg(all(feature = "csv", feature = "gzip", feature = "images", feature = "npz"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod formats;

use formats::{ALL, Format};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Damaged files that are tried of each right one.
const ROUNDS: usize = 400;

/// Reads damaged bytes. An error names the file, and the place in it if it is about its content.
#[track_caller]
fn read(format: &Format, bytes: &[u8], how: &str) -> bool {
    let result = (format.read)(bytes);
    if let Err(error) = &result {
        let named = ["file", "bytes", "compressed"].iter().any(|name| error.contains(name));
        assert!(named, "{} {how}: {error}", format.name);
    }
    result.is_ok()
}

#[test]
fn right_files_are_read() {
    for format in ALL {
        for (place, file) in (format.files)().into_iter().enumerate() {
            assert_eq!((format.read)(&file), Ok(()), "{}", format.name);
            // `cargo xtask fuzz` begins with them.
            if let Some(folder) = std::env::var_os("FUZZ_CORPUS") {
                let folder = std::path::Path::new(&folder).join(format.name);
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join(format!("right-{place}")), file).unwrap();
            }
        }
    }
}

/// Images have a test of their own for this.
fn small() -> impl Iterator<Item = &'static Format> {
    ALL.iter().filter(|format| format.name != "image")
}

#[test]
fn a_file_cut_at_any_byte_is_an_error() {
    for format in small() {
        for file in (format.files)() {
            for end in 0..file.len() {
                let read = read(format, &file[..end], &format!("cut at {end}"));
                // A table is whole wherever a number ends.
                assert!(!read || format.name == "csv", "{} cut at {end}", format.name);
            }
        }
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_data() {
    for format in small() {
        for file in (format.files)() {
            let mut bytes = file.clone();
            for bit in 0..8 * file.len() {
                bytes[bit / 8] ^= 1 << (bit % 8);
                read(format, &bytes, &format!("bit {bit}"));
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

/// What fuzzing does, from a seed: bytes changed, taken out, put in, doubled, and numbers at the edges of their range.
#[test]
fn seeded_mutations_are_errors_or_data() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut below = |n: usize| rng.next_u64() as usize % n.max(1);
    for format in ALL {
        for file in (format.files)() {
            for round in 0..ROUNDS {
                let mut bytes = file.clone();
                for _ in 0..=below(4) {
                    mutate(&mut bytes, &mut below);
                }
                read(format, &bytes, &format!("round {round}"));
            }
        }
    }
}

fn mutate(bytes: &mut Vec<u8>, below: &mut impl FnMut(usize) -> usize) {
    let at = below(bytes.len());
    let end = (at + 1 + below(8)).min(bytes.len());
    match below(6) {
        _ if bytes.is_empty() => bytes.push(below(256) as u8),
        0 => bytes[at] = below(256) as u8,
        1 => bytes[at..end].fill([0, 0xff, 0x7f, 0x80, b'9', b'['][below(6)]),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            let to = below(bytes.len());
            bytes.splice(to..to, copy);
        }
        4 => bytes.truncate(at),
        _ => {
            let other = below(bytes.len());
            bytes.swap(at, other);
        }
    }
}
