//! `kiln vdrive ctl fault`: from words to a fault.

use vdrive::serve::control::{Action, Stretch, What, When};

use super::args::{FaultArgs, FaultWhen};
use crate::exit::{Exit, Failure};

/// Every fault: its name, what it is told, an example.
const FAULTS: [(&str, &str, &str); 7] = [
    ("write-error", "LBA or LBA+N", "write-error 5000+16"),
    ("read-error", "LBA or LBA+N", "read-error 5000"),
    ("hang", "SECONDS", "hang 30"),
    ("reset", "", "reset"),
    ("power-cut", "", "power-cut"),
    ("power-on", "", "power-on"),
    ("medium-removed", "", "medium-removed"),
];

/// The fault that is asked for.
pub(super) fn action(args: &FaultArgs) -> Result<Action, Failure> {
    Ok(Action::Fault { what: what(&args.what, args.value.as_deref())?, when: when(&args.when)? })
}

fn what(name: &str, value: Option<&str>) -> Result<What, Failure> {
    let Some((_, takes, example)) = FAULTS.iter().find(|row| row.0 == name) else {
        let known = FAULTS.map(|row| row.0).join(", ");
        return Err(usage(format!("there is no fault {name:?}; there are {known}")));
    };
    let like = |what: String| usage(what).advise(format!("Say it like this: {example}"));
    match (value, takes.is_empty()) {
        (Some(value), true) => return Err(like(format!("{name} takes nothing, not {value:?}"))),
        (None, false) => return Err(like(format!("{name} needs {takes}"))),
        _ => {}
    }
    let value = value.unwrap_or_default();
    let wrong = || like(format!("{value:?} is not {takes}"));
    Ok(match name {
        "write-error" => What::WriteError(stretch(value).ok_or_else(wrong)?),
        "read-error" => What::ReadError(stretch(value).ok_or_else(wrong)?),
        "hang" => What::Hang { ms: millis(value).ok_or_else(wrong)? },
        "reset" => What::Reset {},
        "power-cut" => What::PowerCut {},
        "power-on" => What::PowerOn {},
        _ => What::MediumRemoved {},
    })
}

fn when(args: &FaultWhen) -> Result<When, Failure> {
    match (&args.at, args.before_command, args.after_command) {
        (Some(at), ..) => match millis(at) {
            Some(ms) => Ok(When::Ms(ms)),
            None => Err(usage(format!("{at:?} is no number of seconds, such as 30 or 12.5"))),
        },
        (_, Some(n), _) => Ok(When::Before(n)),
        (_, _, Some(n)) => Ok(When::After(n)),
        _ => Ok(When::Now),
    }
}

fn usage(what: String) -> Failure {
    Failure::new(Exit::Usage, what)
}

/// `5000` or `5000+16`.
fn stretch(text: &str) -> Option<Stretch> {
    let (lba, blocks) = match text.split_once('+') {
        Some((lba, blocks)) => (lba, blocks.parse().ok()?),
        None => (text, 1),
    };
    Some(Stretch { lba: lba.parse().ok()?, blocks })
}

/// Seconds with up to three decimals, as milliseconds.
fn millis(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if part.is_empty() || part.len() > 3 || !digits(part) || !digits(whole) {
        return None;
    }
    let part: u64 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_faults() {
        let stretch = |lba, blocks| Stretch { lba, blocks };
        for (name, value, fault) in [
            ("write-error", Some("5000+16"), What::WriteError(stretch(5000, 16))),
            ("read-error", Some("-150"), What::ReadError(stretch(-150, 1))),
            ("hang", Some("0.25"), What::Hang { ms: 250 }),
            ("hang", Some("30"), What::Hang { ms: 30_000 }),
            ("power-cut", None, What::PowerCut {}),
            ("medium-removed", None, What::MediumRemoved {}),
        ] {
            assert_eq!(what(name, value), Ok(fault), "{name}");
        }
        let later = FaultWhen { at: Some("12.5".into()), ..FaultWhen::default() };
        assert_eq!(when(&later), Ok(When::Ms(12_500)));
        let later = FaultWhen { before_command: Some(3), ..FaultWhen::default() };
        assert_eq!(when(&later), Ok(When::Before(3)));
        assert_eq!(when(&FaultWhen::default()), Ok(When::Now));
    }

    #[test]
    fn every_example_is_a_fault() {
        for (name, _, example) in FAULTS {
            let value = example.strip_prefix(name).expect(example).trim();
            assert!(what(name, Some(value).filter(|v| !v.is_empty())).is_ok(), "{example}");
        }
    }

    #[test]
    fn other_words_are_told_what_would_be_right() {
        for (name, value, says) in [
            ("melt", None, "there are write-error, read-error, hang, reset, power-cut"),
            ("write-error", None, "write-error needs LBA or LBA+N"),
            ("write-error", Some("5000+"), "\"5000+\" is not LBA or LBA+N"),
            ("hang", Some("1e3"), "\"1e3\" is not SECONDS"),
            ("hang", Some("1.0000"), "\"1.0000\" is not SECONDS"),
            ("hang", Some("99999999999999999999"), "is not SECONDS"),
            ("reset", Some("5"), "reset takes nothing"),
        ] {
            let failure = what(name, value).expect_err(name);
            assert!(failure.what.contains(says), "{failure}");
            assert_eq!(failure.exit, Exit::Usage);
        }
    }
}
