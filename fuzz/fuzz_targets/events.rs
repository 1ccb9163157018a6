//! Fuzz target: see `hostile::events`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::events(bytes));
