//! What reading a file takes at most: twice its size and a MiB, whatever it promises. Alone in its process, because the
//! allocator counts for all of it.
#![cfg(all(feature = "csv", feature = "gzip", feature = "images", feature = "npz"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod formats;

use peak_alloc::PeakAlloc;
use std::io::Write;
use train::tensor_core::memory;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// Bytes that `read` has at most at one time, and whether it succeeded.
fn peak(read: impl FnOnce() -> bool) -> (usize, bool) {
    memory::release_cache();
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let read = read();
    (ALLOCATOR.peak_usage() - before, read)
}

fn format(name: &str) -> &'static formats::Format {
    formats::ALL.iter().find(|format| format.name == name).unwrap()
}

/// A file whose reading fails.
fn refused(name: &str, what: &str, file: &[u8]) {
    let (peak, read) = peak(|| (format(name).read)(file).is_ok());
    println!(
        "{name:12} {what:28} {:>9} bytes, {:>10} at most, {:.2} x",
        file.len(),
        peak,
        peak as f64 / file.len() as f64
    );
    assert!(!read, "{name}, {what}: read");
    assert!(peak <= 2 * file.len() + MIB, "{name}, {what}: {peak} bytes for a file of {}", file.len());
}

fn safetensors_with(header: &str) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()
}

fn checkpoint_with(manifest: &str) -> Vec<u8> {
    let escaped = manifest.replace('\\', "\\\\").replace('"', "\\\"");
    let checksum = !manifest.bytes().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 * (crc & 1)))
    });
    safetensors_with(&format!(
        r#"{{"__metadata__":{{"checkpoint":"1","manifest_crc32c":"{checksum:08x}","manifest":"{escaped}"}}}}"#
    ))
}

/// A `.npz` or `.pt` archive of one stored file whose name repeats in a long directory.
fn directory(entries: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for i in 0..entries {
        let name = format!("{i:06x}");
        file.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        file.extend([name.len() as u8, 0]);
        file.extend([0; 16]);
        file.extend(name.as_bytes());
    }
    let length = file.len() as u32;
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([(entries as u16).to_le_bytes(), (entries as u16).to_le_bytes()].concat());
    file.extend([length.to_le_bytes(), [0; 4]].concat());
    file.extend([0; 2]);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn reading_takes_twice_the_file_and_a_mebibyte() {
    // What grows with the first call alone.
    for format in formats::ALL {
        (format.files)().iter().for_each(|file| (format.read)(file).unwrap());
    }
    // Whole files of some size, cut at their end.
    let tensor = train::Tensor::zeros([512, 1024], train::DType::F32).unwrap();
    let mut npy = tensor.to_npy().unwrap();
    npy.pop();
    refused("npy", "cut", &npy);
    let place = npy.windows(5).position(|text| text == b"False").unwrap();
    npy[place..place + 5].copy_from_slice(b"True ");
    npy.extend([0, 0]);
    refused("npy", "column-major, a byte too many", &npy);
    let mut st =
        train::tensor_core::io::safetensors::to_bytes([("w", &tensor)], &Default::default()).unwrap();
    st.pop();
    refused("safetensors", "cut", &st);
    let mut idx = [&[0, 0, 0x0d, 2, 0, 0, 2, 0, 0, 0, 4, 0][..], &vec![0; 4 * 512 * 1024]].concat();
    idx.pop();
    refused("idx", "cut", &idx);
    refused("idx", "lies", &[0, 0, 8, 2, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0xff]);

    // Compressed: bombs, and data that breaks off.
    let mut bomb = vec![0, 0, 8, 1, 4, 0, 0, 0];
    bomb.resize(8 + (64 << 20), 0);
    refused("gz", "bomb", &gzip(&bomb));
    let noise = train::Rng::seed(0).randint(0, 256, [MIB]).unwrap().to_dtype(train::DType::U8).unwrap();
    let noise = noise.to_vec::<u8>().unwrap();
    let mut packed = gzip(&[&[0, 0, 8, 1, 0, 16, 0, 0][..], &noise].concat());
    packed.truncate(packed.len() - 4);
    refused("gz", "cut", &packed);

    // Tables: many numbers and one word.
    refused("csv", "short numbers", &[&b"1,2,3,4\n".repeat(1 << 17)[..], b"1,2,3,x\n"].concat());
    refused("csv", "one long line", &[&b"1,".repeat(1 << 19)[..], b"x\n"].concat());
    refused("csv", "one long field", &vec![b'1'; MIB]);
    refused("csv", "an open quote", &[&b"\""[..], &vec![b'1'; MIB]].concat());

    // Headers that are all of the file.
    let entry = |i: usize| format!(r#""{i:x}":{{"dtype":"U8","shape":[],"data_offsets":[0,0]}},"#);
    let many: String = (0..20_000).map(entry).collect();
    refused("safetensors", "many tensors of no bytes", &safetensors_with(&format!("{{{many}")));
    let entry = |i: usize| format!(r#""{i:x}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},"#);
    let many: String = (0..20_000).map(entry).collect();
    refused("safetensors", "many empty tensors, cut", &safetensors_with(&format!("{{{many}")));
    let last = r#""z":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#;
    refused("safetensors", "many empty tensors, no data", &safetensors_with(&format!("{{{many}{last}}}")));
    let metadata: String = (0..80_000).map(|i| format!(r#""{i:x}":"","#)).collect();
    refused("safetensors", "many words", &safetensors_with(&format!(r#"{{"__metadata__":{{{metadata}"#)));

    // Manifests: dense lists, long text, deep nesting.
    let zeros = "0,".repeat(MIB / 2);
    refused(
        "checkpoint",
        "a list",
        &checkpoint_with(&format!(r#"{{"state":{{"a":[{zeros}0]}},"tensors":{{}}}}"#)),
    );
    refused("checkpoint", "a list, cut", &checkpoint_with(&format!(r#"{{"state":{{"a":[{zeros}"#)));
    let lists = "[],".repeat(MIB / 3);
    refused("checkpoint", "lists", &checkpoint_with(&format!("[{lists}")));
    refused("checkpoint", "text", &checkpoint_with(&format!("[\"{}", "a".repeat(MIB))));
    let keys: String = (0..MIB / 8).map(|i| format!(r#""{i:x}":0,"#)).collect();
    refused("checkpoint", "keys", &checkpoint_with(&format!("{{{keys}")));

    // Archives.
    refused("npz", "a long directory", &directory(20_000));
    refused("pt", "a long directory", &directory(20_000));
    let path = std::env::temp_dir().join(format!("train-memory-{}.pt", std::process::id()));
    train::tensor_core::io::pt::write(&path, &train::optim::Value::Tensor(tensor)).unwrap();
    let mut pt = std::fs::read(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let place = pt.len() / 2;
    pt[place] ^= 1;
    refused("pt", "a changed element", &pt);
}
