//! Sense data: what a drive says when a command did not simply succeed.
//!
//! Fixed format is parsed and emitted, descriptor format parsed (SPC-3, 4.5). Names of the codes
//! are in [`codes`].

use std::fmt;

pub use crate::mmc::sense_codes::codes;
use crate::mmc::sense_codes::names;
use crate::mmc::wire::{WireError, code, layout, need};

code! {
    /// Sense key: the kind of trouble (SPC-3, 4.5.6).
    pub enum SenseKey {
        /// None; information all the same, such as progress.
        NoSense = 0x0,
        /// Done, with some recovery.
        RecoveredError = 0x1,
        /// Cannot be reached now.
        NotReady = 0x2,
        /// The medium is bad at that place.
        MediumError = 0x3,
        /// The drive is bad.
        HardwareError = 0x4,
        /// The command or its parameters cannot be right.
        IllegalRequest = 0x5,
        /// Something happened since the last command.
        UnitAttention = 0x6,
        /// Protected.
        DataProtect = 0x7,
        /// Nothing was ever written there.
        BlankCheck = 0x8,
        /// The maker's own.
        VendorSpecific = 0x9,
        /// The command was aborted.
        AbortedCommand = 0xb,
        /// Data compared and differ.
        Miscompare = 0xe,
    }
}

/// Key, additional sense code and qualifier: what is the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenseCode {
    /// Sense key.
    pub key: SenseKey,
    /// Additional sense code.
    pub asc: u8,
    /// Additional sense code qualifier.
    pub ascq: u8,
}

impl SenseCode {
    /// The code of these three.
    pub const fn new(key: SenseKey, asc: u8, ascq: u8) -> SenseCode {
        SenseCode { key, asc, ascq }
    }

    /// What the standards call it, for a person; the key's name where the code has none here.
    pub fn name(&self) -> &'static str {
        names(self.asc, self.ascq).unwrap_or(match self.key {
            SenseKey::NoSense => "no sense",
            SenseKey::RecoveredError => "recovered error",
            SenseKey::NotReady => "not ready",
            SenseKey::MediumError => "medium error",
            SenseKey::HardwareError => "hardware error",
            SenseKey::IllegalRequest => "illegal request",
            SenseKey::UnitAttention => "unit attention",
            SenseKey::DataProtect => "data protect",
            SenseKey::BlankCheck => "blank check",
            SenseKey::VendorSpecific => "vendor specific",
            SenseKey::AbortedCommand => "aborted command",
            SenseKey::Miscompare => "miscompare",
            SenseKey::Other(_) => "unknown sense key",
        })
    }
}

impl fmt::Display for SenseCode {
    /// `2/04/08`, hexadecimal, as burners print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = crate::mmc::wire::Field::to_bits(&self.key);
        write!(f, "{key:X}/{:02X}/{:02X}", self.asc, self.ascq)
    }
}

/// Sense-key specific bytes, where they are valid (SPC-3, 4.5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Specific {
    /// How far a long operation is, in 65536ths. With no sense and not ready.
    Progress(u16),
    /// Which field is wrong. With illegal request.
    Field(FieldPointer),
    /// Anything else: the 23 bits as they are.
    Raw(u32),
}

/// Points at the field that was not accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldPointer {
    /// In the CDB, else in the parameter list.
    pub in_cdb: bool,
    /// Most significant bit of the field, where it is part of a byte.
    pub bit: Option<u8>,
    /// Byte number.
    pub byte: u16,
}

/// Sense data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sense {
    /// What is the matter.
    pub code: SenseCode,
    /// About an earlier command, not the one that it came with.
    pub deferred: bool,
    /// Mostly the block that the trouble is at.
    pub information: Option<u32>,
    /// The length asked for does not fit the block.
    pub ili: bool,
    /// Progress or the wrong field.
    pub specific: Option<Specific>,
}

layout! {
    /// Fixed format sense data (SPC-3, 4.5.3).
    struct Fixed[18] {
        valid: bool = (0 . 7),
        response: u8 = (0 . 6-0),
        ili: bool = (2 . 5),
        key: SenseKey = (2 . 3-0),
        information: u32 = (3 .. 7),
        asc: u8 = (12 .. 13),
        ascq: u8 = (13 .. 14),
        sksv: bool = (15 . 7),
        specific_high: u32 = (15 . 6-0),
        specific_low: u32 = (16 .. 18),
    } fixed { (7 .. 8) = 10, }
}

impl Sense {
    /// Length of the fixed format as emitted, in bytes.
    pub const LEN: usize = Fixed::LEN;

    /// Sense with this code and nothing else.
    pub const fn new(code: SenseCode) -> Sense {
        Sense { code, deferred: false, information: None, ili: false, specific: None }
    }

    /// The same with progress, in 65536ths.
    pub const fn with_progress(mut self, progress: u16) -> Sense {
        self.specific = Some(Specific::Progress(progress));
        self
    }

    /// The same with a pointer at the field in error.
    pub const fn with_field(mut self, field: FieldPointer) -> Sense {
        self.specific = Some(Specific::Field(field));
        self
    }

    /// The same with an information field: mostly the block in question.
    pub const fn with_information(mut self, information: u32) -> Sense {
        self.information = Some(information);
        self
    }

    /// How far a long operation is, in 65536ths, where the drive says so.
    pub fn progress(&self) -> Option<u16> {
        match self.specific {
            Some(Specific::Progress(progress)) => Some(progress),
            _ => None,
        }
    }

    /// Parses either format. Drives cut it short: what is needed is the key; a code that is not
    /// there reads as zero.
    pub fn parse(bytes: &[u8]) -> Result<Sense, WireError> {
        need(bytes, "sense data", 3)?;
        match bytes[0] & 0x7f {
            0x70 | 0x71 => Ok(Sense::from_fixed(&Fixed::parse_cut(bytes))),
            0x72 | 0x73 => {
                need(bytes, "sense data, descriptor format", 4)?;
                Ok(Sense::from_descriptors(bytes))
            }
            _ => Err(WireError::Field {
                what: "sense data",
                at: 0,
                why: "neither fixed nor descriptor format",
            }),
        }
    }

    fn from_fixed(fixed: &Fixed) -> Sense {
        Sense {
            code: SenseCode::new(fixed.key, fixed.asc, fixed.ascq),
            deferred: fixed.response == 0x71,
            information: fixed.valid.then_some(fixed.information),
            ili: fixed.ili,
            specific: fixed
                .sksv
                .then_some(fixed.specific_high << 16 | fixed.specific_low)
                .map(|bits| Specific::of(fixed.key, bits)),
        }
    }

    fn from_descriptors(bytes: &[u8]) -> Sense {
        let key = crate::mmc::wire::Field::from_bits(u64::from(bytes[1] & 0x0f));
        let mut sense = Sense::new(SenseCode::new(key, bytes[2], bytes[3]));
        sense.deferred = bytes[0] & 0x7f == 0x73;
        let end = bytes.get(7).map_or(8, |&more| 8 + usize::from(more)).min(bytes.len());
        let mut rest = bytes.get(8..end).unwrap_or(&[]);
        // Each descriptor: type, additional length, body (SPC-3, 4.5.2).
        while let [kind, more, tail @ ..] = rest {
            let body = &tail[..usize::from(*more).min(tail.len())];
            match (kind, body) {
                (0, [valid, _, _, _, _, _, a, b, c, d, ..]) if valid & 0x80 != 0 => {
                    sense.information = Some(u32::from_be_bytes([*a, *b, *c, *d]));
                }
                (2, [_, _, high, mid, low, ..]) if high & 0x80 != 0 => {
                    let bits = u32::from_be_bytes([0, high & 0x7f, *mid, *low]);
                    sense.specific = Some(Specific::of(key, bits));
                }
                (5, [_, flags, ..]) => sense.ili = flags & 0x20 != 0,
                _ => {}
            }
            rest = &tail[body.len()..];
        }
        sense
    }

    /// The fixed format.
    pub fn emit(&self) -> [u8; Sense::LEN] {
        let specific = self.specific.map_or(0, |specific| specific.bits());
        Fixed {
            valid: self.information.is_some(),
            response: if self.deferred { 0x71 } else { 0x70 },
            ili: self.ili,
            key: self.code.key,
            information: self.information.unwrap_or(0),
            asc: self.code.asc,
            ascq: self.code.ascq,
            sksv: self.specific.is_some(),
            specific_high: specific >> 16,
            specific_low: specific & 0xffff,
        }
        .emit()
    }

    /// In words for a person: `not ready, long write in progress (2/04/08)`.
    pub fn say(&self) -> String {
        let mut words = format!("{} ({})", self.code.name(), self.code);
        if let Some(progress) = self.progress() {
            words += &format!(", {} % done", u32::from(progress) * 100 / 0x1_0000);
        }
        if let Some(block) = self.information {
            words += &format!(", at {}", block as i32);
        }
        if let Some(Specific::Field(field)) = self.specific {
            let place = if field.in_cdb { "CDB" } else { "parameter list" };
            words += &format!(", {place} byte {}", field.byte);
            if let Some(bit) = field.bit {
                words += &format!(" bit {bit}");
            }
        }
        if self.deferred {
            words += ", about an earlier command";
        }
        words
    }
}

impl From<SenseCode> for Sense {
    fn from(code: SenseCode) -> Sense {
        Sense::new(code)
    }
}

impl Specific {
    fn of(key: SenseKey, bits: u32) -> Specific {
        match key {
            SenseKey::NoSense | SenseKey::NotReady if bits >> 16 == 0 => {
                Specific::Progress(bits as u16)
            }
            SenseKey::IllegalRequest if bits >> 16 & 0x30 == 0 => {
                let top = (bits >> 16) as u8;
                let bit = top & 0x07;
                let has_bit = top & 0x08 != 0;
                // A bit number without its valid flag means nothing, but must not get lost.
                if !has_bit && bit != 0 {
                    return Specific::Raw(bits);
                }
                Specific::Field(FieldPointer {
                    in_cdb: top & 0x40 != 0,
                    bit: has_bit.then_some(bit),
                    byte: bits as u16,
                })
            }
            _ => Specific::Raw(bits),
        }
    }

    fn bits(self) -> u32 {
        match self {
            Specific::Progress(progress) => u32::from(progress),
            Specific::Field(field) => {
                let bit = field.bit.map_or(0, |bit| 0x08 | u32::from(bit & 0x07));
                (u32::from(field.in_cdb) << 6 | bit) << 16 | u32::from(field.byte)
            }
            Specific::Raw(bits) => bits & 0x7f_ffff,
        }
    }
}
