//! Fuzz target: see `hostile::features`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::features(bytes));
