//! Fuzz target: see `hostile::decoding`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::decoding(bytes));
