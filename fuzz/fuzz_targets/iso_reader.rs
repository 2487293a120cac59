//! Fuzz target: see `fuzz::iso_reader`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::iso_reader(bytes));
