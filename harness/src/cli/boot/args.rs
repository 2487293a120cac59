//! What `kiln image create` can be told about starting computers from the image.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a group would replace its own help")]

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use engine::image::boot::{Emulation, Platform};
use engine::image::hybrid::mbr::EFI_SYSTEM;

/// What computers shall start from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Starting computers")]
pub struct BootArgs {
    /// Start computers from this file of the image; several for several kinds of computer
    ///
    /// PATH is the file's path in the image. OPTIONs, after commas: `uefi`, `powerpc` or `mac` for
    /// other computers than PCs with a BIOS; `info-table` and `grub2` to tell the file where it
    /// lies, as ISOLINUX and GRUB 2 want it; `no-emulation`, `floppy` or `hard-disk` (a file of
    /// exactly a floppy's size is a floppy unless told otherwise); `load-sectors=N` of 512 bytes;
    /// `load-segment=HEX`; `not-bootable`; `partition` to make it a partition of a disk as well;
    /// `outside` if PATH is a file of this machine that shall have no name in the image.
    #[arg(long, value_name = "PATH[,OPTION...]")]
    pub boot: Vec<BootSpec>,

    /// Give the boot catalog this path in the image; without it, no name leads there
    #[arg(long, value_name = "PATH")]
    pub boot_catalog: Option<String>,

    /// The manufacturer that the boot catalog names, up to 24 bytes
    #[arg(long, value_name = "NAME")]
    pub boot_manufacturer: Option<String>,

    /// Make an EFI System Partition of this folder, and start computers with UEFI from it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub efi_folder: Option<PathBuf>,

    /// Boot code for the image copied to a disk: GRUB 2's boot_hybrid.img
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub grub2_mbr: Option<PathBuf>,

    /// Boot code for the image copied to a disk: ISOLINUX's isohdpfx.bin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with = "grub2_mbr")]
    pub isolinux_mbr: Option<PathBuf>,

    /// Boot code for the image copied to a disk, which is told nothing
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["grub2_mbr", "isolinux_mbr"])]
    pub mbr: Option<PathBuf>,

    /// How partitions are told on a disk; several make a hybrid (default with boot code or
    /// partitions: mbr)
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub partition_table: Vec<Table>,

    /// Append this file to the image as a partition: TYPE is `efi` or a number like 0x83
    #[arg(long, value_name = "TYPE:FILE")]
    pub append_partition: Vec<AppendSpec>,

    /// Repeat what this image has for computers to start from
    ///
    /// Boot images that the new image has under the same path are taken from there, all else from
    /// IMG: catalog entries, boot code, partition tables and partitions.
    #[arg(long, value_name = "IMG", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["boot", "boot_catalog", "boot_manufacturer", "efi_folder",
        "grub2_mbr", "isolinux_mbr", "mbr", "partition_table", "append_partition"])]
    pub boot_from: Option<PathBuf>,
}

/// Kinds of partition tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// Master boot record
    Mbr,
    /// GUID Partition Table
    Gpt,
    /// Apple Partition Map
    Apm,
}

/// A partition behind the volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendSpec {
    /// Its type in a master boot record.
    pub kind: u8,
    pub file: PathBuf,
}

impl FromStr for AppendSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<AppendSpec, String> {
        let (kind, file) = text.split_once(':').ok_or("it has no `:`")?;
        let number = match kind {
            "efi" => Some(EFI_SYSTEM),
            _ => kind.strip_prefix("0x").and_then(|digits| u8::from_str_radix(digits, 16).ok()),
        };
        let kind = number.ok_or_else(|| format!("{kind:?} is no type of partition"))?;
        Ok(AppendSpec { kind, file: PathBuf::from(file) })
    }
}

/// One boot image and what is to be made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootSpec {
    /// Its path in the image, or on this machine.
    pub path: String,
    /// Whether it is a file of this machine that gets no name in the image.
    pub outside: bool,
    pub platform: Platform,
    pub emulation: Option<Kind>,
    pub load_sectors: Option<u16>,
    pub load_segment: u16,
    pub info_table: bool,
    pub grub2: bool,
    pub bootable: bool,
    /// Whether it is a partition of a disk as well.
    pub partition: bool,
}

/// What a BIOS shall take an image for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Program,
    Floppy,
    HardDisk,
}

impl Kind {
    /// As the catalog says it of an image of so many bytes.
    pub fn emulation(self, bytes: u64) -> Emulation {
        match (self, Emulation::by_size(bytes)) {
            (Kind::Program, _) => Emulation::NONE,
            (Kind::HardDisk, _) => Emulation::HARD_DISK,
            // Of a wrong size: the layout says so.
            (Kind::Floppy, Emulation::NONE) => Emulation::FLOPPY_1440,
            (Kind::Floppy, floppy) => floppy,
        }
    }
}

impl FromStr for BootSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<BootSpec, String> {
        let mut parts = text.split(',');
        let path = parts.next().unwrap_or_default().to_owned();
        if path.is_empty() {
            return Err("a path comes first".to_owned());
        }
        let mut spec = BootSpec {
            path,
            outside: false,
            platform: Platform::BIOS,
            emulation: None,
            load_sectors: None,
            load_segment: 0,
            info_table: false,
            grub2: false,
            bootable: true,
            partition: false,
        };
        for option in parts {
            spec.set(option)?;
        }
        Ok(spec)
    }
}

impl BootSpec {
    fn set(&mut self, option: &str) -> Result<(), String> {
        match option.split_once('=').map_or((option, None), |(key, value)| (key, Some(value))) {
            ("bios", None) => self.platform = Platform::BIOS,
            ("uefi", None) => self.platform = Platform::UEFI,
            ("powerpc", None) => self.platform = Platform::POWER_PC,
            ("mac", None) => self.platform = Platform::MAC,
            ("no-emulation", None) => self.emulation = Some(Kind::Program),
            ("floppy", None) => self.emulation = Some(Kind::Floppy),
            ("hard-disk", None) => self.emulation = Some(Kind::HardDisk),
            ("info-table", None) => self.info_table = true,
            ("grub2", None) => self.grub2 = true,
            ("not-bootable", None) => self.bootable = false,
            ("partition", None) => self.partition = true,
            ("outside", None) => self.outside = true,
            ("load-sectors", Some(number)) => {
                let number = number.parse().map_err(|_| format!("{number:?} is no number"))?;
                self.load_sectors = Some(number);
            }
            ("load-segment", Some(number)) => {
                let digits = number.trim_start_matches("0x");
                self.load_segment = u16::from_str_radix(digits, 16)
                    .map_err(|_| format!("{number:?} is no number of up to four hex digits"))?;
            }
            _ => return Err(format!("there is no option {option:?}; see --help")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_image_with_options() {
        let spec: BootSpec = "isolinux/isolinux.bin,info-table,load-sectors=4,load-segment=0x1c0"
            .parse()
            .expect("all options are known");
        assert_eq!(spec.path, "isolinux/isolinux.bin");
        assert!(spec.info_table && spec.bootable && !spec.outside && !spec.grub2);
        assert_eq!((spec.load_sectors, spec.load_segment), (Some(4), 0x1C0));
        let spec: BootSpec = "efi.img,uefi,outside,not-bootable".parse().expect("known");
        assert_eq!(spec.platform, Platform::UEFI);
        assert!(spec.outside && !spec.bootable);
        for bad in ["", ",uefi", "x,no-such", "x,load-sectors", "x,load-sectors=65536", "x,uefi=1"]
        {
            assert!(bad.parse::<BootSpec>().is_err(), "{bad:?}");
        }
        let spec: AppendSpec = "efi:a:b.img".parse().expect("known");
        assert_eq!(spec, AppendSpec { kind: 0xEF, file: PathBuf::from("a:b.img") });
        assert_eq!("0x83:x".parse::<AppendSpec>().map(|spec| spec.kind), Ok(0x83));
        for bad in ["x.img", "83:x", "0x100:x", "ext4:x"] {
            assert!(bad.parse::<AppendSpec>().is_err(), "{bad:?}");
        }
    }
}
