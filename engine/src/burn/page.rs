//! The write parameters page for each way of writing.

use super::Mode;
use crate::mmc::cdb::ModeSelect10;
use crate::mmc::modes::{ModeList, WriteParameters, WriteType};

/// The page, if the way of writing has one (MMC-6, 7.5). `open`: another session may follow the one
/// that is closed under it.
pub(super) fn page(mode: Mode, open: bool) -> Option<WriteParameters> {
    let page = WriteParameters {
        bufe: true,
        multi_session: if open { 3 } else { 0 },
        data_block_type: 8,
        audio_pause: 150,
        ..WriteParameters::default()
    };
    match mode {
        Mode::TrackAtOnce => {
            Some(WriteParameters { write_type: WriteType::TrackAtOnce, track_mode: 4, ..page })
        }
        Mode::Incremental => Some(WriteParameters {
            write_type: WriteType::Packet,
            ls_v: true,
            link_size: 16,
            fp: true,
            packet_size: 16,
            track_mode: 5,
            ..page
        }),
        Mode::DiscAtOnce => {
            Some(WriteParameters { write_type: WriteType::SessionAtOnce, track_mode: 5, ..page })
        }
        Mode::Sequential | Mode::Overwrite => None,
    }
}

/// MODE SELECT of this page, and its parameter list.
pub(super) fn select(page: &WriteParameters) -> (ModeSelect10, Vec<u8>) {
    let mut list = ModeList { pages: vec![page.emit().to_vec()], ..ModeList::default() }.emit10();
    // The mode data length is reserved in MODE SELECT (SPC-4, 7.5.5).
    list[..2].fill(0);
    let length = list.len() as u16;
    (ModeSelect10 { pf: true, sp: false, length }, list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmc::cdb::Command;

    fn sent(mode: Mode, open: bool) -> Vec<u8> {
        let (command, list) = select(&page(mode, open).unwrap());
        assert_eq!(command.cdb().bytes(), [0x55, 0x10, 0, 0, 0, 0, 0, 0, 0x3c, 0]);
        assert_eq!(list.len(), 60);
        let end = list.iter().rposition(|&byte| byte != 0).unwrap_or(0) + 1;
        list[..end].to_vec()
    }

    /// What xorriso sends for the last and for a middle session on CD-R, and growisofs for a middle
    /// one on DVD-R.
    #[test]
    fn pages_are_those_of_other_burners() {
        let cd_open =
            [0, 0, 0, 0, 0, 0, 0, 0, 5, 0x32, 0x41, 0xc4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x96];
        assert_eq!(sent(Mode::TrackAtOnce, true), cd_open);
        let dvd_open = [
            0, 0, 0, 0, 0, 0, 0, 0, 5, 0x32, 0x60, 0xe5, 8, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0,
            0x96,
        ];
        assert_eq!(sent(Mode::Incremental, true), dvd_open);
        assert_eq!(sent(Mode::TrackAtOnce, false)[11], 0x04);
    }
}
