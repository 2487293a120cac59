//! What foreign programs sent to a recorder, replayed command by command: everything that has to
//! succeed does, and the medium holds what they wrote.
//!
//! The traces were recorded between unmodified programs and a model drive; the initiator's side is
//! evidence, the answers in them are not and only say which refusals a program is used to.

mod host;

use engine::cdda::FRAME;
use engine::device::Data;
use engine::units::{BLOCK, Lba};
use host::{Host, block, bytes};
use vdrive::models::{Family, MediumKind};

/// A line of a trace.
#[derive(Debug)]
struct Line {
    cdb: Vec<u8>,
    /// The last CDB of a group of writes or reads, with how many commands it was.
    last: Option<Vec<u8>>,
    times: u32,
    reads: usize,
    sends: Option<Vec<u8>>,
    refused: bool,
    kernel: bool,
    /// Bytes of the blocks that are written.
    block: usize,
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// Parses a line; comments are left out. Lines that begin with `k` are a kernel's.
fn parse(text: &str) -> Option<Line> {
    let kernel = text.starts_with("k ");
    let text = text.strip_prefix("  ").or_else(|| text.strip_prefix("k "))?;
    let hex = |word: &&str| word.len() == 2 && u8::from_str_radix(word, 16).is_ok();
    let words: Vec<&str> = text.split_whitespace().collect();
    let cdb: Vec<u8> =
        bytes(&words.iter().copied().take_while(|w| hex(w)).collect::<Vec<_>>().join(" "));
    let mut rest = words[cdb.len()..].iter().copied().peekable();
    let (sends, refused) = (None, false);
    let mut line =
        Line { cdb, last: None, times: 1, reads: 0, sends, refused, kernel, block: BLOCK };
    while let Some(word) = rest.next() {
        match word {
            "..." => {
                let mut last = Vec::new();
                while let Some(byte) = rest.next_if(|w| hex(w)) {
                    last.extend(bytes(byte));
                }
                line.last = Some(last);
            }
            "<" => {
                let mut sent = Vec::new();
                while let Some(byte) = rest.next_if(|w| hex(w)) {
                    sent.extend(bytes(byte));
                }
                line.sends = Some(sent);
            }
            "->" => line.refused = true,
            "with" => break,
            // Lengths of the writes: whole sectors of one of the two sizes.
            _ if word.starts_with('W') => {
                let whole = |size: u32| {
                    word.split('/').all(|w| number(&w[1..]).is_some_and(|n| n.is_multiple_of(size)))
                };
                line.block = if whole(2048) { BLOCK } else { FRAME };
            }
            _ if word.starts_with('x') => line.times = number(&word[1..])?,
            _ if word.starts_with('R') => line.reads = number(&word[1..])? as usize,
            _ => {}
        }
    }
    Some(line)
}

fn address(cdb: &[u8]) -> i32 {
    i32::from_be_bytes([cdb[2], cdb[3], cdb[4], cdb[5]])
}

fn count(cdb: &[u8]) -> i32 {
    i32::from(cdb[7]) << 8 | i32::from(cdb[8])
}

/// Refusals that the programs are known to live with, where the model drive had said GOOD.
fn may_fail(cdb: &[u8], sent: &[u8]) -> bool {
    match cdb[0] {
        // REZERO UNIT and READ BUFFER: not in MMC. READ TOC of a disc without one.
        0x01 | 0x3c | 0x43 => true,
        // Programs ask what can be written by trying: packets, raw, some sub-channels.
        0x55 => {
            let kind = sent.get(10).map_or(0, |byte| byte & 0x0f);
            let blocks = sent.get(12).map_or(0, |byte| byte & 0x0f);
            matches!(kind, 0 | 3) || (kind == 2 && matches!(blocks, 1 | 2))
        }
        _ => false,
    }
}

/// What must lie on the medium.
#[derive(Clone, Copy)]
struct Written {
    first: i32,
    blocks: i32,
    tag: u32,
    block: usize,
}

/// What a program writes at this place: user data or a sector of audio.
fn sector(lba: i32, tag: u32, size: usize) -> Vec<u8> {
    let mut sector = [block(lba, tag), block(lba, tag + 1000)].concat();
    sector.truncate(size);
    sector
}

/// Traces cut long lists: the last line of a cue sheet says where the lead-out is, and that is
/// where the writes end.
fn complete_cue<'t>(line: &mut Line, rest: impl Iterator<Item = &'t str>) {
    let length = count(&line.cdb) as usize;
    let Some(sent) = line.sends.as_mut().filter(|sent| sent.len() + 8 == length) else { return };
    let writes = rest.filter_map(parse).find(|line| line.cdb[0] == 0x2a).expect("writes follow");
    let last = writes.last.unwrap_or(writes.cdb);
    let msf = Lba(address(&last) + count(&last)).msf().expect("on a CD");
    sent.extend([sent[sent.len() - 8], 0xaa, 1, 1, 0, msf.m, msf.s, msf.f]);
}

/// Replays a trace and returns what must lie on the medium.
fn replay(host: &mut Host, name: &str) -> Vec<Written> {
    let path = format!("{}/../corpora/traces/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let mut written: Vec<Written> = Vec::new();
    // Where a group of writes lay in the trace, and by how much it lies elsewhere here.
    let mut moved: Option<(i32, i32, i32)> = None;
    let mut tag = name.bytes().map(u32::from).sum::<u32>();
    for (n, line) in text.lines().enumerate() {
        let Some(mut line) = parse(line) else { continue };
        let at = format!("{name}, line {}", n + 1);
        if line.cdb[0] == 0x5d {
            complete_cue(&mut line, text.lines().skip(n + 1));
        }
        if line.cdb[0] == 0x2a {
            tag += 1;
            let first = address(&line.cdb);
            let last = line.last.as_ref().unwrap_or(&line.cdb);
            let blocks = address(last) + count(last) - first;
            let each = count(&line.cdb);
            // The model drive left other gaps between sessions.
            let place = host.append_at(first);
            moved = Some((first, blocks, place - first));
            let first = place;
            let mut done = 0;
            while done < blocks {
                let now = each.min(blocks - done);
                let lba = Lba(first + done);
                let data: Vec<u8> =
                    (0..now).flat_map(|i| sector(lba.0 + i, tag, line.block)).collect();
                let sent = host.write_sectors(lba, now as u32, &data);
                assert_eq!(sent, Ok(0), "{at}: at {lba}");
                done += now;
            }
            written.push(Written { first, blocks, tag, block: line.block });
            continue;
        }
        if let (0x28, Some((first, blocks, by))) = (line.cdb[0], moved) {
            let lba = address(&line.cdb);
            if (first..first + blocks).contains(&lba) {
                line.cdb[2..6].copy_from_slice(&(lba + by).to_be_bytes());
            }
        }
        for _ in 0..if line.last.is_some() { 1 } else { line.times } {
            command(host, &line, &at);
        }
    }
    written
}

/// A BD-R is formatted to a size that the drive offers; the model drive offered another one.
fn offered(host: &mut Host, list: &mut [u8]) {
    if list[8] >> 2 != 0x32 {
        return;
    }
    let offers = host.read("23 00 00 00 00 00 00 00 fc 00", 252);
    let same = offers[12..].chunks_exact(8).find(|offer| offer[4] >> 2 == 0x32);
    list[4..8].copy_from_slice(&same.expect("an offer")[..4]);
}

fn command(host: &mut Host, line: &Line, at: &str) {
    let sent = line.sends.as_ref().map(|sent| {
        // Zeros at the end are left out in the trace: the CDB knows the length.
        let mut sent = sent.clone();
        let length = match line.cdb[0] {
            0x04 => 12,
            0xb6 => count(&[&line.cdb[2..], &[0]].concat()) as usize,
            0x5d => count(&line.cdb) as usize,
            _ => count(&line.cdb) as usize,
        };
        sent.resize(length.max(sent.len()), 0);
        if line.cdb[0] == 0x04 {
            offered(host, &mut sent);
        }
        sent
    });
    for _ in 0..100_000 {
        let mut room = vec![0; line.reads];
        let data = match &sent {
            Some(sent) => Data::Out(sent),
            None if line.reads > 0 => Data::In(&mut room),
            None => Data::None,
        };
        match host.command(&line.cdb, data) {
            Ok(_) => return,
            // A unit attention, or busy: the programs ask again.
            Err((6, ..)) => {}
            Err((2, 0x04, _)) => host.wait(1),
            // A kernel that looks at a disc on which nothing is.
            Err((8, ..)) if line.kernel => return,
            Err(sense) => {
                let sent = sent.as_deref().unwrap_or_default();
                let known = line.refused || may_fail(&line.cdb, sent);
                assert!(known, "{at}: {:02x?}: {sense:x?}", line.cdb);
                return;
            }
        }
    }
    panic!("{at}: never ready");
}

fn check(host: &Host, written: &[Written]) {
    host.place
        .bench
        .with_disc(host.place.id, |disc| {
            for &Written { first, blocks, tag, block } in written {
                // Pauses before the first data track are not the programs' data.
                for lba in if block == BLOCK { first.max(0) } else { first }..first + blocks {
                    let inside = |w: &&Written| (w.first..w.first + w.blocks).contains(&lba);
                    let over = written.iter().rev().find(inside);
                    if over.is_some_and(|over| over.tag != tag) {
                        continue;
                    }
                    assert!(disc.readable(Lba(lba)), "block {lba} cannot be read");
                    let frame = disc.frame(Lba(lba)).expect("memory");
                    let kept = if block == BLOCK { &frame[16..2064] } else { &frame[..] };
                    let found = match disc.state().kind().family() {
                        Family::Cd => kept.to_vec(),
                        _ => {
                            let mut room = vec![0; BLOCK];
                            disc.read(Lba(lba), &mut room).expect("memory");
                            room
                        }
                    };
                    assert!(found == sector(lba, tag, block), "block {lba} differs");
                }
            }
        })
        .expect("a disc");
}

/// Replays these traces on one disc, one after the other.
fn run(kind: MediumKind, names: &[&str]) -> Host {
    let mut host = Host::with(kind);
    let mut written = Vec::new();
    for name in names {
        written.extend(replay(&mut host, name));
        // A kernel does not flush: the drive records by itself before long.
        host.wait(60);
        check(&host, &written);
    }
    host
}

#[test]
fn cd_r() {
    for name in
        ["cdr-cdrskin-tao", "cdr-wodim-tao", "cdr-wodim-sao", "cdr-xorriso", "cdr-cdrdao-data"]
    {
        run(MediumKind::CdR, &[name]);
    }
}

#[test]
fn cd_r_audio() {
    for name in ["cdr-cdrskin-audio", "cdr-wodim-audio", "cdr-cdrdao-audio"] {
        run(MediumKind::CdR, &[name]);
    }
}

#[test]
fn cd_r_is_looked_at() {
    let names =
        ["cdr-xorriso", "cdr-cdrdao-info", "cdr-wodim-msinfo", "cdr-cd-info", "cdr-xorriso-grow"];
    run(MediumKind::CdR, &[&names[..], &["cdr-xorriso-find"]].concat());
    run(MediumKind::CdR, &["cdr-wodim-tao", "cdr-cd-read"]);
}

#[test]
fn cd_r_grows() {
    run(MediumKind::CdR, &["cdr-xorriso", "cdr-xorriso-grow"]);
}

#[test]
fn cd_rw_blanking() {
    for name in
        ["cdrw-cdrdao-blank", "cdrw-cdrskin-blank", "cdrw-wodim-blank", "cdrw-xorriso-blank"]
    {
        run(MediumKind::CdRw, &[name]);
    }
}

#[test]
fn dvd_r() {
    for name in ["dvd-r-cdrskin", "dvd-r-growisofs-Z", "dvd-r-wodim", "dvd-r-xorriso"] {
        run(MediumKind::DvdR, &[name]);
    }
    run(MediumKind::DvdR, &["dvd-r-growisofs-Z", "dvd-r-growisofs-M"]);
}

#[test]
fn dvd_rw() {
    run(MediumKind::DvdRw, &["dvd-rw-format", "dvd-rw-ro-growisofs-Z"]);
}

#[test]
fn dvd_plus_r() {
    run(MediumKind::DvdPlusR, &["dvd+r-growisofs-Z", "dvd+r-growisofs-M"]);
    run(MediumKind::DvdPlusR, &["dvd+r-xorriso", "dvd+r-xorriso-grow"]);
}

#[test]
fn dvd_plus_rw() {
    run(MediumKind::DvdPlusRw, &["dvd+rw-format", "dvd+rw-growisofs-Z", "dvd+rw-growisofs-M"]);
    run(MediumKind::DvdPlusRw, &["dvd+rw-xorriso"]);
}

#[test]
fn dvd_ram() {
    run(MediumKind::DvdRam, &["dvd-ram-growisofs-Z"]);
    run(MediumKind::DvdRam, &["dvd-ram-xorriso"]);
}

#[test]
fn bd_r() {
    run(MediumKind::BdR, &["bd-r-cdrskin"]);
    run(MediumKind::BdR, &["bd-r-xorriso"]);
    run(MediumKind::BdR, &["bd-r-growisofs-Z", "bd-r-growisofs-M"]);
}

#[test]
fn bd_re() {
    run(MediumKind::BdRe, &["bd-re-format", "bd-re-mediainfo", "bd-re-growisofs-Z"]);
    run(MediumKind::BdRe, &["bd-re-format", "bd-re-xorriso"]);
}
