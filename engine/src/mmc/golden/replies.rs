//! Replies of drives, real and modelled, and what published descriptions of drives say they hold.

use super::hex;
use crate::mmc::buffer::{BufferCapacity, BufferDescriptor};
use crate::mmc::disc::*;
use crate::mmc::event::{Event, EventClass, MediaEvent};
use crate::mmc::format::{Capacity, CapacityState, FormatCapacities, FormatType};
use crate::mmc::inquiry::{StandardInquiry, VitalPage};
use crate::mmc::mechanism::Mechanism;
use crate::mmc::modes::*;
use crate::mmc::performance::{Performance, WriteSpeed};
use crate::mmc::sense::{FieldPointer, Sense, SenseKey, Specific, codes};
use crate::mmc::structure::*;
use crate::mmc::toc::*;
use crate::mmc::wire::{announced2, layout};
use crate::units::{Blocks, Kbps, Lba, Msf};

#[test]
fn inquiry_of_real_drives() {
    // A BTC DVDRW IDE1008, from a post to the cdwrite list, 2004.
    let bytes = hex("05 80 00 32 1f 00 00 00 44 56 44 52 57 20 20 20
         49 44 45 31 30 30 38 20 20 20 20 20 20 20 20 20 30 33 35 37");
    let inquiry = StandardInquiry::parse(&bytes).unwrap();
    assert_eq!((inquiry.device_type, inquiry.removable), (5, true));
    assert_eq!((inquiry.atapi_version, inquiry.format, inquiry.additional), (3, 2, 31));
    assert_eq!(inquiry.identity(), ("DVDRW".into(), "IDE1008".into(), "0357".into()));
    assert_eq!(inquiry.emit()[..], bytes);
}

#[test]
fn vital_product_data() {
    // By the tables of SPC-3, 7.6: pages 00h, 80h, 83h with one T10 vendor identifier.
    let pages = hex("05 00 00 03 00 80 83");
    assert_eq!(VitalPage::parse(&pages).unwrap(), VitalPage::Supported(vec![0, 0x80, 0x83]));
    let serial = hex("05 80 00 04 41 42 31 32");
    assert_eq!(VitalPage::parse(&serial).unwrap(), VitalPage::Serial("AB12".into()));
    let bytes = hex("05 83 00 08 02 01 00 04 4b 49 4c 4e");
    let VitalPage::Identification(all) = VitalPage::parse(&bytes).unwrap() else {
        panic!("page 83h")
    };
    assert_eq!((all[0].code_set, all[0].kind, &all[0].identifier[..]), (2, 1, &b"KILN"[..]));
    for page in [pages, serial, bytes] {
        assert_eq!(VitalPage::parse(&page).unwrap().emit(), page);
    }
}

#[test]
fn sense_data() {
    // Fixed format of 18 bytes as all the foreign burners expect it (trace bd-re-mediainfo's
    // 5/24/00), and a long write with progress.
    let bytes = hex("70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 c0 00 02");
    let sense = Sense::parse(&bytes).unwrap();
    assert_eq!(sense.code, codes::INVALID_CDB_FIELD);
    let field = FieldPointer { in_cdb: true, bit: None, byte: 2 };
    assert_eq!(sense.specific, Some(Specific::Field(field)));
    assert_eq!(sense.emit()[..], bytes);
    assert_eq!(sense.say(), "invalid field in CDB (5/24/00), CDB byte 2");
    let busy = hex("f0 00 02 00 00 00 10 0a 00 00 00 00 04 07 00 80 80 00");
    let sense = Sense::parse(&busy).unwrap();
    assert_eq!((sense.code, sense.progress()), (codes::LONG_OPERATION_IN_PROGRESS, Some(0x8000)));
    assert_eq!(sense.information, Some(16));
    assert_eq!(sense.emit()[..], busy);
    // Deferred write error (SPC-3, 4.5.5), cut to what old drives send.
    let sense = Sense::parse(&hex("71 00 03 00 00 00 00 06 00 00 00 00 0c 00")).unwrap();
    assert_eq!((sense.deferred, sense.code), (true, codes::WRITE_ERROR));
    // Descriptor format: information and progress (SPC-3, 4.5.2).
    let bytes =
        hex("72 02 04 04 00 00 00 14 00 0a 80 00 00 00 00 00 00 00 00 20 02 06 00 00 80 40 00 00");
    let sense = Sense::parse(&bytes).unwrap();
    assert_eq!((sense.code.key, sense.progress()), (SenseKey::NotReady, Some(0x4000)));
    assert_eq!(sense.information, Some(0x20));
    assert!(Sense::parse(&hex("00 00 00 00")).is_err());
    assert!(Sense::parse(&[]).is_err());
}

#[test]
fn disc_information() {
    // Trace cdr-wodim-sao before and after: blank CD-R, then complete.
    let blank = hex("00 20 00 01 01 01 01 20 ff 00 00 00 00 00 00 00");
    let info = DiscInformation::parse_cut(&blank);
    assert_eq!((info.status, info.session_state), (DiscStatus::Blank, SessionState::Empty));
    assert_eq!((info.sessions, info.first_track, info.last_track_last_session), (1, 1, 1));
    assert_eq!((info.unrestricted, info.disc_type, info.erasable), (true, 0xff, false));
    assert_eq!(info.emit()[..16], blank);
    assert_eq!(announced2(&blank), Some(34));
    let complete = DiscInformation::parse_cut(&hex("00 20 0e 01 01 01 01 20 00"));
    assert_eq!(complete.status, DiscStatus::Complete);
    assert_eq!(complete.session_state, SessionState::Complete);
    // Traces dvd+rw-*: erasable; background format; a second session open on DVD+R.
    let plus = DiscInformation::parse_cut(&hex("00 20 1e 01 01 01 01 20"));
    assert!(plus.erasable && plus.background == BackgroundFormat::None);
    let open = DiscInformation::parse_cut(&hex("00 20 01 01 02 02 02 20"));
    assert_eq!((open.status, open.sessions), (DiscStatus::Appendable, 2));
    // Addresses of a CD-R by its ATIP: lead-in 97:26:65, lead-out 79:59:70.
    assert_eq!(msf_field(0x0061_1a41), Some(Msf { m: 97, s: 26, f: 65 }));
    assert_eq!(field_of_msf(Msf { m: 79, s: 59, f: 70 }), 0x004f_3b46);
    assert_eq!(msf_field(0x00ff_ffff), None);
}

#[test]
fn disc_information_with_power_calibration() {
    // Two entries behind the fixed part: length 32 + 16 (MMC-5, 6.22.3.1.23).
    let opc = [OpcEntry { speed: 0x0583, values: [1, 2, 3, 4, 5, 6] }, OpcEntry::default()];
    let bytes = DiscInformation::default().emit_with_opc(&opc);
    assert_eq!((bytes.len(), announced2(&bytes), bytes[33]), (50, Some(50), 2));
    assert_eq!(bytes[34..42], hex("05 83 01 02 03 04 05 06"));
    assert_eq!(DiscInformation::parse_opc(&bytes), opc);
    assert_eq!(DiscInformation::parse_opc(&bytes[..45]), opc[..1]);
    let tracks = TrackResources { max_tracks: 7927, ..Default::default() };
    assert_eq!(tracks.emit()[..6], hex("00 0a 20 00 1e f7"));
    let pow = PowResources { replacements: 0x1_0000, ..Default::default() };
    assert_eq!(pow.emit()[..8], hex("00 0e 40 00 00 01 00 00"));
}

#[test]
fn track_information() {
    // Trace tgt-mediainfo: the invisible track of a blank DVD+R; 38 bytes behind the length.
    let bytes =
        hex("00 26 01 01 00 07 41 01 00 00 00 00 00 00 00 00 00 23 05 40 00 00 00 10 00 23 05 40");
    let track = TrackInformation::parse_cut(&bytes);
    assert_eq!((track.track, track.session, track.track_mode), (1, 1, 7));
    assert_eq!((track.blank, track.data_mode, track.nwa()), (true, 1, Some(Lba(0))));
    assert_eq!((track.free, track.size), (Blocks(2_295_104), Blocks(2_295_104)));
    assert_eq!((track.packet_size, track.lra()), (Blocks(16), None));
    assert_eq!(track.reply(40)[..28], bytes);
    // Trace dvd+r-xorriso-grow: a later track; trace dvd-rw-ro: packets of fixed size.
    let later =
        TrackInformation::parse_cut(&hex("00 26 02 02 00 04 4f 01 00 00 14 30 00 00 14 30"));
    assert_eq!((later.track, later.start, later.nwa()), (2, Lba(0x1430), Some(Lba(0x1430))));
    let overwrite = TrackInformation::parse_cut(&hex("00 26 01 01 00 04 31 02"));
    assert!(overwrite.packet && overwrite.fixed_packet && overwrite.lra_valid);
}

#[test]
fn tables_of_contents() {
    // Trace tgt-mediainfo: format 0 of a closed DVD+R, format 1.
    let toc = hex("00 12 01 01 00 14 01 00 00 00 00 00 00 14 aa 00 00 00 04 30");
    let parsed = Toc::parse(&toc).unwrap();
    assert_eq!((parsed.first, parsed.last, parsed.entries.len()), (1, 1, 2));
    assert!(parsed.entries[0].is_data());
    assert_eq!(parsed.lead_out().map(TocEntry::lba), Some(Lba(0x430)));
    assert_eq!(parsed.emit(), toc);
    let sessions = SessionInfo::parse(&hex("00 0a 01 01 00 14 01 00 00 00 00 00")).unwrap();
    assert_eq!((sessions.last, sessions.track, sessions.lba()), (1, 1, Lba(0)));
    assert_eq!(sessions.emit()[..], hex("00 0a 01 01 00 14 01 00 00 00 00 00"));
    // Trace cdr-cd-info: format 2, four entries of which one and a half came.
    let full = FullToc::parse(&hex("00 2e 01 01 01 14 00 a0 00 00 00 00 01 00 00 01")).unwrap();
    assert_eq!(full.entries.len(), 1);
    assert_eq!((full.entries[0].point, full.entries[0].point_msf), (0xa0, [1, 0, 0]));
    // CD-TEXT: first pack of a title, by its table (MMC-5, Annex J).
    let pack = hex("80 00 00 00 4b 69 6c 6e 00 00 00 00 00 00 00 00 12 34");
    let packs = parse_cd_text(&[&hex("00 14 00 00")[..], &pack].concat()).unwrap();
    assert_eq!((packs[0].kind, &packs[0].text[..4], packs[0].crc), (0x80, &b"Kiln"[..], 0x1234));
    assert_eq!(emit_cd_text(&packs), [&hex("00 14 00 00")[..], &pack].concat());
}

#[test]
fn pre_groove_of_discs() {
    // Traces cdr-* and cdrw-*: CD-R with lead-in at 97:26:65, CD-RW of high speed sub-type.
    let bytes = hex("00 1a 00 00 d0 00 a0 00 61 1a 41 00 4f 3b 46 00");
    let atip = Atip::parse_cut(&bytes);
    assert_eq!((atip.power, atip.rewritable, atip.sub_type), (5, false, 4));
    assert_eq!((atip.lead_in, atip.last_lead_out), ([97, 26, 65], [79, 59, 70]));
    assert_eq!(atip.emit()[..16], bytes);
    let rw = Atip::parse_cut(&hex("00 1a 00 00 c1 00 e4 00 61 1a 41 00 4a 2d 00 00"));
    assert_eq!((rw.rewritable, rw.sub_type, rw.a1_valid, rw.reference_speed), (true, 4, true, 1));
}

#[test]
fn format_capacities() {
    // Trace dvd+rw-xorriso: unformatted, one format descriptor (its end was not captured).
    let bytes = hex("00 00 00 10 00 23 05 40 01 00 08 00 00 23 05 40");
    assert_eq!(FormatCapacities::announced(&bytes), Some(20));
    let capacities = FormatCapacities::parse(&bytes).unwrap();
    assert_eq!(capacities.current.state, CapacityState::Unformatted);
    assert_eq!(capacities.current.blocks, Blocks(2_295_104));
    assert_eq!(capacities.current.block_length, 2048);
    assert_eq!(capacities.formattable, []);
    // Pioneer BDR-203: BD-R formats to 11826176 blocks by type 32h with 3000h spare clusters.
    let bytes = hex("00 00 00 10 00 ba 74 00 01 00 08 00 00 b4 74 00 c8 00 30 00");
    let capacities = FormatCapacities::parse(&bytes).unwrap();
    let spares = capacities.by(FormatType::BdRSpares).unwrap();
    assert_eq!((spares.blocks, spares.parameter), (Blocks(11_826_176), 0x3000));
    assert_eq!(capacities.emit(), bytes);
    // Trace bd-re-xorriso: READ CAPACITY.
    let capacity = Capacity::parse(&hex("00 b4 73 ff 00 00 08 00")).unwrap();
    assert_eq!((capacity.last, capacity.block_length), (Lba(11_826_175), 2048));
}

#[test]
fn speeds() {
    // Pioneer BDR-203: BD-R at 8x, 35960 kB/s, to the end of 12219392 blocks.
    let bytes = hex("00000014 02000000 00000000 00ba73ff 00008c78 00008c78");
    let (header, data) = Performance::parse(3, &bytes).unwrap();
    assert!(header.write);
    let Performance::WriteSpeeds(speeds) = &data else { panic!("type 3") };
    let expected = WriteSpeed {
        end: Lba(12_219_391),
        read: Kbps(35_960),
        write: Kbps(35_960),
        ..Default::default()
    };
    assert_eq!(speeds[..], [expected]);
    assert_eq!(data.emit(true), bytes);
    // Pioneer DVR-111: DVD-ROM at 12x CAV, 6818 to 16620 kB/s.
    let bytes = hex("00000014 00000000 00000000 00001aa2 002305 3f 000040ec");
    let (_, data) = Performance::parse(0, &bytes).unwrap();
    let Performance::Nominal(nominal) = &data else { panic!("type 0") };
    assert_eq!((nominal[0].start_speed, nominal[0].end_speed), (Kbps(6818), Kbps(16_620)));
    assert_eq!(data.emit(false), bytes);
    assert!(Performance::parse(7, &bytes).is_err());
}

#[test]
fn events() {
    // Traces bd-r-growisofs-Z (nothing, medium there) and the same after a load (new medium).
    let bytes = hex("00 06 04 5e 00 02 00 00");
    let event = Event::parse_reply(&bytes).unwrap();
    assert_eq!((event.class, event.supported), (EventClass::Media, 0x5e));
    assert_eq!(event.media_event(), MediaEvent::NoChange);
    assert!(event.media_present() && !event.tray_open());
    assert_eq!(event.reply(), bytes);
    let event = Event::parse_reply(&hex("00 06 04 5e 02 02 00 00")).unwrap();
    assert_eq!(event.media_event(), MediaEvent::NewMedia);
    assert_eq!(EventClass::Media.bit(), 0x10);
    let none = Event { nea: true, supported: 0x5e, ..Default::default() };
    assert_eq!(none.reply(), hex("00 02 80 5e"));
}

#[test]
fn mechanism_and_buffer() {
    // Pioneer BDR-203: no changer, all of its fields zero; door open, by the table.
    let status = Mechanism::parse(&hex("00 10 00 00 00 00 00 00")).unwrap();
    assert!(status.header.door_open && status.slots.is_empty());
    let changer = hex("02 60 00 00 00 02 00 08 80 00 00 00 81 00 00 00");
    let parsed = Mechanism::parse(&changer).unwrap();
    assert_eq!((parsed.header.slot, parsed.header.state, parsed.slots.len()), (2, 3, 2));
    assert_eq!(parsed.emit()[..8], hex("02 60 00 00 00 02 00 08"));
    // Pioneer BDR-203: 180000h bytes with BD; the length of all foreign replies is 10.
    let buffer = BufferCapacity { size: 0x18_0000, free: 0x10_0000, ..Default::default() };
    assert_eq!(buffer.emit()[..], hex("00 0a 00 00 00 18 00 00 00 10 00 00"));
    assert_eq!(buffer.filled(), Some(0x8_0000));
    // An NEC ND-4570A of whose READ BUFFER wodim says "Drive buf size : 1769472 = 1728 KB".
    let descriptor = BufferDescriptor { boundary: 0, capacity: 1_769_472 };
    assert_eq!(descriptor.emit()[..], hex("00 1b 00 00"));
    assert_eq!(BufferDescriptor::parse(&hex("00 1b 00 00")).unwrap(), descriptor);
}

#[test]
fn mode_pages_of_real_drives() {
    // An HL-DT-ST GSA-4040B as HDAT2 prints it: header (medium type 41h) and page 01h.
    let bytes = hex("00 f4 41 00 00 00 00 00 01 0a 80 13 00 00 00 00 03 00 00 00");
    let list = ModeList::parse10(&bytes).unwrap();
    assert_eq!((list.medium_type, announced2(&bytes)), (0x41, Some(246)));
    let page = ErrorRecovery::parse(list.page(0x01).unwrap()).unwrap();
    assert_eq!((page.awre, page.read_retries, page.write_retries), (true, 0x13, 3));
    assert_eq!(page.emit()[..], bytes[8..]);
    // Pioneer BDR-203: page 08h with the write cache on; page 1Ah with 20 s and 8 min.
    let cache = Caching { wce: true, ..Default::default() };
    assert_eq!(cache.emit()[..], hex("08 0a 04 00 00 00 00 00 00 00 00 00"));
    let power = PowerCondition::parse(&hex("1a 0a 00 03 00 00 00 c8 00 00 12 c0")).unwrap();
    assert_eq!((power.idle_timer, power.standby_timer), (200, 4800));
    assert!(power.idle && power.standby);
    // Seconds in a minute and frames in a second: page 0Dh; volume of two ports: page 0Eh.
    let cd = CdDevice { seconds: 60, frames: 75, ..Default::default() };
    assert_eq!(cd.emit()[..], hex("0d 06 00 00 00 3c 00 4b"));
    let audio = CdAudio {
        immed: true,
        blocks_per_second: 75,
        ports: [1, 255, 2, 255, 0, 0, 0, 0],
        ..Default::default()
    };
    assert_eq!(audio.emit()[..], hex("0e 0e 04 00 00 00 00 4b 01 ff 02 ff 00 00 00 00"));
    let timeout = TimeoutAndProtect { tmoe: true, group2: 5, ..Default::default() };
    assert_eq!(timeout.emit()[..], hex("1d 08 00 00 04 00 00 00 00 05"));
}

#[test]
fn capabilities_page() {
    // Trace cdr-wodim-sao: page of 52 bytes with header, five write speeds by its length.
    let bytes = hex("00 3a 00 00 00 00 00 00 2a 32 3f 37 f1 73 29 23");
    let list = ModeList::parse10(&bytes).unwrap();
    let page = Capabilities::parse_cut(list.page(0x2a).unwrap());
    assert!(page.read_dvd_ram && page.read_cd_r && page.write_cd_rw && page.test_write);
    assert!(page.buf && page.multi_session && !page.digital_port1 && page.audio_play);
    assert_eq!((page.mechanism, page.eject, page.lock, page.lock_state), (1, true, true, false));
    let speeds: Vec<PageWriteSpeed> = [0x0b06, 0x06e4, 0x02c1]
        .map(|speed| PageWriteSpeed { rotation: 0, speed: Kbps(speed) })
        .to_vec();
    let whole = page.page(&speeds);
    // Trace bd-r-growisofs-Z: 2Ah bytes behind the length with three speeds.
    assert_eq!((whole.len(), whole[1]), (44, 0x2a));
    assert_eq!(whole[32..36], hex("00 00 0b 06"));
    assert_eq!(Capabilities::write_speeds(&whole), speeds);
    assert_eq!(Capabilities::write_speeds(&whole[..42]), speeds[..2]);
}

#[test]
fn disc_structures() {
    // A DVD-ROM as a dumping tool decodes it (DiscImageCreator issue 61): 10.08 Mb/s, 120 mm,
    // embossed, sectors 30000h to 22beffh.
    let bytes = hex("01 02 01 00 00 03 00 00 00 22 be ff 00 00 00 00 00");
    let physical = PhysicalFormat::parse(&bytes).unwrap();
    assert_eq!((physical.book_type, physical.part_version), (BookType::DvdRom, 1));
    assert_eq!((physical.max_rate, physical.layer_type), (2, 1));
    assert_eq!((physical.start, physical.end), (196_608, 2_277_119));
    assert_eq!(physical.emit()[..], bytes);
    // The start of a BD-ROM's permanent information (as PlayStation 3 disc tools write it): 4098
    // bytes behind the length, two layers, 25 GB each.
    let bytes = hex("10 02 00 00 44 49 01 10 00 00 20 00 42 44 4f 01 21 01 03 00");
    let unit = BdDiscInformation::parse_cut(parse(&bytes).unwrap());
    assert_eq!((&unit.identifier, &unit.disc_type), (b"DI", b"BDO"));
    assert_eq!((unit.layers, unit.layer_type, unit.channel_bit, unit.used), (2, 1, 1, 32));
    assert_eq!(announced2(&bytes), Some(4100));
    // By their tables: structure list, spare areas, copyright, layer 0, write protection.
    let entries = parse_list(&hex("20 c0 00 0c 00 40 08 04"));
    assert!(entries[0].sendable && entries[0].readable && !entries[1].sendable);
    assert_eq!((entries[0].length, entries[1].format, entries[1].length), (12, 0, 2052));
    let spare = BdSpareArea { free: 0x2f00, total: 0x3000 };
    assert_eq!(emit(&spare.emit()), hex("00 0e 00 00 00 00 00 00 00 00 2f 00 00 00 30 00"));
    let ram = RamSpareArea { primary_free: 12_800, ..Default::default() };
    assert_eq!(ram.emit()[..4], hex("00 00 32 00"));
    assert_eq!(Copyright { system: 1, regions: 0xfd }.emit(), [1, 0xfd, 0, 0]);
    let layer0 = Layer0Capacity { init_status: true, blocks: Blocks(2_086_912) };
    assert_eq!(layer0.emit()[..], hex("80 00 00 00 00 1f d8 00"));
    assert_eq!(WriteProtection { persistent: true, ..Default::default() }.emit(), [2, 0, 0, 0]);
    assert_eq!(ControlBlockHeader { content: *b"FDC\0" }.emit(), *b"FDC\0");
}

layout! {
    /// All kinds of places.
    struct Places[12] {
        bit: bool = (0 . 7),
        bits: u8 = (0 . 6-4),
        number: u16 = (1 .. 3),
        apart: u16 = (5 & 3),
        text: [u8; 4] = (bytes 6 .. 10),
    } fixed { (11 .. 12) = 0x5a, }
}

#[test]
fn every_kind_of_place() {
    let bytes = hex("d0 12 34 78 00 56 61 62 63 64 00 5a");
    let places = Places::parse(&bytes).unwrap();
    assert_eq!((places.bit, places.bits, places.number), (true, 5, 0x1234));
    assert_eq!((places.apart, places.text), (0x5678, *b"abcd"));
    assert_eq!(places.emit()[..], bytes);
    assert_eq!(Places::parse_cut(&bytes[..4]).apart, 0x0078);
    assert!(Places::parse(&bytes[..11]).is_err());
}
