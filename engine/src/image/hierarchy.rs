//! One of the directory hierarchies of a volume: the primary one, or Joliet's. Where its
//! directories lie, and their records and path tables on demand.

use super::aaip;
use super::contents::Contents;
use super::iso9660::names;
use super::iso9660::record::{
    self, FLAG_DIRECTORY, FLAG_MULTI_EXTENT, Order, PARENT, RECORD_MAX, Record, SELF,
};
use super::joliet;
use super::rockridge::{self, Continuation, Subject};
use super::tree::{Kind, NodeId, Tree, View};
use crate::units::BLOCK;

/// How names and metadata are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// The primary hierarchy.
    Primary {
        /// With Rock Ridge entries.
        rock_ridge: bool,
        /// With all times in them.
        all_times: bool,
    },
    /// 16-bit names, directories and files only.
    Joliet,
}

/// What a record is to the node that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The root's own record.
    Root,
    /// Another directory's own or its parent's record.
    Other,
    /// The record that gives the node its name.
    Entry,
    /// One that repeats it for a further section of the file.
    Section,
}

/// A hierarchy. Blocks count from the start of the image.
#[derive(Debug)]
pub(super) struct Hierarchy {
    pub flavour: Flavour,
    /// In the order of the path table (ECMA-119, 6.9.1).
    pub directories: Vec<Directory>,
    /// Position in `directories` by the tree's directory number.
    positions: Vec<u32>,
    /// Bytes of a path table.
    pub table_bytes: u32,
    /// First blocks of the type L and type M path tables.
    pub tables: [u32; 2],
}

/// A directory of a hierarchy.
#[derive(Debug)]
pub(super) struct Directory {
    node: NodeId,
    parent: u32,
    id: Box<[u8]>,
    /// First block.
    pub start: u32,
    /// Blocks of records.
    blocks: u32,
    /// Blocks of the continuation area behind them.
    more_blocks: u32,
}

impl Directory {
    /// All blocks.
    pub(super) fn blocks(&self) -> u32 {
        self.blocks + self.more_blocks
    }
}

impl Hierarchy {
    /// Orders and measures the directories. Nothing has a place yet.
    ///
    /// `note` is told each node and its identifier.
    pub(super) fn measure(
        tree: &Tree,
        flavour: Flavour,
        contents: &Contents,
        note: &mut dyn FnMut(NodeId, &[u8]),
    ) -> Hierarchy {
        let root = Directory {
            node: tree.root(),
            parent: 0,
            id: SELF.into(),
            start: 0,
            blocks: 0,
            more_blocks: 0,
        };
        let mut hierarchy = Hierarchy {
            flavour,
            directories: vec![root],
            positions: vec![0; tree.directory_bound()],
            table_bytes: 0,
            tables: [0; 2],
        };
        // Directory after directory, each adding its own to the end: this is the order of the path
        // table, by level, then by parent, then by identifier (ECMA-119, 6.9.1).
        let mut at = 0;
        while at < hierarchy.directories.len() {
            let node = hierarchy.directories[at].node;
            let index = tree.directory_index(node).expect("only directories are in the list");
            hierarchy.positions[index] = at as u32;
            hierarchy.table_bytes +=
                record::path_record_len(hierarchy.directories[at].id.len()) as u32;
            let entries = hierarchy.entries(tree, node);
            for (id, child) in &entries {
                note(*child, id);
                if tree.kind(*child) == Kind::Directory {
                    hierarchy.directories.push(Directory {
                        node: *child,
                        parent: at as u32,
                        id: id.as_slice().into(),
                        start: 0,
                        blocks: 0,
                        more_blocks: 0,
                    });
                }
            }
            let (records, more) = hierarchy.emit(tree, at, &entries, contents);
            hierarchy.directories[at].blocks = (records.len() / BLOCK) as u32;
            hierarchy.directories[at].more_blocks = more.len().div_ceil(BLOCK) as u32;
            at += 1;
        }
        hierarchy
    }

    /// The whole blocks of a directory and its continuation area.
    pub(super) fn directory(&self, tree: &Tree, at: usize, contents: &Contents) -> Vec<u8> {
        let entries = self.entries(tree, self.directories[at].node);
        let (mut out, more) = self.emit(tree, at, &entries, contents);
        out.extend(more);
        out.resize(self.directories[at].blocks() as usize * BLOCK, 0);
        out
    }

    /// The node whose directory this is.
    pub(super) fn node(&self, at: usize) -> NodeId {
        self.directories[at].node
    }

    /// A path table (ECMA-119, 9.4), filled up to whole blocks.
    pub(super) fn path_table(&self, order: Order, base: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for directory in &self.directories {
            let parent = directory.parent as u16 + 1;
            record::emit_path_record(
                &mut out,
                order,
                base + directory.start,
                parent,
                &directory.id,
            );
        }
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    }

    /// The record of the root as descriptors hold it (ECMA-119, 8.4.18).
    pub(super) fn root_record(&self, tree: &Tree, base: u32) -> Vec<u8> {
        let mut out = Vec::new();
        self.record_of(tree, 0, SELF, base).emit(&mut out, &[]);
        out
    }

    /// Identifiers without version, and their nodes, in the order of the records
    /// (ECMA-119, 9.3).
    pub(super) fn entries(&self, tree: &Tree, directory: NodeId) -> Vec<(Vec<u8>, NodeId)> {
        let joliet = self.flavour == Flavour::Joliet;
        let view = self.view();
        let children: Vec<NodeId> = tree
            .entries_in(view, directory)
            .filter(|&c| !joliet || matches!(tree.kind(c), Kind::Directory | Kind::File(_)))
            .collect();
        let directory = |i: usize| tree.kind(children[i]) == Kind::Directory;
        let id = |i: usize| match joliet {
            true => joliet::identifier(tree.name_in(view, children[i])),
            false => names::identifier(tree.name_in(view, children[i]), directory(i)),
        };
        let mut ids: Vec<Vec<u8>> = (0..children.len()).map(id).collect();
        let order = names::make_unique(&mut ids, |i, number| match joliet {
            true => joliet::numbered(tree.name_in(view, children[i]), number),
            false => names::numbered(tree.name_in(view, children[i]), directory(i), number),
        });
        let take = |i: u32| (std::mem::take(&mut ids[i as usize]), children[i as usize]);
        order.into_iter().map(take).collect()
    }

    /// The records of a directory in whole blocks (ECMA-119, 6.8.1), and its continuation area.
    fn emit(
        &self,
        tree: &Tree,
        at: usize,
        entries: &[(Vec<u8>, NodeId)],
        contents: &Contents,
    ) -> (Vec<u8>, Vec<u8>) {
        let directory = &self.directories[at];
        let base = contents.base;
        let mut more =
            Continuation { lba: base + directory.start + directory.blocks, bytes: Vec::new() };
        let mut out = Vec::new();
        for (id, to) in [(SELF, at), (PARENT, directory.parent as usize)] {
            let record = self.record_of(tree, to, id, base);
            let node = self.directories[to].node;
            let role = match at == 0 && id == SELF {
                true => Role::Root,
                false => Role::Other,
            };
            let mut system_use = self.system_use(tree, node, role, contents);
            more.fit(&mut system_use, RECORD_MAX - record.system_use_at());
            record.emit(&mut out, &system_use);
        }
        for (id, node) in entries {
            if tree.kind(*node) == Kind::Directory {
                let record = self.record_of(tree, self.position(tree, *node), id, base);
                let mut system_use = self.system_use(tree, *node, Role::Entry, contents);
                more.fit(&mut system_use, RECORD_MAX - record.system_use_at());
                record.emit(&mut out, &system_use);
                continue;
            }
            let id = self.versioned(id);
            let sections = contents.sections(tree, *node);
            let last = sections.len() - 1;
            // Each section of a file has a record of its own, equal but for the section
            // (ECMA-119, 6.5.1 and 9.1.6).
            for (i, &(lba, bytes)) in sections.iter().enumerate() {
                let record = Record {
                    lba,
                    bytes,
                    time: tree.meta(*node).mtime.short().0,
                    flags: if i < last { FLAG_MULTI_EXTENT } else { 0 },
                    id: &id,
                };
                let role = if i == 0 { Role::Entry } else { Role::Section };
                let mut system_use = self.system_use(tree, *node, role, contents);
                more.fit(&mut system_use, RECORD_MAX - record.system_use_at());
                record.emit(&mut out, &system_use);
            }
        }
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        (out, more.bytes)
    }

    /// A directory's record without System Use field.
    fn record_of<'a>(&self, tree: &Tree, at: usize, id: &'a [u8], base: u32) -> Record<'a> {
        let directory = &self.directories[at];
        Record {
            lba: base + directory.start,
            bytes: directory.blocks * BLOCK as u32,
            time: tree.meta(directory.node).mtime.short().0,
            flags: FLAG_DIRECTORY,
            id,
        }
    }

    fn view(&self) -> View {
        match self.flavour {
            Flavour::Primary { .. } => View::Iso9660,
            Flavour::Joliet => View::Joliet,
        }
    }

    /// The identifier of a file in the root, as descriptors name it (ECMA-119, 8.4.20).
    pub(super) fn root_file(&self, tree: &Tree, node: NodeId) -> Option<Vec<u8>> {
        let entries = self.entries(tree, tree.root());
        entries.iter().find(|(_, entry)| *entry == node).map(|(id, _)| self.versioned(id))
    }

    fn position(&self, tree: &Tree, node: NodeId) -> usize {
        let index = tree.directory_index(node).expect("asked of directories only");
        self.positions[index] as usize
    }

    /// A file's identifier with its dot and version 1 (ECMA-119, 7.5.1). Joliet names stay as they
    /// are but for the version.
    fn versioned(&self, id: &[u8]) -> Vec<u8> {
        match self.flavour {
            Flavour::Joliet => [id, &[0, b';', 0, b'1']].concat(),
            Flavour::Primary { .. } if id.contains(&b'.') => [id, b";1"].concat(),
            Flavour::Primary { .. } => [id, b".;1"].concat(),
        }
    }

    /// The System Use entries of a record.
    fn system_use(&self, tree: &Tree, node: NodeId, role: Role, contents: &Contents) -> Vec<u8> {
        let Flavour::Primary { rock_ridge: true, all_times } = self.flavour else {
            return Vec::new();
        };
        let kind = tree.kind(node);
        let links = match kind {
            // Itself, its parent's entry, and the parent's entry in each directory within.
            Kind::Directory => {
                let within = |c: &NodeId| tree.kind(*c) == Kind::Directory;
                2 + tree.entries_in(View::RockRidge, node).filter(within).count() as u32
            }
            Kind::File(id) => tree.links_in(View::RockRidge, &contents.links, id),
            _ => 1,
        };
        let mut out = Vec::with_capacity(128);
        if role == Role::Root {
            rockridge::sharing(&mut out);
        }
        let serial = contents.serial(node);
        let meta = tree.meta(node);
        rockridge::attributes(&mut out, &Subject { kind, meta, links, serial, all_times });
        if matches!(role, Role::Entry | Role::Section) {
            rockridge::name(&mut out, tree.name_in(View::RockRidge, node));
        }
        if let Kind::Symlink(target) = kind {
            rockridge::symlink(&mut out, target);
        }
        if role == Role::Root {
            rockridge::extension(&mut out);
            if tree.has_xattrs() {
                aaip::extension(&mut out);
            }
        }
        let xattrs = tree.xattrs(node);
        if matches!(role, Role::Root | Role::Entry) && !xattrs.is_empty() && aaip::fits(xattrs) {
            rockridge::belongs_to(&mut out, 1);
            aaip::entries(&mut out, xattrs, meta.mode);
        }
        out
    }
}
