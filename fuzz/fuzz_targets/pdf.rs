//! Fuzz target: see `hostile::pdf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::pdf(bytes));
