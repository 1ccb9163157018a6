//! Fuzz target: see `hostile::jxl`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::jxl(bytes));
