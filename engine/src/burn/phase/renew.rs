//! Blanking and formatting.

use std::time::Duration;

use super::{Answer, Ask, Phase, Turn, enter, setup};
use crate::burn::context::Context;
use crate::burn::job::{Exchange, Settle};
use crate::burn::{Renew, Stage};
use crate::drive::WaitReason;
use crate::mmc::cdb::{Blank, BlankType, FormatUnit};
use crate::mmc::format::{FormatList, FormatType};
use crate::units::Blocks;

/// A full blank at single speed takes a DVD's hour and a half; five hours is five times a DVD's
/// certification.
const LIMIT: Duration = Duration::from_secs(18_000);

pub(crate) struct Renewing {
    at: At,
}

enum At {
    Begun(Stage, WaitReason),
    Settling(Stage),
}

impl Renewing {
    pub(super) fn begin(cx: &mut Context) -> Turn {
        let (stage, reason, exchange) = match cx.plan.renew {
            Renew::Nothing => return setup::Setup::begin(cx),
            Renew::BlankMinimal => blank(BlankType::Minimal),
            Renew::BlankFull => blank(BlankType::Disc),
            Renew::Format { kind, sub_type, blocks, parameter } => {
                format(kind, sub_type, blocks, parameter)
            }
            // Bit 0 of the parameter takes up where it was left off (MMC-6, 6.5.3.2.14).
            Renew::RestartFormat => format(FormatType::DvdPlusRw, 0, Blocks(u32::MAX), 1),
        };
        enter(cx, stage);
        cx.touched = true;
        Turn(Phase::Renew(Renewing { at: At::Begun(stage, reason) }), Ask::Send(exchange))
    }

    pub(super) fn step(self, cx: &mut Context, answer: Answer) -> Turn {
        match (self.at, answer) {
            (At::Begun(stage, reason), Ok(_)) => {
                let settle = Ask::Settle(Settle::new(reason, LIMIT));
                Turn(Phase::Renew(Renewing { at: At::Settling(stage) }), settle)
            }
            (At::Settling(_), Ok(_)) => setup::Setup::begin(cx),
            (At::Begun(stage, _) | At::Settling(stage), Err(fault)) => cx.fail(fault, stage),
        }
    }
}

fn blank(kind: BlankType) -> (Stage, WaitReason, Exchange) {
    let blank = Blank { immed: true, kind, start: 0 };
    (Stage::Blank, WaitReason::Blanking, Exchange::bare(&blank))
}

fn format(
    kind: FormatType,
    sub_type: u8,
    blocks: Blocks,
    parameter: u32,
) -> (Stage, WaitReason, Exchange) {
    let format = FormatUnit { fmt_data: true, cmp_list: false, code: 1 };
    let list =
        FormatList { immed: true, blocks, kind, sub_type, parameter, ..FormatList::default() };
    let exchange = Exchange::list(&format, list.emit().to_vec());
    (Stage::Format, WaitReason::Formatting, exchange)
}
