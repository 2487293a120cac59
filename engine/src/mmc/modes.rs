//! Mode parameters: headers, and the pages that matter to optical drives.
//!
//! Layouts of pages count bytes from the page's own start; page code and length are fixed in them.

use crate::mmc::wire::{WireError, code, get_bytes, layout, need};
use crate::units::Kbps;

/// The page code that stands for all pages in MODE SENSE.
pub const ALL_PAGES: u8 = 0x3f;

layout! {
    /// Header of MODE SENSE (6) and MODE SELECT (6) lists (SPC-3, 7.4.3).
    pub struct ModeHeader6[4] {
        /// Bytes behind this one; reserved in MODE SELECT.
        length: u8 = (0 .. 1),
        /// Medium type; 0 in drives of today.
        medium_type: u8 = (1 .. 2),
        /// Write protected; means nothing on MMC devices.
        write_protected: bool = (2 . 7),
        /// Bytes of block descriptors.
        descriptors: u8 = (3 .. 4),
    }
}

layout! {
    /// Header of MODE SENSE (10) and MODE SELECT (10) lists (SPC-3, 7.4.3).
    pub struct ModeHeader10[8] {
        /// Bytes behind these two; ignored in MODE SELECT.
        length: u16 = (0 .. 2),
        /// Medium type; 0 in drives of today.
        medium_type: u8 = (2 .. 3),
        /// Write protected; means nothing on MMC devices.
        write_protected: bool = (3 . 7),
        /// Bytes of block descriptors.
        descriptors: u16 = (6 .. 8),
    }
}

/// A mode parameter list: medium type, block descriptors and pages as they lie on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModeList {
    /// Medium type of the header.
    pub medium_type: u8,
    /// Block descriptors; drives of today send none, old hosts may.
    pub descriptors: Vec<u8>,
    /// Pages with their code and length bytes.
    pub pages: Vec<Vec<u8>>,
}

impl ModeList {
    /// Parses a list with the header of the ten-byte commands. A last page that is cut short is
    /// kept as far as it goes.
    pub fn parse10(bytes: &[u8]) -> Result<ModeList, WireError> {
        need(bytes, "mode parameter header", ModeHeader10::LEN)?;
        let header = ModeHeader10::parse_cut(bytes);
        let rest = &bytes[ModeHeader10::LEN..];
        Ok(ModeList::parse_body(header.medium_type, usize::from(header.descriptors), rest))
    }

    /// Parses a list with the header of the six-byte commands.
    pub fn parse6(bytes: &[u8]) -> Result<ModeList, WireError> {
        need(bytes, "mode parameter header", ModeHeader6::LEN)?;
        let header = ModeHeader6::parse_cut(bytes);
        let rest = &bytes[ModeHeader6::LEN..];
        Ok(ModeList::parse_body(header.medium_type, usize::from(header.descriptors), rest))
    }

    fn parse_body(medium_type: u8, descriptors: usize, bytes: &[u8]) -> ModeList {
        let (descriptors, mut rest) = bytes.split_at(descriptors.min(bytes.len()));
        let mut pages = Vec::new();
        while rest.len() >= 2 {
            let (page, tail) = rest.split_at(page_len(rest).min(rest.len()));
            pages.push(page.to_vec());
            rest = tail;
        }
        ModeList { medium_type, descriptors: descriptors.to_vec(), pages }
    }

    /// The list with the header of the ten-byte commands; its length counts all pages.
    pub fn emit10(&self) -> Vec<u8> {
        let body: Vec<u8> = self.pages.concat();
        let header = ModeHeader10 {
            length: (6 + self.descriptors.len() + body.len()) as u16,
            medium_type: self.medium_type,
            write_protected: false,
            descriptors: self.descriptors.len() as u16,
        };
        [&header.emit()[..], &self.descriptors, &body].concat()
    }

    /// The list with the header of the six-byte commands, whose length is cut to its byte.
    pub fn emit6(&self) -> Vec<u8> {
        let body: Vec<u8> = self.pages.concat();
        let header = ModeHeader6 {
            length: (3 + self.descriptors.len() + body.len()).min(255) as u8,
            medium_type: self.medium_type,
            write_protected: false,
            descriptors: self.descriptors.len() as u8,
        };
        [&header.emit()[..], &self.descriptors, &body].concat()
    }

    /// The page of this code.
    pub fn page(&self, code: u8) -> Option<&[u8]> {
        self.pages.iter().map(Vec::as_slice).find(|page| page_code(page) == code)
    }
}

/// The code of a page.
pub fn page_code(page: &[u8]) -> u8 {
    page.first().copied().unwrap_or(0) & 0x3f
}

/// Length of the page that starts here, by its own length field; pages with a subpage have two
/// bytes of it (SPC-3, 7.4.5).
pub fn page_len(page: &[u8]) -> usize {
    if page.first().copied().unwrap_or(0) & 0x40 == 0 {
        get_bytes(page, 1, 2) as usize + 2
    } else {
        get_bytes(page, 2, 4) as usize + 4
    }
}

layout! {
    /// Page 01h, read/write error recovery (MMC-5, 7.3).
    pub struct ErrorRecovery[12] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// Replace blocks when writing fails.
        awre: bool = (2 . 7),
        /// Replace blocks when reading fails.
        arre: bool = (2 . 6),
        /// Transfer the block in error.
        tb: bool = (2 . 5),
        /// Read on without pause.
        rc: bool = (2 . 4),
        /// Report recovered errors.
        per: bool = (2 . 2),
        /// Stop at recovered errors.
        dte: bool = (2 . 1),
        /// No error correction.
        dcr: bool = (2 . 0),
        /// How often to read again.
        read_retries: u8 = (3 .. 4),
        /// Enhanced media certification and defect reporting.
        emcdr: u8 = (7 . 1-0),
        /// How often to write again.
        write_retries: u8 = (8 .. 9),
        /// Longest time for recovery in ms.
        time_limit: u16 = (10 .. 12),
    } fixed { (0 . 5-0) = 0x01, (1 .. 2) = 10, }
}

code! {
    /// How the next tracks are written (MMC-5, 7.5.3.4).
    pub enum WriteType {
        /// In packets, incrementally.
        Packet = 0,
        /// Track-at-once.
        TrackAtOnce = 1,
        /// Session-at-once, disc-at-once.
        SessionAtOnce = 2,
        /// Raw.
        Raw = 3,
        /// Layer jump recording.
        LayerJump = 4,
    }
}

layout! {
    /// Page 05h, write parameters (MMC-5, 7.5).
    pub struct WriteParameters[52] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// Go on after a buffer underrun.
        bufe: bool = (2 . 6),
        /// `link_size` is valid.
        ls_v: bool = (2 . 5),
        /// Test writing: with the laser at reading power.
        test_write: bool = (2 . 4),
        /// How to write.
        write_type: WriteType = (2 . 3-0),
        /// 0 no next session, 3 a next session is allowed.
        multi_session: u8 = (3 . 7-6),
        /// Fixed packets.
        fp: bool = (3 . 5),
        /// Second or higher generation copy.
        copy: bool = (3 . 4),
        /// Q control nibble: 0 audio, 4 data, 5 data in increments.
        track_mode: u8 = (3 . 3-0),
        /// What a block from the host holds: 0 raw 2352 bytes, 8 Mode 1, 10 Mode 2 form 1, and so
        /// on.
        data_block_type: u8 = (4 . 3-0),
        /// Blocks of a link: 7 on CD, 16 on DVD.
        link_size: u8 = (5 .. 6),
        /// Host application code.
        application_code: u8 = (7 . 5-0),
        /// 00h CD-DA or CD-ROM, 10h CD-I, 20h XA.
        session_format: u8 = (8 .. 9),
        /// Blocks of a fixed packet.
        packet_size: u32 = (10 .. 14),
        /// Pause before audio tracks, in blocks.
        audio_pause: u16 = (14 .. 16),
        /// Media catalogue number: 80h, 13 digits, zero, frame.
        mcn: [u8; 16] = (bytes 16 .. 32),
        /// ISRC: 80h, 12 characters, zero, frame, zero.
        isrc: [u8; 16] = (bytes 32 .. 48),
        /// Sub-header of Mode 2 packets.
        sub_header: [u8; 4] = (bytes 48 .. 52),
    } fixed { (0 . 5-0) = 0x05, (1 .. 2) = 50, }
}

layout! {
    /// Page 08h, caching (SBC-2, 6.3.3; MMC-5, 7.6).
    pub struct Caching[12] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// Write cache on.
        wce: bool = (2 . 2),
        /// Read cache off.
        rcd: bool = (2 . 0),
        /// The bytes behind, of which optical drives make nothing.
        prefetch: [u8; 8] = (bytes 4 .. 12),
    } fixed { (0 . 5-0) = 0x08, (1 .. 2) = 10, }
}

layout! {
    /// Page 0Dh, CD device parameters (MMC-2, 5.5.4).
    pub struct CdDevice[8] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// Time until the drive leaves hold track state.
        inactivity: u8 = (3 . 3-0),
        /// Seconds in a minute: 60.
        seconds: u16 = (4 .. 6),
        /// Frames in a second: 75.
        frames: u16 = (6 .. 8),
    } fixed { (0 . 5-0) = 0x0d, (1 .. 2) = 6, }
}

layout! {
    /// Page 0Eh, CD audio control (MMC-3, 6.3.7).
    pub struct CdAudio[16] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// Status at once; always set.
        immed: bool = (2 . 2),
        /// Stop on track crossing.
        sotc: bool = (2 . 1),
        /// Obsolete: blocks in a second of audio.
        blocks_per_second: u16 = (6 .. 8),
        /// Four output ports: channel selection and volume each.
        ports: [u8; 8] = (bytes 8 .. 16),
    } fixed { (0 . 5-0) = 0x0e, (1 .. 2) = 14, }
}

layout! {
    /// Page 1Ah, power condition (SPC-3, 7.4.12).
    pub struct PowerCondition[12] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// The idle timer runs.
        idle: bool = (3 . 1),
        /// The standby timer runs.
        standby: bool = (3 . 0),
        /// Idle timer in units of 100 ms.
        idle_timer: u32 = (4 .. 8),
        /// Standby timer in units of 100 ms.
        standby_timer: u32 = (8 .. 12),
    } fixed { (0 . 5-0) = 0x1a, (1 .. 2) = 10, }
}

layout! {
    /// Page 1Dh, time-out and protect (MMC-5, 7.9).
    pub struct TimeoutAndProtect[10] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// Group 3 time-out is in force.
        g3_enable: bool = (4 . 3),
        /// Time-outs are in force.
        tmoe: bool = (4 . 2),
        /// The medium is unavailable until power-down.
        disp: bool = (4 . 1),
        /// Software write protect until power-down.
        swpp: bool = (4 . 0),
        /// Least time-out of group 1 in seconds.
        group1: u16 = (6 .. 8),
        /// Least time-out of group 2 in seconds.
        group2: u16 = (8 .. 10),
    } fixed { (0 . 5-0) = 0x1d, (1 .. 2) = 8, }
}

layout! {
    /// Page 2Ah, capabilities and mechanical status, up to the write speed table behind it: see
    /// [`Capabilities::page`] (MMC-3, 6.3.11).
    pub struct Capabilities[32] {
        /// The page can be saved.
        ps: bool = (0 . 7),
        /// Reads DVD-RAM.
        read_dvd_ram: bool = (2 . 5),
        /// Reads DVD-R.
        read_dvd_r: bool = (2 . 4),
        /// Reads DVD-ROM.
        read_dvd_rom: bool = (2 . 3),
        /// Reads packets of addressing method 2.
        method2: bool = (2 . 2),
        /// Reads CD-RW.
        read_cd_rw: bool = (2 . 1),
        /// Reads CD-R.
        read_cd_r: bool = (2 . 0),
        /// Writes DVD-RAM.
        write_dvd_ram: bool = (3 . 5),
        /// Writes DVD-R.
        write_dvd_r: bool = (3 . 4),
        /// Test writing.
        test_write: bool = (3 . 2),
        /// Writes CD-RW.
        write_cd_rw: bool = (3 . 1),
        /// Writes CD-R.
        write_cd_r: bool = (3 . 0),
        /// Goes on after a buffer underrun.
        buf: bool = (4 . 7),
        /// Reads several sessions.
        multi_session: bool = (4 . 6),
        /// Reads Mode 2 form 2.
        mode2_form2: bool = (4 . 5),
        /// Reads Mode 2 form 1.
        mode2_form1: bool = (4 . 4),
        /// Digital output on port 2.
        digital_port2: bool = (4 . 3),
        /// Digital output on port 1.
        digital_port1: bool = (4 . 2),
        /// Composite audio and video.
        composite: bool = (4 . 1),
        /// Plays audio.
        audio_play: bool = (4 . 0),
        /// Reads bar codes.
        bar_code: bool = (5 . 7),
        /// Reads the media catalogue number.
        upc: bool = (5 . 6),
        /// Reads ISRC.
        isrc: bool = (5 . 5),
        /// C2 error flags.
        c2_pointers: bool = (5 . 4),
        /// R to W de-interleaved and corrected.
        rw_corrected: bool = (5 . 3),
        /// R to W.
        rw_supported: bool = (5 . 2),
        /// Goes on with CD-DA without a gap.
        cd_da_accurate: bool = (5 . 1),
        /// CD-DA commands.
        cd_da: bool = (5 . 0),
        /// Loading mechanism, as in the removable medium feature.
        mechanism: u8 = (6 . 7-5),
        /// Ejects by command.
        eject: bool = (6 . 3),
        /// Jumper that prevents removal after power-on.
        prevent_jumper: bool = (6 . 2),
        /// Locked now.
        lock_state: bool = (6 . 1),
        /// Can be locked.
        lock: bool = (6 . 0),
        /// R to W in the lead-in.
        rw_in_lead_in: bool = (7 . 5),
        /// Sides can be changed.
        side_change: bool = (7 . 4),
        /// Software slot selection.
        slot_selection: bool = (7 . 3),
        /// Changer reports discs.
        disc_present: bool = (7 . 2),
        /// Channels can be muted one by one.
        separate_mute: bool = (7 . 1),
        /// Volume of channels can be set one by one.
        separate_volume: bool = (7 . 0),
        /// Most reading speed; obsolete, but Linux reads it.
        max_read: Kbps = (8 .. 10),
        /// Volume steps.
        volume_levels: u16 = (10 .. 12),
        /// Buffer size in kB.
        buffer: u16 = (12 .. 14),
        /// Reading speed now; obsolete.
        current_read: Kbps = (14 .. 16),
        /// Digital output format.
        digital_format: u8 = (17 .. 18),
        /// Most writing speed; obsolete.
        max_write: Kbps = (18 .. 20),
        /// Writing speed now; obsolete.
        current_write_old: Kbps = (20 .. 22),
        /// Copy management revision.
        copy_management: u16 = (22 .. 24),
        /// Rotation now: 0 default (CLV), 1 CAV.
        rotation: u8 = (27 . 1-0),
        /// Writing speed now.
        current_write: Kbps = (28 .. 30),
        /// Entries of the write speed table.
        speeds: u16 = (30 .. 32),
    } fixed { (0 . 5-0) = 0x2a, (1 .. 2) = 30, }
}

layout! {
    /// An entry of the write speed table in page 2Ah (MMC-3, 6.3.11).
    pub struct PageWriteSpeed[4] {
        /// Rotation: 0 default (CLV), 1 CAV.
        rotation: u8 = (1 . 2-0),
        /// Speed; higher ones than the field holds are cut to FFFFh by drives.
        speed: Kbps = (2 .. 4),
    }
}

impl Capabilities {
    /// The page with its write speed table, of which at most 56 entries fit.
    pub fn page(&self, speeds: &[PageWriteSpeed]) -> Vec<u8> {
        let speeds = &speeds[..speeds.len().min(56)];
        let mut head = self.clone();
        head.speeds = speeds.len() as u16;
        let mut page = head.emit().to_vec();
        page[1] = (30 + PageWriteSpeed::LEN * speeds.len()) as u8;
        page.extend(speeds.iter().flat_map(PageWriteSpeed::emit));
        page
    }

    /// The write speed table of a page; empty in drives older than MMC-3.
    pub fn write_speeds(page: &[u8]) -> Vec<PageWriteSpeed> {
        let count = get_bytes(page, 30, 32) as usize;
        let table = crate::mmc::wire::body(page, Self::LEN, page_len(page) as u64);
        crate::mmc::wire::list(table, PageWriteSpeed::LEN, count, PageWriteSpeed::parse_cut)
    }
}
