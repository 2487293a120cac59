//! Fuzz target: see `fuzz::whole_burn`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::whole_burn(bytes));
