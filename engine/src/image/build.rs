//! An [`Image`]: a tree laid out, served as blocks at any position.
//!
//! Directory records and path tables are made on demand from the layout, file contents are read
//! from the host on demand; nothing is held but the structure and the open file last used.

use std::fs::File;
use std::sync::Arc;

use super::boot::{Patches, Setup, WordSum};
use super::bytes::{Bytes, Trouble};
use super::layout::{Finding, Layout, LayoutError, LayoutOptions, Place, Structure};
use super::sectors::{Sectors, SourceError, SourceErrorKind};
use super::tree::{ContentId, Kind, NodeId, Source, Stretch, Tree};
use crate::units::{BLOCK, Blocks, Lba};

/// Bytes of a boot image that are summed up at once.
const CHUNK: usize = 32 * BLOCK;

/// A tree laid out: every block of the file system it will be, on demand.
///
/// ```
/// use engine::image::{Image, LayoutOptions, Meta, Sectors, Tree};
///
/// let mut tree = Tree::new(Meta { mode: 0o755, ..Meta::default() });
/// tree.add_bytes(tree.root(), b"hello", Meta::default(), *b"Hello, disc!\n").unwrap();
/// let mut image = Image::new(tree, &LayoutOptions::default()).unwrap();
/// let mut descriptor = [0; 2048];
/// image.read(engine::units::Blocks(16), &mut descriptor).unwrap();
/// assert_eq!(descriptor[1..6], *b"CD001");
/// ```
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) plan: Arc<Plan>,
    reader: Reader,
}

/// What is the same for all who read an image.
#[derive(Debug)]
pub(super) struct Plan {
    tree: Tree,
    layout: Layout,
    findings: Vec<Finding>,
    base: Lba,
    /// The first node of each content, to name it by.
    owners: Vec<NodeId>,
}

impl Image {
    /// Lays the tree out. Reads no file but the partition table of a hard disk's image that shall
    /// be booted.
    pub fn new(mut tree: Tree, options: &LayoutOptions) -> Result<Image, LayoutError> {
        let boot = Setup::new(&options.boot, &mut tree, options.base)?;
        let (layout, findings) = Layout::new(&tree, options, boot)?;
        let mut owners = vec![tree.root(); tree.content_count()];
        for node in tree.walk() {
            if let Kind::File(content) = tree.kind(node) {
                let owner = &mut owners[content.0 as usize];
                if *owner == tree.root() {
                    *owner = node;
                }
            }
        }
        let plan = Plan { tree, layout, findings, base: options.base, owners };
        Ok(Image { plan: Arc::new(plan), reader: Reader::default() })
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.plan.tree
    }

    /// Where on the disc it begins.
    pub fn base(&self) -> Lba {
        self.plan.base
    }

    /// What is recorded otherwise than the tree has it.
    pub fn findings(&self) -> &[Finding] {
        &self.plan.findings
    }
}

impl Sectors for Image {
    fn blocks(&self) -> Blocks {
        Blocks(self.plan.layout.blocks)
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        self.reader.read(&self.plan, first.0, room)
    }

    fn name_at(&self, block: Blocks) -> Option<String> {
        let plan = &self.plan;
        (block.0 < plan.layout.blocks).then(|| match plan.layout.at(block.0) {
            Place::Zeros { what, .. } => what.to_owned(),
            Place::Structure(structure) => plan.layout.structure_name(&plan.tree, structure),
            Place::Content { content, .. } => plan.content_path(content),
        })
    }
}

impl Plan {
    /// Blocks of the image.
    pub(super) fn blocks(&self) -> u32 {
        self.layout.blocks
    }

    /// How many whole blocks from `first` on are those of one file of the host.
    pub(super) fn copyable(&self, first: u32) -> u32 {
        match self.layout.at(first) {
            Place::Content { content: id, start } => {
                if self.layout.patches(id).is_some() {
                    return 0;
                }
                let at = u64::from(first - start) * BLOCK as u64;
                let (at, left) = self.layout.within(&self.tree, id, at);
                match self.tree.content(id).stretch(at) {
                    Stretch::Host { bytes, .. } => {
                        u32::try_from(bytes.min(left) / BLOCK as u64).unwrap_or(u32::MAX)
                    }
                    _ => 0,
                }
            }
            _ => 0,
        }
    }

    /// A path of this content in the tree.
    fn content_path(&self, content: ContentId) -> String {
        match self.owners[content.0 as usize] {
            root if root == self.tree.root() => "boot image".to_owned(),
            owner => self.tree.display_path(owner),
        }
    }
}

/// One reader of an image: what it has at hand between two reads.
#[derive(Debug, Default)]
pub(super) struct Reader {
    structure: Option<(Structure, Vec<u8>)>,
    bytes: Bytes,
}

impl Clone for Reader {
    /// The clone begins with nothing at hand.
    fn clone(&self) -> Reader {
        Reader::default()
    }
}

impl Reader {
    /// Fills `room` with blocks from `first` on.
    pub(super) fn read(
        &mut self,
        plan: &Plan,
        first: u32,
        room: &mut [u8],
    ) -> Result<(), SourceError> {
        let end = u64::from(first) + (room.len() / BLOCK) as u64;
        if !room.len().is_multiple_of(BLOCK) || end > u64::from(plan.layout.blocks) {
            return Err(SourceError {
                block: Blocks(first.max(plan.layout.blocks)),
                source: "image".to_owned(),
                kind: SourceErrorKind::OutOfRange,
                detail: format!("it has {} blocks", plan.layout.blocks),
            });
        }
        let (mut block, mut room) = (first, room);
        while !room.is_empty() {
            let done = match plan.layout.at(block) {
                Place::Zeros { end, .. } => {
                    let done = room.len().min((end - block) as usize * BLOCK);
                    room[..done].fill(0);
                    done
                }
                Place::Structure(structure) => {
                    let bytes = self.structure(plan, structure)?;
                    let rest = &bytes[(block - structure.start) as usize * BLOCK..];
                    let done = room.len().min(rest.len());
                    room[..done].copy_from_slice(&rest[..done]);
                    done
                }
                Place::Content { content, start } => {
                    let at = u64::from(block - start) * BLOCK as u64;
                    let (at, left) = plan.layout.within(&plan.tree, content, at);
                    let wanted = room.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.content(plan, content, at, &mut room[..wanted], block)?;
                    if let Some(patches) = plan.layout.patches(content) {
                        self.patch(plan, content, patches, at, &mut room[..wanted])?;
                    }
                    // The rest of a file's last block is zero.
                    let done = wanted.next_multiple_of(BLOCK);
                    room[wanted..done].fill(0);
                    done
                }
            };
            block += (done / BLOCK) as u32;
            room = &mut room[done..];
        }
        Ok(())
    }

    fn structure(&mut self, plan: &Plan, structure: Structure) -> Result<&[u8], SourceError> {
        if self.structure.as_ref().is_none_or(|(at_hand, _)| *at_hand != structure) {
            let mut data = Vec::new();
            if let Some(id) = plan.layout.embedded(&plan.tree, structure) {
                data.resize(plan.tree.content(id).size as usize, 0);
                self.content(plan, id, 0, &mut data, structure.start)?;
            }
            let bytes = plan.layout.structure(&plan.tree, structure, data);
            self.structure = Some((structure, bytes));
        }
        Ok(self.structure.as_ref().map_or(&[], |(_, bytes)| bytes))
    }

    /// Fills `room` with the bytes of a content from `at` on; `block` is where it lies.
    fn content(
        &mut self,
        plan: &Plan,
        id: ContentId,
        at: u64,
        room: &mut [u8],
        block: u32,
    ) -> Result<(), SourceError> {
        let content = plan.tree.content(id);
        match &content.source {
            Source::BootCatalog => {
                room.copy_from_slice(&plan.layout.boot_catalog()[at as usize..][..room.len()]);
                return Ok(());
            }
            Source::OnDisc(_) => unreachable!("what is on the disc has no place in an image"),
            _ => {}
        }
        self.bytes.read(&plan.tree, id, at, room).map_err(|Trouble { filled, kind, detail }| {
            let file = content.host_file().map(|file| plan.tree.host_path(file));
            let image = content.other_image().map(|image| image.name.clone());
            let source = file.map(|file| file.display().to_string()).or(image);
            SourceError {
                block: Blocks(block + (filled / BLOCK) as u32),
                source: source.unwrap_or_else(|| plan.content_path(id)),
                kind,
                detail,
            }
        })
    }

    /// Lays over the bytes of a boot image, from its byte `at` on, what it is told of itself.
    fn patch(
        &mut self,
        plan: &Plan,
        id: ContentId,
        patches: Patches,
        at: u64,
        room: &mut [u8],
    ) -> Result<(), SourceError> {
        patches.lay_address(at, room);
        if patches.reaches_table(at) {
            let mut sum = WordSum::default();
            let size = plan.tree.content(id).size;
            let mut chunk = vec![0; CHUNK];
            for from in (0..size).step_by(CHUNK) {
                let wanted = chunk.len().min((size - from) as usize);
                let block = patches.block() + (from / BLOCK as u64) as u32;
                self.content(plan, id, from, &mut chunk[..wanted], block)?;
                patches.lay_address(from, &mut chunk[..wanted]);
                sum.add(&chunk[..wanted]);
            }
            patches.lay_table(at, room, size, sum);
        }
        Ok(())
    }

    /// Copies blocks from `first` on, no more than [`Plan::copyable`] said, to the same place in
    /// `out`, by the host's own means. False if it did not work out: then ordinary reading and
    /// writing will find out why.
    pub(super) fn copy(&mut self, plan: &Plan, first: u32, blocks: u32, out: &File) -> bool {
        let Place::Content { content: id, start } = plan.layout.at(first) else { return false };
        let (bytes, to) = (u64::from(blocks) * BLOCK as u64, u64::from(first) * BLOCK as u64);
        let at = u64::from(first - start) * BLOCK as u64;
        let (at, _) = plan.layout.within(&plan.tree, id, at);
        self.bytes.copy(&plan.tree, id, at, bytes, out, to)
    }
}
