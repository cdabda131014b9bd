//! NumPy's `.npz`: round trips, archives that are wrong, and NumPy itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(feature = "npz")]

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use support::{Scratch, any_tensor, assert_same, cut_and_flip, format_error, numpy_dtypes, python};
use tensor_core::io::npz::{self, Compression};
use tensor_core::{DType, ErrorKind, Tensor, memory};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const LIMIT: u64 = 1 << 20;

/// An archive of these files.
fn archive(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn npy(value: f64) -> Vec<u8> {
    Tensor::full([2], value, DType::F32).unwrap().to_npy().unwrap()
}

/// Replaces every `from` by `to`, of the same length: both in a file's header and in the directory.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

#[track_caller]
fn assert_same_map(a: &BTreeMap<String, Tensor>, b: &BTreeMap<String, Tensor>) {
    assert!(a.keys().eq(b.keys()));
    a.iter().for_each(|(name, tensor)| assert_same(tensor, &b[name]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_tensors_come_back(
        tensors in prop::collection::btree_map("[a-zA-Zä0-9_.-]{1,8}x(/y)?", any_tensor(numpy_dtypes()), 0..5),
        deflated in any::<bool>(),
    ) {
        let scratch = Scratch::new("npz_any");
        let path = scratch.path("x.npz");
        let compression = if deflated { Compression::Deflated } else { Compression::Stored };
        npz::write(&path, &tensors, compression).unwrap();
        assert_same_map(&npz::read(&path, LIMIT).unwrap(), &tensors);
        assert_same_map(&npz::from_bytes(&std::fs::read(&path).unwrap(), LIMIT).unwrap(), &tensors);
    }
}

#[test]
fn wrong_archives_are_errors() {
    let one = npy(1.0);
    let stored = |name: &str| archive(&[(name, &one)], CompressionMethod::Stored);
    let twice = archive(&[("a.npy", &one), ("b.npy", &one)], CompressionMethod::Stored);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "Zip"),
        (one.clone(), "Zip"),
        (stored("../a.npy"), "leads out"),
        (stored("/a.npy"), "leads out"),
        (stored("a/../../b.npy"), "leads out"),
        (replaced(stored("a_b.npy"), b"a_b", b"a\\b"), "leads out"),
        (stored("a.txt"), "ends in .npy"),
        (stored(".npy"), "ends in .npy"),
        (replaced(twice, b"b.npy", b"a.npy"), "2 files with 1 different names"),
        (archive(&[("a.npy", b"no array")], CompressionMethod::Stored), "begin with"),
        (archive(&[("a.npy", &[&one[..], b"x"].concat())], CompressionMethod::Stored), "1 bytes after"),
        (replaced(stored("a.npy"), &one[128..], &[0; 8]), "hecksum"),
    ];
    for (bytes, words) in cases {
        let (_, reason) = format_error(npz::from_bytes(&bytes, LIMIT));
        assert!(reason.contains(words), "{reason:?} should contain {words:?}");
    }
    let error =
        npz::from_bytes(&archive(&[("w.npy", b"no array")], CompressionMethod::Stored), LIMIT).unwrap_err();
    assert!(error.to_string().contains("bytes/w.npy: at byte 0"), "{error}");
    assert!(error.to_string().contains("tests/npz.rs"), "{error}");
}

/// Where each part of an archive begins that starts with `signature`.
fn places(bytes: &[u8], signature: &[u8]) -> Vec<u64> {
    (0..bytes.len()).filter(|&at| bytes[at..].starts_with(signature)).map(|at| at as u64).collect()
}

#[test]
fn errors_name_the_byte_that_is_wrong() {
    const HEADER: &[u8] = b"PK\x03\x04";
    const LISTED: &[u8] = b"PK\x01\x02";
    let files = [("a.npy", &npy(1.0)[..]), ("b.npy", &npy(2.0))];
    let right = archive(&files, CompressionMethod::Stored);
    let (headers, listed) = (places(&right, HEADER), places(&right, LISTED));
    assert_eq!((headers.len(), listed.len()), (2, 2));
    let offset = |bytes: &[u8]| format_error(npz::from_bytes(bytes, LIMIT)).0;
    let flipped = |at: u64| {
        let mut bytes = right.clone();
        bytes[at as usize] ^= 1;
        bytes
    };

    for place in listed.iter().chain(&headers) {
        assert_eq!(offset(&flipped(*place)), *place);
    }
    // Behind its checksum: the bytes of the second file, which begin behind its header and name.
    assert_eq!(offset(&flipped(listed[0] - 1)), headers[1] + 30 + 5);
    let one = format_error(npz::from_bytes(&right, files[0].1.len() as u64));
    assert_eq!(one.0, headers[1], "{}", one.1);
    assert_eq!(offset(&replaced(right.clone(), b"b.npy", b"a.npy")), listed[0]);
    assert_eq!(offset(&replaced(right.clone(), b"b.npy", b"/.npy")), headers[1]);
    assert_eq!(offset(&right[..right.len() - 22]), 0);
    assert_eq!(offset(b""), 0);
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let zeros = Tensor::zeros([1 << 22], DType::U8).unwrap().to_npy().unwrap();
    let bomb = archive(&[("a.npy", &zeros), ("b.npy", &zeros)], CompressionMethod::Deflated);
    assert!(bomb.len() < 10_000);
    // Zeros are no lie: within the limit they are read.
    assert_eq!(npz::from_bytes(&bomb, 1 << 24).unwrap().len(), 2);
    let total = 2 * zeros.len() as u64;
    assert!(npz::from_bytes(&bomb, total).is_ok());
    assert!(format_error(npz::from_bytes(&bomb, total - 1)).1.contains("the limit given"));
    // A size that no deflate stream of this length can have.
    let size = (zeros.len() as u32).to_le_bytes();
    let lie = replaced(bomb, &size, &(u32::MAX - 1).to_le_bytes());
    let before = memory::peak_bytes();
    assert!(format_error(npz::from_bytes(&lie, u64::MAX)).1.contains("more bytes than deflate can unpack"));
    assert!(memory::peak_bytes() < before + (1 << 26));
}

#[test]
fn every_cut_and_every_flipped_bit_is_survived() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = archive(&[("a.npy", &npy(1.0)), ("b.npy", &npy(2.0))], method);
        cut_and_flip(&bytes, |bytes| npz::from_bytes(bytes, LIMIT));
    }
}

#[test]
fn names_must_differ_and_stay_inside() {
    let scratch = Scratch::new("npz_names");
    let x = Tensor::zeros([1], DType::F32).unwrap();
    for names in [["a", "a"], ["a", ""], ["a", "../b"], ["a", "/b"], ["a", "b\\c"]] {
        let path = scratch.path("x.npz");
        let error = npz::write(&path, names.map(|name| (name, &x)), Compression::Stored).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error}");
        assert!(!path.exists());
    }
    let missing = npz::read(scratch.path("none.npz"), LIMIT).unwrap_err();
    assert!(matches!(missing.kind(), ErrorKind::File { .. }), "{missing}");
}

#[test]
fn bf16_is_refused_before_a_file_is_made() {
    let scratch = Scratch::new("npz_bf16");
    let x = Tensor::ones([2], DType::BF16).unwrap();
    let error = npz::write(scratch.path("x.npz"), [("x", &x)], Compression::Stored).unwrap_err().to_string();
    assert!(error.starts_with("npz::write: input is bf16, expected a dtype that NumPy has"), "{error}");
    assert!(!scratch.path("x.npz").exists());
}

#[test]
fn numpy_reads_what_is_written_and_writes_what_is_read() {
    let scratch = Scratch::new("npz_numpy");
    let tensors: BTreeMap<String, Tensor> = numpy_dtypes()
        .iter()
        .map(|&dtype| {
            let x = Tensor::arange(0.0, 6.0, 1.0, DType::I64).unwrap().reshape([2, 3]).unwrap();
            (dtype.to_string(), x.to_dtype(dtype).unwrap())
        })
        .collect();
    npz::write(scratch.path("stored.npz"), &tensors, Compression::Stored).unwrap();
    npz::write(scratch.path("deflated.npz"), &tensors, Compression::Deflated).unwrap();
    let script = "
import numpy as np
dtypes = dict(f32='f4', f64='f8', f16='f2', i64='i8', i32='i4', u8='u1', bool='b1')
for kind in ['stored', 'deflated']:
    with np.load(kind + '.npz') as x:
        assert sorted(x.files) == sorted(dtypes)
        for name, dtype in dtypes.items():
            want = np.arange(6).reshape(2, 3).astype(dtype)
            assert x[name].dtype == want.dtype and np.array_equal(x[name], want), name
want = {name: np.arange(6).reshape(2, 3).astype(dtype) for name, dtype in dtypes.items()}
np.savez('savez.npz', **want)
np.savez_compressed('compressed.npz', **want)
np.savez_compressed('zeros.npz', np.zeros(10_000_000, dtype='u1'))
";
    if !python("numpy", &scratch, script) {
        return;
    }
    for name in ["savez.npz", "compressed.npz"] {
        assert_same_map(&npz::read(scratch.path(name), LIMIT).unwrap(), &tensors);
    }
    let zeros = npz::read(scratch.path("zeros.npz"), 1 << 24).unwrap();
    assert_eq!(zeros["arr_0"].shape(), &[10_000_000]);
}
