//! What goes on the disc: trees, layout, ISO 9660 and its extensions, UDF. Knows nothing of drives.
//!
//! [`Tree::scan`] takes a folder, [`Image::new`] fixes where each byte will lie, and the [`Image`]
//! then answers "blocks a to b" in any order. [`read`] goes the other way: from blocks, which are
//! hostile, to a tree.

mod aaip;
pub mod boot;
mod build;
mod bytes;
pub mod check;
pub mod compare;
mod contents;
mod dedup;
pub mod eltorito;
pub mod fat;
#[doc(hidden)]
pub mod fuzzing;
mod grow;
mod hierarchy;
mod host;
pub mod hybrid;
mod ids;
mod import;
mod iso9660;
mod joliet;
mod layout;
mod merge;
mod patterns;
pub mod read;
mod rockridge;
pub mod scan;
pub mod sectors;
mod sync;
pub mod tar;
mod time;
mod tree;
mod udf;
mod write;
mod xattr;

pub use boot::{Boot, BootError};
pub use build::Image;
pub use dedup::Deduplicated;
pub use grow::{GrowError, Growable, Grown};
pub use ids::{IdError, Ids};
pub use import::Imported;
pub use layout::{Finding, FindingKind, LayoutError, LayoutOptions};
pub use patterns::{PatternError, Patterns};
pub use scan::{Graft, Remark, RemarkKind, Scan, ScanError, ScanOptions, Symlinks};
pub use sectors::{MemorySectors, Sectors, SourceError, SourceErrorKind};
pub use sync::{Changes, Sameness};
pub use time::Time;
pub use tree::{
    ChangePoint, Container, Content, ContentId, Extent, Generate, HostFile, Kind, Meta,
    NoChangePoint, NodeId, OtherImage, Part, Pieces, Source, Tree, TreeError, TreeErrorKind, View,
    Walk,
};
pub use udf::{Access, Partition, Revision, UdfError, UdfOptions};
pub use write::WriteError;
pub use xattr::{ACL_ACCESS, ACL_DEFAULT, Xattr, XattrChoice};
