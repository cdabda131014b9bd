#![no_main]

#[path = "../../crates/train/tests/formats/mod.rs"]
mod formats;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(formats::gz(bytes)));
