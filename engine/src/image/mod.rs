//! What goes on the disc: trees, layout, ISO 9660 and its extensions. Knows nothing of drives.

pub mod sectors;

pub use sectors::{Sectors, SourceError, SourceErrorKind};
