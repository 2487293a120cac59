//! What a volume shall be like, as `kiln image create` and `kiln burn` can be told.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a group would replace the help of its command")]

use clap::{Args, ValueEnum};
use engine::image::{Access, LayoutOptions, Partition, Revision, Time, UdfOptions};
use engine::units::Blocks;

use super::xattrs::XattrArgs;

/// The volume that is made.
#[derive(Args, Clone, Debug)]
pub struct VolumeArgs {
    /// The name of the volume
    #[arg(short = 'V', long, value_name = "NAME")]
    pub volume_id: Option<String>,

    /// The file systems of the volume, all over one copy of the files
    ///
    /// rock-ridge and joliet are parts of iso9660 and imply it. Where nothing is said it is both,
    /// and on DVD and BD udf as well: 1.02 on DVD, 2.50 on BD; a further session has those of the
    /// volume that it continues.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub fs: Vec<FileSystem>,

    /// The revision of UDF: 1.02, 1.50, 2.00, 2.01, 2.50 or 2.60 [default: the first that can]
    #[arg(long, value_name = "REVISION")]
    pub udf_revision: Option<Revision>,

    /// How blocks of the UDF partition are found on the disc
    #[arg(long, value_name = "KIND", default_value = "plain")]
    pub udf_partition: UdfPartition,

    /// What may be done with the UDF volume later on: read-only, write-once, rewritable or
    /// overwritable [default: what goes with the partition]
    ///
    /// A rewritable or overwritable volume tells what of it is free, and other systems can change
    /// it: UDF alone, up to revision 2.01.
    #[arg(long, value_name = "ACCESS")]
    pub udf_access: Option<Access>,

    /// Blocks of 2048 bytes that the UDF volume shall have; what nothing needs is free
    #[arg(long, value_name = "BLOCKS")]
    pub udf_size: Option<u32>,

    /// From UDF 2.50 on, leave out the second copy of file entries and directories
    #[arg(long)]
    pub no_udf_mirror: bool,

    #[command(flatten)]
    pub xattrs: XattrArgs,
}

/// A file system that a volume can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileSystem {
    /// Names of capital letters, for everything
    Iso9660,
    /// POSIX names, owners, modes and links
    RockRidge,
    /// Names for Windows
    Joliet,
    /// OSTA's Universal Disk Format
    Udf,
}

/// A kind of UDF partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UdfPartition {
    /// As they come; from UDF 2.50 on with a metadata partition
    Plain,
    /// By a virtual allocation table that ends the disc, for media that are written once
    Vat,
    /// With spare packets of 32 blocks, for CD-RW
    Sparable,
    /// With spare packets of 16 blocks, for DVD-RW
    #[value(name = "sparable-16")]
    Sparable16,
}

impl VolumeArgs {
    fn udf(&self) -> UdfOptions {
        let partition = match self.udf_partition {
            UdfPartition::Plain => Partition::Plain,
            UdfPartition::Vat => Partition::Virtual,
            UdfPartition::Sparable => Partition::Sparable { packet: 32 },
            UdfPartition::Sparable16 => Partition::Sparable { packet: 16 },
        };
        let first = match partition {
            Partition::Plain => Revision::V1_02,
            Partition::Virtual | Partition::Sparable { .. } => Revision::V1_50,
        };
        UdfOptions {
            revision: self.udf_revision.unwrap_or(first),
            partition,
            mirror: !self.no_udf_mirror,
            access: self.udf_access,
            size: self.udf_size.map(Blocks),
        }
    }

    /// Whether the medium decides about file systems.
    pub fn by_medium(&self) -> bool {
        self.fs.is_empty()
    }

    /// The volume as it is to be laid out, with this time and without place or name.
    pub fn layout(&self, stamp: Time, reproducible: bool) -> LayoutOptions {
        let has = |system| match self.by_medium() {
            true => matches!(system, FileSystem::RockRidge | FileSystem::Joliet),
            false => self.fs.contains(&system),
        };
        let (rock_ridge, joliet) = (has(FileSystem::RockRidge), has(FileSystem::Joliet));
        LayoutOptions {
            iso9660: rock_ridge || joliet || has(FileSystem::Iso9660),
            rock_ridge,
            joliet,
            udf: has(FileSystem::Udf).then(|| self.udf()),
            stamp,
            reproducible,
            ..LayoutOptions::default()
        }
    }
}
