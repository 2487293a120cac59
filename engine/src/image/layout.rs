//! Where every byte of an image lies, fixed before anything is written.
//!
//! In this order: system area, volume descriptors, path tables, directories of the primary and then
//! of the Joliet hierarchy, one empty block for all that is empty, contents that no path leads to
//! (boot catalog, boot images), contents in the order of their paths, padding; behind the volume,
//! what is appended to it as partitions, and the second partition table. Pure: asks neither the
//! host nor a clock.

use std::fmt;

use super::boot::{Boot, BootError, Ends, Patches, Seed, Setup};
use super::contents::Contents;
use super::hierarchy::{Flavour, Hierarchy};
use super::iso9660::names;
use super::iso9660::record::Order;
use super::iso9660::volume::{Descriptor, SYSTEM_AREA, terminator};
use super::joliet;
use super::rockridge;
use super::time::Time;
use super::tree::{ContentId, Kind, NodeId, Tree};
use crate::units::{BLOCK, Blocks, Lba};

/// What an image shall be like.
#[derive(Clone, Debug)]
pub struct LayoutOptions {
    /// Where on the disc the image will begin. 0 unless it is a further session: then every address
    /// in it counts from the start of the disc and its volume descriptors lie at `base` + 16.
    pub base: Lba,
    /// Name of the volume, at most 32 bytes. Kept as it is if it consists of `A` to `Z`, `0` to `9`
    /// and `_`; otherwise the primary descriptor holds it mangled and Joliet its first 16
    /// characters.
    pub volume_id: String,
    /// Record the tree for Windows as well (Joliet level 3, names up to 103 characters).
    pub joliet: bool,
    /// Record POSIX names, modes, owners, times and links (Rock Ridge 1.12).
    pub rock_ridge: bool,
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
}

impl Default for LayoutOptions {
    fn default() -> LayoutOptions {
        LayoutOptions {
            base: Lba(0),
            volume_id: "KILN".to_owned(),
            joliet: true,
            rock_ridge: true,
            stamp: Time::default(),
            pad: Blocks(150),
            reproducible: false,
            boot: Boot::default(),
        }
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
    /// Recorded as an empty file, since there is no Rock Ridge to say what it is.
    NotInIso,
    /// A time outside 1900 to 2155 is recorded as the nearest time within.
    Time,
    /// A link's target is recorded without doubled and closing slashes.
    LinkTarget,
    /// A link's target of 1024 bytes or more, for which xorriso refuses the whole image.
    LongLink,
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
    /// A base below 0.
    Base {
        /// The base.
        base: Lba,
    },
    /// It cannot be made such that a computer starts from it.
    Boot(BootError),
}

impl From<BootError> for LayoutError {
    fn from(error: BootError) -> LayoutError {
        LayoutError::Boot(error)
    }
}

impl Finding {
    /// One line for a person; `tree` is the tree it was found in.
    pub fn describe(&self, tree: &Tree) -> String {
        let what = match self.kind {
            FindingKind::JolietName => "has another name in the Joliet tree",
            FindingKind::NotInJoliet => "is not in the Joliet tree, which has only files",
            FindingKind::IsoName => "has another name in the ISO 9660 tree",
            FindingKind::NotInIso => "is recorded as an empty file without Rock Ridge",
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
            LayoutError::Base { base } => write!(f, "an image cannot begin at block {base}"),
            LayoutError::Boot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LayoutError {}

/// Where everything lies. Blocks count from the start of the image.
#[derive(Debug)]
pub(super) struct Layout {
    options: LayoutOptions,
    primary: Hierarchy,
    joliet: Option<Hierarchy>,
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
enum Region {
    SystemArea,
    Descriptors,
    PathTable {
        joliet: bool,
        order: Order,
    },
    Directories {
        joliet: bool,
    },
    Empty,
    Contents,
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
        if count > usize::from(u16::MAX) {
            return Err(LayoutError::TooManyDirectories { count });
        }
        let mut findings = Findings { tree, options, list: Vec::new() };
        let contents = Contents::number(tree, base, &boot.appended());
        let all_times = !options.reproducible;
        let flavour = Flavour::Primary { rock_ridge: options.rock_ridge, all_times };
        let primary =
            Hierarchy::measure(tree, flavour, &contents, &mut |n, id| findings.primary(n, id));
        let joliet = options.joliet.then(|| {
            Hierarchy::measure(tree, Flavour::Joliet, &contents, &mut |n, id| {
                findings.joliet(n, id);
            })
        });
        let mut layout = Layout {
            options: options.clone(),
            primary,
            joliet,
            contents,
            boot,
            regions: Vec::new(),
            volume_end: 0,
            blocks: 0,
        };
        let blocks = layout.place(tree);
        // Addresses on a disc are signed where commands carry them.
        layout.blocks = u32::try_from(blocks)
            .ok()
            .filter(|blocks| base.checked_add(*blocks).is_some_and(|end| end <= i32::MAX as u32))
            .ok_or(LayoutError::TooLarge { blocks })?;
        Ok((layout, findings.list))
    }

    /// Gives everything its place; the number of blocks.
    fn place(&mut self, tree: &Tree) -> u64 {
        let mut at = 0;
        let mut region = |regions: &mut Vec<_>, region, blocks: u64| {
            let start = at;
            if blocks > 0 {
                regions.push((start as u32, region));
            }
            at += blocks;
            start as u32
        };
        let regions = &mut self.regions;
        region(regions, Region::SystemArea, SYSTEM_AREA.into());
        let descriptors =
            2 + u64::from(self.joliet.is_some()) + u64::from(self.boot.catalog.is_some());
        region(regions, Region::Descriptors, descriptors);
        let hierarchies = [(false, Some(&mut self.primary)), (true, self.joliet.as_mut())];
        let mut hierarchies = hierarchies.map(|(joliet, h)| h.map(|h| (joliet, h)));
        for (joliet, hierarchy) in hierarchies.iter_mut().flatten() {
            let blocks = u64::from(hierarchy.table_bytes).div_ceil(BLOCK as u64);
            let joliet = *joliet;
            hierarchy.tables = [Order::Little, Order::Big]
                .map(|order| region(regions, Region::PathTable { joliet, order }, blocks));
        }
        for (joliet, hierarchy) in hierarchies.iter_mut().flatten() {
            let blocks = hierarchy.directories.iter().map(|d| u64::from(d.blocks())).sum();
            let mut start = region(regions, Region::Directories { joliet: *joliet }, blocks);
            for directory in &mut hierarchy.directories {
                directory.start = start;
                start = start.wrapping_add(directory.blocks());
            }
        }
        let empty = region(regions, Region::Empty, self.contents.any_empty.into());
        self.contents.empty = empty;
        let first = region(regions, Region::Contents, 0);
        let end = self.contents.place(tree, first.into());
        region(regions, Region::Contents, end - u64::from(first));
        let end = region(regions, Region::Pad, self.options.pad.0.into());
        self.volume_end = end.wrapping_add(self.options.pad.0);
        let end = self.contents.place_tail(tree, self.volume_end.into());
        region(regions, Region::Appended, end - u64::from(self.volume_end));
        let (backup, end) = self.boot.end(end);
        let filled = region(regions, Region::Pad, 0);
        region(regions, Region::Pad, end - backup - u64::from(filled));
        region(regions, Region::Backup, backup);
        at
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
            Region::Pad => Place::Zeros { end, what: "padding" },
            Region::SystemArea
            | Region::Descriptors
            | Region::PathTable { .. }
            | Region::Backup => structure(0, start),
            Region::Directories { joliet } => {
                let directories = &self.hierarchy(joliet).directories;
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

    /// The whole blocks of a structure.
    pub(super) fn structure(&self, tree: &Tree, structure: Structure) -> Vec<u8> {
        let base = self.contents.base;
        match structure.region {
            Region::Descriptors => self.descriptors(tree),
            Region::PathTable { joliet, order } => self.hierarchy(joliet).path_table(order, base),
            Region::Directories { joliet } => {
                self.hierarchy(joliet).directory(tree, structure.index, &self.contents)
            }
            Region::SystemArea => self.boot.system_area(&self.contents, self.ends(), &self.seed()),
            Region::Backup => self.boot.backup(&self.contents, self.ends(), &self.seed()),
            Region::Empty | Region::Contents | Region::Pad | Region::Appended => Vec::new(),
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
        match structure.region {
            Region::Directories { joliet } => {
                tree.display_path(self.hierarchy(joliet).node(structure.index))
            }
            Region::PathTable { .. } => "path tables".to_owned(),
            Region::SystemArea => "system area".to_owned(),
            Region::Backup => "second partition table".to_owned(),
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

    fn hierarchy(&self, joliet: bool) -> &Hierarchy {
        match &self.joliet {
            Some(hierarchy) if joliet => hierarchy,
            _ => &self.primary,
        }
    }

    fn descriptors(&self, tree: &Tree) -> Vec<u8> {
        let base = self.contents.base;
        let descriptor = |hierarchy: &Hierarchy, joliet, volume_id: &[u8]| {
            let root = hierarchy.root_record(tree, base);
            let [table_l, table_m] = hierarchy.tables.map(|table| base + table);
            let table_bytes = hierarchy.table_bytes;
            let (space, stamp) = (base.saturating_add(self.blocks), self.options.stamp);
            let root = &root;
            Descriptor { joliet, volume_id, space, table_bytes, table_l, table_m, root, stamp }
                .emit()
        };
        let name = &self.options.volume_id;
        let mut out = descriptor(&self.primary, false, &names::characters(name.as_bytes()));
        out.extend(self.boot.record(&self.contents));
        if let Some(joliet) = &self.joliet {
            out.extend(descriptor(joliet, true, &joliet::volume_id(name)));
        }
        out.extend(terminator());
        out
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
            if id != self.tree.name(node) {
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
        if self.options.joliet && !matches!(kind, Kind::Directory | Kind::File(_)) {
            self.list.push(Finding { node, kind: FindingKind::NotInJoliet });
        }
    }

    fn joliet(&mut self, node: NodeId, id: &[u8]) {
        if !joliet::is_faithful(self.tree.name(node), id) {
            self.list.push(Finding { node, kind: FindingKind::JolietName });
        }
    }
}
