//! Profiles: what kind of medium the drive treats the loaded one as.

use std::fmt;

use crate::mmc::wire::{Field, code};

code! {
    /// Profile number (MMC-6, 5.4).
    pub enum Profile {
        /// No medium, or none that the drive can use.
        None = 0x0000,
        /// Non-removable disk (obsolete).
        NonRemovableDisk = 0x0001,
        /// Removable disk.
        RemovableDisk = 0x0002,
        /// Magneto-optical, erasable.
        MoErasable = 0x0003,
        /// Optical, write once.
        OpticalWriteOnce = 0x0004,
        /// Advanced storage magneto-optical.
        AsMo = 0x0005,
        /// CD-ROM; some drives also say so of a closed CD-R.
        CdRom = 0x0008,
        /// CD-R.
        CdR = 0x0009,
        /// CD-RW.
        CdRw = 0x000a,
        /// DVD-ROM.
        DvdRom = 0x0010,
        /// DVD-R, sequential recording.
        DvdR = 0x0011,
        /// DVD-RAM.
        DvdRam = 0x0012,
        /// DVD-RW, restricted overwrite.
        DvdRwOverwrite = 0x0013,
        /// DVD-RW, sequential recording.
        DvdRwSequential = 0x0014,
        /// DVD-R dual layer, sequential recording.
        DvdRDl = 0x0015,
        /// DVD-R dual layer, layer jump recording.
        DvdRDlJump = 0x0016,
        /// DVD-RW dual layer.
        DvdRwDl = 0x0017,
        /// DVD download.
        DvdDownload = 0x0018,
        /// DVD+RW.
        DvdPlusRw = 0x001a,
        /// DVD+R.
        DvdPlusR = 0x001b,
        /// Double density CD-ROM.
        DdCdRom = 0x0020,
        /// Double density CD-R.
        DdCdR = 0x0021,
        /// Double density CD-RW.
        DdCdRw = 0x0022,
        /// DVD+RW dual layer.
        DvdPlusRwDl = 0x002a,
        /// DVD+R dual layer.
        DvdPlusRDl = 0x002b,
        /// BD-ROM.
        BdRom = 0x0040,
        /// BD-R, sequential recording.
        BdRSrm = 0x0041,
        /// BD-R, random recording.
        BdRRrm = 0x0042,
        /// BD-RE.
        BdRe = 0x0043,
        /// HD DVD-ROM.
        HdDvdRom = 0x0050,
        /// HD DVD-R.
        HdDvdR = 0x0051,
        /// HD DVD-RAM.
        HdDvdRam = 0x0052,
        /// HD DVD-RW.
        HdDvdRw = 0x0053,
        /// HD DVD-R dual layer.
        HdDvdRDl = 0x0058,
        /// HD DVD-RW dual layer.
        HdDvdRwDl = 0x005a,
        /// Does not conform to any profile.
        NonConforming = 0xffff,
    }
}

impl Profile {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        self.to_bits() as u16
    }

    /// The profile of a number; unknown ones survive as `Other`.
    pub fn of(number: u16) -> Profile {
        Profile::from_bits(u64::from(number))
    }

    /// The name that people use.
    pub fn name(self) -> &'static str {
        match self {
            Profile::None => "no medium",
            Profile::NonRemovableDisk => "non-removable disk",
            Profile::RemovableDisk => "removable disk",
            Profile::MoErasable => "MO",
            Profile::OpticalWriteOnce => "optical write once",
            Profile::AsMo => "AS-MO",
            Profile::CdRom => "CD-ROM",
            Profile::CdR => "CD-R",
            Profile::CdRw => "CD-RW",
            Profile::DvdRom => "DVD-ROM",
            Profile::DvdR => "DVD-R sequential",
            Profile::DvdRam => "DVD-RAM",
            Profile::DvdRwOverwrite => "DVD-RW restricted overwrite",
            Profile::DvdRwSequential => "DVD-RW sequential",
            Profile::DvdRDl => "DVD-R DL sequential",
            Profile::DvdRDlJump => "DVD-R DL layer jump",
            Profile::DvdRwDl => "DVD-RW DL",
            Profile::DvdDownload => "DVD-Download",
            Profile::DvdPlusRw => "DVD+RW",
            Profile::DvdPlusR => "DVD+R",
            Profile::DdCdRom => "DDCD-ROM",
            Profile::DdCdR => "DDCD-R",
            Profile::DdCdRw => "DDCD-RW",
            Profile::DvdPlusRwDl => "DVD+RW DL",
            Profile::DvdPlusRDl => "DVD+R DL",
            Profile::BdRom => "BD-ROM",
            Profile::BdRSrm => "BD-R sequential",
            Profile::BdRRrm => "BD-R random",
            Profile::BdRe => "BD-RE",
            Profile::HdDvdRom => "HD DVD-ROM",
            Profile::HdDvdR => "HD DVD-R",
            Profile::HdDvdRam => "HD DVD-RAM",
            Profile::HdDvdRw => "HD DVD-RW",
            Profile::HdDvdRDl => "HD DVD-R DL",
            Profile::HdDvdRwDl => "HD DVD-RW DL",
            Profile::NonConforming => "non-conforming medium",
            Profile::Other(_) => "unknown profile",
        }
    }
}

impl fmt::Display for Profile {
    /// The name; unknown profiles with their number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Profile::Other(number) => write!(f, "unknown profile {number:04X}h"),
            known => f.write_str(known.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_real_drive_has_names() {
        // The profiles that an HL-DT-ST BU40N lists, as captured.
        for number in [
            0x43, 0x42, 0x41, 0x40, 0x2b, 0x1b, 0x1a, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x10,
            0x0a, 0x09, 0x08, 0x02,
        ] {
            let profile = Profile::of(number);
            assert!(!matches!(profile, Profile::Other(_)), "{number:04x}");
            assert_eq!(profile.number(), number);
        }
        assert_eq!(Profile::of(0x7777).to_string(), "unknown profile 7777h");
    }
}
