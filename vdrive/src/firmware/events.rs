//! GET EVENT STATUS NOTIFICATION.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, GetEventStatusNotification};
use engine::mmc::event::{Event as Wire, EventClass};
use engine::mmc::wire::Field;

use super::attention::{Event, Events};
use super::context::{Cx, Reply, bad_cdb};
use super::{Spindle, Tray};
use crate::mechanism::PowerState;
use crate::models::Quirk;

/// GET EVENT STATUS NOTIFICATION (MMC-6, 6.7). Answers in every state; an event is gone once its
/// four bytes have been handed out.
pub(super) fn get_event_status(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = GetEventStatusNotification::from_cdb(cdb);
    if !cdb.polled {
        return Err(bad_cdb(1, Some(0)));
    }
    let wanted = cdb.classes & Events::SUPPORTED;
    let mut reply = Wire { supported: Events::SUPPORTED, nea: wanted == 0, ..Wire::default() };
    if wanted != 0 {
        let quirks = &cx.fw.model.behaviour.quirks;
        let event = cx.fw.nexuses.mine().and_then(|nexus| nexus.events.first(wanted));
        let hidden = quirks.contains(&Quirk::NoRemovalEvent) && event == Some(Event::Media(3));
        let class = event.map_or(wanted.trailing_zeros() as u8, Event::class);
        reply.class = EventClass::from_bits(class.into());
        fill(cx, class, event.filter(|_| !hidden), &mut reply);
        let room = usize::from(cdb.allocation).min(data.len());
        if let Some(event) = event.filter(|_| room >= Wire::LEN) {
            cx.fw.nexuses.mine().into_iter().for_each(|mine| mine.events.drop_first(event));
        }
    }
    cx.send(&reply.reply(), cdb.allocation.into(), data)
}

fn fill(cx: &Cx<'_>, class: u8, event: Option<Event>, reply: &mut Wire) {
    match (class, event) {
        (1, Some(Event::Operational(report))) => {
            reply.code = 2;
            reply.parameter = report;
        }
        (2, Some(Event::Power(state))) => {
            reply.code = 1;
            reply.status = state;
        }
        (2, _) => reply.status = power(cx),
        (4, event) => {
            if let Some(Event::Media(code)) = event {
                reply.code = code;
            }
            let open = cx.fw.tray == Tray::Out;
            let present = cx.disc.is_some() && !open && cx.fw.spindle != Spindle::Unknown;
            reply.status = u8::from(present) << 1 | u8::from(open);
        }
        (6, _) => {
            if let Some(job) = cx.fw.job.as_ref().filter(|job| !job.is_over()) {
                let left = job.due(cx.now).since(cx.now).as_millis() / 100;
                reply.status = 1;
                reply.parameter = u16::try_from(left).unwrap_or(u16::MAX);
            }
        }
        _ => {}
    }
}

/// Power state as events count it (MMC-6, 6.7.3.3).
pub(super) fn power(cx: &Cx<'_>) -> u8 {
    match cx.fw.laser.power(cx.now) {
        PowerState::Active => 1,
        PowerState::Idle => 2,
        PowerState::Standby => 3,
        PowerState::Sleep => 4,
    }
}
