//! Parameter lists as foreign programs send them.

use super::hex;
use crate::mmc::cue::{self, CueEntry};
use crate::mmc::format::{FormatList, FormatType};
use crate::mmc::modes::{ModeList, WriteParameters, WriteType};
use crate::mmc::performance::StreamingDescriptor;
use crate::units::{Blocks, Kbps, Lba};

#[test]
fn format_lists() {
    // Trace dvd+rw-xorriso: basic format of all, immediate.
    let plus = FormatList {
        immed: true,
        blocks: Blocks(0xffff_ffff),
        kind: FormatType::DvdPlusRw,
        ..Default::default()
    };
    assert_eq!(plus.emit()[..], hex("00 02 00 08 ff ff ff ff 98 00 00 00"));
    // Trace bd-r-growisofs-Z: spare areas, pseudo-overwrite.
    let list = FormatList::parse(&hex("00 02 00 08 00 ba 74 00 c8 00 00 00")).unwrap();
    assert_eq!((list.kind, list.sub_type), (FormatType::BdRSpares, 0));
    assert_eq!((list.blocks, list.immed, list.fov), (Blocks(12_219_392), true, false));
    // Trace dvd-rw-format: quick.
    let quick = FormatList::parse(&hex("00 02 00 08 00 00 00 00 54 00 00 00")).unwrap();
    assert_eq!((quick.kind, quick.blocks), (FormatType::Quick, Blocks(0)));
}

#[test]
fn cue_sheets() {
    // Trace cdr-wodim-sao: one Mode 1 track whose lead-in and lead-out the drive makes.
    let bytes = hex("41 00 00 14 00 00 00 00 41 01 00 10 00 00 00 00
         41 01 01 10 00 00 02 00 41 aa 01 14 00 00 10 0e");
    let lines = cue::parse(&bytes).unwrap();
    assert_eq!(lines.len(), 4);
    let track =
        CueEntry { control: 4, adr: 1, tno: 1, index: 1, data_form: 0x10, scms: 0, msf: [0, 2, 0] };
    assert_eq!(lines[2], track);
    assert_eq!((lines[3].tno, lines[3].msf), (0xaa, [0, 16, 14]));
    assert_eq!(cue::emit(&lines), bytes);
    // Trace cdr-cdrdao-audio: a pause, then audio.
    let audio = cue::parse(&hex("01 00 00 01 00 00 00 00 01 01 00 00 00 00 00 00")).unwrap();
    assert_eq!((audio[0].control, audio[0].data_form, audio[1].data_form), (0, 1, 0));
    assert!(cue::parse(&bytes[..12]).is_err(), "half a line");
}

#[test]
fn streaming_descriptors() {
    // Trace bd-re-xorriso: write at 22160 kB/s to the last block.
    let bytes =
        hex("00 00 00 00 00 00 00 00 00 b4 73 ff 00 01 5f 39 00 00 03 e8 00 00 56 90 00 00 03 e8");
    let descriptor = StreamingDescriptor::parse(&bytes).unwrap();
    assert_eq!(descriptor.end, Lba(11_826_175));
    assert_eq!(descriptor.write_speed(), Some(Kbps(22_160)));
    assert_eq!(descriptor.read_speed(), Some(Kbps(89_913)));
    assert_eq!(descriptor.emit()[..], bytes);
    assert_eq!(StreamingDescriptor::default().write_speed(), None);
}

#[test]
fn write_parameters() {
    // Trace cdr-wodim-sao: session-at-once with underrun protection; the rest of the 60 bytes zero.
    let mut bytes = hex("00 00 00 00 00 00 00 00 05 32 42 00 00 10 00 00 00 00 00 00 00 00 00 96");
    bytes.resize(60, 0);
    let list = ModeList::parse10(&bytes).unwrap();
    let page = WriteParameters::parse(list.page(0x05).unwrap()).unwrap();
    assert_eq!(
        (page.write_type, page.bufe, page.test_write),
        (WriteType::SessionAtOnce, true, false)
    );
    assert_eq!((page.link_size, page.audio_pause), (16, 150));
    assert_eq!(page.emit()[..], bytes[8..]);
    // Trace dvd-rw-format: link size valid, next session allowed.
    let page = WriteParameters::parse_cut(&hex("05 32 60 c4 08 10 00 00 00 00 00 00 00 00 00 96"));
    assert_eq!((page.ls_v, page.bufe, page.multi_session, page.track_mode), (true, true, 3, 4));
    assert_eq!((page.write_type, page.data_block_type), (WriteType::Packet, 8));
}

#[test]
fn a_list_with_only_a_block_descriptor() {
    // Trace cdr-wodim-sao: how the program ends.
    let bytes = hex("00 00 00 00 00 00 00 08 00 00 00 00 00 00 08 00");
    let list = ModeList::parse10(&bytes).unwrap();
    assert_eq!((list.descriptors.len(), list.pages.len()), (8, 0));
    assert_eq!(list.descriptors[6..], [8, 0]);
}
