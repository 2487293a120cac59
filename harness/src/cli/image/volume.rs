//! What a volume shall be like, as `kiln image create` and `kiln burn` can be told.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a group would replace the help of its command")]

use clap::{Args, ValueEnum};
use engine::image::{Access, Ids, LayoutOptions, Partition, Revision, Time, UdfOptions, View};
use engine::units::Blocks;

use super::xattrs::XattrArgs;

/// The volume that is made.
#[derive(Args, Clone, Debug)]
pub struct VolumeArgs {
    /// The name of the volume
    #[arg(short = 'V', long, value_name = "NAME")]
    pub volume_id: Option<String>,

    /// The name of the volume in one of its file systems: iso9660, joliet or udf
    #[arg(long, value_name = "FS=NAME", value_parser = name_in)]
    pub volume_name: Vec<(View, String)>,

    /// Who published the volume
    #[arg(long, value_name = "TEXT")]
    pub publisher: Option<String>,

    /// Who prepared the volume; KILN if not told
    #[arg(long, value_name = "TEXT")]
    pub preparer: Option<String>,

    /// What the volume was made with; KILN if not told
    #[arg(long, value_name = "TEXT")]
    pub application: Option<String>,

    /// The system that the first blocks of the volume are for
    #[arg(long, value_name = "TEXT")]
    pub system_id: Option<String>,

    /// The set of volumes that this one belongs to
    #[arg(long, value_name = "TEXT")]
    pub volume_set: Option<String>,

    /// A file in the root of the volume with the terms of its use
    #[arg(long, value_name = "NAME")]
    pub copyright_file: Option<String>,

    /// A file in the root of the volume that says what it is about
    #[arg(long, value_name = "NAME")]
    pub abstract_file: Option<String>,

    /// A file in the root of the volume with bibliographic records
    #[arg(long, value_name = "NAME")]
    pub bibliographic_file: Option<String>,

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
            ids: self.ids(),
            ..LayoutOptions::default()
        }
    }

    /// What the volume says of itself.
    fn ids(&self) -> Ids {
        let name = |view| {
            let mut names = self.volume_name.iter().rev();
            names.find(|(of, _)| *of == view).map(|(_, name)| name.clone())
        };
        let file = |name: &Option<String>| name.clone().map(String::into_bytes);
        let plain = Ids::default();
        Ids {
            iso9660_name: name(View::Iso9660),
            joliet_name: name(View::Joliet),
            udf_name: name(View::Udf),
            system: self.system_id.clone().unwrap_or(plain.system),
            volume_set: self.volume_set.clone().unwrap_or(plain.volume_set),
            publisher: self.publisher.clone().unwrap_or(plain.publisher),
            preparer: self.preparer.clone().unwrap_or(plain.preparer),
            application: self.application.clone().unwrap_or(plain.application),
            copyright: file(&self.copyright_file),
            abstract_file: file(&self.abstract_file),
            bibliographic: file(&self.bibliographic_file),
        }
    }
}

/// A file system and the volume's name in it.
fn name_in(text: &str) -> Result<(View, String), String> {
    let (system, name) = text.split_once('=').ok_or("a file system, `=`, and a name")?;
    let view = match system {
        "iso9660" => View::Iso9660,
        "joliet" => View::Joliet,
        "udf" => View::Udf,
        other => return Err(format!("{other:?} is none of iso9660, joliet, udf")),
    };
    Ok((view, name.to_owned()))
}
