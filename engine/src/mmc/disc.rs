//! What a disc holds: the replies of READ DISC INFORMATION and READ TRACK INFORMATION.

use crate::mmc::wire::{body, code, get_bytes, layout, list};
use crate::units::{Blocks, Lba, Msf};

code! {
    /// State of the disc (MMC-5, 6.22.3.1.2).
    pub enum DiscStatus {
        /// Nothing recorded.
        Blank = 0,
        /// More can be appended.
        Appendable = 1,
        /// Closed: nothing can be appended.
        Complete = 2,
        /// Randomly writable ("other" in the standard).
        Random = 3,
    }
}

code! {
    /// State of the last session (MMC-5, 6.22.3.1.3).
    pub enum SessionState {
        /// Nothing recorded in it.
        Empty = 0,
        /// Open, with something recorded.
        Incomplete = 1,
        /// Damaged, or reserved.
        Damaged = 2,
        /// Closed.
        Complete = 3,
    }
}

code! {
    /// How far a background format is (MMC-5, 6.22.3.1.13).
    pub enum BackgroundFormat {
        /// The medium is blank, or knows no such thing.
        None = 0,
        /// Started, stopped before its end.
        Stopped = 1,
        /// Running.
        Running = 2,
        /// Done.
        Complete = 3,
    }
}

layout! {
    /// Standard disc information, without the OPC table behind it; hosts often ask for less than
    /// all of it (`parse_cut`) (MMC-5, 6.22.3.1).
    pub struct DiscInformation[34] {
        /// Can be erased or overwritten.
        erasable: bool = (2 . 4),
        /// State of the last session.
        session_state: SessionState = (2 . 3-2),
        /// State of the disc.
        status: DiscStatus = (2 . 1-0),
        /// Number of the first track on the disc.
        first_track: u8 = (3 .. 4),
        /// Number of sessions, an open one included.
        sessions: u16 = (9 & 4),
        /// First track in the last session.
        first_track_last_session: u16 = (10 & 5),
        /// Last track in the last session.
        last_track_last_session: u16 = (11 & 6),
        /// `disc_id` is valid.
        disc_id_valid: bool = (7 . 7),
        /// `bar_code` is valid.
        bar_code_valid: bool = (7 . 6),
        /// Unrestricted use.
        unrestricted: bool = (7 . 5),
        /// `application_code` is valid.
        application_valid: bool = (7 . 4),
        /// Dirty bit: a defect list is being written (MRW).
        dirty: bool = (7 . 2),
        /// How far a background format is.
        background: BackgroundFormat = (7 . 1-0),
        /// 00h CD-DA or CD-ROM, 10h CD-I, 20h XA, FFh undefined.
        disc_type: u8 = (8 .. 9),
        /// Identification of a CD.
        disc_id: u32 = (12 .. 16),
        /// Where the last session's lead-in starts: on CD 0, minute, second, frame; else an LBA.
        lead_in_start: u32 = (16 .. 20),
        /// Where the lead-out may start at the latest, in the same form.
        last_lead_out: u32 = (20 .. 24),
        /// Bar code of the disc.
        bar_code: [u8; 8] = (bytes 24 .. 32),
        /// Application code.
        application_code: u8 = (32 .. 33),
        /// Entries of the OPC table behind this.
        opc_entries: u8 = (33 .. 34),
    } fixed { (0 .. 2) = 32, }
}

layout! {
    /// Values of a power calibration, in the OPC table and in SEND OPC INFORMATION
    /// (MMC-5, 6.22.3.1.23, 6.36.3).
    pub struct OpcEntry[8] {
        /// Speed they hold for, in kB/s.
        speed: u16 = (0 .. 2),
        /// The maker's own.
        values: [u8; 6] = (bytes 2 .. 8),
    }
}

impl DiscInformation {
    /// The OPC table behind the fixed part of a reply.
    pub fn parse_opc(bytes: &[u8]) -> Vec<OpcEntry> {
        let entries = usize::from(bytes.get(33).copied().unwrap_or(0));
        let end = get_bytes(bytes, 0, 2) + 2;
        list(body(bytes, Self::LEN, end), OpcEntry::LEN, entries, OpcEntry::parse_cut)
    }

    /// The whole reply with its OPC table, of which at most 255 entries fit.
    pub fn emit_with_opc(&self, opc: &[OpcEntry]) -> Vec<u8> {
        let opc = &opc[..opc.len().min(255)];
        let mut bytes = self.emit().to_vec();
        let len = (32 + OpcEntry::LEN * opc.len()) as u16;
        bytes[..2].copy_from_slice(&len.to_be_bytes());
        bytes[33] = opc.len() as u8;
        bytes.extend(opc.iter().flat_map(OpcEntry::emit));
        bytes
    }
}

/// Minutes, seconds and frames in an address field of a CD; `None` where they are out of range
/// (FFFFFFh: there is none).
pub fn msf_field(raw: u32) -> Option<Msf> {
    let [_, m, s, f] = raw.to_be_bytes();
    (m < 100 && s < 60 && f < 75).then_some(Msf { m, s, f })
}

/// The address field of a CD that holds this; the reverse of [`msf_field`].
pub fn field_of_msf(msf: Msf) -> u32 {
    u32::from_be_bytes([0, msf.m, msf.s, msf.f])
}

layout! {
    /// Track resources: READ DISC INFORMATION, type 1 (MMC-5, 6.22.3.2).
    pub struct TrackResources[12] {
        /// Tracks that the disc can have.
        max_tracks: u16 = (4 .. 6),
        /// Tracks that it has.
        tracks: u16 = (6 .. 8),
        /// Tracks that can be open for appending at once.
        max_appendable: u16 = (8 .. 10),
        /// Tracks that are open for appending.
        appendable: u16 = (10 .. 12),
    } fixed { (0 .. 2) = 10, (2 . 7-5) = 1, }
}

layout! {
    /// Pseudo-overwrite resources: READ DISC INFORMATION, type 2 (MMC-5, 6.22.3.3).
    pub struct PowResources[16] {
        /// Replacements left.
        replacements: u32 = (4 .. 8),
        /// Entries left in the replacement map.
        map_entries: u32 = (8 .. 12),
        /// Updates of the map left.
        updates: u32 = (12 .. 16),
    } fixed { (0 .. 2) = 14, (2 . 7-5) = 2, }
}

layout! {
    /// Track information (MMC-5, 6.27.3). Older drives send 28, 32, 36 or 40 bytes of it:
    /// `parse_cut`; [`TrackInformation::reply`] emits any of these lengths.
    pub struct TrackInformation[48] {
        /// Track number.
        track: u16 = (32 & 2),
        /// Session that the track lies in.
        session: u16 = (33 & 3),
        /// Layer jump recording status.
        layer_jump: u8 = (5 . 7-6),
        /// The track is damaged: it was not closed as it should.
        damage: bool = (5 . 5),
        /// Second or higher generation copy.
        copy: bool = (5 . 4),
        /// Track mode: Q control nibble (4 data, 0 audio).
        track_mode: u8 = (5 . 3-0),
        /// Reserved track.
        reserved: bool = (6 . 7),
        /// Nothing recorded in it; for the invisible track always set.
        blank: bool = (6 . 6),
        /// Packet or incremental writing.
        packet: bool = (6 . 5),
        /// Fixed packets.
        fixed_packet: bool = (6 . 4),
        /// Data mode: 1 Mode 1 (and DVD, BD), 2 Mode 2, Fh unknown.
        data_mode: u8 = (6 . 3-0),
        /// `last_recorded` is valid.
        lra_valid: bool = (7 . 1),
        /// `next_writable` is valid.
        nwa_valid: bool = (7 . 0),
        /// First block.
        start: Lba = (8 .. 12),
        /// Next writable address.
        next_writable: Lba = (12 .. 16),
        /// Blocks that can still be written, from the next writable address on.
        free: Blocks = (16 .. 20),
        /// Fixed packet size or blocking factor.
        packet_size: Blocks = (20 .. 24),
        /// Blocks of the track.
        size: Blocks = (24 .. 28),
        /// Last recorded address.
        last_recorded: Lba = (28 .. 32),
        /// Read compatibility address (DVD-R/-RW dual layer).
        read_compatibility: Lba = (36 .. 40),
        /// Next layer jump address.
        next_layer_jump: Lba = (40 .. 44),
        /// Last layer jump address.
        last_layer_jump: Lba = (44 .. 48),
    } fixed { (0 .. 2) = 46, }
}

impl TrackInformation {
    /// The reply as a drive that knows its first `len` bytes sends it: 28 to 48.
    pub fn reply(&self, len: usize) -> Vec<u8> {
        let mut bytes = self.emit()[..len.clamp(28, Self::LEN)].to_vec();
        let length = bytes.len() as u16 - 2;
        bytes[..2].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    /// The next writable address, where there is one.
    pub fn nwa(&self) -> Option<Lba> {
        self.nwa_valid.then_some(self.next_writable)
    }

    /// The last recorded address, where the drive says it.
    pub fn lra(&self) -> Option<Lba> {
        self.lra_valid.then_some(self.last_recorded)
    }
}
