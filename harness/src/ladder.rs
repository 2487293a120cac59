//! A trace as a ladder: time, direction, command in words, what came of it, how full the drive's
//! buffer was. Repeats are one rung. Made for people and for snapshots: times are rounded to the
//! millisecond and data is left out.

use std::fmt::Write as _;

use engine::device::trace::{Ended, Exchange, Kept};
use engine::device::{Status, trace};
use engine::mmc::buffer::BufferCapacity;
use engine::mmc::cdb::{Command, ReadBufferCapacity};
use engine::mmc::say::say;
use engine::mmc::sense::Sense;
use engine::mmc::table::Direction;

/// One rung: like exchanges, one after the other.
struct Rung {
    first: Exchange,
    last: Exchange,
    count: usize,
}

/// The ladder of a trace's lines.
pub fn ladder(lines: &[String]) -> Result<String, trace::TraceError> {
    let mut rungs: Vec<Rung> = Vec::new();
    for exchange in trace::parse(&lines.join("\n"))? {
        match rungs.last_mut() {
            Some(rung) if alike(&rung.last, &exchange) => {
                rung.last = exchange;
                rung.count += 1;
            }
            _ => rungs.push(Rung { first: exchange.clone(), last: exchange, count: 1 }),
        }
    }
    let mut text = String::new();
    for rung in &rungs {
        let at = rung.first.at.0 / 1_000_000;
        let arrow = match rung.first.direction {
            Direction::None => "  ",
            Direction::In => "<-",
            Direction::Out => "->",
        };
        let (seconds, millis) = (at / 1000, at % 1000);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{seconds:>5}.{millis:03} {arrow} {}", words(rung));
    }
    Ok(text)
}

/// Whether two exchanges belong on one rung: the same command with the same end, and the same
/// words but for the block.
fn alike(a: &Exchange, b: &Exchange) -> bool {
    let verb = |e: &Exchange| say(&e.cdb).split(" lba ").next().unwrap_or_default().to_owned();
    let moves = |e: &Exchange| say(&e.cdb).contains(" lba ");
    let same = if moves(a) { verb(a) == verb(b) } else { a.cdb == b.cdb };
    same && ending(a) == ending(b) && fill(a).is_none()
}

fn words(rung: &Rung) -> String {
    let mut text = say(&rung.first.cdb);
    let last = say(&rung.last.cdb);
    match (rung.count, last == text) {
        (1, _) => {}
        (n, true) => text += &format!(" ({n} times)"),
        (n, false) => {
            let last = last.split(" lba ").nth(1).unwrap_or_default();
            text += &format!(" ... {last} ({n} commands)");
        }
    }
    if let Some(percent) = fill(&rung.first) {
        text += &format!(": {percent}% full");
    }
    match ending(&rung.first) {
        good if good.is_empty() => text,
        what => format!("{text}: {what}"),
    }
}

/// How an exchange ended, if not well.
fn ending(exchange: &Exchange) -> String {
    match &exchange.ended {
        Ended::Spoke(Status::Good, _) => String::new(),
        Ended::Spoke(_, sense) => match Sense::parse(sense) {
            Ok(sense) => format!("{} ({})", sense.code.name(), sense.code),
            Err(_) => "an end without sense".to_owned(),
        },
        Ended::Failed(kind) => format!("{kind:?}"),
    }
}

/// How full the drive's buffer was, in percent, where it was asked.
fn fill(exchange: &Exchange) -> Option<u32> {
    if exchange.cdb.opcode() != ReadBufferCapacity::OPCODE {
        return None;
    }
    let Kept::Bytes(bytes) = &exchange.data else { return None };
    let reply = BufferCapacity::parse(bytes).ok()?;
    let full = u64::from(reply.filled()?);
    u32::try_from((full * 100).checked_div(u64::from(reply.size))?).ok()
}

#[cfg(test)]
mod tests {
    use super::ladder;

    #[test]
    fn repeats_are_one_rung() {
        let lines = [
            "kiln-trace 1",
            "1 0.000000000 000000000000 - 0 - good +0.000030000",
            "2 0.500000000 000000000000 - 0 - good +0.000030000",
            "3 1.000400000 2a000000000000001000 > 32768 sha256:c35020473aed1b46 good +0.000303000",
            "4 1.100000000 2a000000001000001000 > 32768 sha256:735fc9b7492ced22 good +0.000303000",
            "5 1.200000000 000000000000 - 0 - gone +0.000030000",
        ];
        let text = ladder(&lines.map(str::to_owned)).expect("it is a trace");
        let want = "    0.000    TEST UNIT READY (2 times)\n    \
                    1.000 -> WRITE (10) lba 0, 16 blocks ... 16, 16 blocks (2 commands)\n    \
                    1.200    TEST UNIT READY: Gone\n";
        assert_eq!(text, want);
    }
}
