//! IDX files, whole and broken, plain and compressed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use train::data::idx;
use train::{DType, Error};

/// A file of u8 with this shape, elements 0, 1, 2, …
fn file(shape: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend((0..shape.iter().product::<u32>()).map(|i| i as u8));
    bytes
}

fn message(bytes: &[u8]) -> String {
    idx::from_bytes("file", bytes).unwrap_err().to_string()
}

#[test]
fn every_element_type_is_read_big_endian() {
    let read = |code: u8, elements: &[u8], n: u8| {
        let bytes = [&[0, 0, code, 1, 0, 0, 0, n], elements].concat();
        idx::from_bytes("file", &bytes).unwrap()
    };
    assert_eq!(read(0x08, &[1, 255], 2).to_vec::<u8>().unwrap(), [1, 255]);
    let (i, f, d) = (-70_000i32, 1.5f32, -2.5e-9f64);
    assert_eq!(read(0x0c, &i.to_be_bytes(), 1).to_vec::<i32>().unwrap(), [i]);
    assert_eq!(read(0x0d, &f.to_be_bytes(), 1).to_vec::<f32>().unwrap(), [f]);
    assert_eq!(read(0x0e, &d.to_be_bytes(), 1).to_vec::<f64>().unwrap(), [d]);
    let images = idx::from_bytes("file", &file(&[2, 3, 4])).unwrap();
    assert_eq!((&**images.shape(), images.dtype()), (&[2, 3, 4][..], DType::U8));
    assert_eq!(idx::from_bytes("file", &file(&[0, 28])).unwrap().numel(), 0);
    assert_eq!(idx::from_bytes("file", &[0, 0, 8, 0, 9]).unwrap().item::<u8>().unwrap(), 9);
}

#[test]
fn a_file_cut_at_any_byte_is_an_error_with_name_and_offset() {
    let whole = file(&[2, 3]);
    for length in 0..whole.len() {
        match idx::from_bytes("file", &whole[..length]) {
            Err(Error::Format { path, offset, .. }) => {
                assert_eq!(path, "file");
                assert!(offset <= length as u64);
            }
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn any_byte_of_the_header_may_be_wrong() {
    let whole = file(&[2, 3]);
    for at in 0..12 {
        for value in 0..=255 {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let same = bytes == whole;
            // A rank of 0 or 1 cannot fit either: the file's length is exact.
            assert_eq!(idx::from_bytes("file", &bytes).is_ok(), same, "byte {at} = {value}");
        }
    }
}

#[test]
fn errors_say_what_was_expected() {
    assert_eq!(
        message(&[0x89, 0x50, 0x4e, 0x47]),
        "file: at byte 0: the file begins with 89 50, expected 00 00, as IDX files do"
    );
    assert!(message(&[0, 0, 9, 1]).starts_with("file: at byte 2: element type 0x09, expected 0x08 (u8)"));
    assert_eq!(message(&[0, 0, 8, 200]), "file: at byte 3: 200 dimensions, expected at most 8");
    let mut long = file(&[2]);
    long.push(0);
    assert_eq!(message(&long), "file: at byte 4: shape [2] of u8 needs 2 bytes, but 3 follow the header");
    let huge = [&[0, 0, 8, 4][..], &[0xff; 16]].concat();
    assert!(message(&huge).contains("larger than any memory"));
    let hidden = [&[0, 0, 8, 4, 0, 0, 0, 0][..], &[0xff; 12]].concat();
    assert!(message(&hidden).contains("larger than any memory"));
    assert!(matches!(idx::read("/no/such/file"), Err(Error::File { .. })));
    let folder = idx::read(env!("CARGO_MANIFEST_DIR")).unwrap_err().to_string();
    assert!(folder.contains("not a regular file"), "{folder}");
}

#[cfg(not(feature = "gzip"))]
#[test]
fn without_the_feature_a_compressed_file_says_what_to_do() {
    assert!(message(&[0x1f, 0x8b, 8, 0]).contains("enable the feature `gzip`"));
}

#[cfg(feature = "gzip")]
mod compressed {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_compressed_file_is_unpacked() {
        let images = idx::from_bytes("file", &pack(&file(&[5, 4]))).unwrap();
        assert_eq!(images.to_vec::<u8>().unwrap(), (0..20).collect::<Vec<u8>>());
        let path = std::env::temp_dir().join(format!("train-idx-{}.gz", std::process::id()));
        std::fs::write(&path, pack(&file(&[3]))).unwrap();
        assert_eq!(idx::read(&path).unwrap().to_vec::<u8>().unwrap(), [0, 1, 2]);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_compressed_file_cut_at_any_byte_is_an_error() {
        let whole = pack(&file(&[5, 4]));
        for length in 0..whole.len() {
            assert!(
                matches!(idx::from_bytes("file", &whole[..length]), Err(Error::Format { .. })),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_the_right_data() {
        let whole = pack(&file(&[5, 4]));
        let right = idx::from_bytes("file", &whole).unwrap().to_vec::<u8>().unwrap();
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = idx::from_bytes("file", &bytes) {
                assert_eq!(read.to_vec::<u8>().unwrap(), right, "bit {bit}");
            }
        }
    }

    #[test]
    fn what_the_header_promises_must_come() {
        let mut short = file(&[100]);
        short.truncate(50);
        let error = message(&pack(&short));
        assert_eq!(
            error,
            "file (unpacked): at byte 50: the data ends within the elements, which take 100 bytes; 42 are there"
        );
        let mut long = file(&[3]);
        long.push(7);
        assert_eq!(message(&pack(&long)), "file (unpacked): at byte 11: bytes after the last element");
        let garbage = [pack(&file(&[3])), b"garbage".to_vec()].concat();
        assert!(message(&garbage).starts_with("file (unpacked): at byte 11: "));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        // 16 MiB of zeros behind a true header: some 16 KB compressed.
        let mut bomb = vec![0, 0, 8, 1, 1, 0, 0, 0];
        bomb.resize(8 + (1 << 24), 0);
        let bomb = pack(&bomb);
        assert!(bomb.len() < 20_000);
        let error = message(&bomb);
        assert!(
            error.starts_with(
                "file (unpacked): at byte 4: shape [16777216] of u8 needs 16777216 bytes, but a file"
            ),
            "{error}"
        );
        // The same number of zeros under a header that promises less stops at its end.
        let mut lying = vec![0, 0, 8, 1, 0, 0, 1, 0];
        lying.resize(1 << 24, 0);
        assert!(message(&pack(&lying)).contains("at byte 264: bytes after the last element"));
    }

    #[cfg(feature = "csv")]
    #[test]
    fn a_bomb_of_numbers_is_refused_too() {
        let bomb = pack(&b"1,1,1,1,1,1,1,1\n".repeat(1 << 18));
        let error = train::data::csv::from_bytes("table", &bomb, false).unwrap_err().to_string();
        assert!(
            error.starts_with("table (unpacked): at byte ")
                && error.contains(": the file unpacks to more than"),
            "{error}"
        );
        let table = train::data::csv::from_bytes("table", &pack(b"1,2\n3,4\n5,6\n"), false).unwrap();
        assert_eq!(**table.shape(), [3, 2]);
        let ragged = train::data::csv::from_bytes("table", b"1,2\n3\n", false).unwrap_err().to_string();
        assert!(ragged.starts_with("table: at byte 4: "), "{ragged}");
    }
}
