//! From blocks to a tree: ISO 9660, Joliet, Rock Ridge, UDF, several sessions; and what computers
//! start from.
//!
//! The blocks are hostile: every offset, length, count, depth and link is checked, and memory is
//! bounded by [`Limits`]. May not know: where the blocks come from.

mod boot;
mod content;
mod disk;
mod dump;
mod extract;
mod file;
mod sessions;
mod susp;
pub(in crate::image) mod udf;
pub(in crate::image) mod walk;

pub use boot::{BootImageFacts, BootRecords, ElTorito};
pub use content::ContentReader;
pub use extract::{ExtractError, ExtractOptions, Extracted};
pub use file::FileSectors;
pub(super) use sessions::grows_from;
pub use sessions::{Session, Systems, session_at, sessions};

use std::fmt;

use super::iso9660::volume::{
    STANDARD_ID, SYSTEM_AREA, TYPE_PRIMARY, TYPE_SUPPLEMENTARY, TYPE_TERMINATOR,
};
use super::sectors::{Sectors, SourceError};
use super::time::Time;
use super::tree::Tree;
use crate::units::{BLOCK, Blocks, Lba};
use udf::Found;
use walk::{Input, Record, Rules, Walk};

/// Which of a volume's trees to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    /// The one that says most: Rock Ridge, else UDF, else Joliet, else ISO 9660.
    #[default]
    Best,
    /// POSIX names and metadata.
    RockRidge,
    /// OSTA's Universal Disk Format.
    Udf,
    /// Names for Windows.
    Joliet,
    /// The bare primary tree.
    Iso9660,
}

/// How much a reader may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes of the tree.
    pub nodes: u32,
    /// Bytes of all names and link targets.
    pub name_bytes: u64,
    /// Bytes of all directories.
    pub directory_bytes: u64,
    /// Levels of directories.
    pub depth: u32,
    /// Findings kept; further ones are only counted.
    pub findings: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            nodes: 4_000_000,
            name_bytes: 1 << 30,
            directory_bytes: 4 << 30,
            depth: 1024,
            findings: 1000,
        }
    }
}

/// What to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Block where the session begins whose tree is wanted: its volume descriptors lie at
    /// `session` + 16. Block 0 of the sectors is block 0 of the disc.
    pub session: Lba,
    /// Which tree.
    pub namespace: Namespace,
    /// How much to take.
    pub limits: Limits,
}

/// A volume as it was read.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Its files, with sources [`OnDisc`](super::Source::OnDisc) or
    /// [`Embedded`](super::Source::Embedded).
    pub tree: Tree,
    /// The name of the volume.
    pub volume_id: String,
    /// The tree that was read: never [`Namespace::Best`].
    pub namespace: Namespace,
    /// When the volume was made, if it says so.
    pub created: Option<Time>,
    /// Blocks that the volume says it has (ECMA-119, 8.4.8).
    pub space: u32,
    /// What is wrong with it.
    pub findings: Vec<Flaw>,
    /// Findings past the limit that were not kept.
    pub more_findings: u64,
}

/// Something wrong with the bytes of a volume that did not stop the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Byte position from the start of the disc.
    pub at: u64,
    /// What is wrong there, and the path it concerns if known.
    pub what: String,
}

/// Why no tree can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The blocks cannot be had.
    Source(SourceError),
    /// There are neither ISO 9660 volume descriptors nor anchors of UDF.
    NoVolume {
        /// Where they should begin.
        at: Lba,
    },
    /// The namespace asked for is not there.
    NoNamespace(Namespace),
    /// The tree is larger than the limits allow.
    Limit {
        /// Byte position of what went over.
        at: u64,
        /// Which limit.
        what: &'static str,
    },
    /// A structure without which nothing can be read is broken.
    Broken {
        /// Its byte position.
        at: u64,
        /// What is wrong with it.
        what: String,
    },
}

/// Descriptors that are looked at before the terminator must have come.
const DESCRIPTORS_MAX: u32 = 64;

impl Volume {
    /// The blocks of the volume of a session, counted from the start of the disc: what its
    /// descriptors say (ECMA-119, 8.4.8; ECMA-167, 3/10.5), read without its tree.
    pub fn space(sectors: &mut dyn Sectors, session: Lba) -> Result<Blocks, ReadError> {
        let mut input = Input::new(sectors, Limits::default());
        let (iso, udf) = find(&mut input, session)?;
        let iso = iso.primary.as_ref().or(iso.joliet.as_ref()).map_or(0, |found| found.space);
        Ok(Blocks(iso.max(udf.map_or(0, |found| found.space))))
    }

    /// Reads the volume's tree.
    pub fn read(sectors: &mut dyn Sectors, options: &ReadOptions) -> Result<Volume, ReadError> {
        let mut input = Input::new(sectors, options.limits);
        let (iso, udf) = find(&mut input, options.session)?;
        let wanted = |which| matches!(options.namespace, w if w == Namespace::Best || w == which);
        let skip = match &iso.primary {
            Some(primary) if wanted(Namespace::RockRidge) => rock_ridge(&mut input, primary)?,
            _ => None,
        };
        let (namespace, rules, from) = match (&iso.primary, skip, &udf, &iso.joliet) {
            (Some(primary), Some(skip), ..) => {
                (Namespace::RockRidge, Rules::RockRidge { skip }, primary)
            }
            (_, _, Some(found), _) if wanted(Namespace::Udf) => {
                let tree = found.tree(&mut input)?;
                let Found { volume_id, created, space, .. } = found;
                let (volume_id, created, space) = (volume_id.clone(), *created, *space);
                return Ok(input.volume(tree, Namespace::Udf, volume_id, created, space));
            }
            (.., Some(joliet)) if wanted(Namespace::Joliet) => {
                (Namespace::Joliet, Rules::Joliet, joliet)
            }
            (Some(primary), ..) if wanted(Namespace::Iso9660) => {
                (Namespace::Iso9660, Rules::Iso9660, primary)
            }
            _ => return Err(ReadError::NoNamespace(options.namespace)),
        };
        let tree = Walk::run(&mut input, rules, &from.root)?;
        let (volume_id, created, space) = (from.volume_id.clone(), from.created, from.space);
        Ok(input.volume(tree, namespace, volume_id, created, space))
    }

    /// Reads what lies within blocks of entries into memory, so that the tree can be written to
    /// another place.
    pub fn hold(&mut self, sectors: &mut dyn Sectors) -> Result<(), SourceError> {
        for (id, lba, at, size) in self.tree.embedded() {
            let mut block = [0; BLOCK];
            sectors.read(Blocks(lba.0.max(0) as u32), &mut block)?;
            let bytes = block.get(at..at.saturating_add(size)).unwrap_or_default();
            self.tree.set_source(id, super::Source::Memory(bytes.into()));
        }
        Ok(())
    }
}

/// What a session has of both kinds of volume.
fn find(input: &mut Input<'_>, session: Lba) -> Result<(Descriptors, Option<Found>), ReadError> {
    let iso = Descriptors::find(input, session)?;
    let has_iso = iso.primary.is_some() || iso.joliet.is_some();
    let udf = match Found::find(input, session) {
        // What is left of a UDF volume does not hurt another one over it.
        Err(error @ (ReadError::Broken { .. } | ReadError::Limit { .. })) if has_iso => {
            input.flaw(0, format!("the UDF volume cannot be read: {error}"));
            None
        }
        found => found?,
    };
    if has_iso || udf.is_some() { Ok((iso, udf)) } else { Err(ReadError::NoVolume { at: session }) }
}

/// The skip of each System Use field, if the root says that System Use entries are in use and there
/// are some of Rock Ridge (SUSP 1.12, 5.3).
fn rock_ridge(input: &mut Input<'_>, primary: &Descriptor) -> Result<Option<u8>, ReadError> {
    let block = primary.root.block;
    if block >= input.blocks() {
        return Ok(None);
    }
    let at = u64::from(block) * BLOCK as u64;
    let Ok((own, _)) = Record::parse(&input.block(block)?[..], at) else {
        return Ok(None);
    };
    // CD-ROM XA volumes have 14 bytes of their own in front (SUSP 1.12, 5.3).
    let area = match own.system_use.get(..2) {
        Some(b"SP") => &own.system_use[..],
        _ => own.system_use.get(14..).unwrap_or_default(),
    };
    let entries = walk::entries(input, area, own.at)?;
    Ok(entries.skip.filter(|_| entries.rock_ridge))
}

/// The volume descriptors that lead to a tree.
#[derive(Default)]
struct Descriptors {
    primary: Option<Descriptor>,
    joliet: Option<Descriptor>,
}

struct Descriptor {
    root: Record,
    volume_id: String,
    space: u32,
    created: Option<Time>,
}

impl Descriptors {
    /// Looks through the set of a session (ECMA-119, 6.7.1).
    fn find(input: &mut Input<'_>, session: Lba) -> Result<Descriptors, ReadError> {
        let mut found = Descriptors::default();
        let Some(first) = u32::try_from(session.0).ok().and_then(|s| s.checked_add(SYSTEM_AREA))
        else {
            return Ok(found);
        };
        for block in first..first.saturating_add(DESCRIPTORS_MAX) {
            let at = u64::from(block) * BLOCK as u64;
            let bytes = if block < input.blocks() { *input.block(block)? } else { [0; BLOCK] };
            if bytes[1..6] != *STANDARD_ID {
                if found.primary.is_some() || found.joliet.is_some() {
                    input.flaw(at, "the volume descriptors have no end");
                }
                break;
            }
            let joliet = bytes[88..90] == *b"%/" && matches!(bytes[90], b'@' | b'C' | b'E');
            let slot = match bytes[0] {
                TYPE_TERMINATOR => break,
                TYPE_PRIMARY => &mut found.primary,
                // Enhanced descriptors (ECMA-119 4th edition) are not Joliet's.
                TYPE_SUPPLEMENTARY if joliet => &mut found.joliet,
                _ => continue,
            };
            if slot.is_none() {
                *slot = Some(Descriptor::parse(&bytes, at)?);
            }
        }
        Ok(found)
    }
}

impl Descriptor {
    fn parse(bytes: &[u8; BLOCK], at: u64) -> Result<Descriptor, ReadError> {
        let broken =
            |offset: u64, what: &str| ReadError::Broken { at: at + offset, what: what.to_owned() };
        if u16::from_le_bytes([bytes[128], bytes[129]]) != BLOCK as u16 {
            return Err(broken(128, "its logical blocks are not 2048 bytes"));
        }
        let (root, _) = Record::parse(&bytes[156..190], at + 156)
            .map_err(|_| broken(156, "its root directory record is no record"))?;
        let id = &bytes[40..72];
        let volume_id = match bytes[0] {
            TYPE_SUPPLEMENTARY => {
                let units = id.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]]));
                char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect()
            }
            _ => String::from_utf8_lossy(id).into_owned(),
        };
        let mut created = [0; 17];
        created.copy_from_slice(&bytes[813..830]);
        Ok(Descriptor {
            root,
            volume_id: volume_id.trim_end_matches([' ', '\0']).to_owned(),
            space: u32::from_le_bytes([bytes[80], bytes[81], bytes[82], bytes[83]]),
            created: Time::from_long(&created),
        })
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Source(error) => error.fmt(f),
            ReadError::NoVolume { at } => {
                write!(f, "no volume begins at block {at}: there is neither ISO 9660 nor UDF")
            }
            ReadError::NoNamespace(which) => write!(f, "the volume has no {which} tree"),
            ReadError::Limit { at, what } => {
                write!(f, "the volume has more {what} than allowed (at byte {at})")
            }
            ReadError::Broken { at, what } => {
                write!(f, "the volume is broken at byte {at}: {what}")
            }
        }
    }
}

impl std::error::Error for ReadError {}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Namespace::Best => "readable",
            Namespace::RockRidge => "Rock Ridge",
            Namespace::Udf => "UDF",
            Namespace::Joliet => "Joliet",
            Namespace::Iso9660 => "ISO 9660",
        })
    }
}
