//! Fuzz targets by name. A target is one line: it calls a function that lives beside what it tries,
//! which panics where something does not hold.
//!
//! `cargo fuzz run wire corpora/wire` (or, on the stable compiler, `cargo run -p kiln-fuzz --bin
//! wire -- corpora/wire`) searches from the corpus of the same name; the test `corpora` replays
//! every corpus through its target. A target's input format must stay what it is: a change would
//! turn old corpora into noise.

/// Bytes for every structure of the MMC vocabulary.
pub fn wire(bytes: &[u8]) {
    engine::fuzzing::wire(bytes);
}

/// Text of a recorded trace.
pub fn trace(bytes: &[u8]) {
    engine::fuzzing::trace(&String::from_utf8_lossy(bytes));
}

/// A target: what one input does.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[("trace", trace), ("wire", wire)];
