//! Fuzz target: see `fuzz::command_stream`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::command_stream(bytes));
