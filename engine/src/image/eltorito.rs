//! El Torito: the boot record and the boot catalog that it leads to (El Torito 1.0, 2.0 to 2.5).
//!
//! Wire layout only, written once: what is emitted here is parsed here. May not know: where images
//! come from or where they lie; callers say.

use std::fmt;

use super::iso9660::volume::STANDARD_ID;
use crate::units::BLOCK;

/// Block of the boot record, counted from the start of the session (El Torito 1.0, 2.0).
pub(crate) const BOOT_RECORD_AT: u32 = 17;

/// Volume Descriptor Type of a boot record (ECMA-119, 8.2.1).
pub(crate) const TYPE_BOOT_RECORD: u8 = 0;

/// The Boot System Identifier, filled up with zeros (El Torito 1.0, figure 7).
const SYSTEM_ID: &[u8; 23] = b"EL TORITO SPECIFICATION";

/// Bytes of an entry of the catalog (El Torito 1.0, 2.0).
const ENTRY: usize = 32;

/// Bytes that a boot information table takes, and where in the boot image it begins.
pub(crate) const INFO_TABLE: std::ops::Range<usize> = 8..64;

/// Entries that a catalog of one block has room for: the first stands behind the validation entry,
/// each other one behind a section header of its own.
pub const ENTRIES_MAX: usize = BOOT_RECORDS_IN_BLOCK / 2;
const BOOT_RECORDS_IN_BLOCK: usize = BLOCK / ENTRY;

/// The kind of computer that an entry is for (El Torito 1.0, figure 2; EFI: UEFI 2.10, 13.3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform(pub u8);

impl Platform {
    /// PCs with a BIOS.
    pub const BIOS: Platform = Platform(0);
    /// PowerPC.
    pub const POWER_PC: Platform = Platform(1);
    /// Mac.
    pub const MAC: Platform = Platform(2);
    /// Computers with UEFI.
    pub const UEFI: Platform = Platform(0xEF);
}

/// What a BIOS shall make of a boot image (El Torito 1.0, figure 3, bits 0 to 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Emulation(pub u8);

impl Emulation {
    /// A program that is loaded and started.
    pub const NONE: Emulation = Emulation(0);
    /// A floppy disk of 1.2 MB.
    pub const FLOPPY_1200: Emulation = Emulation(1);
    /// A floppy disk of 1.44 MB.
    pub const FLOPPY_1440: Emulation = Emulation(2);
    /// A floppy disk of 2.88 MB.
    pub const FLOPPY_2880: Emulation = Emulation(3);
    /// A hard disk.
    pub const HARD_DISK: Emulation = Emulation(4);

    /// What an image of so many bytes is taken for if nobody says: a floppy disk if it has exactly
    /// the size of one.
    pub fn by_size(bytes: u64) -> Emulation {
        let floppies = [Emulation::FLOPPY_1200, Emulation::FLOPPY_1440, Emulation::FLOPPY_2880];
        floppies.into_iter().find(|f| f.floppy_size() == Some(bytes)).unwrap_or(Emulation::NONE)
    }

    /// Bytes of such a floppy disk; `None` for anything else.
    pub fn floppy_size(self) -> Option<u64> {
        match self {
            Emulation::FLOPPY_1200 => Some(80 * 2 * 15 * 512),
            Emulation::FLOPPY_1440 => Some(80 * 2 * 18 * 512),
            Emulation::FLOPPY_2880 => Some(80 * 2 * 36 * 512),
            _ => None,
        }
    }
}

/// A boot catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// Who made it: the ID string of the validation entry.
    pub manufacturer: [u8; 24],
    /// The platform of the validation entry, and so of the first entry.
    pub platform: Platform,
    /// The Initial/Default Entry.
    pub initial: Entry,
    /// Sections of further entries.
    pub sections: Vec<Section>,
}

/// A section of a boot catalog: entries for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Their platform.
    pub platform: Platform,
    /// ID string of the section.
    pub id: [u8; 28],
    /// Its entries.
    pub entries: Vec<Entry>,
}

/// An entry of a boot catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether it can be started.
    pub bootable: bool,
    /// What is made of the image.
    pub emulation: Emulation,
    /// Segment to load it to; 0 stands for 7C0h.
    pub load_segment: u16,
    /// Type of the first partition in the image of a hard disk.
    pub system_type: u8,
    /// Sectors of 512 bytes to load.
    pub sectors: u16,
    /// First block of the image, from the start of the disc.
    pub lba: u32,
    /// Selection criteria: their type and 19 bytes. The first entry has none.
    pub criteria: [u8; 20],
}

/// The boot record that leads to a catalog (El Torito 1.0, figure 7).
pub(crate) fn boot_record(catalog: u32) -> Vec<u8> {
    let mut out = vec![TYPE_BOOT_RECORD];
    out.extend(STANDARD_ID);
    out.push(1);
    out.extend(SYSTEM_ID);
    out.resize(0x47, 0);
    out.extend(catalog.to_le_bytes());
    out.resize(BLOCK, 0);
    out
}

/// Where the catalog lies, if this block is a boot record of El Torito.
pub(crate) fn parse_boot_record(block: &[u8; BLOCK]) -> Option<u32> {
    let ours = block[0] == TYPE_BOOT_RECORD
        && block[1..6] == *STANDARD_ID
        && block[7..].starts_with(SYSTEM_ID);
    ours.then(|| u32_at(block, 0x47))
}

impl Catalog {
    /// Whole blocks.
    pub(crate) fn emit(&self) -> Vec<u8> {
        let mut out = vec![1, self.platform.0, 0, 0];
        out.extend(self.manufacturer);
        out.extend([0, 0, 0x55, 0xAA]);
        let sum = words(&out).fold(0, u16::wrapping_add);
        out[28..30].copy_from_slice(&sum.wrapping_neg().to_le_bytes());
        self.initial.emit(&mut out);
        for (i, section) in self.sections.iter().enumerate() {
            let last = i + 1 == self.sections.len();
            out.extend([if last { 0x91 } else { 0x90 }, section.platform.0]);
            out.extend((section.entries.len() as u16).to_le_bytes());
            out.extend(section.id);
            section.entries.iter().for_each(|entry| entry.emit(&mut out));
        }
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    }

    /// Reads a catalog; `flaw` is told what is wrong with it and at which of its bytes. `None` if
    /// these bytes are no catalog at all.
    pub(crate) fn parse(bytes: &[u8], flaw: &mut dyn FnMut(usize, &str)) -> Option<Catalog> {
        let (validation, initial) = (bytes.get(..ENTRY)?, bytes.get(ENTRY..2 * ENTRY)?);
        if validation[0] != 1 || validation[30..] != [0x55, 0xAA] {
            return None;
        }
        if words(validation).fold(0, u16::wrapping_add) != 0 {
            flaw(28, "the checksum of the boot catalog is wrong");
        }
        let mut manufacturer = [0; 24];
        manufacturer.copy_from_slice(&validation[4..28]);
        let mut catalog = Catalog {
            manufacturer,
            platform: Platform(validation[1]),
            initial: Entry::parse(initial, ENTRY, flaw),
            sections: Vec::new(),
        };
        let mut at = 2 * ENTRY;
        while let Some(header) = bytes.get(at..at + ENTRY) {
            let last = match header[0] {
                0x90 => false,
                0x91 => true,
                0 => break,
                _ => {
                    flaw(at, "no section header follows in the boot catalog");
                    break;
                }
            };
            let count = u16::from_le_bytes([header[2], header[3]]);
            let mut section =
                Section { platform: Platform(header[1]), id: [0; 28], entries: Vec::new() };
            section.id.copy_from_slice(&header[4..]);
            at += ENTRY;
            for _ in 0..count {
                let Some(entry) = bytes.get(at..at + ENTRY) else {
                    flaw(at, "the boot catalog goes on past what was read of it");
                    break;
                };
                section.entries.push(Entry::parse(entry, at, flaw));
                at += ENTRY;
                at += ENTRY * extensions(&bytes[at..], entry[1] & 0x20 != 0);
            }
            catalog.sections.push(section);
            if last {
                break;
            }
        }
        Some(catalog)
    }

    /// Every entry with its platform, in the order of the catalog.
    pub fn entries(&self) -> impl Iterator<Item = (Platform, &Entry)> {
        let more = self.sections.iter().flat_map(|s| s.entries.iter().map(|e| (s.platform, e)));
        std::iter::once((self.platform, &self.initial)).chain(more)
    }
}

/// How many section entry extensions follow (El Torito 1.0, figure 6): each says whether another
/// one does.
fn extensions(bytes: &[u8], any: bool) -> usize {
    let (mut more, mut count) = (any, 0);
    for extension in bytes.chunks_exact(ENTRY) {
        if !more || extension[0] != 0x44 {
            break;
        }
        more = extension[1] & 0x20 != 0;
        count += 1;
    }
    count
}

impl Entry {
    fn emit(&self, out: &mut Vec<u8>) {
        out.extend([if self.bootable { 0x88 } else { 0 }, self.emulation.0]);
        out.extend(self.load_segment.to_le_bytes());
        out.extend([self.system_type, 0]);
        out.extend(self.sectors.to_le_bytes());
        out.extend(self.lba.to_le_bytes());
        out.extend(self.criteria);
    }

    fn parse(bytes: &[u8], at: usize, flaw: &mut dyn FnMut(usize, &str)) -> Entry {
        if !matches!(bytes[0], 0 | 0x88) {
            flaw(at, "an entry of the boot catalog says neither bootable nor not bootable");
        }
        let emulation = Emulation(bytes[1] & 0x0F);
        if emulation > Emulation::HARD_DISK {
            flaw(at + 1, "an entry of the boot catalog has an unknown emulation");
        }
        let mut criteria = [0; 20];
        criteria.copy_from_slice(&bytes[12..32]);
        Entry {
            bootable: bytes[0] == 0x88,
            emulation,
            load_segment: u16::from_le_bytes([bytes[2], bytes[3]]),
            system_type: bytes[4],
            sectors: u16::from_le_bytes([bytes[6], bytes[7]]),
            lba: u32_at(bytes, 8),
            criteria,
        }
    }
}

/// What a boot image is told of itself at [`INFO_TABLE`]: it can find the rest of itself so.
/// mkisofs's manual describes it under `-boot-info-table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InfoTable {
    /// Block of the primary volume descriptor.
    pub descriptor: u32,
    /// First block of the boot image.
    pub lba: u32,
    /// Its bytes.
    pub bytes: u32,
    /// Sum of its little-endian words of 32 bits from byte 64 on.
    pub sum: u32,
}

impl InfoTable {
    /// The bytes for [`INFO_TABLE`].
    pub(crate) fn emit(&self) -> [u8; 56] {
        let mut out = [0; 56];
        let words = [self.descriptor, self.lba, self.bytes, self.sum];
        for (room, word) in out.chunks_exact_mut(4).zip(words) {
            room.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// The table in the first bytes of a boot image, whatever they are.
    pub(crate) fn parse(image: &[u8]) -> Option<InfoTable> {
        let table = image.get(INFO_TABLE)?;
        let [descriptor, lba, bytes, sum] = [0, 4, 8, 12].map(|at| u32_at(table, at));
        Some(InfoTable { descriptor, lba, bytes, sum })
    }
}

/// Where GRUB 2's boot images want to know where they lie, as 64 bits that count blocks of 512
/// bytes: that of the image for a disc, [`GRUB2_AHEAD`] further.
pub(crate) const GRUB2_AT: std::ops::Range<usize> = 2548..2556;
/// GRUB's own start, of 4 such blocks, is loaded already; it wants the one behind the next.
pub(crate) const GRUB2_AHEAD: u64 = 5;

/// What GRUB 2's boot image that begins at a block has at [`GRUB2_AT`].
pub(crate) fn grub2_address(lba: u32) -> [u8; 8] {
    (u64::from(lba) * 4 + GRUB2_AHEAD).to_le_bytes()
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(|w| u16::from_le_bytes([w[0], w[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Platform::BIOS => f.write_str("BIOS"),
            Platform::POWER_PC => f.write_str("PowerPC"),
            Platform::MAC => f.write_str("Mac"),
            Platform::UEFI => f.write_str("UEFI"),
            Platform(other) => write!(f, "platform {other:02X}h"),
        }
    }
}

impl fmt::Display for Emulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Emulation::NONE => f.write_str("no emulation"),
            Emulation::FLOPPY_1200 => f.write_str("1.2 MB floppy"),
            Emulation::FLOPPY_1440 => f.write_str("1.44 MB floppy"),
            Emulation::FLOPPY_2880 => f.write_str("2.88 MB floppy"),
            Emulation::HARD_DISK => f.write_str("hard disk"),
            Emulation(other) => write!(f, "emulation {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.bytes().filter_map(|b| char::from(b).to_digit(16)).map(|d| d as u8).collect();
        digits.chunks_exact(2).map(|d| d[0] << 4 | d[1]).collect()
    }

    fn parse(bytes: &[u8]) -> (Option<Catalog>, Vec<(usize, String)>) {
        let mut flaws = Vec::new();
        let catalog = Catalog::parse(bytes, &mut |at, what| flaws.push((at, what.to_owned())));
        (catalog, flaws)
    }

    const NO_EMULATION: Entry = Entry {
        bootable: true,
        emulation: Emulation::NONE,
        load_segment: 0,
        system_type: 0,
        sectors: 4,
        lba: 0,
        criteria: [0; 20],
    };

    /// The catalog of memtest86+x64.iso in Debian's package memtest86+ 6.10-4, by xorriso 1.5.4: a
    /// floppy for the BIOS and a partition for UEFI.
    #[test]
    fn a_catalog_as_xorriso_writes_it() {
        let mut golden = hex("
            01000000000000000000000000000000000000000000000000000000aa5555aa
            8802000000000100230000000000000000000000000000000000000000000000
            91ef010000000000000000000000000000000000000000000000000000000000
            88000000000000203a0300000000000000000000000000000000000000000000");
        golden.resize(BLOCK, 0);
        let catalog = Catalog {
            manufacturer: [0; 24],
            platform: Platform::BIOS,
            initial: Entry {
                emulation: Emulation::FLOPPY_1440,
                sectors: 1,
                lba: 35,
                ..NO_EMULATION
            },
            sections: vec![Section {
                platform: Platform::UEFI,
                id: [0; 28],
                entries: vec![Entry { sectors: 8192, lba: 826, ..NO_EMULATION }],
            }],
        };
        assert_eq!(catalog.emit(), golden);
        assert_eq!(parse(&golden), (Some(catalog), Vec::new()));
    }

    /// By genisoimage 1.1.11 with `-b b.img -no-emul-boot -boot-load-size 4 -boot-info-table`.
    #[test]
    fn boot_record_and_table_as_genisoimage_writes_them() {
        let mut golden = hex("00434430303101454c20544f5249544f2053504543494649434154494f4e");
        golden.resize(0x47, 0);
        golden.extend(hex("19000000"));
        golden.resize(BLOCK, 0);
        assert_eq!(boot_record(25), golden);
        assert_eq!(parse_boot_record(golden[..].try_into().expect("a block")), Some(25));
        golden[7] = b'e';
        assert_eq!(parse_boot_record(golden[..].try_into().expect("a block")), None);

        let image = hex("d7b88dbde8103723 10000000 1a000000 b80b0000 60aba84b
            00000000000000000000000000000000000000000000000000000000000000000000000000000000");
        let table = InfoTable { descriptor: 16, lba: 26, bytes: 3000, sum: 0x4ba8_ab60 };
        assert_eq!(table.emit(), image[INFO_TABLE]);
        assert_eq!(InfoTable::parse(&image), Some(table));
        assert_eq!(InfoTable::parse(&image[..63]), None);
    }

    #[test]
    fn a_full_catalog_fills_its_block_and_is_read_back() {
        let section = |n: u32| Section {
            platform: Platform(n as u8),
            id: [n as u8; 28],
            entries: vec![Entry { lba: n, load_segment: 0x1000, ..NO_EMULATION }],
        };
        let catalog = Catalog {
            manufacturer: *b"a maker of discs, 24 lon",
            platform: Platform::MAC,
            initial: NO_EMULATION,
            sections: (1..ENTRIES_MAX as u32).map(section).collect(),
        };
        let bytes = catalog.emit();
        assert_eq!(bytes.len(), BLOCK);
        assert_ne!(bytes[BLOCK - ENTRY..], [0; ENTRY]);
        assert_eq!(catalog.entries().count(), 32);
        assert_eq!(parse(&bytes), (Some(catalog), Vec::new()));
    }

    #[test]
    fn what_is_wrong_with_a_catalog_is_said_with_its_place() {
        let mut bytes = Catalog {
            manufacturer: [0; 24],
            platform: Platform::BIOS,
            initial: NO_EMULATION,
            sections: vec![Section {
                platform: Platform::UEFI,
                id: [0; 28],
                entries: vec![NO_EMULATION; 2],
            }],
        }
        .emit();
        bytes[4] = 1;
        bytes[32] = 7;
        bytes[33] = 9;
        bytes[66] = 200;
        // An extension behind the first entry of the section is passed over.
        bytes[97] = 0x20;
        bytes[128] = 0x44;
        bytes.truncate(256);
        let (catalog, flaws) = parse(&bytes);
        assert_eq!(flaws.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [28, 32, 33, 256]);
        assert_eq!(catalog.map(|c| c.sections[0].entries.len()), Some(4));
        assert_eq!(parse(&[0; 64]).0, None);
        assert_eq!(parse(&bytes[..63]).0, None);
    }

    #[test]
    fn floppies_are_known_by_their_exact_size() {
        for (bytes, emulation) in [
            (1_228_800, Emulation::FLOPPY_1200),
            (1_474_560, Emulation::FLOPPY_1440),
            (2_949_120, Emulation::FLOPPY_2880),
            (1_474_559, Emulation::NONE),
            (1_474_561, Emulation::NONE),
        ] {
            assert_eq!(Emulation::by_size(bytes), emulation, "{bytes}");
        }
    }
}
