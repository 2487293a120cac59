//! Where every byte of an image lies, fixed before anything is written.
//!
//! In this order: system area, volume descriptors, path tables, directories of the primary and then
//! of the Joliet hierarchy, one empty block for all that is empty, contents that no path leads to
//! (boot catalog, boot images), contents in the order of their paths, padding; behind the volume,
//! what is appended to it as partitions, and the second partition table. Pure: asks neither the
//! host nor a clock.

use std::fmt;

use super::aaip;
use super::boot::{Boot, BootError, Ends, Patches, Seed, Setup};
use super::contents::{Contents, Rules};
use super::hierarchy::{Flavour, Hierarchy};
use super::ids::{IdError, Ids};
use super::iso9660::names;
use super::iso9660::record::Order;
use super::iso9660::volume::{Descriptor, SYSTEM_AREA, terminator};
use super::joliet;
use super::rockridge;
use super::time::Time;
use super::tree::{ContentId, Extent, Kind, NodeId, Part as Piece, Source, Tree, View};
use super::udf::{self, Part, Revision, UdfError, UdfLayout, UdfOptions};
use crate::units::{BLOCK, Blocks, Bytes, Lba};

/// Blocks to a multiple of which volumes grow in place, and where the first state is seen from: as
/// xorriso has it.
pub(super) const GROWTH: u32 = 32;

/// What an image shall be like.
#[derive(Clone, Debug)]
pub struct LayoutOptions {
    /// Where on the disc the image will begin. 0 unless it is a further session: then every address
    /// in it counts from the start of the disc and its volume descriptors lie at `base` + 16.
    pub base: Lba,
    /// The volume can grow in place, on media that are written over, and earlier states of it be
    /// found again. At base 0: what readers look for at fixed places is there once more as seen
    /// from block 32. At another base: it is what a volume grows by, and [`Grown`] makes block 0
    /// lead to it.
    ///
    /// [`Grown`]: super::Grown
    pub in_place: bool,
    /// Name of the volume, at most 32 bytes. Kept as it is if it consists of `A` to `Z`, `0` to `9`
    /// and `_`; otherwise the primary descriptor holds it mangled and Joliet its first 16
    /// characters.
    pub volume_id: String,
    /// Record the tree as ISO 9660. Joliet and Rock Ridge are parts of that.
    pub iso9660: bool,
    /// Record the tree for Windows as well (Joliet level 3, names up to 103 characters).
    pub joliet: bool,
    /// Record POSIX names, modes, owners, times and links (Rock Ridge 1.12).
    pub rock_ridge: bool,
    /// Record the tree as UDF, over the same contents of files if it is not the only one.
    pub udf: Option<UdfOptions>,
    /// When the volume was made.
    pub stamp: Time,
    /// Zero blocks at the end: some drives cannot read the last blocks of a CD track, and readers
    /// that read ahead stumble over them.
    pub pad: Blocks,
    /// Record the time of last change only, because access and node change times differ between
    /// copies of the same tree.
    pub reproducible: bool,
    /// What a computer finds on the disc to start from.
    pub boot: Boot,
    /// What else the volume says of itself.
    pub ids: Ids,
}

impl Default for LayoutOptions {
    fn default() -> LayoutOptions {
        LayoutOptions {
            base: Lba(0),
            in_place: false,
            volume_id: "KILN".to_owned(),
            iso9660: true,
            joliet: true,
            rock_ridge: true,
            udf: None,
            stamp: Time::default(),
            pad: Blocks(150),
            reproducible: false,
            boot: Boot::default(),
            ids: Ids::default(),
        }
    }
}

impl LayoutOptions {
    /// The name of the volume in a view.
    pub fn volume_name(&self, view: View) -> &str {
        let own = match view {
            View::Iso9660 | View::RockRidge => &self.ids.iso9660_name,
            View::Joliet => &self.ids.joliet_name,
            View::Udf => &self.ids.udf_name,
        };
        own.as_ref().unwrap_or(&self.volume_id)
    }
}

/// Something that the image records otherwise than the tree has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The node it is about.
    pub node: NodeId,
    /// What became of it.
    pub kind: FindingKind,
}

/// Kinds of [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FindingKind {
    /// The Joliet name is shorter or has other characters.
    JolietName,
    /// Not in the Joliet tree: it has no symbolic links, devices, pipes and sockets.
    NotInJoliet,
    /// The ISO 9660 name is not the node's name and there is no Rock Ridge to keep that.
    IsoName,
    /// Its extended attributes are not in the ISO 9660 tree: it has no Rock Ridge, or they are too
    /// large for it.
    IsoXattrs,
    /// Recorded as an empty file, since there is no Rock Ridge to say what it is.
    NotInIso,
    /// A time outside 1900 to 2155 is recorded as the nearest time within.
    Time,
    /// A link's target is recorded without doubled and closing slashes.
    LinkTarget,
    /// A link's target of 1024 bytes or more, for which xorriso refuses the whole image.
    LongLink,
    /// The UDF name is shorter or has other characters.
    UdfName,
    /// Its extended attributes are not in the UDF tree, or with other names: only revisions from
    /// 2.00 on have them.
    UdfXattrs,
    /// A link's target is recorded in the UDF tree without doubled and closing slashes, or with
    /// other names.
    UdfLink,
}

/// Why a tree cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// The image would end behind the last block that can be addressed.
    TooLarge {
        /// Blocks needed.
        blocks: u64,
    },
    /// More directories than a path table can number (ECMA-119, 9.4.4).
    TooManyDirectories {
        /// How many there are.
        count: usize,
    },
    /// A volume name that is too long.
    VolumeId {
        /// The name.
        name: String,
    },
    /// A file with holes, which ISO 9660 cannot record.
    Hole {
        /// Its path.
        path: String,
    },
    /// A file whose holes would be more zeros than a disc holds.
    Sparse {
        /// Its path.
        path: String,
        /// Bytes of all its holes.
        bytes: u64,
    },
    /// A text about the volume that its field cannot hold.
    Id(IdError),
    /// Neither ISO 9660 nor UDF was asked for.
    NoFileSystem,
    /// A base below 0.
    Base {
        /// The base.
        base: Lba,
    },
    /// It cannot be made such that a computer starts from it.
    Boot(BootError),
    /// The UDF volume cannot be as it was asked for.
    Udf(UdfError),
}

impl From<UdfError> for LayoutError {
    fn from(error: UdfError) -> LayoutError {
        LayoutError::Udf(error)
    }
}

impl From<BootError> for LayoutError {
    fn from(error: BootError) -> LayoutError {
        LayoutError::Boot(error)
    }
}

impl From<IdError> for LayoutError {
    fn from(error: IdError) -> LayoutError {
        LayoutError::Id(error)
    }
}

impl Finding {
    /// One line for a person; `tree` is the tree it was found in.
    pub fn describe(&self, tree: &Tree) -> String {
        let what = match self.kind {
            FindingKind::JolietName => "has another name in the Joliet tree",
            FindingKind::NotInJoliet => "is not in the Joliet tree, which has only files",
            FindingKind::IsoName => "has another name in the ISO 9660 tree",
            FindingKind::IsoXattrs => "has no extended attributes in the ISO 9660 tree",
            FindingKind::NotInIso => "is recorded as an empty file without Rock Ridge",
            FindingKind::UdfName => "has another name in the UDF tree",
            FindingKind::UdfXattrs => "has other or no extended attributes in the UDF tree",
            FindingKind::UdfLink => "is a link to another path in the UDF tree",
            FindingKind::LinkTarget => "is a link whose doubled or closing slashes are left out",
            FindingKind::LongLink => "is a link of 1024 bytes or more, which xorriso cannot read",
            FindingKind::Time => "has a time outside 1900 to 2155, recorded as the nearest within",
        };
        format!("{} {what}", tree.display_path(self.node))
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::TooLarge { blocks } => {
                write!(f, "the image needs {blocks} blocks, more than a disc can address")
            }
            LayoutError::TooManyDirectories { count } => {
                write!(f, "{count} directories are more than ISO 9660 can number (65535)")
            }
            LayoutError::VolumeId { name } => {
                write!(f, "the volume name {name:?} has more than 32 bytes; choose a shorter one")
            }
            LayoutError::Hole { path } => {
                write!(f, "{path} has holes that are not recorded, which only UDF can say")
            }
            LayoutError::Sparse { path, bytes } => {
                let size = Bytes(*bytes);
                write!(f, "{path} is sparse: with ISO 9660 its holes would be {size} of zeros, ")?;
                f.write_str("more than a disc holds; only UDF without ISO 9660 leaves them out")
            }
            LayoutError::Id(error) => error.fmt(f),
            LayoutError::NoFileSystem => {
                f.write_str("no file system is asked for: take ISO 9660 or UDF, or both")
            }
            LayoutError::Base { base } => write!(f, "an image cannot begin at block {base}"),
            LayoutError::Boot(error) => error.fmt(f),
            LayoutError::Udf(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LayoutError {}

/// Where everything lies. Blocks count from the start of the image.
#[derive(Debug)]
pub(super) struct Layout {
    options: LayoutOptions,
    primary: Option<Hierarchy>,
    joliet: Option<Hierarchy>,
    udf: Option<UdfLayout>,
    contents: Contents,
    boot: Setup,
    /// What begins where, ascending.
    regions: Vec<(u32, Region)>,
    /// Where the volume ends.
    volume_end: u32,
    /// The end of the image.
    pub blocks: u32,
}

/// A part of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    SystemArea,
    Descriptors,
    PathTable {
        joliet: bool,
        order: Order,
    },
    Directories {
        joliet: bool,
    },
    Udf(Part),
    Empty,
    Contents,
    Gap,
    Pad,
    /// Partitions behind the volume.
    Appended,
    /// The second partition table.
    Backup,
}

/// What one block belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Zeros up to the block `end`.
    Zeros { end: u32, what: &'static str },
    /// A structure of the file system.
    Structure(Structure),
    /// A content that begins at `start`.
    Content { content: ContentId, start: u32 },
}

/// A structure of the file system, produced whole by [`Layout::structure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Structure {
    region: Region,
    /// Which of the region's, if it holds several.
    index: usize,
    /// Its first block.
    pub start: u32,
}

impl Layout {
    /// Lays the tree out; `boot` is what was made of the options for it.
    pub(super) fn new(
        tree: &Tree,
        options: &LayoutOptions,
        boot: Setup,
    ) -> Result<(Layout, Vec<Finding>), LayoutError> {
        let base =
            u32::try_from(options.base.0).map_err(|_| LayoutError::Base { base: options.base })?;
        if options.volume_id.len() > 32 {
            return Err(LayoutError::VolumeId { name: options.volume_id.clone() });
        }
        let count = tree.directory_count();
        if options.iso9660 && count > usize::from(u16::MAX) {
            return Err(LayoutError::TooManyDirectories { count });
        }
        if !options.iso9660 && options.udf.is_none() {
            return Err(LayoutError::NoFileSystem);
        }
        if !options.iso9660 && (boot.catalog.is_some() || boot.disk.is_some()) {
            return Err(BootError::NoIso9660.into());
        }
        if options.iso9660 {
            if let Some(node) = tree.walk().find(|&node| has_holes(tree, node)) {
                return Err(LayoutError::Hole { path: tree.display_path(node) });
            }
            if let Some(node) = tree.walk().find(|&node| holes(tree, node) > HOLES_MAX) {
                let (path, bytes) = (tree.display_path(node), holes(tree, node));
                return Err(LayoutError::Sparse { path, bytes });
            }
        }
        options.ids.check(tree)?;
        let mut findings = Findings { tree, options, list: Vec::new() };
        let udf = match options.udf {
            Some(udf) => Some(UdfLayout::measure(tree, udf, options, &mut |node, id| {
                findings.udf(node, id);
            })?),
            None => None,
        };
        let embed_max = udf.as_ref().map_or(0, UdfLayout::embed_max);
        let (tail, apart, holes) = (boot.appended(), boot.apart(), !options.iso9660);
        let rules = Rules { base, tail: &tail, apart: &apart, embed_max, holes };
        let contents = Contents::number(tree, rules);
        let all_times = !options.reproducible;
        let flavour = Flavour::Primary { rock_ridge: options.rock_ridge, all_times };
        let primary = options.iso9660.then(|| {
            Hierarchy::measure(tree, flavour, &contents, &mut |n, id| findings.primary(n, id))
        });
        let joliet = (options.iso9660 && options.joliet).then(|| {
            Hierarchy::measure(tree, Flavour::Joliet, &contents, &mut |n, id| {
                findings.joliet(n, id);
            })
        });
        let mut layout = Layout {
            options: options.clone(),
            primary,
            joliet,
            udf,
            contents,
            boot,
            regions: Vec::new(),
            volume_end: 0,
            blocks: 0,
        };
        let blocks = layout.place(tree)?;
        // Addresses on a disc are signed where commands carry them.
        layout.blocks = u32::try_from(blocks)
            .ok()
            .filter(|blocks| base.checked_add(*blocks).is_some_and(|end| end <= i32::MAX as u32))
            .ok_or(LayoutError::TooLarge { blocks })?;
        Ok((layout, findings.list))
    }

    /// Gives everything its place; the number of blocks.
    fn place(&mut self, tree: &Tree) -> Result<u64, UdfError> {
        let mut row = Row::default();
        let base = self.contents.base;
        row.put(Region::SystemArea, SYSTEM_AREA.into());
        self.place_head(&mut row);
        let twice = self.options.in_place && base == 0;
        if twice {
            row.gap_to((GROWTH + SYSTEM_AREA).into());
            self.place_head(&mut row);
            row.gap_to((2 * GROWTH).into());
        }
        if let Some(udf) = &mut self.udf {
            udf.place_front(&mut row, base, Contents::lowest(tree), twice);
        }
        let mut hierarchies = [(false, self.primary.as_mut()), (true, self.joliet.as_mut())];
        for (joliet, hierarchy) in &mut hierarchies {
            let Some(hierarchy) = hierarchy else { continue };
            let blocks = u64::from(hierarchy.table_bytes).div_ceil(BLOCK as u64);
            let joliet = *joliet;
            hierarchy.tables = [Order::Little, Order::Big]
                .map(|order| row.put(Region::PathTable { joliet, order }, blocks));
        }
        for (joliet, hierarchy) in &mut hierarchies {
            let Some(hierarchy) = hierarchy else { continue };
            let blocks = hierarchy.directories.iter().map(|d| u64::from(d.blocks())).sum();
            let mut start = row.put(Region::Directories { joliet: *joliet }, blocks);
            for directory in &mut hierarchy.directories {
                directory.start = start;
                start = start.wrapping_add(directory.blocks());
            }
        }
        if self.primary.is_some() {
            self.contents.empty = row.put(Region::Empty, self.contents.any_empty.into());
        }
        let end = self.contents.place(tree, row.at());
        row.put(Region::Contents, end - row.at());
        let pad = self.options.pad.0.into();
        match &mut self.udf {
            Some(udf) => udf.place_back(&mut row, base, pad)?,
            None => _ = row.put(Region::Pad, pad),
        }
        // Where this does not fit, the image is refused.
        self.volume_end = row.at() as u32;
        let end = self.contents.place_tail(tree, row.at());
        row.put(Region::Appended, end - row.at());
        let (backup, end) = self.boot.end(end);
        row.put(Region::Pad, end - backup - row.at());
        row.put(Region::Backup, backup);
        if row.at > self.volume_end.into() && self.udf.as_ref().is_some_and(UdfLayout::is_last) {
            return Err(UdfError::BehindTable);
        }
        self.regions = row.regions;
        Ok(row.at)
    }

    /// The descriptors that readers look for behind the system area.
    fn place_head(&self, row: &mut Row) {
        if self.primary.is_some() {
            let optional = [self.joliet.is_some(), self.boot.catalog.is_some()];
            row.put(Region::Descriptors, 2 + optional.map(u64::from).iter().sum::<u64>());
        }
        if self.udf.is_some() {
            UdfLayout::place_recognition(row);
        }
    }

    /// What lies at a block before the end of the image.
    pub(super) fn at(&self, block: u32) -> Place {
        let next = self.regions.partition_point(|(start, _)| *start <= block);
        let (start, region) = self.regions[next - 1];
        let end = self.regions.get(next).map_or(self.blocks, |(end, _)| *end);
        let structure = |index, start| Place::Structure(Structure { region, index, start });
        match region {
            Region::SystemArea if self.boot.disk.is_none() => {
                Place::Zeros { end, what: "system area" }
            }
            Region::Empty => Place::Zeros { end, what: "empty files" },
            Region::Gap => Place::Zeros { end, what: "unused" },
            Region::Pad => Place::Zeros { end, what: "padding" },
            Region::Udf(Part::Space) => {
                let (index, first) = self.udf.as_ref().map_or((0, 0), |udf| udf.at(block - start));
                structure(index, start + first)
            }
            Region::SystemArea
            | Region::Descriptors
            | Region::PathTable { .. }
            | Region::Udf(_)
            | Region::Backup => structure(0, start),
            Region::Directories { joliet } => {
                let directories = self.hierarchy(joliet).map_or(&[][..], |h| &h.directories);
                let index = directories.partition_point(|d| d.start <= block) - 1;
                structure(index, directories[index].start)
            }
            Region::Contents | Region::Appended => {
                let found = self.contents.at(block);
                let (content, start) = found.expect("the region begins with a content");
                Place::Content { content, start }
            }
        }
    }

    /// The byte of a content that is recorded as its byte `stored`, and how many follow it.
    pub(super) fn within(&self, tree: &Tree, id: ContentId, stored: u64) -> (u64, u64) {
        self.contents.within(tree, id, stored)
    }

    /// The content that lies within a structure, if there is one.
    pub(super) fn embedded(&self, tree: &Tree, structure: Structure) -> Option<ContentId> {
        let Region::Udf(part) = structure.region else { return None };
        self.udf.as_ref()?.embedded(tree, part, structure.index)
    }

    /// The whole blocks of a structure. `data` is the content that lies within it, if one does.
    pub(super) fn structure(&self, tree: &Tree, structure: Structure, data: Vec<u8>) -> Vec<u8> {
        let base = self.contents.base;
        let Structure { region, index, start } = structure;
        match (region, self.region_hierarchy(region), &self.udf) {
            (Region::Descriptors, ..) => self.descriptors(tree, start),
            (Region::PathTable { order, .. }, Some(hierarchy), _) => {
                hierarchy.path_table(order, base)
            }
            (Region::Directories { .. }, Some(hierarchy), _) => {
                hierarchy.directory(tree, index, &self.contents)
            }
            (Region::Udf(part), _, Some(udf)) => {
                udf.structure(tree, (part, index, start), data, &self.contents, &self.options)
            }
            (Region::SystemArea, ..) => {
                self.boot.system_area(&self.contents, self.ends(), &self.seed())
            }
            (Region::Backup, ..) => self.boot.backup(&self.contents, self.ends(), &self.seed()),
            _ => Vec::new(),
        }
    }

    /// The boot catalog: what a content with the source [`Source::BootCatalog`] holds.
    ///
    /// [`Source::BootCatalog`]: super::Source::BootCatalog
    pub(super) fn boot_catalog(&self) -> Vec<u8> {
        self.boot.catalog(&self.contents)
    }

    /// What a content is told of itself, where it is one that is booted.
    pub(super) fn patches(&self, content: ContentId) -> Option<Patches> {
        self.boot.patches(content, &self.contents)
    }

    /// What a person calls a structure.
    pub(super) fn structure_name(&self, tree: &Tree, structure: Structure) -> String {
        let Structure { region, index, .. } = structure;
        match (region, self.region_hierarchy(region), &self.udf) {
            (Region::Directories { .. }, Some(hierarchy), _) => {
                tree.display_path(hierarchy.node(index))
            }
            (Region::PathTable { .. }, ..) => "path tables".to_owned(),
            (Region::Udf(part), _, Some(udf)) => udf.name(tree, part, index),
            (Region::SystemArea, ..) => "system area".to_owned(),
            (Region::Backup, ..) => "second partition table".to_owned(),
            _ => "volume descriptors".to_owned(),
        }
    }

    fn ends(&self) -> Ends {
        Ends { volume: self.volume_end, image: self.blocks }
    }

    /// What makes this disk another than others: name, time, size.
    fn seed(&self) -> Seed {
        let LayoutOptions { volume_id, stamp, .. } = &self.options;
        Seed(format!("{volume_id}\n{}\n{}\n{}", stamp.secs, stamp.nanos, self.blocks).into_bytes())
    }

    fn region_hierarchy(&self, region: Region) -> Option<&Hierarchy> {
        match region {
            Region::PathTable { joliet, .. } | Region::Directories { joliet } => {
                self.hierarchy(joliet)
            }
            _ => None,
        }
    }

    fn hierarchy(&self, joliet: bool) -> Option<&Hierarchy> {
        if joliet { self.joliet.as_ref() } else { self.primary.as_ref() }
    }

    /// The descriptors that lie at block `start`.
    fn descriptors(&self, tree: &Tree, start: u32) -> Vec<u8> {
        let base = self.contents.base;
        let session = start - SYSTEM_AREA;
        // A state of a volume that grows in place counts its own blocks, so that readers find the
        // next one behind it; only block 0 counts all.
        let state = self.options.in_place && (base > 0 || session > 0);
        let space = match state {
            true => self.blocks - session,
            false => base.saturating_add(self.blocks),
        };
        let descriptor = |hierarchy: &Hierarchy, joliet, volume_id: &[u8]| {
            let root = hierarchy.root_record(tree, base);
            let [table_l, table_m] = hierarchy.tables.map(|table| base + table);
            let table_bytes = hierarchy.table_bytes;
            let stamp = self.options.stamp;
            let (root, ids) = (&root, &self.options.ids);
            let files = ids.files().map(|file| {
                let node = file.and_then(|path| tree.lookup(path));
                node.and_then(|node| hierarchy.root_file(tree, node)).unwrap_or_default()
            });
            Descriptor {
                joliet,
                volume_id,
                space,
                table_bytes,
                table_l,
                table_m,
                root,
                stamp,
                ids,
                files,
            }
            .emit()
        };
        let name = |view| self.options.volume_name(view);
        let mut out = Vec::new();
        if let Some(primary) = &self.primary {
            let name = names::characters(name(View::Iso9660).as_bytes());
            out.extend(descriptor(primary, false, &name));
        }
        out.extend(self.boot.record(&self.contents));
        if let Some(joliet) = &self.joliet {
            out.extend(descriptor(joliet, true, &joliet::volume_id(name(View::Joliet))));
        }
        out.extend(terminator());
        out
    }
}

/// The most bytes of holes that are recorded as zeros: what the largest discs hold, BDXL of four
/// layers.
const HOLES_MAX: u64 = 128_000_000_000;

/// Bytes of the holes in a file of this machine.
fn holes(tree: &Tree, node: NodeId) -> u64 {
    let Kind::File(id) = tree.kind(node) else { return 0 };
    let content = tree.content(id);
    let parts = content.source.recorded_parts();
    let bytes = |parts: &[Piece]| parts.iter().map(|part| part.bytes).sum::<u64>();
    parts.map_or(0, |parts| content.size.saturating_sub(bytes(parts)))
}

fn has_holes(tree: &Tree, node: NodeId) -> bool {
    let Kind::File(id) = tree.kind(node) else { return false };
    match &tree.content(id).source {
        Source::OnDisc(extents) => extents.iter().any(Extent::is_hole),
        _ => false,
    }
}

/// Regions in a row, as they get their places.
#[derive(Debug, Default)]
pub(super) struct Row {
    at: u64,
    regions: Vec<(u32, Region)>,
}

impl Row {
    /// The block behind the last region.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Adds a region of so many blocks, if any; where it begins. What lies too far out to be
    /// numbered makes the image too large, and it is refused.
    pub(super) fn put(&mut self, region: Region, blocks: u64) -> u32 {
        let start = self.at as u32;
        if blocks > 0 {
            self.regions.push((start, region));
        }
        self.at += blocks;
        start
    }

    /// Leaves blocks unused up to this one, which is not behind the row's end yet.
    pub(super) fn gap_to(&mut self, block: u64) {
        self.put(Region::Gap, block.saturating_sub(self.at));
    }

    /// Leaves blocks unused up to a multiple of `unit`, counted from the block `origin`.
    pub(super) fn gap_to_multiple_from(&mut self, origin: u64, unit: u64) {
        self.gap_to(origin + (self.at - origin).next_multiple_of(unit));
    }
}

/// Gathers what is recorded otherwise than the tree has it.
struct Findings<'a> {
    tree: &'a Tree,
    options: &'a LayoutOptions,
    list: Vec<Finding>,
}

impl Findings<'_> {
    fn primary(&mut self, node: NodeId, id: &[u8]) {
        let kind = self.tree.kind(node);
        let meta = self.tree.meta(node);
        let fits = |time: Time| time.short().1;
        if self.options.rock_ridge {
            if matches!(kind, Kind::Symlink(target) if !rockridge::is_faithful(target)) {
                self.list.push(Finding { node, kind: FindingKind::LinkTarget });
            }
            if matches!(kind, Kind::Symlink(target) if target.len() >= 1024) {
                self.list.push(Finding { node, kind: FindingKind::LongLink });
            }
        } else {
            if id != self.tree.name_in(View::Iso9660, node) {
                self.list.push(Finding { node, kind: FindingKind::IsoName });
            }
            if !matches!(kind, Kind::Directory | Kind::File(_)) {
                self.list.push(Finding { node, kind: FindingKind::NotInIso });
            }
        }
        let others = self.options.rock_ridge && !self.options.reproducible;
        if !fits(meta.mtime) || others && !(fits(meta.atime) && fits(meta.ctime)) {
            self.list.push(Finding { node, kind: FindingKind::Time });
        }
        let xattrs = self.tree.xattrs(node);
        if !(xattrs.is_empty() || self.options.rock_ridge && aaip::fits(xattrs)) {
            self.list.push(Finding { node, kind: FindingKind::IsoXattrs });
        }
        if self.options.joliet && !matches!(kind, Kind::Directory | Kind::File(_)) {
            self.list.push(Finding { node, kind: FindingKind::NotInJoliet });
        }
    }

    fn udf(&mut self, node: NodeId, id: &[u8]) {
        if !udf::is_faithful(self.tree.name_in(View::Udf, node), id) {
            self.list.push(Finding { node, kind: FindingKind::UdfName });
        }
        let attributes = self.tree.xattrs(node);
        let revision = self.options.udf.map(|udf| udf.revision);
        let kept = revision >= Some(Revision::V2_00)
            && attributes.iter().all(|one| udf::streams::keeps(one.name()));
        if !attributes.is_empty() && !kept {
            self.list.push(Finding { node, kind: FindingKind::UdfXattrs });
        }
        if matches!(self.tree.kind(node), Kind::Symlink(target) if !udf::keeps_target(target)) {
            self.list.push(Finding { node, kind: FindingKind::UdfLink });
        }
    }

    fn joliet(&mut self, node: NodeId, id: &[u8]) {
        if !joliet::is_faithful(self.tree.name_in(View::Joliet, node), id) {
            self.list.push(Finding { node, kind: FindingKind::JolietName });
        }
    }
}
