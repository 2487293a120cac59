//! What must hold whatever the bytes: the functions that fuzz targets, corpora and property tests
//! share. Each lives beside what it tries; this is where targets find them.

pub use crate::device::trace::fuzzing::trace;
pub use crate::image::fuzzing::{iso_reader, tree_round_trip};
pub use crate::mmc::fuzzing::wire;
