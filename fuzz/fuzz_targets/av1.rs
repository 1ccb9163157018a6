//! Fuzz target: see `hostile::av1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::av1(bytes));
