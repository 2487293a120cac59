//! Events as JSON lines on standard output, one object a line, for programs that drive kiln.
//!
//! Every object has `"v": 1` and an `"event"`; what else it has follows from that name, as README
//! lists it. Fields may be added under the same version, none changes its meaning or vanishes.

use engine::burn::{DiscState, Event, Note, Outcome, Plan, Verified, WaitReason};
use engine::image::Changes;
use serde_json::{Value, json};

use super::carry;
use crate::exit::Failure;
use crate::job::Ready;

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// A line for an event while the burn runs.
pub(super) fn event(event: &Event) -> Value {
    match event {
        Event::Stage(stage) => line("stage", json!({ "stage": key(stage) })),
        Event::Wait { reason, waited, permille } => line(
            "wait",
            json!({
                "reason": reason_key(*reason),
                "waited_ms": millis(*waited),
                "permille": permille,
            }),
        ),
        Event::Progress(p) => line(
            "progress",
            json!({
                "stage": key(&p.stage),
                "done": p.done.0,
                "total": p.total.0,
                "file": p.file,
                "kbps": p.rate.0,
                "speed": format!("{}.{}x", p.tenths / 10, p.tenths % 10),
                "buffer_percent": p.buffer,
                "left_ms": p.left.map(millis),
            }),
        ),
        Event::Retry { block, words, pause } => line(
            "retry",
            json!({ "block": block.map(|b| b.0), "drive": words, "pause_ms": millis(*pause) }),
        ),
        Event::Note(note) => {
            line("note", json!({ "kind": note_key(note), "text": note.to_string() }))
        }
        other => line("other", json!({ "text": format!("{other:?}") })),
    }
}

/// The line for the plan.
pub(super) fn plan(ready: &Ready) -> Value {
    let plan: &Plan = &ready.plan;
    line(
        "plan",
        json!({
            "device": plan.device,
            "drive": { "vendor": plan.drive.vendor, "product": plan.drive.product,
                       "revision": plan.drive.revision },
            "medium": plan.medium.name,
            "mode": format!("{:?}", plan.mode),
            "renew": format!("{:?}", plan.renew),
            "start": plan.start.0,
            "blocks": plan.blocks.0,
            "padding": plan.padding.0,
            "room": plan.room.0,
            "kbps": plan.speed.map(|s| s.0),
            "close": plan.close.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>(),
            "appendable": plan.appendable,
            "verify": format!("{:?}", plan.verify).to_lowercase(),
            "duration_ms": millis(plan.duration),
            "kept_entries": ready.kept.map(|k| k.nodes),
            "from_session": ready.kept.map(|k| k.session.0),
            "changes": ready.changes.as_ref().map(carry::changes),
            "heads": plan.heads.iter().map(|(start, blocks)| {
                json!({ "start": start.0, "blocks": blocks.0 })
            }).collect::<Vec<_>>(),
            "disc_id": plan.disc.as_ref().map(ToString::to_string),
            "findings": ready.findings,
        }),
    )
}

/// The only line of a burn that had nothing to do.
pub(super) fn unchanged(changes: &Changes) -> Value {
    line("unchanged", json!({ "changes": carry::changes(changes) }))
}

/// The last line of a burn that did what was asked.
pub(super) fn done(outcome: &Outcome, disc: Option<&std::path::Path>) -> Value {
    let (verified, compared) = match outcome.verified {
        Verified::No => ("none", 0),
        Verified::Quick { blocks } => ("quick", blocks.0),
        Verified::Full => ("full", outcome.blocks.0),
    };
    line(
        "done",
        json!({
            "start": outcome.start.0,
            "blocks": outcome.blocks.0,
            "padding": outcome.padding.0,
            "verified": verified,
            "compared": compared,
            "disc": state(&outcome.disc),
            "disc_file": disc.map(|d| d.display().to_string()),
        }),
    )
}

/// The last line of anything that failed.
pub(super) fn failed(failure: &Failure) -> Value {
    line(
        "error",
        json!({
            "exit": failure.exit.code(),
            "name": failure.exit.name(),
            "text": failure.what,
            "advice": failure.advice,
        }),
    )
}

/// The state of a disc: its name, what it says in words, and where it can be written on.
pub(super) fn state(state: &DiscState) -> Value {
    let (name, next) = match state {
        DiscState::NoDisc => ("no-disc", None),
        DiscState::Untouched => ("untouched", None),
        DiscState::Blank => ("blank", None),
        DiscState::Unformatted => ("unformatted", None),
        DiscState::Complete => ("complete", None),
        DiscState::Appendable { next } => ("appendable", Some(next.0)),
        DiscState::Open { next, .. } => ("open", next.map(|n| n.0)),
        DiscState::Overwritable { .. } => ("overwritable", None),
        DiscState::Lost => ("lost", None),
        _ => ("unknown", None),
    };
    json!({ "state": name, "text": state.to_string(), "next": next })
}

fn line(name: &str, mut fields: Value) -> Value {
    if let Some(map) = fields.as_object_mut() {
        map.insert("v".to_owned(), json!(VERSION));
        map.insert("event".to_owned(), json!(name));
    }
    fields
}

fn key(stage: &engine::burn::Stage) -> String {
    format!("{stage:?}").to_lowercase()
}

fn reason_key(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::BecomingReady => "becoming-ready",
        WaitReason::BufferFull => "buffer-full",
        WaitReason::Blanking => "blanking",
        WaitReason::Formatting => "formatting",
        WaitReason::Flushing => "flushing",
        WaitReason::Closing => "closing",
    }
}

fn note_key(note: &Note) -> &'static str {
    match note {
        Note::Recovered { .. } => "recovered",
        Note::Ignored { .. } => "ignored",
        Note::Stopping => "stopping",
        Note::ReadBack { .. } => "read-back",
        _ => "other",
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use engine::burn::Stage;
    use engine::units::Lba;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn lines_carry_version_and_name() {
        let text = event(&Event::Stage(Stage::Write)).to_string();
        assert_eq!(text, r#"{"event":"stage","stage":"write","v":1}"#);
        let failure = Failure::new(Exit::NoMedium, "no disc").advise("put one in");
        let rest = r#""exit":5,"name":"no-medium","text":"no disc","v":1}"#;
        let want = format!(r#"{{"advice":["put one in"],"event":"error",{rest}"#);
        assert_eq!(failed(&failure).to_string(), want);
    }

    #[test]
    fn an_appendable_disc_says_where() {
        let value = state(&DiscState::Appendable { next: Lba(1600) });
        assert_eq!(
            (value["state"].as_str(), value["next"].as_i64()),
            (Some("appendable"), Some(1600))
        );
    }
}
