//! Safetensors: round trips, the format's corners, files that are wrong, and the reference implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use support::{DTYPES, Scratch, any_tensor, assert_same, cut_and_flip, format_error, numpy_dtypes, python};
use tensor_core::io::safetensors::{self, SafeTensors};
use tensor_core::{DType, ErrorKind, Tensor, memory};

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A header with one tensor.
fn one(dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

fn map<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
    entries.into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

#[track_caller]
fn assert_same_file(
    read: &SafeTensors,
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) {
    assert_eq!(&read.metadata, metadata);
    assert!(read.tensors.keys().eq(tensors.keys()));
    tensors.iter().for_each(|(name, tensor)| assert_same(&read.tensors[name], tensor));
}

proptest! {
    #[test]
    fn any_tensors_come_back(
        tensors in prop::collection::btree_map(any::<String>(), any_tensor(&DTYPES), 0..6),
        metadata in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
    ) {
        let bytes = safetensors::to_bytes(&tensors, &metadata).unwrap();
        assert_same_file(&safetensors::from_bytes(&bytes).unwrap(), &tensors, &metadata);
        // An independent parser agrees on the header.
        let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        prop_assert_eq!(end % 8, 0);
        let header: serde_json::Value = serde_json::from_slice(&bytes[8..end]).unwrap();
        for (name, tensor) in &tensors {
            prop_assert_eq!(&header[name]["shape"], &serde_json::json!(tensor.shape().to_vec()));
        }
        for (key, value) in &metadata {
            prop_assert_eq!(&header["__metadata__"][key], value);
        }
    }

    #[test]
    fn any_header_gives_tensors_or_an_error(text in r#"[{]?[ "\\{}\[\]:,a-z_0-9ud.-]{0,80}[}]?"#) {
        let _ = safetensors::from_bytes(&file(&text, &[0; 8]));
    }
}

#[test]
fn tensors_are_laid_out_as_by_the_reference() {
    let tensors: BTreeMap<String, Tensor> =
        DTYPES.iter().map(|&dtype| (format!("a_{dtype}"), Tensor::ones([3], dtype).unwrap())).collect();
    let bytes = safetensors::to_bytes(&tensors, &map([("format", "pt")])).unwrap();
    let header =
        String::from_utf8(bytes[8..].iter().copied().take_while(u8::is_ascii_graphic).collect()).unwrap();
    let expected = concat!(
        r#"{"__metadata__":{"format":"pt"},"#,
        r#""a_i64":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},"#,
        r#""a_f64":{"dtype":"F64","shape":[3],"data_offsets":[24,48]},"#,
        r#""a_f32":{"dtype":"F32","shape":[3],"data_offsets":[48,60]},"#,
        r#""a_i32":{"dtype":"I32","shape":[3],"data_offsets":[60,72]},"#,
        r#""a_bf16":{"dtype":"BF16","shape":[3],"data_offsets":[72,78]},"#,
        r#""a_f16":{"dtype":"F16","shape":[3],"data_offsets":[78,84]},"#,
        r#""a_u8":{"dtype":"U8","shape":[3],"data_offsets":[84,87]},"#,
        r#""a_bool":{"dtype":"BOOL","shape":[3],"data_offsets":[87,90]}}"#,
    );
    assert_eq!(header.as_str(), &expected[..header.len()]);
    assert_eq!(header.len(), expected.len());
}

#[test]
fn spellings_of_json_are_read() {
    let header =
        "{ \"w\\u0041\\ud83d\\ude00\\n\" : {\"shape\":[ 2 ],\"data_offsets\":[0,2],\n\"dtype\":\"U8\"} }   ";
    let read = safetensors::from_bytes(&file(header, &[1, 2])).unwrap();
    assert_eq!(read.tensors["wA😀\n"].to_vec::<u8>().unwrap(), [1, 2]);
    assert!(safetensors::from_bytes(&file("{}", &[])).unwrap().tensors.is_empty());
    assert!(safetensors::from_bytes(&file(r#"{"__metadata__":{}}"#, &[])).unwrap().metadata.is_empty());
    let scalar = safetensors::from_bytes(&file(&one("F32", "[]", "[0,4]"), &1.5f32.to_le_bytes())).unwrap();
    assert_eq!(scalar.tensors["w"].item::<f32>().unwrap(), 1.5);
    let empty = safetensors::from_bytes(&file(&one("I64", "[3,0]", "[0,0]"), &[])).unwrap();
    assert_eq!(empty.tensors["w"].shape(), &[3, 0]);
}

/// Two byte tensors with these ranges.
fn two(first: &str, second: &str, sizes: [usize; 2]) -> String {
    let entry = |name: &str, size: usize, range: &str| {
        format!(r#""{name}":{{"dtype":"U8","shape":[{size}],"data_offsets":{range}}}"#)
    };
    format!("{{{},{}}}", entry("a", sizes[0], first), entry("b", sizes[1], second))
}

#[test]
fn wrong_files_are_errors_with_the_place() {
    let cases: Vec<(Vec<u8>, u64, &str)> = vec![
        (vec![], 0, "the header's length: 8 bytes expected, 0 are left"),
        (vec![8, 0, 0, 0, 0, 0, 0], 0, "7 are left"),
        (file("{}", &[])[..9].to_vec(), 8, "the header: 2 bytes expected, 1 are left"),
        (u64::MAX.to_le_bytes().to_vec(), 0, "expected at most 16777216"),
        (((1u64 << 24) + 1).to_le_bytes().to_vec(), 0, "a header of 16777217 bytes"),
        (file("", &[]), 8, "expected '{'"),
        (file(" {}", &[]), 8, "expected '{'"),
        (file("[]", &[]), 8, "expected '{'"),
        (file("{\"\u{ff}\":1}", &[])[..].to_vec(), 14, "expected '{'"),
        (file("{} x", &[]), 11, "nothing but space"),
        (file("{", &[]), 9, "expected '\"'"),
        (file(r#"{"w":{}}"#, &[]), 9, "wants \"dtype\""),
        (file(r#"{"w":{},}"#, &[]), 9, "wants \"dtype\""),
        (file(r#"{"w":{"dtype":"U8","dtype":"U8"}}"#, &[]), 27, "a second \"dtype\""),
        (file(r#"{"w":{"more":1}}"#, &[]), 14, "expected \"dtype\", \"shape\" or"),
        (file(r#"{"__metadata__":{"a":"","a":""}}"#, &[]), 32, "a second entry of this name"),
        (file(r#"{"__metadata__":{},"__metadata__":{}}"#, &[]), 27, "a second \"__metadata__\""),
        (file(r#"{"__metadata__":{"a":1}}"#, &[]), 29, "expected '\"'"),
        (file(r#"{"\x":{}}"#, &[]), 12, "expected an escape"),
        (file(r#"{"\ud800":{}}"#, &[]), 18, "half a surrogate"),
        (file("{\"a\nb\":{}}", &[]), 12, "expected the end of the string"),
        (file(&one("F32", "[1]", "[0,4]").replacen("}}", "},\"w\":{}}", 1), &[0; 4]), 62, "a second \"w\""),
        (file(&one("I16", "[2]", "[0,4]"), &[0; 4]), 22, "tensor \"w\" is \"I16\", expected F32"),
        (file(&one("F32", "[-1]", "[0,4]"), &[0; 4]), 37, "expected a whole number"),
        (file(&one("F32", "[1.0]", "[0,4]"), &[0; 4]), 37, "expected a whole number"),
        (file(&one("F32", "[1e0]", "[0,4]"), &[0; 4]), 37, "expected a whole number"),
        (file(&one("F32", "[01]", "[0,4]"), &[0; 4]), 37, "expected a whole number"),
        (
            file(&one("F32", &format!("[{}1]", "1,".repeat(64)), "[0,4]"), &[0; 4]),
            165,
            "more than 64 numbers",
        ),
        (
            file(&one("F32", "[4294967296,4294967296]", "[0,0]"), &[]),
            9,
            "more elements than memory can address",
        ),
        (file(&one("F32", "[0,4294967296,4294967296]", "[0,0]"), &[]), 9, "more elements than memory"),
        (file(&one("F32", "[2]", "[0,4]"), &[0; 4]), 9, "needs 8 bytes"),
        (file(&one("F32", "[1]", "[4,0]"), &[0; 4]), 9, "needs 4 bytes"),
        (file(&one("F32", "[1]", "[0]"), &[0; 4]), 9, "has 1 data_offsets"),
        (file(&one("F32", "[1]", "[0,4,8]"), &[0; 4]), 60, "more than 2 numbers"),
        (file(&one("F32", "[1]", "[0,4]"), &[0; 3]), 65, "ends at 4 of the data, which has 3"),
        (file(&one("F32", "[1]", "[0,4]"), &[0; 5]), 66, "1 bytes after the last tensor"),
        (file(&one("F32", "[1]", "[1,5]"), &[0; 5]), 62, "a gap: tensor \"w\" begins at 1"),
        (file(&one("BOOL", "[2]", "[0,2]"), &[1, 2]), 64, "a bool that is neither 0 nor 1"),
        (file(&two("[0,2]", "[1,3]", [2, 2]), &[0; 3]), 114, "an overlap: tensor \"b\""),
        (file(&two("[0,2]", "[3,4]", [2, 1]), &[0; 4]), 115, "a gap: tensor \"b\""),
        (file(&two("[0,2]", "[0,2]", [2, 2]), &[0; 2]), 113, "an overlap"),
        (file("{}", &[0]), 10, "1 bytes after the last tensor"),
    ];
    for (bytes, place, words) in cases {
        let (offset, reason) = format_error(safetensors::from_bytes(&bytes));
        assert!(reason.contains(words), "{reason:?} should contain {words:?}");
        assert_eq!(offset, place, "{reason}");
    }
}

#[test]
fn a_small_file_gets_no_large_allocation() {
    let lies = file(&one("F32", "[268435456]", "[0,1073741824]"), &[0; 8]);
    assert!(format_error(safetensors::from_bytes(&lies)).1.contains("which has 8"));
    let long = [&(16u64 << 20).to_le_bytes()[..], b"{}"].concat();
    assert!(format_error(safetensors::from_bytes(&long)).1.contains("2 are left"));
    assert!(memory::peak_bytes() < 1 << 26);
}

#[test]
fn nesting_does_not_recurse() {
    let deep = format!("{{\"w\":{}", "[".repeat(1 << 20));
    assert!(safetensors::from_bytes(&file(&deep, &[])).is_err());
    assert!(safetensors::from_bytes(&file(&"{\"w\":".repeat(1 << 18), &[])).is_err());
}

#[test]
fn every_cut_and_every_flipped_bit_is_survived() {
    let tensors =
        [("a", Tensor::ones([2, 2], DType::F32).unwrap()), ("b", Tensor::ones([3], DType::Bool).unwrap())];
    let tensors = tensors.each_ref().map(|(name, tensor)| (*name, tensor));
    let bytes = safetensors::to_bytes(tensors, &map([("k", "v")])).unwrap();
    cut_and_flip(&bytes, safetensors::from_bytes);
}

#[test]
fn names_must_differ() {
    let x = Tensor::zeros([1], DType::F32).unwrap();
    let none = BTreeMap::new();
    for names in [["a", "a"], ["a", "__metadata__"]] {
        let error = safetensors::to_bytes(names.map(|name| (name, &x)), &none).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error}");
        assert!(error.to_string().contains("tests/safetensors.rs"), "{error}");
    }
}

#[test]
fn files_are_replaced_whole_and_errors_name_them() {
    let scratch = Scratch::new("safetensors_files");
    let path = scratch.path("m.safetensors");
    let error = safetensors::read(&path).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::File { path, .. } if path.ends_with("m.safetensors")),
        "{error}"
    );
    let tensors = BTreeMap::from([("w".to_string(), Tensor::ones([2, 3], DType::F64).unwrap())]);
    let metadata = map([("epoch", "3")]);
    safetensors::write(&path, &tensors, &metadata).unwrap();
    assert_same_file(&safetensors::read(&path).unwrap(), &tensors, &metadata);
    // A refused write leaves the file.
    let x = &tensors["w"];
    assert!(safetensors::write(&path, [("a", x), ("a", x)], &metadata).is_err());
    assert_same_file(&safetensors::read(&path).unwrap(), &tensors, &metadata);
    assert_eq!(scratch.names(), ["m.safetensors"]);
    std::fs::write(&path, file("{}", &[0])).unwrap();
    let error = safetensors::read(&path).unwrap_err().to_string();
    assert!(error.contains("m.safetensors: at byte 10: 1 bytes after the last tensor"), "{error}");
    assert!(error.contains("tests/safetensors.rs"), "{error}");
}

#[test]
fn recorded_files_of_the_reference_are_read() {
    let path = format!("{}/../../fixtures/digits_mlp/weights.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap();
    let read = safetensors::read(&path).unwrap();
    assert!(!read.tensors.is_empty());
    assert_eq!(safetensors::to_bytes(&read.tensors, &read.metadata).unwrap(), bytes);
}

#[test]
fn the_reference_reads_what_is_written_and_writes_what_is_read() {
    let scratch = Scratch::new("safetensors_python");
    let tensors: BTreeMap<String, Tensor> = numpy_dtypes()
        .iter()
        .map(|&dtype| {
            let x = Tensor::arange(0.0, 6.0, 1.0, DType::I64).unwrap().reshape([2, 3]).unwrap();
            (format!("ключ \"{dtype}\"\t\u{1}"), x.to_dtype(dtype).unwrap())
        })
        .collect();
    let metadata = map([("a \"quoted\" key", "line\nbreak\\")]);
    safetensors::write(scratch.path("ours.safetensors"), &tensors, &metadata).unwrap();
    let script = r#"
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
x = load_file('ours.safetensors')
dtypes = dict(f32='f4', f64='f8', f16='f2', i64='i8', i32='i4', u8='u1', bool='b1')
assert len(x) == 7
for name, dtype in dtypes.items():
    want = np.arange(6).reshape(2, 3).astype(dtype)
    got = x[f'ключ "{name}"\t\x01']
    assert got.dtype == want.dtype and np.array_equal(got, want), name
metadata = safe_open('ours.safetensors', 'np').metadata()
assert metadata == {'a "quoted" key': 'line\nbreak\\'}, metadata
save_file(x, 'theirs.safetensors', metadata)
save_file({'h': np.zeros(2, dtype='i2')}, 'short.safetensors')
"#;
    if !python("safetensors", &scratch, script) {
        return;
    }
    let theirs = scratch.path("theirs.safetensors");
    assert_same_file(&safetensors::read(&theirs).unwrap(), &tensors, &metadata);
    assert_eq!(std::fs::read(theirs).unwrap(), std::fs::read(scratch.path("ours.safetensors")).unwrap());
    assert!(format_error(safetensors::read(scratch.path("short.safetensors"))).1.contains("\"I16\""));
}
