//! Fuzz target: see `fuzz::wire`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::wire(bytes));
