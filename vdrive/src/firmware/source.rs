//! The forms in which a host sends the sectors of a CD, and how the drive makes sectors of them.
//!
//! May not know: where the sectors go.

use engine::cdda::sector::{self, Frame, Kind};
use engine::cdda::subchannel::{self, Subcode};
use engine::cdda::{FRAME, SUBCODE};
use engine::units::Lba;

use crate::mechanism::{Form, Main};

/// What the host sends for the main channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Audio.
    Audio,
    /// User data of Mode 1.
    Mode1,
    /// A sector of Mode 1, of which the drive takes the user data only.
    Mode1Frame,
    /// The 2336 bytes behind the header of a Mode 2 sector; sub-headers make the drive see to the
    /// codes of XA.
    Mode2 { xa: bool },
    /// A sector of Mode 2 with everything; the drive makes synchronization and header anew.
    Mode2Frame { xa: bool },
    /// User data of form 1 or 2, the sub-header comes from page 05h.
    Form(Kind),
    /// Both copies of the sub-header, and the user data of the form it names.
    SubHeader { bytes: u32 },
    /// A sector as the laser is to write it: data sectors are scrambled, and Q says whether it is
    /// one.
    Raw,
    /// The drive makes silence of it.
    Silence,
    /// The drive makes a data sector with zeros.
    Zeros(Blank),
    /// The host sends so many bytes and the drive writes zeros.
    Ignored { bytes: u32, blank: Blank },
    /// Only the sub-channel is sent: a lead-in with CD-TEXT.
    Nothing,
}

/// A data sector with nothing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    /// Mode 1.
    Mode1,
    /// Mode 2 without forms.
    Mode2,
    /// Form 2 of an XA disc (MMC-6, 6.33.3, data forms 22h to 24h).
    Form2,
}

impl Blank {
    /// The whole sector.
    pub(super) fn frame(self, at: Lba) -> Frame {
        match self {
            Blank::Mode1 => sector::mode1(at, &[0; 2048]),
            Blank::Mode2 => sector::mode2(at, &[0; 2336]),
            Blank::Form2 => sector::form2(at, [0, 0, 0x20, 0], &[0; 2324]),
        }
    }
}

/// What the host sends for the sub-channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sub {
    /// Nothing: the drive makes P and Q.
    None,
    /// P and Q in 16 bytes.
    Pq,
    /// All channels in 96 bytes, as they go onto the disc.
    Raw,
    /// The same with R to W in packs, which the drive protects and interleaves.
    Packed,
}

/// The form of a block from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) fill: Fill,
    pub(super) sub: Sub,
}

impl Source {
    const fn new(fill: Fill, sub: Sub) -> Source {
        Source { fill, sub }
    }

    /// User data of Mode 1.
    pub(super) const DATA: Source = Source::new(Fill::Mode1, Sub::None);

    /// What a data form of a cue sheet means (MMC-6, 6.33.3, data form of main channel and of
    /// sub-channel); `None` for one that the drive does not write.
    pub(super) fn of_cue(form: u8) -> Option<Source> {
        let sub = match form >> 6 {
            0 => Sub::None,
            1 => Sub::Raw,
            3 => Sub::Packed,
            _ => return None,
        };
        let ignored = |bytes, blank| Fill::Ignored { bytes, blank };
        let fill = match form & 0x3f {
            0x00 => Fill::Audio,
            0x01 => Fill::Silence,
            0x10 => Fill::Mode1,
            0x11 => Fill::Mode1Frame,
            0x12 => ignored(2048, Blank::Mode1),
            0x13 => ignored(2352, Blank::Mode1),
            0x14 => Fill::Zeros(Blank::Mode1),
            0x20 => Fill::Mode2 { xa: true },
            0x21 => Fill::Mode2Frame { xa: true },
            0x22 => ignored(2336, Blank::Form2),
            0x23 => ignored(2352, Blank::Form2),
            0x24 => Fill::Zeros(Blank::Form2),
            0x30 => Fill::Mode2 { xa: false },
            0x31 => Fill::Mode2Frame { xa: false },
            0x32 => ignored(2336, Blank::Mode2),
            0x33 => ignored(2352, Blank::Mode2),
            0x34 => Fill::Zeros(Blank::Mode2),
            _ => return None,
        };
        // What the drive makes itself has no sub-channel from the host, but in the lead-in.
        match fill {
            Fill::Silence | Fill::Zeros(_) if sub != Sub::None => None,
            _ => Some(Source { fill, sub }),
        }
    }

    /// What a data block type of page 05h means when a track is written at once (MMC-6, 7.5.4.10).
    pub(super) fn of_block_type(kind: u8) -> Option<Source> {
        let fill = match kind {
            0 => Fill::Audio,
            8 => Fill::Mode1,
            9 => Fill::Mode2 { xa: false },
            10 => Fill::Form(Kind::Form1),
            11 => Fill::SubHeader { bytes: 2056 },
            12 => Fill::Form(Kind::Form2),
            13 => Fill::SubHeader { bytes: 2332 },
            _ => return None,
        };
        Some(Source { fill, sub: Sub::None })
    }

    /// What a data block type of page 05h means in raw writing.
    pub(super) fn of_raw(kind: u8) -> Option<Source> {
        match kind {
            1 => Some(Source { fill: Fill::Raw, sub: Sub::Pq }),
            2 => Some(Source { fill: Fill::Raw, sub: Sub::Packed }),
            3 => Some(Source { fill: Fill::Raw, sub: Sub::Raw }),
            _ => None,
        }
    }

    /// Bytes that the host sends for each block.
    pub(super) fn bytes(self) -> u32 {
        let main = match self.fill {
            Fill::Audio | Fill::Mode1Frame | Fill::Mode2Frame { .. } | Fill::Raw => 2352,
            Fill::Mode1 | Fill::Form(Kind::Form1) => 2048,
            Fill::Mode2 { .. } => 2336,
            Fill::Form(_) => 2324,
            Fill::SubHeader { bytes } | Fill::Ignored { bytes, .. } => bytes,
            Fill::Silence | Fill::Zeros(_) | Fill::Nothing => 0,
        };
        main + self.sub_bytes() as u32
    }

    /// Bytes of a block in the buffer, at most.
    pub(super) fn most(self) -> u32 {
        match self.plain() {
            Some(form) => form.bytes(),
            None => (FRAME + SUBCODE) as u32,
        }
    }

    /// Whether these are sectors of an audio track.
    pub(super) fn audio(self) -> bool {
        matches!(self.fill, Fill::Audio | Fill::Silence)
    }

    /// Mode of the sectors: that of a track with them.
    pub(super) fn mode(self) -> u8 {
        match self.fill {
            Fill::Mode2 { .. }
            | Fill::Mode2Frame { .. }
            | Fill::Form(_)
            | Fill::SubHeader { .. }
            | Fill::Zeros(Blank::Mode2 | Blank::Form2)
            | Fill::Ignored { blank: Blank::Mode2 | Blank::Form2, .. } => 2,
            _ => 1,
        }
    }

    /// Whether the drive makes these sectors without the host.
    pub(super) fn made(self) -> bool {
        matches!(self.fill, Fill::Silence | Fill::Zeros(_))
    }

    /// Whether what the host sends is what the buffer takes.
    pub(super) fn plain(self) -> Option<Form> {
        match (self.fill, self.sub) {
            (Fill::Mode1, Sub::None) => Some(Form::USER),
            (Fill::Audio, Sub::None) => Some(Form::AUDIO),
            (Fill::Mode1, Sub::Raw) => Some(Form { main: Main::User, sub: true }),
            (Fill::Audio, Sub::Raw) => Some(Form { main: Main::Audio, sub: true }),
            (Fill::Nothing, Sub::Raw) => Some(Form { main: Main::None, sub: true }),
            _ => None,
        }
    }

    /// Makes the sector for block `at` of what the host sent for it, behind what is in `out`; its
    /// form.
    pub(super) fn make(self, at: Lba, sub_header: [u8; 4], host: &[u8], out: &mut Vec<u8>) -> Form {
        let main = self.bytes() as usize - self.sub_bytes();
        let (data, sub) = host.split_at(main.min(host.len()));
        let subcode: Option<Subcode> = match self.sub {
            Sub::None => None,
            Sub::Raw | Sub::Packed => sub.try_into().ok(),
            // The drive sees to the CRC: some hosts send none, or another.
            Sub::Pq => sub.first_chunk::<12>().map(|q| {
                subchannel::spread(
                    &subchannel::sealed(*q),
                    sub.get(15).is_some_and(|byte| byte & 0x80 != 0),
                )
            }),
        };
        let main = match self.fill {
            Fill::Raw => {
                let data_track = subcode
                    .as_ref()
                    .is_some_and(|subcode| subchannel::q_of(subcode)[0] & 0x40 != 0);
                raw(data, data_track, out)
            }
            _ => self.main(at, sub_header, data, out),
        };
        out.extend(subcode.iter().flatten());
        Form { main, sub: subcode.is_some() }
    }

    fn sub_bytes(self) -> usize {
        match self.sub {
            Sub::None => 0,
            Sub::Pq => 16,
            Sub::Raw | Sub::Packed => SUBCODE,
        }
    }

    fn main(self, at: Lba, sub_header: [u8; 4], data: &[u8], out: &mut Vec<u8>) -> Main {
        match self.fill {
            Fill::Audio | Fill::Raw => {
                out.extend_from_slice(data);
                Main::Audio
            }
            Fill::Mode1 => {
                out.extend_from_slice(data);
                Main::User
            }
            Fill::Mode1Frame => {
                out.extend_from_slice(&data[16..2064]);
                Main::User
            }
            Fill::Ignored { blank: Blank::Mode1, .. } | Fill::Zeros(Blank::Mode1) => {
                out.extend_from_slice(&[0; 2048]);
                Main::User
            }
            Fill::Ignored { blank, .. } | Fill::Zeros(blank) => whole(blank.frame(at), out),
            Fill::Silence => {
                out.extend_from_slice(&[0; FRAME]);
                Main::Audio
            }
            Fill::Nothing => Main::None,
            Fill::Mode2 { xa } => whole(mode2(at, data, xa), out),
            Fill::Mode2Frame { xa } => whole(mode2(at, &data[16..], xa), out),
            Fill::Form(Kind::Form1) => {
                let sub_header =
                    [sub_header[0], sub_header[1], sub_header[2] & !0x20, sub_header[3]];
                whole(sector::form1(at, sub_header, &padded(data)), out)
            }
            Fill::Form(_) => {
                let sub_header =
                    [sub_header[0], sub_header[1], sub_header[2] | 0x20, sub_header[3]];
                whole(sector::form2(at, sub_header, &padded(data)), out)
            }
            Fill::SubHeader { .. } => whole(mode2(at, &padded::<2336>(data), true), out),
        }
    }
}

fn whole(frame: Frame, out: &mut Vec<u8>) -> Main {
    out.extend_from_slice(&frame);
    Main::Data
}

/// The bytes with zeros behind them, or as many of them as there is room for.
fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0))
}

/// A sector of Mode 2; with sub-headers the drive puts in the codes of their form.
fn mode2(at: Lba, data: &[u8], xa: bool) -> Frame {
    let mut frame = sector::mode2(at, &padded(data));
    if xa {
        let kind = if frame[18] & 0x20 != 0 { Kind::Form2 } else { Kind::Form1 };
        sector::protect(&mut frame, kind);
    }
    frame
}

/// A sector from a host that makes everything itself. In a data track it is scrambled; one whose
/// bytes are all as the drive would have made them is kept as its user data.
fn raw(data: &[u8], data_track: bool, out: &mut Vec<u8>) -> Main {
    let mut frame: Frame = padded(data);
    if !data_track || frame[..12] != sector::SYNC {
        out.extend_from_slice(&frame);
        return Main::Audio;
    }
    sector::scramble(&mut frame);
    whole(frame, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_standard() {
        // MMC-6, 7.5.4.10.
        for (kind, bytes) in [(0, 2352), (8, 2048), (9, 2336), (11, 2056), (12, 2324), (13, 2332)] {
            assert_eq!(Source::of_block_type(kind).map(Source::bytes), Some(bytes));
        }
        for (kind, bytes) in [(1, 2368), (2, 2448), (3, 2448)] {
            assert_eq!(Source::of_raw(kind).map(Source::bytes), Some(bytes));
        }
        assert_eq!(Source::of_cue(0x50).map(Source::bytes), Some(2144));
        assert_eq!(Source::of_cue(0xc0).map(Source::bytes), Some(2448));
        assert_eq!(Source::of_cue(0x80), None);
        // What the drive makes, the host sends nothing of (MMC-6, 6.33.3, data forms).
        for (form, bytes, mode) in [
            (0x12, 2048, 1),
            (0x13, 2352, 1),
            (0x14, 0, 1),
            (0x22, 2336, 2),
            (0x23, 2352, 2),
            (0x24, 0, 2),
            (0x32, 2336, 2),
            (0x33, 2352, 2),
            (0x34, 0, 2),
        ] {
            let source = Source::of_cue(form).expect("a form");
            assert_eq!((source.bytes(), source.mode()), (bytes, mode), "{form:02x}");
            assert_eq!(source.made(), bytes == 0, "{form:02x}");
        }
    }

    #[test]
    fn raw_data_loses_its_scrambling() {
        let frame = sector::mode1(Lba(0), &[3; 2048]);
        let mut sent = frame;
        sector::scramble(&mut sent);
        let q = subchannel::position(4, 1, 1, 0, Lba(0));
        let mut careless = q;
        careless[10] ^= 0xff;
        let host = [&sent[..], &subchannel::pq(&careless, false)].concat();
        let mut out = Vec::new();
        let form = Source::of_raw(1).unwrap().make(Lba(0), [0; 4], &host, &mut out);
        assert_eq!(form, Form { main: Main::Data, sub: true });
        assert_eq!(out[..FRAME], frame);
        assert_eq!(subchannel::q_of(out[FRAME..].try_into().unwrap()), q);
    }
}
