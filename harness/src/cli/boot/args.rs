//! What `kiln image create` can be told about starting computers from the image.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a group would replace its own help")]

use std::str::FromStr;

use clap::Args;
use engine::image::boot::{Emulation, Platform};

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
    /// `load-segment=HEX`; `not-bootable`; `outside` if PATH is a file of this machine that shall
    /// have no name in the image.
    #[arg(long, value_name = "PATH[,OPTION...]")]
    pub boot: Vec<BootSpec>,

    /// Give the boot catalog this path in the image; without it, no name leads there
    #[arg(long, value_name = "PATH", requires = "boot")]
    pub boot_catalog: Option<String>,

    /// The manufacturer that the boot catalog names, up to 24 bytes
    #[arg(long, value_name = "NAME", requires = "boot", default_value = "")]
    pub boot_manufacturer: String,
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
    }
}
