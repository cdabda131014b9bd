//! NumPy's `.npy`: round trips, the format's corners, files that are wrong, and NumPy itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use proptest::prelude::*;
use support::{Scratch, any_tensor, assert_same, cut_and_flip, format_error, numpy_dtypes, python};
use tensor_core::{DType, ErrorKind, Tensor, memory};

/// A file of version `major`.0 with this dictionary and these bytes.
fn file(major: u8, dictionary: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([major, 0]);
    match major {
        1 => bytes.extend((dictionary.len() as u16).to_le_bytes()),
        _ => bytes.extend((dictionary.len() as u32).to_le_bytes()),
    }
    bytes.extend(dictionary.as_bytes());
    bytes.extend(elements);
    bytes
}

fn dictionary(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

proptest! {
    #[test]
    fn any_tensor_comes_back(x in any_tensor(numpy_dtypes())) {
        let bytes = x.to_npy().unwrap();
        assert_same(&Tensor::from_npy(&bytes).unwrap(), &x);
        // The elements start at a multiple of 64.
        prop_assert_eq!((bytes.len() - x.numel() * x.dtype().size()) % 64, 0);
    }

    #[test]
    fn any_bytes_give_a_tensor_or_an_error(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Tensor::from_npy(&tail);
        let _ = Tensor::from_npy(&[b"\x93NUMPY\x01\x00", &tail[..]].concat());
    }

    #[test]
    fn any_dictionary_gives_a_tensor_or_an_error(text in "[{]?[ '\"a-z_:,<>|()0-9TFL]{0,60}[}]?") {
        let _ = Tensor::from_npy(&file(1, &text, &[0; 16]));
    }
}

#[test]
fn the_header_is_numpys() {
    let bytes = Tensor::zeros([3], DType::F32).unwrap().to_npy().unwrap();
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
    assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
    assert_eq!(bytes[10..10 + text.len()], *text.as_bytes());
    assert_eq!(bytes[127], b'\n');
    assert_eq!(bytes.len(), 128 + 12);
}

#[test]
fn all_versions_and_spellings_are_read() {
    let elements = [1.0f32, 2.0].map(f32::to_le_bytes).concat();
    for major in [1, 2, 3] {
        let x = Tensor::from_npy(&file(major, &dictionary("<f4", "False", "(2,)"), &elements)).unwrap();
        assert_eq!(x.to_vec::<f32>().unwrap(), [1.0, 2.0]);
    }
    let spelled = "{\"shape\":(1 ,2),'fortran_order':False,\n 'descr':\"<f4\"}   ";
    assert_eq!(Tensor::from_npy(&file(1, spelled, &elements)).unwrap().shape(), &[1, 2]);
    let scalar = Tensor::from_npy(&file(1, &dictionary("|u1", "True", "()"), &[7])).unwrap();
    assert_eq!(scalar.item::<u8>().unwrap(), 7);
    let empty = Tensor::from_npy(&file(1, &dictionary(">f8", "True", "(0, 3)"), &[])).unwrap();
    assert_eq!((empty.shape().to_vec(), empty.dtype()), (vec![0, 3], DType::F64));
}

#[test]
fn big_endian_and_column_major_are_read() {
    let elements = [1i32, -2, 3, 4, 5, 6].map(i32::to_be_bytes).concat();
    let x = Tensor::from_npy(&file(1, &dictionary(">i4", "True", "(2, 3)"), &elements)).unwrap();
    assert_eq!(x.to_vec::<i32>().unwrap(), [1, 3, 5, -2, 4, 6]);
    assert!(x.is_contiguous());
    let wide = [1.5f64, -0.0].map(f64::to_be_bytes).concat();
    let x = Tensor::from_npy(&file(1, &dictionary(">f8", "False", "(2,)"), &wide)).unwrap();
    assert_eq!(x.to_vec::<f64>().unwrap().map_bits(), [1.5f64.to_bits(), (-0.0f64).to_bits()]);
}

trait MapBits {
    fn map_bits(&self) -> Vec<u64>;
}

impl MapBits for Vec<f64> {
    fn map_bits(&self) -> Vec<u64> {
        self.iter().map(|x| x.to_bits()).collect()
    }
}

#[test]
fn wrong_files_are_errors_with_the_place() {
    let ok = |descr: &str, shape: &str| dictionary(descr, "False", shape);
    let cases: Vec<(Vec<u8>, u64, &str)> = vec![
        (b"PK\x03\x04........".to_vec(), 0, "begin with"),
        (
            file(1, &ok("<f4", "(2,)"), &[0; 8])[..5].to_vec(),
            0,
            "the magic word: 6 bytes expected, 5 are left",
        ),
        (file(4, &ok("<f4", "(2,)"), &[0; 8]), 6, "version 4.0"),
        (file(2, &" ".repeat(70_000), &[]), 8, "at most 65536"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}".to_vec(), 8, "a header of 4294967295 bytes"),
        (b"\x93NUMPY\x01\x00\xff\xff{}".to_vec(), 10, "the header: 65535 bytes expected, 2 are left"),
        (file(1, &ok("<c8", "(2,)"), &[0; 16]), 20, "dtype \"<c8\" cannot be read"),
        (file(1, &ok("<U4", "(2,)"), &[0; 16]), 20, "dtype \"<U4\" cannot be read"),
        (file(1, &ok("<f3", "(2,)"), &[0; 4]), 20, "dtype \"<f3\" cannot be read"),
        (file(1, &ok("|O", "(2,)"), &[0; 16]), 20, "a pickle of Python objects"),
        (file(1, &ok("f4", "(2,)"), &[0; 8]), 20, "without byte order"),
        (file(1, "{'descr': [('a', '<f4')], 'shape': (1,)}", &[0; 4]), 20, "a structured dtype"),
        (file(1, &ok("<f4", "(3)"), &[0; 12]), 62, "(3) is no tuple"),
        (file(1, &ok("<f4", "(-1,)"), &[]), 61, "expected a whole number"),
        (file(1, &ok("<f4", "(02,)"), &[0; 8]), 61, "expected a whole number"),
        (file(1, &ok("<f4", "(18446744073709551616,)"), &[]), 61, "expected a whole number"),
        (file(1, &ok("<f4", &format!("({})", "1,".repeat(65))), &[0; 4]), 189, "more than 64 dimensions"),
        (file(1, &ok("<f4", "(4611686018427387904, 4)"), &[]), 10, "more elements than memory can address"),
        (file(1, &ok("<f4", "(0, 4611686018427387904, 4)"), &[]), 10, "more elements than memory"),
        (
            file(1, "{'descr': '<f4', 'fortran_order': False}", &[]),
            10,
            "expected 'descr', 'fortran_order' and",
        ),
        (file(1, "{'descr': '<f4', 'descr': '<f4'}", &[]), 27, "a second \"descr\""),
        (file(1, "{'descr': '<f4', 'more': 1}", &[]), 27, "expected 'descr'"),
        (file(1, &dictionary("<f4", "true", "(2,)"), &[0; 8]), 44, "expected True or False"),
        (file(1, &(ok("<f4", "(2,)") + "x"), &[0; 8]), 68, "nothing but space"),
        (file(1, &ok("|b1", "(3,)"), &[0, 1, 2]), 70, "a bool that is neither 0 nor 1"),
        (file(1, &ok("<f4", "(2,)"), &[0; 7]), 68, "the elements: 8 bytes expected, 7 are left"),
        (file(1, &ok("<f4", "(2,)"), &[0; 9]), 76, "1 bytes after the last element"),
    ];
    for (bytes, place, words) in cases {
        let (offset, reason) = format_error(Tensor::from_npy(&bytes));
        assert!(reason.contains(words), "{reason:?} should contain {words:?}");
        assert_eq!(offset, place, "{reason}");
    }
}

#[test]
fn a_small_file_gets_no_large_allocation() {
    for shape in ["(268435456,)", "(1099511627776,)", "(1048576, 1048576)"] {
        let (_, reason) =
            format_error(Tensor::from_npy(&file(1, &dictionary("<f4", "False", shape), &[0; 8])));
        assert!(reason.contains("8 are left"), "{reason}");
    }
    assert!(memory::peak_bytes() < 1 << 26);
}

#[test]
fn every_cut_and_every_flipped_bit_is_survived() {
    for dtype in [DType::F32, DType::Bool] {
        let x = Tensor::ones([2, 3], dtype).unwrap();
        cut_and_flip(&x.to_npy().unwrap(), Tensor::from_npy);
    }
}

#[test]
fn files_are_replaced_whole_and_errors_name_them() {
    let scratch = Scratch::new("npy_files");
    let path = scratch.path("x.npy");
    let error = Tensor::read_npy(&path).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::File { path: named, .. } if named.ends_with("x.npy")),
        "{error}"
    );
    assert!(error.to_string().contains("tests/npy.rs"), "{error}");
    for value in [1.0, 2.0] {
        let x = Tensor::full([2, 2], value, DType::F64).unwrap();
        x.write_npy(&path).unwrap();
        assert_same(&Tensor::read_npy(&path).unwrap(), &x);
    }
    assert_eq!(scratch.names(), ["x.npy"]);

    // What fails half way leaves the file as it was, and nothing beside it.
    let whole = std::fs::read(&path).unwrap();
    let error = tensor_core::io::replace_file(&path, |file| {
        std::io::Write::write_all(file, b"half")?;
        Err(std::io::Error::other("the disk is full"))
    })
    .unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!((std::fs::read(&path).unwrap(), scratch.names()), (whole, vec!["x.npy".to_string()]));

    std::fs::write(&path, b"\x93NUMPY\x09\x00").unwrap();
    let error = Tensor::read_npy(&path).unwrap_err();
    assert!(error.to_string().contains("x.npy: at byte 6: version 9.0"), "{error}");
    let folder = scratch.path("folder");
    std::fs::create_dir(&folder).unwrap();
    assert!(matches!(Tensor::read_npy(&folder).unwrap_err().kind(), ErrorKind::File { .. }));
    let error = Tensor::zeros([1], DType::F32).unwrap().write_npy(&folder).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
    let nowhere = scratch.path("no/such/x.npy");
    assert!(Tensor::zeros([1], DType::F32).unwrap().write_npy(nowhere).is_err());
}

#[test]
#[cfg(unix)]
fn a_link_and_the_rights_of_a_file_survive_a_write() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let scratch = Scratch::new("npy_link");
    let (path, link) = (scratch.path("x.npy"), scratch.path("link.npy"));
    let x = Tensor::ones([2], DType::F32).unwrap();
    x.write_npy(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&path, &link).unwrap();
    x.neg().unwrap().write_npy(&link).unwrap();
    assert_eq!(Tensor::read_npy(&path).unwrap().to_vec::<f32>().unwrap(), [-1.0; 2]);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn bf16_is_refused_before_a_file_is_made() {
    let scratch = Scratch::new("npy_bf16");
    let x = Tensor::ones([2], DType::BF16).unwrap();
    let path = scratch.path("x.npy");
    for (op, error) in [("to_npy", x.to_npy().err()), ("write_npy", x.write_npy(&path).err())] {
        let text = error.unwrap().to_string();
        assert!(text.starts_with(&format!("{op}: input is bf16, expected a dtype that NumPy has")), "{text}");
        assert!(text.contains("to_dtype(DType::F32)") && text.contains("tests/npy.rs"), "{text}");
    }
    assert!(!path.exists());
}

#[test]
fn numpy_reads_what_is_written_and_writes_what_is_read() {
    let scratch = Scratch::new("npy_numpy");
    for &dtype in numpy_dtypes() {
        let x = Tensor::arange(0.0, 6.0, 1.0, DType::I64).unwrap().reshape([2, 3]).unwrap();
        let x = x.to_dtype(dtype).unwrap();
        x.write_npy(scratch.path(&format!("{dtype}.npy"))).unwrap();
        x.transpose(0, 1).unwrap().write_npy(scratch.path(&format!("{dtype}_t.npy"))).unwrap();
    }
    Tensor::scalar(1.5f32).unwrap().write_npy(scratch.path("scalar.npy")).unwrap();
    Tensor::zeros([0, 3], DType::I64).unwrap().write_npy(scratch.path("empty.npy")).unwrap();
    let script = "
import numpy as np
for name, dtype in dict(f32='f4', f64='f8', f16='f2', i64='i8', i32='i4', u8='u1', bool='b1').items():
    want = np.arange(6).reshape(2, 3).astype(dtype)
    x = np.load(name + '.npy')
    assert x.dtype == want.dtype and np.array_equal(x, want), name
    assert np.array_equal(np.load(name + '_t.npy'), want.T), name
    np.save(name + '_fortran.npy', np.asfortranarray(want))
    np.save(name + '_big.npy', want.astype(want.dtype.newbyteorder('>')))
    with open(name + '_v3.npy', 'wb') as f:
        np.lib.format.write_array(f, want, version=(3, 0))
assert np.load('scalar.npy').shape == () and np.load('scalar.npy') == 1.5
assert np.load('empty.npy').shape == (0, 3)
np.save('object.npy', np.array([{}], dtype=object))
np.save('complex.npy', np.zeros(2, dtype=complex))
";
    if !python("numpy", &scratch, script) {
        return;
    }
    for &dtype in numpy_dtypes() {
        let expected = Tensor::read_npy(scratch.path(&format!("{dtype}.npy"))).unwrap();
        for kind in ["fortran", "big", "v3"] {
            assert_same(&Tensor::read_npy(scratch.path(&format!("{dtype}_{kind}.npy"))).unwrap(), &expected);
        }
    }
    assert!(format_error(Tensor::read_npy(scratch.path("object.npy"))).1.contains("pickle"));
    assert!(format_error(Tensor::read_npy(scratch.path("complex.npy"))).1.contains("<c16"));
}
