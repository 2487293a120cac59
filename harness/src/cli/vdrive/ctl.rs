//! `kiln vdrive ctl`.

use std::fmt::Write as _;
use std::path::Path;

use engine::units::{Blocks, Bytes};
use vdrive::serve::control::{Action, DiscStatus, LunStatus, Status};

use super::args::{Ctl, CtlCommand};
use super::{fault, sockets};
use crate::cli::out;
use crate::exit::{Exit, Failure};

pub(super) fn ctl(args: &Ctl) -> Result<(), Failure> {
    // What is wrong with the words is found out before a server is.
    let action = action(&args.what)?;
    let mut client = sockets::connect(args.socket.as_deref())?;
    if let CtlCommand::Status { json } = args.what {
        let status = client.status().map_err(|error| sockets::failure(&error))?;
        if json {
            let line = serde_json::to_string(&status)
                .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
            return out::data(&line).map(drop);
        }
        return out::text(&text(&status)).map(drop);
    }
    let done = client.act(args.lun, action).map_err(|error| sockets::failure(&error))?;
    out::note(&done);
    Ok(())
}

fn action(what: &CtlCommand) -> Result<Action, Failure> {
    Ok(match what {
        CtlCommand::Insert { file, medium } => {
            Action::Insert { file: whole(file)?, medium: medium.clone() }
        }
        CtlCommand::Eject { force } => Action::Eject { force: *force },
        CtlCommand::PullPower => Action::PullPower {},
        CtlCommand::Plug => Action::Plug {},
        CtlCommand::Fault(args) => fault::action(args)?,
        CtlCommand::Heal => Action::Heal {},
        CtlCommand::Trace { file } if file == Path::new("off") => Action::Trace { file: None },
        CtlCommand::Trace { file } => Action::Trace { file: Some(whole(file)?) },
        CtlCommand::Status { .. } => Action::Status {},
    })
}

/// The path from the root: the server may have been started elsewhere.
fn whole(path: &Path) -> Result<String, Failure> {
    let wrong = |why: &str| Failure::new(Exit::Usage, format!("{}: {why}", path.display()));
    let path = std::path::absolute(path).map_err(|error| wrong(&error.to_string()))?;
    path.to_str().map(str::to_owned).ok_or_else(|| wrong("the path is not UTF-8"))
}

/// The server for a person.
fn text(status: &Status) -> String {
    let mut text = String::new();
    line(&mut text, "server", &format!("kiln {}, process {}", status.version, status.pid));
    line(&mut text, "socket", &status.socket);
    if let Some(target) = &status.target {
        line(&mut text, "target", target);
    }
    if let Some(trace) = &status.trace {
        line(&mut text, "trace", trace);
    }
    for lun in &status.luns {
        text.push('\n');
        drive(&mut text, lun);
    }
    text
}

fn drive(text: &mut String, lun: &LunStatus) {
    line(text, &format!("lun {}", lun.lun), lun.url.as_deref().unwrap_or("local only"));
    let LunStatus { vendor, product, revision, model, .. } = lun;
    line(text, "drive", &format!("{vendor} {product} {revision} ({model})"));
    line(text, "disc", &lun.disc.as_ref().map_or("none".to_owned(), disc));
    if let Some(disc) = &lun.disc {
        line(text, "disc file", &disc.file);
    }
    let power = match (lun.power, lun.open, lun.locked) {
        (false, ..) => "no power",
        (true, true, _) => "on, tray out",
        (true, false, true) => "on, tray in, door locked",
        (true, false, false) => "on, tray in",
    };
    line(text, "power", power);
    if let Some(busy) = &lun.busy {
        line(text, "busy", &format!("{} ({}%)", busy.why, busy.permille / 10));
    }
    let rate = |kbps: Option<u32>| kbps.map_or("none".to_owned(), |kbps| format!("{kbps} kB/s"));
    if lun.disc.is_some() && lun.power {
        let (write, read) = (rate(lun.write_kbps), rate(lun.read_kbps));
        line(text, "speed", &format!("writing {write}, reading {read}"));
        let (full, all) = (Bytes(lun.buffered_bytes), Bytes(lun.buffer_bytes));
        line(text, "buffer", &format!("{full} of {all} to be recorded"));
    }
    let users = if lun.initiators.is_empty() { "nobody" } else { &lun.initiators.join(", ") };
    line(text, "used by", users);
    let time = format!("{}.{:03} s, {}", lun.time_ms / 1000, lun.time_ms % 1000, lun.pace);
    line(text, "time", &time);
    line(text, "commands", &lun.commands.to_string());
    if lun.faults > 0 {
        line(text, "faults", &format!("{} waiting", lun.faults));
    }
}

fn disc(disc: &DiscStatus) -> String {
    let blocks = u32::try_from(disc.recorded_blocks).unwrap_or(u32::MAX);
    let recorded = format!("{} recorded ({blocks} blocks)", Blocks(blocks).bytes());
    let count = |n: u64, what: &str| match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    };
    let sessions = count(disc.sessions, "closed session");
    let DiscStatus { medium, state, .. } = disc;
    format!("{medium}, {state}, {recorded}, {sessions}, {}", count(disc.tracks, "track"))
}

fn line(text: &mut String, name: &str, what: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<10}  {what}");
}
