//! Fuzz target: see `hostile::arithmetic`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::arithmetic(bytes));
