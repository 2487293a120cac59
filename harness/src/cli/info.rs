//! `kiln info`.

use std::fmt::Write as _;

use engine::burn::{self, DiscState};
use engine::drive::{Abilities, ErrorKind, Identity, Mark, Medium, Recorder, Session, Track};
use engine::host::Access;
use engine::media::Rules;
use engine::mmc::feature::FeatureCode;
use engine::mmc::profile::Profile;
use engine::mmc::wire::Field;
use engine::units::{Blocks, Kbps};
use serde_json::{Value, json};

use super::args::Info;
use super::sessions::Listed;
use super::{events, out};
use crate::exit::{Exit, Failure};
use crate::job::PATIENCE;
use crate::place::{Address, Place, Tray};

pub(super) fn info(args: &Info) -> Result<(), Failure> {
    let want = args.at.want();
    let address = want.address()?;
    let tray = tray(&address, want.disc.as_deref())?;
    let disc = want.disc.as_ref().map(|d| d.display().to_string());
    let mut place = Place::open(&want, &address, tray, Access::Shared)?;
    let mut recorder = place.recorder();
    let found = look(&mut recorder)?;
    if args.json {
        return out::data(&found.json(disc.as_deref()).to_string()).map(drop);
    }
    out::text(&found.text(disc.as_deref())).map(drop)
}

/// A disc file is made blank if it is missing, of the medium that the address names.
fn tray(address: &Address, disc: Option<&std::path::Path>) -> Result<Tray, Failure> {
    if matches!(address, Address::Host(_)) {
        return Ok(Tray::Real);
    }
    let medium = address.medium()?;
    match (disc, medium) {
        (Some(disc), _) if disc.exists() => Ok(Tray::File(disc.to_owned())),
        (Some(disc), Some(medium)) => Ok(Tray::New { file: disc.to_owned(), medium }),
        (Some(disc), None) => {
            Err(Failure::new(Exit::DiscFile, format!("there is no disc file {}", disc.display()))
                .advise("Make one with `kiln disc new`, or name a medium: --drive virtual:dvd+r."))
        }
        (None, Some(medium)) => Ok(Tray::Scratch(medium)),
        (None, None) => Ok(Tray::Empty),
    }
}

/// All that can be asked.
struct Found {
    address: String,
    identity: Identity,
    abilities: Abilities,
    disc: Option<(Medium, DiscState)>,
    /// What tells the disc from others.
    mark: Option<Mark>,
    sessions: Vec<Listed>,
}

fn look(recorder: &mut Recorder<'_>) -> Result<Found, Failure> {
    let identity = recorder.identity()?;
    let disc = match recorder.ready(PATIENCE) {
        Ok(()) => Some((recorder.medium()?, burn::assess(recorder)?)),
        Err(error) if error.kind == ErrorKind::NoDisc => None,
        Err(error) => return Err(error.into()),
    };
    let (mut mark, mut sessions) = (None, Vec::new());
    if let Some((medium, _)) = &disc {
        mark = Some(recorder.mark(medium)?);
        sessions = Listed::of_disc(recorder, medium);
    }
    // Asked for last: what is current follows the disc.
    let abilities = recorder.abilities()?;
    let address = recorder.address().to_owned();
    Ok(Found { address, identity, abilities, disc, mark, sessions })
}

impl Found {
    fn text(&self, file: Option<&str>) -> String {
        let mut text = String::new();
        let Identity { vendor, product, revision } = &self.identity;
        line(&mut text, "drive", &format!("{vendor} {product}, firmware {revision}"));
        line(&mut text, "address", &self.address);
        let current = |(_, current): &&(FeatureCode, bool)| *current;
        let profiles = self.abilities.profiles.iter().map(|(p, _)| profile(*p));
        line(&mut text, "profiles", &profiles.collect::<Vec<_>>().join(", "));
        let features = self.abilities.features.iter().filter(current).map(|(f, _)| feature(*f));
        line(&mut text, "features", &features.collect::<Vec<_>>().join(", "));
        let Some((medium, state)) = &self.disc else {
            line(&mut text, "disc", "none");
            return text;
        };
        line(&mut text, "disc", &medium.name());
        if let Some(file) = file {
            line(&mut text, "disc file", file);
        }
        if let Some(made) = &medium.manufacturer {
            line(&mut text, "made by", made);
        }
        if let Some(mark) = &self.mark {
            line(&mut text, "disc id", &mark.to_string());
        }
        line(&mut text, "state", &state.to_string());
        line(&mut text, "recorded", &size(medium.readable));
        line(&mut text, "free", &size(medium.free));
        let speeds = &self.abilities.write_speeds;
        if !speeds.is_empty() {
            let speeds = speeds.iter().map(|s| speed(*s, medium.rules)).collect::<Vec<_>>();
            line(&mut text, "write at", &speeds.join(", "));
        }
        if let Some(read) = self.abilities.read_speed {
            line(&mut text, "read at", &speed(read, medium.rules));
        }
        line(&mut text, "sessions", &sessions(medium));
        for track in &medium.tracks {
            line(&mut text, &format!("track {}", track.number), &describe(track));
        }
        for (number, session) in (1..).zip(&self.sessions) {
            line(&mut text, &format!("session {number}"), &session.text());
        }
        text
    }

    fn json(&self, file: Option<&str>) -> Value {
        let Identity { vendor, product, revision } = &self.identity;
        json!({
            "v": events::VERSION,
            "address": self.address,
            "drive": { "vendor": vendor, "product": product, "revision": revision },
            "profiles": coded(&self.abilities.profiles, |p| (p.number().into(), profile(p))),
            "features": coded(&self.abilities.features, |f| (f.to_bits(), feature(f))),
            "write_kbps": self.abilities.write_speeds.iter().map(|s| s.0).collect::<Vec<_>>(),
            "read_kbps": self.abilities.read_speed.map(|s| s.0),
            "disc": self.disc.as_ref().map(|(medium, state)| json!({
                "file": file,
                "medium": medium.name(),
                "profile": medium.profile.number(),
                "manufacturer": medium.manufacturer,
                "state": events::state(state),
                "erasable": medium.erasable,
                "readable_blocks": medium.readable.0,
                "free_blocks": medium.free.0,
                "next": medium.next.map(|n| n.0),
                "sessions": medium.sessions,
                "last_session": format!("{:?}", medium.last_session).to_lowercase(),
                "id": self.mark.as_ref().map(ToString::to_string),
                "session_list": self.sessions.iter().map(Listed::json).collect::<Vec<_>>(),
                "tracks": medium.tracks.iter().map(track).collect::<Vec<_>>(),
            })),
        })
    }
}

fn line(text: &mut String, name: &str, what: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<10}  {what}");
}

fn size(blocks: Blocks) -> String {
    format!("{} ({blocks} blocks)", blocks.bytes())
}

/// `22160 kB/s (16.0x)`.
fn speed(rate: Kbps, rules: Option<&Rules>) -> String {
    match rules.map(|r| r.family.tenths(rate)) {
        Some(tenths) => format!("{rate} ({}.{}x)", tenths / 10, tenths % 10),
        None => rate.to_string(),
    }
}

fn sessions(medium: &Medium) -> String {
    let last = match medium.last_session {
        Session::Empty => "empty",
        Session::Incomplete => "not closed",
        Session::Damaged => "damaged",
        Session::Complete => "closed",
    };
    format!("{}, the last one {last}", medium.sessions)
}

fn describe(track: &Track) -> String {
    let mut text = format!("session {}, ", track.session);
    text += if track.blank {
        "blank"
    } else if track.data {
        "data"
    } else {
        "audio"
    };
    text += &format!(", from block {}, {}", track.start, size(track.blocks));
    if track.damaged {
        text += ", damaged";
    }
    if let Some(next) = track.next {
        text += &format!(", writable from block {next}");
    }
    text
}

fn track(track: &Track) -> Value {
    json!({
        "number": track.number,
        "session": track.session,
        "start": track.start.0,
        "blocks": track.blocks.0,
        "next": track.next.map(|n| n.0),
        "last_recorded": track.last_recorded.map(|l| l.0),
        "free_blocks": track.free.0,
        "blank": track.blank,
        "reserved": track.reserved,
        "damaged": track.damaged,
        "data": track.data,
    })
}

/// Codes with whether each is current, as number and name.
fn coded<C: Copy>(list: &[(C, bool)], name: impl Fn(C) -> (u64, String)) -> Vec<Value> {
    let entry = |&(code, current): &(C, bool)| {
        let (code, name) = name(code);
        json!({ "code": code, "name": name, "current": current })
    };
    list.iter().map(entry).collect()
}

fn profile(profile: Profile) -> String {
    match Rules::of(profile) {
        Some(rules) => rules.name.to_owned(),
        None => profile.to_string(),
    }
}

/// The feature's name in words: `CdTrackAtOnce` as `CD track at once`.
fn feature(code: FeatureCode) -> String {
    words(&format!("{code:?}"))
}

/// A name in capitals within as words.
fn words(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    ["cd", "dvd", "bd", "rw", "mrw"].iter().fold(text, |text, short| {
        let upper = short.to_uppercase();
        let word = |w: &str| if w == *short { upper.clone() } else { w.to_owned() };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_named_in_words() {
        assert_eq!(feature(FeatureCode::CdTrackAtOnce), "CD track at once");
        assert_eq!(feature(FeatureCode::RandomReadable), "random readable");
    }

    #[test]
    fn speeds_are_said_both_ways() {
        assert_eq!(speed(Kbps(22_160), Rules::of(Profile::DvdPlusR)), "22160 kB/s (16.0x)");
        assert_eq!(speed(Kbps(5), None), "5 kB/s");
    }
}
