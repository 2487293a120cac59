//! The GUID Partition Table: header and entries, once at the start and once at the end of the disk
//! (UEFI 2.10, 5.3).

use std::fmt;

use super::SECTOR;
use crate::crc::Crc32;

/// Entries that are written: the least a table may have room for (UEFI 2.10, 5.3.1).
pub const ENTRIES: usize = 128;
/// Bytes of an entry.
const ENTRY: usize = 128;
/// Sectors of the entries that are written.
pub(crate) const ENTRIES_SECTORS: u64 = (ENTRIES * ENTRY / SECTOR) as u64;
/// Bytes of the header.
const HEADER: usize = 92;
const SIGNATURE: &[u8; 8] = b"EFI PART";

/// A GUID as it lies on a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The type of an EFI System Partition (UEFI 2.10, table 5.7).
    pub const EFI_SYSTEM: Guid = Guid([
        0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9,
        0x3B,
    ]);
    /// The type of a partition that holds a file system of Windows, or one that it shall leave
    /// alone: xorriso's and isohybrid's choice.
    pub const BASIC_DATA: Guid = Guid([
        0xA2, 0xA0, 0xD0, 0xEB, 0xE5, 0xB9, 0x33, 0x44, 0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99,
        0xC7,
    ]);

    /// One that says of itself that it is random (RFC 4122, 4.4), made of such bytes.
    pub(crate) fn random(mut bytes: [u8; 16]) -> Guid {
        bytes[7] = bytes[7] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Guid(bytes)
    }
}

/// A table, wherever it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpt {
    /// The disk.
    pub disk: Guid,
    /// Sector of this header.
    pub at: u64,
    /// Sector of the other one.
    pub other: u64,
    /// First sector of the entries.
    pub entries_at: u64,
    /// First sector that a partition may have.
    pub first: u64,
    /// Last one.
    pub last: u64,
    /// The partitions, by their numbers from 1 on.
    pub entries: Vec<(u32, Entry)>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its type.
    pub kind: Guid,
    /// Its own.
    pub id: Guid,
    /// First sector.
    pub first: u64,
    /// Last sector.
    pub last: u64,
    /// Attributes.
    pub attributes: u64,
    /// Name, at most 36 units of UTF-16.
    pub name: String,
}

/// What a header says, before its entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    disk: Guid,
    pub at: u64,
    pub other: u64,
    pub entries_at: u64,
    first: u64,
    last: u64,
    pub count: u32,
    pub size: u32,
    entries_crc: u32,
}

fn crc(bytes: &[u8]) -> u32 {
    // CRC-32 of ISO 3309 (UEFI 2.10, 5.3.2), its polynomial 04C11DB7h reflected.
    Crc32::<0xedb8_8320>::new().with(bytes).finish()
}

impl Gpt {
    /// The sectors of the entries.
    pub(crate) fn emit_entries(&self) -> Vec<u8> {
        let mut out = vec![0; ENTRIES * ENTRY];
        for (number, entry) in &self.entries {
            let at = (*number as usize - 1) * ENTRY;
            out[at..at + ENTRY].copy_from_slice(&entry.emit());
        }
        out
    }

    /// The sector of the header.
    pub(crate) fn emit_header(&self) -> [u8; SECTOR] {
        let mut out = Vec::with_capacity(SECTOR);
        out.extend(SIGNATURE);
        out.extend(0x0001_0000u32.to_le_bytes());
        out.extend((HEADER as u32).to_le_bytes());
        out.extend([0; 8]);
        for sector in [self.at, self.other, self.first, self.last] {
            out.extend(sector.to_le_bytes());
        }
        out.extend(self.disk.0);
        out.extend(self.entries_at.to_le_bytes());
        out.extend((ENTRIES as u32).to_le_bytes());
        out.extend((ENTRY as u32).to_le_bytes());
        out.extend(crc(&self.emit_entries()).to_le_bytes());
        let sum = crc(&out);
        out[16..20].copy_from_slice(&sum.to_le_bytes());
        let mut sector = [0; SECTOR];
        sector[..HEADER].copy_from_slice(&out);
        sector
    }
}

impl Header {
    /// The header in this sector; `None` if there is none. `flaw` is told what is wrong with it,
    /// and at which of its bytes.
    pub(crate) fn parse(
        sector: &[u8; SECTOR],
        flaw: &mut dyn FnMut(usize, &str),
    ) -> Option<Header> {
        if sector[..8] != *SIGNATURE {
            return None;
        }
        let size = u32_at(sector, 12) as usize;
        let mut covered = sector.to_vec();
        covered[16..20].fill(0);
        match covered.get(..size).filter(|_| size >= HEADER) {
            Some(covered) if crc(covered) == u32_at(sector, 16) => {}
            Some(_) => flaw(16, "the checksum of the GPT header is wrong"),
            None => flaw(12, "the GPT header has an impossible size"),
        }
        let mut disk = [0; 16];
        disk.copy_from_slice(&sector[56..72]);
        Some(Header {
            disk: Guid(disk),
            at: u64_at(sector, 24),
            other: u64_at(sector, 32),
            entries_at: u64_at(sector, 72),
            first: u64_at(sector, 40),
            last: u64_at(sector, 48),
            count: u32_at(sector, 80),
            size: u32_at(sector, 84),
            entries_crc: u32_at(sector, 88),
        })
    }

    /// The table with the entries in these bytes. `flaw` is told what is wrong with them.
    pub(crate) fn with_entries(&self, bytes: &[u8], flaw: &mut dyn FnMut(&str)) -> Gpt {
        if crc(bytes) != self.entries_crc {
            flaw("the checksum of the GPT's partitions is wrong");
        }
        let size = (self.size as usize).max(ENTRY);
        let entries = (1..).zip(bytes.chunks_exact(size));
        let entries = entries.filter_map(|(n, entry)| Some((n, Entry::parse(entry)?))).collect();
        let Header { disk, at, other, entries_at, first, last, .. } = *self;
        Gpt { disk, at, other, entries_at, first, last, entries }
    }
}

impl Entry {
    fn emit(&self) -> [u8; ENTRY] {
        let mut out = [0; ENTRY];
        out[..16].copy_from_slice(&self.kind.0);
        out[16..32].copy_from_slice(&self.id.0);
        for (at, number) in [(32, self.first), (40, self.last), (48, self.attributes)] {
            out[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        let name = self.name.encode_utf16().flat_map(u16::to_le_bytes);
        out[56..].iter_mut().zip(name).for_each(|(room, byte)| *room = byte);
        out
    }

    /// `None` if the entry is not used.
    fn parse(bytes: &[u8]) -> Option<Entry> {
        let guid = |at: usize| {
            let mut guid = [0; 16];
            guid.copy_from_slice(&bytes[at..at + 16]);
            Guid(guid)
        };
        let units = bytes[56..ENTRY].chunks_exact(2).map(|u| u16::from_le_bytes([u[0], u[1]]));
        let name = char::decode_utf16(units.take_while(|u| *u != 0));
        let entry = Entry {
            kind: guid(0),
            id: guid(16),
            first: u64_at(bytes, 32),
            last: u64_at(bytes, 40),
            attributes: u64_at(bytes, 48),
            name: name.map(|c| c.unwrap_or('\u{FFFD}')).collect(),
        };
        (entry.kind != Guid::default()).then_some(entry)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = &self.0;
        let (a, c, d) = (u32_at(b, 0), u16::from_le_bytes([b[4], b[5]]), [b[6], b[7]]);
        write!(f, "{a:08X}-{c:04X}-{:04X}-{:02X}{:02X}-", u16::from_le_bytes(d), b[8], b[9])?;
        b[10..].iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header of an image by xorriso 1.5.4 with `-isohybrid-gpt-basdat -isohybrid-apm-hfsplus`.
    const GOLDEN: [u8; 96] = [
        0x45, 0x46, 0x49, 0x20, 0x50, 0x41, 0x52, 0x54, 0, 0, 1, 0, 0x5c, 0, 0, 0, //
        0x0e, 0xc8, 0x08, 0xf8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, //
        0xff, 0x17, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, //
        0xca, 0x17, 0, 0, 0, 0, 0, 0, 0x5b, 0x10, 0xd9, 0, 0x2a, 0xda, 0x7d, 0x4c, //
        0x94, 0x2d, 0x4b, 0xff, 0x56, 0xaa, 0x47, 0x2b, 0x0c, 0, 0, 0, 0, 0, 0, 0, //
        0xd0, 0, 0, 0, 0x80, 0, 0, 0, 0x03, 0xf7, 0x39, 0xdd, 0, 0, 0, 0,
    ];

    #[test]
    fn a_header_of_xorriso_is_understood() {
        let mut sector = [0; SECTOR];
        sector[..96].copy_from_slice(&GOLDEN);
        let mut flaws = Vec::new();
        let header = Header::parse(&sector, &mut |at, _| flaws.push(at)).expect("a header");
        assert_eq!(flaws, []);
        assert_eq!((header.at, header.other), (1, 0x17FF));
        assert_eq!((header.first, header.last), (0x40, 0x17CA));
        assert_eq!((header.entries_at, header.count, header.size), (12, 0xD0, 128));
        assert_eq!(header.disk.to_string(), "00D9105B-DA2A-4C7D-942D-4BFF56AA472B");
        sector[40] ^= 1;
        Header::parse(&sector, &mut |at, _| flaws.push(at));
        sector[12] = 91;
        Header::parse(&sector, &mut |at, _| flaws.push(at));
        assert_eq!(flaws, [16, 12]);
    }

    #[test]
    fn a_table_is_read_back() {
        let entry = |first, name: &str| Entry {
            kind: Guid::EFI_SYSTEM,
            id: Guid::random([7; 16]),
            first,
            last: first + 9,
            attributes: 1 << 60,
            name: name.to_owned(),
        };
        let gpt = Gpt {
            disk: Guid::random([0xFF; 16]),
            at: 1,
            other: 999,
            entries_at: 2,
            first: 64,
            last: 900,
            entries: vec![(1, entry(64, "EFI System")), (3, entry(100, &"ü".repeat(36)))],
        };
        let mut flaws = 0;
        let header = Header::parse(&gpt.emit_header(), &mut |_, _| flaws += 1).expect("a header");
        let mut entries = gpt.emit_entries();
        assert_eq!(header.with_entries(&entries, &mut |_| flaws += 1), gpt);
        assert_eq!(flaws, 0);
        entries[5] ^= 1;
        header.with_entries(&entries, &mut |_| flaws += 1);
        assert_eq!(flaws, 1);
        // As gdisk prints it.
        assert_eq!(Guid::EFI_SYSTEM.to_string(), "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
        assert_eq!(Guid::BASIC_DATA.to_string(), "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7");
    }
}
