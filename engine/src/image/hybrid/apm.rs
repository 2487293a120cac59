//! The Apple Partition Map (Inside Macintosh: Devices, "The Partition Map"): a driver descriptor
//! map in block 0, then one block for each partition, the map itself included.

use crate::units::BLOCK;

/// Partitions that are written at most, the map included: GPT entries lie behind them.
pub const ENTRIES_MAX: usize = 7;

/// Its bytes in block 0, without drivers, as far as it is not boot code.
const DRIVER_MAP: usize = 18;

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// First block.
    pub start: u32,
    /// How many.
    pub blocks: u32,
    /// Its name, at most 31 bytes.
    pub name: String,
    /// Its type, at most 31 bytes.
    pub kind: String,
}

/// A map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apm {
    /// Bytes of a block.
    pub block: u16,
    /// The partitions behind the map.
    pub partitions: Vec<Partition>,
}

/// Puts the driver descriptor map over the first bytes of boot code, such that what they do stays
/// the same: `ER`, 2048 as big-endian number (`inc bp`, `push dx`, `or [bx+si],al`), and a jump to
/// where the code's own jump leads. `false` where the code does not begin with a jump over all
/// that, or with the void instructions that ISOLINUX's has there.
pub(crate) fn share(code: &mut [u8]) -> bool {
    let Some(first) = code.get(..32) else { return false };
    let void = first.starts_with(&[0x33, 0xED]) && first[2..].iter().all(|b| *b == 0x90);
    let jump = match first {
        [0, rest @ ..] if rest.iter().all(|b| *b == 0) => [0, 0],
        // From byte 6 on to byte 32, where the code begins once more.
        _ if void => [0xEB, 32 - 6],
        [0xEB, way @ 0x10..0x80, ..] => [0xEB, way + 2 - 6],
        _ => return false,
    };
    code[..DRIVER_MAP].fill(0);
    code[..6].copy_from_slice(&[b'E', b'R', 8, 0, jump[0], jump[1]]);
    true
}

/// Takes the driver descriptor map out of boot code again, of those kinds that it can be put into.
pub(crate) fn unshare(code: &mut [u8]) {
    if code.len() < 34 {
        return;
    }
    let (jump, way) = (code[4], code[5]);
    if code[32..34] == [0x33, 0xED] {
        code[..32].fill(0x90);
        code[..2].copy_from_slice(&[0x33, 0xED]);
    } else if jump == 0xEB && (0x10 - 4..0x80 - 4).contains(&way) {
        code[..DRIVER_MAP].fill(0x90);
        code[..2].copy_from_slice(&[0xEB, way + 4]);
    } else {
        code[..DRIVER_MAP].fill(0);
    }
}

impl Apm {
    /// The blocks of 2048 bytes from block 1 on.
    pub(crate) fn emit(&self) -> Vec<u8> {
        let count = self.partitions.len() as u32 + 1;
        let map = Partition {
            start: 1,
            blocks: count,
            name: "Apple".to_owned(),
            kind: "Apple_partition_map".to_owned(),
        };
        let mut out = Vec::new();
        for partition in std::iter::once(&map).chain(&self.partitions) {
            let at = out.len();
            out.extend(b"PM\0\0");
            for number in [count, partition.start, partition.blocks] {
                out.extend(number.to_be_bytes());
            }
            for text in [&partition.name, &partition.kind] {
                let end = out.len() + 32;
                out.extend(&text.as_bytes()[..text.len().min(31)]);
                out.resize(end, 0);
            }
            // All of it is data; valid and allocated.
            for number in [0, partition.blocks, 3] {
                out.extend(u32::to_be_bytes(number));
            }
            out.resize(at + BLOCK, 0);
        }
        out
    }

    /// Bytes of a block, if these first bytes of a disk are a driver descriptor map.
    pub(crate) fn block_size(first: &[u8]) -> Option<u16> {
        let size = u16::from_be_bytes([*first.get(2)?, *first.get(3)?]);
        (first.starts_with(b"ER") && matches!(size, 512 | 1024 | 2048)).then_some(size)
    }

    /// The partition in this block and how many the map has.
    pub(crate) fn parse_entry(bytes: &[u8]) -> Option<(u32, Partition)> {
        let number = |at: usize| {
            Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().expect("four bytes")))
        };
        let text = |at: usize| {
            let text = bytes.get(at..at + 32)?;
            let end = text.iter().position(|b| *b == 0).unwrap_or(32);
            Some(String::from_utf8_lossy(&text[..end]).into_owned())
        };
        if !bytes.starts_with(b"PM") {
            return None;
        }
        let (start, blocks) = (number(8)?, number(12)?);
        Some((number(4)?, Partition { start, blocks, name: text(16)?, kind: text(48)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of an image by xorriso 1.5.4 with `-isohybrid-apm-hfsplus`.
    #[test]
    fn a_map_as_xorriso_writes_it() {
        let mut golden = b"PM\0\0\0\0\0\x02\0\0\0\x01\0\0\0\x02Apple".to_vec();
        golden.resize(48, 0);
        golden.extend(b"Apple_partition_map");
        golden.resize(80, 0);
        golden.extend([0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3]);
        golden.resize(BLOCK, 0);
        let data = Partition {
            start: 36,
            blocks: 512,
            name: "EFI".to_owned(),
            kind: "Apple_HFS".to_owned(),
        };
        let apm = Apm { block: 2048, partitions: vec![data.clone()] };
        let bytes = apm.emit();
        assert_eq!(bytes.len(), 2 * BLOCK);
        assert_eq!(bytes[..BLOCK], golden);
        assert_eq!(Apm::parse_entry(&bytes[BLOCK..]), Some((2, data)));
        assert_eq!(Apm::parse_entry(&bytes[1..]), None);
    }

    #[test]
    fn boot_code_goes_on_where_it_would() {
        // GRUB's begins with a jump to byte 101, ISOLINUX's with nothing that matters.
        let mut grub = [0x90; 440];
        grub[..2].copy_from_slice(&[0xEB, 0x63]);
        assert!(share(&mut grub));
        assert_eq!(grub[..6], [b'E', b'R', 8, 0, 0xEB, 0x5F]);
        assert_eq!(6 + 0x5F, 2 + 0x63);
        assert_eq!(Apm::block_size(&grub), Some(2048));
        unshare(&mut grub);
        assert_eq!(grub[..4], [0xEB, 0x63, 0x90, 0x90]);
        let mut isolinux = [0x90; 440];
        isolinux[..2].copy_from_slice(&[0x33, 0xED]);
        assert!(share(&mut isolinux));
        assert_eq!(isolinux[4..6], [0xEB, 0x1A]);
        isolinux[32..34].copy_from_slice(&[0x33, 0xED]);
        unshare(&mut isolinux);
        assert_eq!(isolinux[..4], [0x33, 0xED, 0x90, 0x90]);
        let mut other = [0xFA; 440];
        assert!(!share(&mut other));
        assert_eq!(other, [0xFA; 440]);
        assert!(share(&mut [0; 440]));
        assert!(!share(&mut [0xEB, 0x0F].repeat(200)));
        assert!(!share(&mut [0xEB]));
    }
}
