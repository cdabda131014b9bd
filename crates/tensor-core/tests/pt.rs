//! PyTorch's `.pt` files: what torch wrote, what we write, and what an attacker might.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use support::{DTYPES, Scratch, any_tensor, assert_same, cut_and_flip, format_error, python};
use tensor_core::io::{Dict, OptionValue, Value, pt};
use tensor_core::{DType, ErrorKind, Tensor};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../fixtures/pt/{name}.pt", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn written(value: &Value) -> Vec<u8> {
    let scratch = Scratch::new(&format!("pt_{:?}", std::thread::current().id()));
    let path = scratch.path("x.pt");
    pt::write(&path, value).unwrap();
    std::fs::read(path).unwrap()
}

#[track_caller]
fn tensor(value: &Value) -> Tensor {
    value.get().expect("a tensor")
}

#[test]
fn what_torch_saved_is_read() {
    let read: Dict = pt::from_bytes(&fixture("values")).unwrap().get().unwrap();
    let floats = |name: &str| tensor(&read[name]).to_vec::<f32>().unwrap();
    let shape = |name: &str| tensor(&read[name]).shape().to_string();
    assert_eq!(floats("f32"), (0..12).map(|x| x as f32).collect::<Vec<_>>());
    assert_eq!(tensor(&read["f64"]).to_vec::<f64>().unwrap(), [1.5, -2.5]);
    for (name, dtype) in [("f16", DType::F16), ("bf16", DType::BF16)] {
        assert_eq!(tensor(&read[name]).dtype(), dtype);
        assert_eq!(tensor(&read[name]).to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap(), [1.5, -2.5]);
    }
    assert_eq!(tensor(&read["i64"]).to_vec::<i64>().unwrap(), [1, -(1 << 40)]);
    assert_eq!(tensor(&read["i32"]).to_vec::<i32>().unwrap(), [7, -8]);
    assert_eq!(tensor(&read["u8"]).to_vec::<u8>().unwrap(), [0, 255]);
    assert_eq!(tensor(&read["bool"]).to_vec::<bool>().unwrap(), [true, false, true]);
    assert_eq!((shape("scalar"), floats("scalar")), ("[]".into(), vec![3.25]));
    assert_eq!((shape("empty"), floats("empty")), ("[0, 3]".into(), vec![]));
    assert_eq!(shape("transposed"), "[4, 3]");
    assert_eq!(floats("transposed")[..4], [0.0, 4.0, 8.0, 1.0]);
    assert_eq!(floats("part"), [5.0, 7.0, 9.0]);
    assert_eq!((shape("expanded"), floats("expanded")), ("[2, 3]".into(), vec![4.0; 6]));
    assert_eq!(floats("parameter"), [9.0]);
    let ints = [0, 255, 256, 65536, -1, 1 << 40, i64::MIN].map(Value::Int);
    let numbers = [1e-300, f64::INFINITY, f64::NEG_INFINITY].map(Value::Float);
    assert_eq!(read["numbers"], Value::List(ints.into_iter().chain(numbers).collect()));
    let nested: Dict = [
        ("none".into(), Value::None),
        ("flags".into(), Value::Tuple(vec![Value::Bool(true), Value::Bool(false)])),
        ("one".into(), Value::Tuple(vec![Value::Int(1)])),
        ("empty".into(), Value::List(vec![])),
        ("text".into(), Value::Str("η ≤ 1".into())),
        ("deep".into(), Value::List(vec![Value::List(vec![Value::List(vec![Value::Tuple(vec![])])])])),
    ]
    .into();
    assert_eq!(read["nested"], Value::Dict(nested));
    let text = |text: &str| Value::Str(text.into());
    assert_eq!(read["places"], Value::IntDict([(0, text("zero")), (-3, text("minus three"))].into()));
    assert_eq!(read["counter"], BTreeMap::from([(30, 1usize), (80, 2)]).to_value());
    assert_eq!(read["ordered"], BTreeMap::from([("b".to_string(), 1usize), ("a".to_string(), 2)]).to_value());
}

#[test]
fn what_is_written_is_read_again() {
    for name in ["values", "steps_50"] {
        let value = pt::from_bytes(&fixture(name)).unwrap();
        assert_eq!(pt::from_bytes(&written(&value)).unwrap(), value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_tensor_goes_there_and_back(x in any_tensor(&DTYPES), number in any::<i64>(), bits in any::<u64>()) {
        let value = Value::List(vec![Value::Tensor(x.clone()), Value::Int(number), Value::Float(f64::from_bits(bits))]);
        let read = pt::from_bytes(&written(&value)).unwrap();
        prop_assert_eq!(&read, &value);
        let Value::List(items) = read else { unreachable!() };
        assert_same(&tensor(&items[0]), &x);
    }
}

#[test]
fn one_tensor_under_two_names_is_written_once() {
    let x = Tensor::zeros([1000], DType::F64).unwrap();
    let both = Value::List(vec![Value::Tensor(x.clone()), Value::Tensor(x.clone()), Value::Tensor(x)]);
    assert!(written(&both).len() < 2 * 8000);
}

#[test]
fn code_is_an_error_that_names_it() {
    let error = pt::from_bytes(&fixture("code")).unwrap_err();
    let ErrorKind::UnknownGlobal { global, .. } = error.kind() else { panic!("{error}") };
    assert_eq!(global, "torch.nn.functional.relu");
    let error = pt::from_bytes(&fixture("complex")).unwrap_err();
    let ErrorKind::UnknownGlobal { global, .. } = error.kind() else { panic!("{error}") };
    assert_eq!(global, "torch.ComplexFloatStorage");
    let error = pt::from_bytes(&archive(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.")).unwrap_err();
    assert!(error.to_string().contains("names os.system, which is not known"), "{error}");
}

/// A zip archive with this pickle and a storage of two f32, made by another hand than ours.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let storage = [1.0f32.to_le_bytes(), 2.0f32.to_le_bytes()].concat();
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in [("x/data.pkl", pickle), ("x/data/0", &storage)] {
        let crc = crc32(data);
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(crc.to_le_bytes());
        fields.extend([(data.len() as u32).to_le_bytes(), (data.len() as u32).to_le_bytes()].concat());
        fields.extend([name.len() as u8, 0, 0, 0]);
        directory.extend([b"PK\x01\x02\x14\x00", &fields[..], &[0; 10]].concat());
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        file.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), data].concat());
    }
    let (start, length) = ((file.len() as u32).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    file.extend([&directory[..], b"PK\x05\x06\0\0\0\0\x02\0\x02\0", &length, &start, &[0; 2]].concat());
    file
}

fn crc32(data: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc)))
}

/// A pickle of a tensor of f32 with this number of elements in its storage, offset, sizes and strides.
fn tensor_pickle(numel: i32, offset: i32, sizes: &[i32], strides: &[i32]) -> Vec<u8> {
    let int = |x: i32| [&b"J"[..], &x.to_le_bytes()].concat();
    let ints = |xs: &[i32]| [&b"("[..], &xs.iter().flat_map(|&x| int(x)).collect::<Vec<_>>(), b"t"].concat();
    let text = |x: &str| [&b"X"[..], &(x.len() as u32).to_le_bytes(), x.as_bytes()].concat();
    let mut code = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    code.extend(
        [text("storage"), b"ctorch\nFloatStorage\n".to_vec(), text("0"), text("cpu"), int(numel)].concat(),
    );
    code.extend([b"tQ".to_vec(), int(offset), ints(sizes), ints(strides), b"\x89Nt".to_vec()].concat());
    code.extend(b"R.");
    code
}

#[test]
fn a_tensor_that_does_not_fit_its_storage_is_refused() {
    let read = |numel, offset, sizes: &[i32], strides: &[i32]| {
        pt::from_bytes(&archive(&tensor_pickle(numel, offset, sizes, strides)))
    };
    assert_eq!(tensor(&read(2, 1, &[1], &[1]).unwrap()).to_vec::<f32>().unwrap(), [2.0]);
    assert_eq!(tensor(&read(2, 0, &[2], &[1]).unwrap()).to_vec::<f32>().unwrap(), [1.0, 2.0]);
    assert_eq!(tensor(&read(2, 7, &[0], &[1]).unwrap()).numel(), 0);
    // No memory is asked for, however often an element is repeated.
    let repeated = tensor(&read(2, 0, &[i32::MAX, i32::MAX / 8], &[0, 0]).unwrap());
    assert_eq!(repeated.select(0, 0).unwrap().select(0, 5).unwrap().item::<f32>().unwrap(), 1.0);
    for (numel, offset, sizes, strides) in [
        (3, 0, &[2][..], &[1][..]),
        (1, 0, &[1], &[1]),
        (-1, 0, &[1], &[1]),
        (2, 2, &[1], &[1]),
        (2, -1, &[1], &[1]),
        (2, 0, &[3], &[1]),
        (2, 1, &[2], &[1]),
        (2, 0, &[2], &[-1]),
        (2, 0, &[-2], &[1]),
        (2, 0, &[2], &[1, 1]),
        (2, 0, &[2, 2], &[1, i32::MAX]),
        (2, 0, &[i32::MAX, i32::MAX, i32::MAX], &[0, 0, 0]),
        (2, 0, &[1; 65], &[1; 65]),
    ] {
        format_error(read(numel, offset, sizes, strides));
    }
}

#[test]
fn pickles_of_other_programs_are_refused() {
    for (pickle, reason) in [
        (&b"\x80\x02"[..], "the instructions: 1 bytes expected"),
        (b"\x80\x02.", "the stack is empty"),
        (b"\x80\x09N.", "protocol 9"),
        (b"\x80\x02i", "instruction 0x69"),
        (b"\x80\x02h\x07.", "nothing was put under 7"),
        (b"\x80\x02Na.", "the stack is empty"),
        (b"\x80\x02NNa.", "appends to None"),
        (b"\x80\x02}Nu.", "no mark"),
        (b"\x80\x02}(Nu.", "a key without a value"),
        (b"\x80\x02]NNs.", "a list, expected a dictionary"),
        (b"\x80\x02}NNs.", "None as a key"),
        (b"\x80\x02}(K\x01NX\x01\0\0\0aNu.", "keys of text and integers"),
        (b"\x80\x02N\x86.", "the stack has no 2 values"),
        (b"\x80\x02(e.", "the stack is empty"),
        (b"\x80\x02N)R.", "None, expected a name of code"),
        (b"\x80\x02ccollections\nOrderedDict\nNR.", "None, expected a tuple of arguments"),
        (b"\x80\x02ccollections\nOrderedDict\n.", "a name of code where a value"),
        (b"\x80\x02ccollections\nCounter\n)R.", "other arguments"),
        (b"\x80\x02NQ.", "expected the tuple of a storage"),
        (b"\x80\x02)Q.", "a tuple of 5"),
        (b"\x80\x02NNb.", "a dictionary to set the attributes of"),
        (b"\x80\x02X\xff\xff\xff\xffab.", "a text"),
        (b"\x80\x02X\x01\0\0\0\xff.", "not UTF-8"),
        (b"\x80\x02\x8a\x09\0\0\0\0\0\0\0\0\0.", "an integer of 9 bytes"),
        // A list in itself.
        (b"\x80\x02]q\0h\0a.", "nested deeper"),
    ] {
        let (_, found) = format_error(pt::from_bytes(&archive(pickle)));
        assert!(found.contains(reason), "{pickle:?}: {found}");
    }
}

#[test]
fn values_do_not_grow_beyond_the_file() {
    // Each list holds the one before twice.
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for i in 1..60 {
        pickle.extend([b']', b'(', b'h', i - 1, b'h', i - 1, b'e', b'q', i]);
    }
    pickle.push(b'.');
    assert!(format_error(pt::from_bytes(&archive(&pickle))).1.contains("beyond the size"));
    // One long text many times.
    let mut pickle = b"\x80\x02](X\x00\x04\x00\x00".to_vec();
    pickle.extend([b'a'; 1024]);
    pickle.extend(b"q\0");
    pickle.extend(b"h\0".repeat(1000));
    pickle.extend(b"e.");
    assert!(format_error(pt::from_bytes(&archive(&pickle))).1.contains("beyond the size"));
    // One small dictionary many times: each takes a leaf of a tree.
    let mut pickle = b"\x80\x02](}X\x01\x00\x00\x00aNsq\0".to_vec();
    pickle.extend(b"h\0".repeat(1000));
    pickle.extend(b"e.");
    assert!(format_error(pt::from_bytes(&archive(&pickle))).1.contains("beyond the size"));
    // What is written in full is read, however small its parts are.
    let small = Value::Dict([("a".to_string(), Value::None)].into());
    for part in [Value::None, Value::Tuple(Vec::new()), Value::Str(String::new()), small] {
        let many = Value::List(vec![part; 1000]);
        assert_eq!(pt::from_bytes(&written(&many)).unwrap(), many);
    }
}

#[test]
fn a_damaged_file_is_an_error_or_a_value() {
    let two = Tensor::from_vec(vec![1.0f32, 2.0], [2]).unwrap();
    cut_and_flip(&written(&Value::Tensor(two)), pt::from_bytes);
    cut_and_flip(&archive(&tensor_pickle(2, 0, &[2], &[1])), pt::from_bytes);
    // A changed element does not go unseen.
    let mut file = archive(&tensor_pickle(2, 0, &[2], &[1]));
    let place = file.windows(4).position(|bytes| bytes == 2.0f32.to_le_bytes()).unwrap();
    file[place] ^= 1;
    assert!(format_error(pt::from_bytes(&file)).1.contains("checksum"));
    assert!(format_error(pt::from_bytes(b"")).1.contains("no zip archive"));
}

#[test]
fn other_archives_are_refused() {
    let good = archive(b"\x80\x02N.");
    let changed = |from: &[u8], to: &[u8]| {
        let mut file = good.clone();
        for at in 0..=file.len() - from.len() {
            if file[at..].starts_with(from) {
                file[at..at + to.len()].copy_from_slice(to);
            }
        }
        format_error(pt::from_bytes(&file)).1
    };
    assert!(changed(b"data.pkl", b"data.txt").contains("no entry data.pkl"));
    assert!(changed(b"x/data.pkl", b"\xff").contains("not UTF-8"));
    assert!(changed(b"PK\x01\x02", b"PK\x01\x09").contains("expected an entry"));
    assert!(changed(b"PK\x03\x04", b"PK\x03\x09").contains("expected the entry's header"));
    // The storage is listed where the pickle is, with which it would share bytes.
    let mut file = good.clone();
    let second = file.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    file[second + 42..second + 46].copy_from_slice(&[0; 4]);
    assert!(format_error(pt::from_bytes(&file)).1.contains("overlap"));
}

#[test]
fn torch_loads_what_we_write() {
    let value = pt::from_bytes(&fixture("values")).unwrap();
    let scratch = Scratch::new("pt_python");
    pt::write(scratch.path("x.pt"), &value).unwrap();
    let there = format!("{}/../../fixtures/pt/values.pt", env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(there, scratch.path("torch.pt")).unwrap();
    let mut script = std::fs::File::create(scratch.path("check.py")).unwrap();
    script
        .write_all(
            b"import collections, torch
def same(a, b):
    assert type(a) is type(b) or isinstance(b, (torch.nn.Parameter, collections.OrderedDict, collections.Counter)), (a, b)
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype and torch.equal(a, b), (a, b)
    elif isinstance(a, dict):
        assert set(a) == set(b), (a, b)
        [same(a[key], b[key]) for key in a]
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        [same(x, y) for x, y in zip(a, b)]
    else:
        assert a == b
same(torch.load('x.pt', weights_only=True), torch.load('torch.pt', weights_only=True))
same(torch.load('x.pt', weights_only=True, mmap=True), torch.load('torch.pt', weights_only=True))
",
        )
        .unwrap();
    python("torch", &scratch, "exec(open('check.py').read())");
}
