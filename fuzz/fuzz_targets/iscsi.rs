//! Fuzz target: see `fuzz::iscsi`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::iscsi(bytes));
