//! Fuzz target: see `hostile::jp2`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::jp2(bytes));
