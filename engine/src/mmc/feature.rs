//! Features: what the drive can do, and what it can do with the medium in it. The reply of GET
//! CONFIGURATION.
//!
//! A descriptor keeps its payload as bytes; [`Configuration::get`] gives it a type. Byte numbers of
//! payload layouts count from the payload's start: the standard's number less four.

use crate::mmc::profile::Profile;
use crate::mmc::wire::{WireError, body, code, get_bytes, layout, need};

code! {
    /// Feature number (MMC-6, 5.3).
    pub enum FeatureCode {
        /// Profiles the drive knows.
        ProfileList = 0x0000,
        /// Every drive.
        Core = 0x0001,
        /// Tells of its changes.
        Morphing = 0x0002,
        /// Tray, lock, eject.
        RemovableMedium = 0x0003,
        /// Write protection.
        WriteProtect = 0x0004,
        /// Any block can be read.
        RandomReadable = 0x0010,
        /// Reads all kinds of CD.
        MultiRead = 0x001d,
        /// Reads CD sectors in all their parts.
        CdRead = 0x001e,
        /// Reads DVD.
        DvdRead = 0x001f,
        /// Any block can be written.
        RandomWritable = 0x0020,
        /// Writes sequentially, in portions.
        IncrementalStreamingWritable = 0x0021,
        /// Erases sectors (MO).
        SectorErasable = 0x0022,
        /// Formats.
        Formattable = 0x0023,
        /// The drive replaces bad blocks.
        HardwareDefectManagement = 0x0024,
        /// Any block can be written once.
        WriteOnce = 0x0025,
        /// Overwrites in whole packets.
        RestrictedOverwrite = 0x0026,
        /// Writes CD-RW at constant angular velocity.
        CdRwCavWrite = 0x0027,
        /// Mount Rainier.
        Mrw = 0x0028,
        /// Reports defects in detail.
        EnhancedDefectReporting = 0x0029,
        /// DVD+RW.
        DvdPlusRw = 0x002a,
        /// DVD+R.
        DvdPlusR = 0x002b,
        /// Overwrites DVD-RW.
        RigidRestrictedOverwrite = 0x002c,
        /// CD track-at-once.
        CdTrackAtOnce = 0x002d,
        /// CD session-at-once and raw.
        CdMastering = 0x002e,
        /// DVD-R and DVD-RW writing.
        DvdRRwWrite = 0x002f,
        /// Layer jump recording.
        LayerJump = 0x0033,
        /// Overwrites with layer jumps.
        LayerJumpRigidOverwrite = 0x0034,
        /// Long operations can be stopped.
        StopLongOperation = 0x0035,
        /// CD-RW sub-types that can be written.
        CdRwMediaWrite = 0x0037,
        /// BD-R pseudo-overwrite.
        BdRPow = 0x0038,
        /// DVD+RW dual layer.
        DvdPlusRwDl = 0x003a,
        /// DVD+R dual layer.
        DvdPlusRDl = 0x003b,
        /// BD reading.
        BdRead = 0x0040,
        /// BD writing.
        BdWrite = 0x0041,
        /// Timely safe recording.
        Tsr = 0x0042,
        /// Hybrid disc.
        HybridDisc = 0x0080,
        /// Power management.
        PowerManagement = 0x0100,
        /// Predicts its failure.
        Smart = 0x0101,
        /// Changer.
        EmbeddedChanger = 0x0102,
        /// Plays audio by itself.
        CdExternalAudioPlay = 0x0103,
        /// Takes new firmware.
        MicrocodeUpgrade = 0x0104,
        /// Time-outs can be set.
        Timeout = 0x0105,
        /// DVD content scrambling.
        DvdCss = 0x0106,
        /// Speeds in detail.
        RealTimeStreaming = 0x0107,
        /// The drive's serial number.
        DriveSerialNumber = 0x0108,
        /// The medium's serial number.
        MediaSerialNumber = 0x0109,
        /// Disc control blocks.
        DiscControlBlocks = 0x010a,
        /// DVD content protection.
        DvdCprm = 0x010b,
        /// When the firmware was made.
        FirmwareInformation = 0x010c,
        /// BD content protection.
        Aacs = 0x010d,
    }
}

/// A feature as the drive lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureDescriptor {
    /// Which one.
    pub code: FeatureCode,
    /// Version of its descriptor.
    pub version: u8,
    /// Always current.
    pub persistent: bool,
    /// Its commands work now.
    pub current: bool,
    /// The bytes behind its header; on the wire always a multiple of four.
    pub data: Vec<u8>,
}

layout! {
    struct DescriptorHeader[4] {
        code: FeatureCode = (0 .. 2),
        version: u8 = (2 . 5-2),
        persistent: bool = (2 . 1),
        current: bool = (2 . 0),
        length: u8 = (3 .. 4),
    }
}

/// A feature's payload with a type.
pub trait Feature: Sized {
    /// Which feature.
    const CODE: FeatureCode;

    /// Parses the payload; what is not there reads as zero.
    fn from_data(data: &[u8]) -> Self;

    /// The payload, a multiple of four bytes.
    fn to_data(&self) -> Vec<u8>;

    /// A descriptor with this payload.
    fn descriptor(&self, version: u8, persistent: bool, current: bool) -> FeatureDescriptor {
        FeatureDescriptor { code: Self::CODE, version, persistent, current, data: self.to_data() }
    }
}

/// The reply of GET CONFIGURATION.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// What the drive treats the medium as.
    pub current: Profile,
    /// Features in rising order.
    pub features: Vec<FeatureDescriptor>,
}

impl Configuration {
    /// More than there are; bounds what a reply can make the parser allocate.
    const MAX: usize = 1024;

    /// Parses a reply, however far it goes; a descriptor that is cut short is left out. The total
    /// length by the header: [`crate::mmc::wire::announced4`].
    pub fn parse(bytes: &[u8]) -> Result<Configuration, WireError> {
        need(bytes, "configuration", 8)?;
        let mut rest = body(bytes, 8, get_bytes(bytes, 0, 4) + 4);
        let mut features = Vec::new();
        while let (Some(header), true) = (rest.get(..4), features.len() < Configuration::MAX) {
            let header = DescriptorHeader::parse_cut(header);
            let Some(data) = rest.get(4..4 + usize::from(header.length)) else { break };
            rest = &rest[4 + data.len()..];
            features.push(FeatureDescriptor {
                code: header.code,
                version: header.version,
                persistent: header.persistent,
                current: header.current,
                data: data.to_vec(),
            });
        }
        Ok(Configuration { current: Profile::of(get_bytes(bytes, 6, 8) as u16), features })
    }

    /// The whole reply.
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        bytes[6..8].copy_from_slice(&self.current.number().to_be_bytes());
        for feature in &self.features {
            bytes.extend(feature.emit());
        }
        let len = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&len.to_be_bytes());
        bytes
    }

    /// The descriptor of a feature, current or not.
    pub fn feature(&self, code: FeatureCode) -> Option<&FeatureDescriptor> {
        self.features.iter().find(|feature| feature.code == code)
    }

    /// Whether the feature's commands work now.
    pub fn is_current(&self, code: FeatureCode) -> bool {
        self.feature(code).is_some_and(|feature| feature.current)
    }

    /// A feature with its type, current or not.
    pub fn get<F: Feature>(&self) -> Option<F> {
        self.feature(F::CODE).map(|feature| F::from_data(&feature.data))
    }

    /// The same, if it is current.
    pub fn get_current<F: Feature>(&self) -> Option<F> {
        self.feature(F::CODE)
            .filter(|feature| feature.current)
            .map(|feature| F::from_data(&feature.data))
    }
}

impl FeatureDescriptor {
    /// The descriptor on the wire, its payload padded to a multiple of four and at most 252 bytes.
    pub fn emit(&self) -> Vec<u8> {
        let data = &self.data[..self.data.len().min(252)];
        let padded = data.len().next_multiple_of(4);
        let header = DescriptorHeader {
            code: self.code,
            version: self.version,
            persistent: self.persistent,
            current: self.current,
            length: padded as u8,
        };
        let mut bytes = header.emit().to_vec();
        bytes.extend(data);
        bytes.resize(4 + padded, 0);
        bytes
    }
}

/// Defines the payload of a feature with a fixed layout.
macro_rules! feature {
    ($(#[$meta:meta])* pub struct $name:ident[$len:expr] = $code:ident {
        $($(#[$fmeta:meta])* $field:ident: $type:ty = $place:tt,)*
    }) => {
        layout! {
            $(#[$meta])*
            pub struct $name[$len] {
                $($(#[$fmeta])* $field: $type = $place,)*
            }
        }

        impl Feature for $name {
            const CODE: FeatureCode = FeatureCode::$code;

            fn from_data(data: &[u8]) -> Self {
                Self::parse_cut(data)
            }

            fn to_data(&self) -> Vec<u8> {
                self.emit().to_vec()
            }
        }
    };
}

mod payload;
pub use payload::*;
