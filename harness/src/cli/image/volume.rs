//! What a volume shall be like, as `kiln image create` and `kiln burn` can be told.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a group would replace the help of its command")]

use clap::{Args, ValueEnum};
use engine::image::{LayoutOptions, Revision, Time, UdfOptions};

use super::xattrs::XattrArgs;

/// The volume that is made.
#[derive(Args, Clone, Debug)]
pub struct VolumeArgs {
    /// The name of the volume
    #[arg(short = 'V', long, value_name = "NAME")]
    pub volume_id: Option<String>,

    /// The file systems of the volume, all over one copy of the files
    ///
    /// rock-ridge and joliet are parts of iso9660 and imply it.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    #[arg(default_value = "rock-ridge,joliet")]
    pub fs: Vec<FileSystem>,

    /// The revision of UDF: 1.02, 1.50, 2.00, 2.01, 2.50 or 2.60
    #[arg(long, value_name = "REVISION", default_value_t = Revision::V1_02)]
    pub udf_revision: Revision,

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

impl VolumeArgs {
    /// The volume as it is to be laid out, with this time and without place or name.
    pub fn layout(&self, stamp: Time, reproducible: bool) -> LayoutOptions {
        let has = |system| self.fs.contains(&system);
        let (rock_ridge, joliet) = (has(FileSystem::RockRidge), has(FileSystem::Joliet));
        let udf = UdfOptions { revision: self.udf_revision, mirror: !self.no_udf_mirror };
        LayoutOptions {
            iso9660: rock_ridge || joliet || has(FileSystem::Iso9660),
            rock_ridge,
            joliet,
            udf: has(FileSystem::Udf).then_some(udf),
            stamp,
            reproducible,
            ..LayoutOptions::default()
        }
    }
}
