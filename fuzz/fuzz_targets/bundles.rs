//! Fuzz target: see `hostile::bundles`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::bundles(bytes));
