//! The master boot record: boot code and four partitions (UEFI 2.10, 5.2).

use super::SECTOR;

/// Bytes that boot code may have in front of the disk's number.
pub const CODE: usize = 440;
const TABLE: usize = 446;
const ENTRY: usize = 16;

/// A partition that hides a GPT from programs that do not know it (UEFI 2.10, 5.2.2).
pub const GPT_PROTECTIVE: u8 = 0xEE;
/// An EFI System Partition (UEFI 2.10, 5.2.2).
pub const EFI_SYSTEM: u8 = 0xEF;

/// Heads and sectors per track that cylinders are reckoned with: cylinders of 1 MiB.
const HEADS: u32 = 64;
const TRACK: u32 = 32;

/// What a master boot record says, its code aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mbr {
    /// Number of the disk.
    pub disk: u32,
    /// The partitions; those that are all zero are none.
    pub partitions: [Partition; 4],
}

/// A partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// Whether a BIOS shall start from it.
    pub active: bool,
    /// Its type.
    pub kind: u8,
    /// First sector.
    pub start: u32,
    /// How many.
    pub sectors: u32,
}

impl Mbr {
    /// Puts disk number, partitions and signature into a sector that holds code.
    pub(crate) fn emit(&self, sector: &mut [u8; SECTOR]) {
        sector[CODE..CODE + 4].copy_from_slice(&self.disk.to_le_bytes());
        sector[CODE + 4..TABLE].fill(0);
        let rooms = sector[TABLE..TABLE + 4 * ENTRY].chunks_exact_mut(ENTRY);
        for (room, partition) in rooms.zip(self.partitions) {
            room.copy_from_slice(&partition.emit());
        }
        sector[510..].copy_from_slice(&[0x55, 0xAA]);
    }

    /// The master boot record in this sector, if it is one with a partition.
    pub(crate) fn parse(sector: &[u8; SECTOR]) -> Option<Mbr> {
        let mut mbr = Mbr { disk: u32_at(sector, CODE), ..Mbr::default() };
        let entries = sector[TABLE..TABLE + 4 * ENTRY].chunks_exact(ENTRY);
        for (partition, entry) in mbr.partitions.iter_mut().zip(entries) {
            *partition = Partition {
                active: entry[0] == 0x80,
                kind: entry[4],
                start: u32_at(entry, 8),
                sectors: u32_at(entry, 12),
            };
            // Boot code of a file system has anything there.
            if !matches!(entry[0], 0 | 0x80) {
                return None;
            }
        }
        let any = mbr.partitions.iter().any(Partition::is_used);
        (sector[510..] == [0x55, 0xAA] && any).then_some(mbr)
    }
}

impl Partition {
    /// Whether there is a partition at all.
    pub fn is_used(&self) -> bool {
        self.sectors > 0
    }

    fn emit(&self) -> [u8; ENTRY] {
        let mut out = [0; ENTRY];
        if self.is_used() {
            out[0] = if self.active { 0x80 } else { 0 };
            out[1..4].copy_from_slice(&cylinder(self.start));
            out[4] = self.kind;
            out[5..8].copy_from_slice(&cylinder(self.start.saturating_add(self.sectors - 1)));
            out[8..12].copy_from_slice(&self.start.to_le_bytes());
            out[12..].copy_from_slice(&self.sectors.to_le_bytes());
        }
        out
    }
}

/// Head, sector and cylinder of a sector; the highest there are where it lies behind them.
fn cylinder(sector: u32) -> [u8; 3] {
    let (head, at) = (sector / TRACK % HEADS, sector % TRACK + 1);
    match sector / TRACK / HEADS {
        cylinder @ 0..1024 => [head as u8, (at | cylinder >> 2 & 0xC0) as u8, cylinder as u8],
        _ => [0xFE, 0xFF, 0xFF],
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes 440 to 511 of memtest86+x64.iso in Debian's package memtest86+ 6.10-4, by xorriso.
    #[test]
    fn a_table_as_xorriso_writes_it() {
        let mut golden = [0x90; SECTOR];
        golden[CODE..].fill(0);
        golden[446..478].copy_from_slice(&[
            0x80, 0x00, 0x01, 0x00, 0x00, 0x27, 0x08, 0x01, 0, 0, 0, 0, 0xe8, 0x0c, 0, 0, //
            0x00, 0x27, 0x09, 0x01, 0xef, 0x27, 0x08, 0x05, 0xe8, 0x0c, 0, 0, 0x00, 0x20, 0, 0,
        ]);
        golden[510..].copy_from_slice(&[0x55, 0xAA]);
        let mut mbr = Mbr::default();
        mbr.partitions[0] = Partition { active: true, kind: 0, start: 0, sectors: 3304 };
        mbr.partitions[1] =
            Partition { active: false, kind: EFI_SYSTEM, start: 3304, sectors: 8192 };
        let mut sector = [0x90; SECTOR];
        mbr.emit(&mut sector);
        assert_eq!(sector, golden);
        assert_eq!(Mbr::parse(&golden), Some(mbr));
    }

    #[test]
    fn what_is_no_table_is_none() {
        assert_eq!(Mbr::parse(&[0; SECTOR]), None);
        let mut sector = [0xF6; SECTOR];
        sector[510..].copy_from_slice(&[0x55, 0xAA]);
        assert_eq!(Mbr::parse(&sector), None);
    }

    #[test]
    fn cylinders_end_at_the_last_one_that_can_be_named() {
        assert_eq!(cylinder(0), [0, 1, 0]);
        assert_eq!(cylinder(1024 * 2048 - 1), [63, 32 | 0xC0, 0xFF]);
        assert_eq!(cylinder(1024 * 2048), [0xFE, 0xFF, 0xFF]);
    }
}
