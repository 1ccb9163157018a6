//! Fuzz target: see `hostile::segments`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::segments(bytes));
