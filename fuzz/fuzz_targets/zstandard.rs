//! Fuzz target: see `hostile::zstandard`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::zstandard(bytes));
