//! The replies of READ TOC/PMA/ATIP.

use crate::mmc::disc::msf_field;
use crate::mmc::wire::{WireError, body, get_bytes, layout, list, need};
use crate::units::{Lba, Msf};

/// The track number of the lead-out.
pub const LEAD_OUT: u8 = 0xaa;

layout! {
    /// A track in the TOC, format 0 (MMC-5, 6.26.3.2).
    pub struct TocEntry[8] {
        /// What kind of Q the entry comes from; 1: position.
        adr: u8 = (1 . 7-4),
        /// Q control nibble: 4 data, 0 audio.
        control: u8 = (1 . 3-0),
        /// Track number; AAh: lead-out.
        track: u8 = (2 .. 3),
        /// Where it starts: an LBA, or 0, minute, second, frame when asked so.
        address: u32 = (4 .. 8),
    }
}

layout! {
    /// Sessions, format 1 (MMC-5, 6.26.3.3).
    pub struct SessionInfo[12] {
        /// First complete session.
        first: u8 = (2 .. 3),
        /// Last complete session.
        last: u8 = (3 .. 4),
        /// What kind of Q the entry comes from.
        adr: u8 = (5 . 7-4),
        /// Q control nibble.
        control: u8 = (5 . 3-0),
        /// First track in the last complete session.
        track: u8 = (6 .. 7),
        /// Where that track starts, as in [`TocEntry`].
        address: u32 = (8 .. 12),
    } fixed { (0 .. 2) = 10, }
}

layout! {
    /// An entry of lead-in or program memory area, formats 2 and 3 (MMC-5, 6.26.3.4, 6.26.3.5).
    pub struct QEntry[11] {
        /// Session (0 in the program memory area).
        session: u8 = (0 .. 1),
        /// What kind of Q it is.
        adr: u8 = (1 . 7-4),
        /// Q control nibble.
        control: u8 = (1 . 3-0),
        /// Track number; 0 in lead-in.
        tno: u8 = (2 .. 3),
        /// What the entry is about: a track, or A0h, A1h, A2h, B0h, C0h.
        point: u8 = (3 .. 4),
        /// Minute, second, frame of the entry itself.
        msf: [u8; 3] = (bytes 4 .. 7),
        /// Zero.
        zero: u8 = (7 .. 8),
        /// Minute, second, frame that the point is about.
        point_msf: [u8; 3] = (bytes 8 .. 11),
    }
}

layout! {
    /// What the pre-groove of a CD-R or CD-RW says, format 4 (MMC-5, 6.26.3.6).
    pub struct Atip[28] {
        /// Indicative target writing power.
        power: u8 = (4 . 6-4),
        /// Reference speed.
        reference_speed: u8 = (4 . 2-0),
        /// Unrestricted use.
        unrestricted: bool = (5 . 6),
        /// CD-RW, else CD-R.
        rewritable: bool = (6 . 6),
        /// Disc sub-type; of CD-RW: 0 standard, 1 high, 2 ultra speed.
        sub_type: u8 = (6 . 5-3),
        /// `a1` is valid.
        a1_valid: bool = (6 . 2),
        /// `a2` is valid.
        a2_valid: bool = (6 . 1),
        /// `a3` is valid.
        a3_valid: bool = (6 . 0),
        /// Start of lead-in: minute, second, frame.
        lead_in: [u8; 3] = (bytes 8 .. 11),
        /// Last possible start of lead-out: minute, second, frame.
        last_lead_out: [u8; 3] = (bytes 12 .. 15),
        /// Additional information 1.
        a1: [u8; 3] = (bytes 16 .. 19),
        /// Additional information 2.
        a2: [u8; 3] = (bytes 20 .. 23),
        /// Additional information 3.
        a3: [u8; 3] = (bytes 24 .. 27),
    } fixed { (0 .. 2) = 26, (4 . 7) = 1, (6 . 7) = 1, }
}

layout! {
    /// A pack of CD-TEXT, format 5 (MMC-5, Annex J).
    pub struct CdTextPack[18] {
        /// What the text is: 80h title, 81h performer, and so on.
        kind: u8 = (0 .. 1),
        /// Track that the text begins with.
        track: u8 = (1 .. 2),
        /// Sequence number in the block.
        sequence: u8 = (2 .. 3),
        /// Block and character position.
        position: u8 = (3 .. 4),
        /// The text.
        text: [u8; 12] = (bytes 4 .. 16),
        /// CRC, inverted.
        crc: u16 = (16 .. 18),
    }
}

/// The TOC, format 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toc {
    /// First track on the disc.
    pub first: u8,
    /// Last track on the disc.
    pub last: u8,
    /// Tracks in rising order, the lead-out last.
    pub entries: Vec<TocEntry>,
}

/// Entries of all lead-ins (format 2) or of the program memory area (format 3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FullToc {
    /// First complete session; 0 in the program memory area.
    pub first: u8,
    /// Last complete session; 0 in the program memory area.
    pub last: u8,
    /// The entries as they lie on the disc.
    pub entries: Vec<QEntry>,
}

impl TocEntry {
    /// The start as a block address, if it was asked so.
    pub fn lba(&self) -> Lba {
        Lba(self.address as i32)
    }

    /// The start as minute, second, frame, if it was asked so.
    pub fn msf(&self) -> Option<Msf> {
        msf_field(self.address)
    }

    /// Whether the track holds data.
    pub fn is_data(&self) -> bool {
        self.control & 0x04 != 0
    }
}

impl SessionInfo {
    /// The start as a block address, if it was asked so.
    pub fn lba(&self) -> Lba {
        Lba(self.address as i32)
    }
}

impl Toc {
    /// At most 99 tracks and a lead-out.
    const MAX: usize = 100;

    /// Parses a reply, however far it goes.
    pub fn parse(bytes: &[u8]) -> Result<Toc, WireError> {
        need(bytes, "TOC", 4)?;
        let body = body(bytes, 4, get_bytes(bytes, 0, 2) + 2);
        let entries = list(body, TocEntry::LEN, Toc::MAX, TocEntry::parse_cut);
        Ok(Toc { first: bytes[2], last: bytes[3], entries })
    }

    /// The whole reply.
    pub fn emit(&self) -> Vec<u8> {
        let entries = &self.entries[..self.entries.len().min(Toc::MAX)];
        emit_list(self.first, self.last, entries.iter().map(TocEntry::emit))
    }

    /// Where the lead-out starts.
    pub fn lead_out(&self) -> Option<&TocEntry> {
        self.entries.iter().find(|entry| entry.track == LEAD_OUT)
    }
}

impl FullToc {
    /// As many as the length field can count.
    const MAX: usize = 5957;

    /// Parses a reply, however far it goes.
    pub fn parse(bytes: &[u8]) -> Result<FullToc, WireError> {
        need(bytes, "full TOC", 4)?;
        let body = body(bytes, 4, get_bytes(bytes, 0, 2) + 2);
        let entries = list(body, QEntry::LEN, FullToc::MAX, QEntry::parse_cut);
        Ok(FullToc { first: bytes[2], last: bytes[3], entries })
    }

    /// The whole reply.
    pub fn emit(&self) -> Vec<u8> {
        let entries = &self.entries[..self.entries.len().min(FullToc::MAX)];
        emit_list(self.first, self.last, entries.iter().map(QEntry::emit))
    }
}

/// Parses the packs of a CD-TEXT reply, however far it goes.
pub fn parse_cd_text(bytes: &[u8]) -> Result<Vec<CdTextPack>, WireError> {
    need(bytes, "CD-TEXT", 4)?;
    let body = body(bytes, 4, get_bytes(bytes, 0, 2) + 2);
    // Eight blocks of 256 packs are all there can be.
    Ok(list(body, CdTextPack::LEN, 2048, CdTextPack::parse_cut))
}

/// The CD-TEXT reply of these packs, of which at most 2048 fit.
pub fn emit_cd_text(packs: &[CdTextPack]) -> Vec<u8> {
    emit_list(0, 0, packs[..packs.len().min(2048)].iter().map(CdTextPack::emit))
}

fn emit_list<const N: usize>(
    first: u8,
    last: u8,
    entries: impl Iterator<Item = [u8; N]>,
) -> Vec<u8> {
    let mut bytes = vec![0, 0, first, last];
    bytes.extend(entries.flatten());
    let len = (bytes.len() - 2) as u16;
    bytes[..2].copy_from_slice(&len.to_be_bytes());
    bytes
}
