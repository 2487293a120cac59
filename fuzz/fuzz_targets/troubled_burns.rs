//! Fuzz target: see `fuzz::troubled_burns`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::troubled_burns(bytes));
