//! Fuzz targets by name. A target is one line: it calls a function that lives beside what it tries,
//! which panics where something does not hold.
//!
//! `scripts/fuzz wire` searches from the corpus of the same name, with the words of
//! `fuzz/dictionaries/wire.txt` where there are such; it needs cargo-fuzz, which it installs, and a
//! compiler for C++. Without cargo-fuzz, `cargo build -p kiln-fuzz --bins --target HOST` does as
//! well, with coverage if RUSTFLAGS holds `-Cpasses=sancov-module` and, each behind `-Cllvm-args=`,
//! `-sanitizer-coverage-level=4`, `-sanitizer-coverage-inline-8bit-counters`,
//! `-sanitizer-coverage-pc-table` and `-sanitizer-coverage-trace-compares`. The test `corpora`
//! replays every corpus through its target. A target's input format must stay what it is: a change
//! would turn old corpora into noise.

/// Bytes for every structure of the MMC vocabulary.
pub fn wire(bytes: &[u8]) {
    engine::fuzzing::wire(bytes);
}

/// Text of a recorded trace.
pub fn trace(bytes: &[u8]) {
    engine::fuzzing::trace(&String::from_utf8_lossy(bytes));
}

/// What an initiator sends to the iSCSI target, with three bytes before that say how.
pub fn iscsi(bytes: &[u8]) {
    assert_eq!(
        vdrive::serve::iscsi::fuzzing::session(bytes),
        vdrive::serve::iscsi::fuzzing::session(bytes)
    );
}

/// An image of 2048-byte blocks, read in every namespace; the first byte says how many blocks of
/// zeros come before the others.
pub fn iso_reader(bytes: &[u8]) {
    engine::fuzzing::iso_reader(bytes);
}

/// Choices that make a tree, an image of it, and the tree again.
pub fn tree(bytes: &[u8]) {
    engine::fuzzing::tree_round_trip(bytes);
}

/// Commands and mishaps for the virtual drive.
pub fn command_stream(bytes: &[u8]) {
    assert_eq!(vdrive::fuzzing::command_stream(bytes), vdrive::fuzzing::command_stream(bytes));
}

/// What a client of the control protocol says behind its first line.
pub fn control(bytes: &[u8]) {
    let said = vdrive::serve::control::fuzzing::control(bytes);
    assert_eq!(said, vdrive::serve::control::fuzzing::control(bytes));
}

/// Frames of the preload shim, as a program sends them or as nobody should; the first byte says how
/// a node is opened before.
pub fn local(bytes: &[u8]) {
    vdrive::serve::local::fuzzing::local(bytes);
}

/// A tree of files burned by a scenario, perhaps with a power cut: all the promises.
pub fn whole_burn(bytes: &[u8]) {
    harness::fuzzing::whole_burn(bytes);
}

/// Several burns on one disc in memory, with every kind of trouble: all the promises.
pub fn troubled_burns(bytes: &[u8]) {
    harness::fuzzing::troubled_burns(bytes);
}

/// A target: what one input does.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("command_stream", command_stream),
    ("control", control),
    ("iscsi", iscsi),
    ("iso_reader", iso_reader),
    ("local", local),
    ("trace", trace),
    ("tree", tree),
    ("troubled_burns", troubled_burns),
    ("whole_burn", whole_burn),
    ("wire", wire),
];
