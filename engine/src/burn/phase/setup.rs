//! Speed, write parameters, reservation, and the address where writing starts.

use super::prepare::refused;
use super::{Answer, Ask, Phase, Turn, write};
use crate::burn::context::Context;
use crate::burn::job::Exchange;
use crate::burn::page::{page, select};
use crate::burn::{Fault, Mode, Plan, Stage};
use crate::media::{NwaSource, SpeedCommand};
use crate::mmc::cdb::{
    Command, ReadDiscInformation, ReadTrackInformation, ReserveTrack, SetCdSpeed, SetStreaming,
    TrackAddress,
};
use crate::mmc::disc::{DiscInformation, TrackInformation};
use crate::mmc::performance::StreamingDescriptor;
use crate::units::{Blocks, Kbps, Lba};

/// What every drive sends of track information.
const TRACK: usize = 36;

pub(crate) struct Setup {
    at: At,
}

#[derive(Clone, Copy)]
enum At {
    Speed,
    Page,
    Reserve,
    Disc,
    Track,
}

impl Setup {
    pub(super) fn begin(cx: &mut Context) -> Turn {
        Setup::go(At::Speed, cx)
    }

    pub(super) fn step(self, cx: &mut Context, answer: Answer) -> Turn {
        if cx.stopping() {
            return cx.fail(Fault::Cancelled, Stage::Prepare);
        }
        match (self.at, answer) {
            // The drive's own choice of speed will do.
            (At::Speed, Err(fault)) if refused(&fault) => {
                cx.ignored(&fault);
                Setup::go(At::Page, cx)
            }
            (At::Speed, Ok(_)) => Setup::go(At::Page, cx),
            (At::Page, Ok(_)) => Setup::go(At::Reserve, cx),
            (At::Reserve, Ok(_)) => Setup::go(At::Disc, cx),
            (At::Disc, Ok(bytes)) => {
                cx.track = DiscInformation::parse_cut(&bytes).last_track_last_session.max(1);
                Setup::go(At::Track, cx)
            }
            (At::Track, Ok(bytes)) => found(cx, &bytes),
            (_, Err(fault)) => cx.fail(fault, Stage::Prepare),
        }
    }

    /// Does this, or the next thing that the plan has.
    fn go(at: At, cx: &mut Context) -> Turn {
        let exchange = match at {
            At::Speed => match speed(&cx.plan) {
                Some(exchange) => exchange,
                None => return Setup::go(At::Page, cx),
            },
            At::Page => match page(cx.plan.mode, cx.plan.appendable) {
                Some(page) => {
                    let (command, list) = select(&page);
                    Exchange::list(&command, list)
                }
                None => return Setup::go(At::Reserve, cx),
            },
            At::Reserve if cx.plan.mode == Mode::DiscAtOnce => {
                cx.touched = true;
                Exchange::bare(&ReserveTrack::of(cx.plan.total()))
            }
            At::Reserve => return Setup::go(At::Disc, cx),
            At::Disc if cx.plan.mode == Mode::Overwrite => return write::Writing::begin(cx),
            At::Disc => {
                let allocation = DiscInformation::LEN as u16;
                let ask = ReadDiscInformation { kind: 0, allocation };
                Exchange::ask(ask.cdb(), DiscInformation::LEN)
            }
            At::Track => {
                let address = match (cx.plan.mode, cx.plan.medium.nwa) {
                    // Just reserved; some drives count another one behind it.
                    (Mode::DiscAtOnce, _) => 1,
                    (_, NwaSource::InvisibleTrack) => 0xff,
                    (_, NwaSource::LastTrack | NwaSource::Zero) => u32::from(cx.track),
                };
                let by = TrackAddress::Track;
                let allocation = TRACK as u16;
                let ask = ReadTrackInformation { open: false, by, address, allocation };
                Exchange::ask(ask.cdb(), TRACK)
            }
        };
        Turn(Phase::Setup(Setup { at }), Ask::Send(exchange))
    }
}

/// Writing may start if the drive's next writable address is the plan's.
fn found(cx: &mut Context, bytes: &[u8]) -> Turn {
    let info = TrackInformation::parse_cut(bytes);
    let plan = &cx.plan;
    // Some drives say -150 on a blank CD.
    let next = info.nwa().map(|next| next.max(Lba(0)));
    let fault = match next {
        Some(next) if next != plan.start => Fault::Replaced {
            detail: format!("it continues at block {next}, not at {}", plan.start),
        },
        None => Fault::Replaced { detail: "it has no next writable address".to_owned() },
        Some(_) if info.free < plan.total() && info.free != Blocks(0) => Fault::TooSmall {
            medium: plan.medium.name.to_owned(),
            needs: plan.total(),
            has: info.free,
        },
        Some(_) => {
            if info.track != 0 {
                cx.track = info.track;
            }
            return write::Writing::begin(cx);
        }
    };
    cx.fail(fault, Stage::Prepare)
}

/// The command that sets the speed, if the plan has one.
fn speed(plan: &Plan) -> Option<Exchange> {
    let speed = plan.speed?;
    match plan.medium.speed {
        SpeedCommand::SetCdSpeed => {
            // Drives round down to a speed they have; a little more keeps them from falling to the
            // one below.
            let write = Kbps((speed.0 + 2).min(0xffff));
            let read = Kbps(0xffff);
            Some(Exchange::bare(&SetCdSpeed { rotation: 0, read, write }))
        }
        SpeedCommand::SetStreaming => {
            let end = plan.start.0.max(0).saturating_add_unsigned(plan.room.0).saturating_sub(1);
            let read = plan.read_speed.unwrap_or(speed);
            let descriptor = StreamingDescriptor {
                start: Lba(0),
                end: Lba(end),
                read_size: read.0,
                read_time: 1000,
                write_size: speed.0,
                write_time: 1000,
                ..StreamingDescriptor::default()
            };
            let set = SetStreaming { kind: 0, length: StreamingDescriptor::LEN as u16 };
            Some(Exchange::list(&set, descriptor.emit().to_vec()))
        }
    }
}
