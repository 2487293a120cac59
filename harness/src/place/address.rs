//! Addresses of drives: what stands behind `--drive`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use engine::host;
use vdrive::models::{MediumModel, VirtualAddress, drive_names, medium_names};

use crate::exit::{Exit, Failure};

/// The address of a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A device of this machine.
    Host(PathBuf),
    /// A virtual drive.
    Virtual(VirtualAddress),
}

impl Address {
    /// The medium that a virtual address names.
    pub fn medium(&self) -> Result<Option<MediumModel>, Failure> {
        match self {
            Address::Host(_) => Ok(None),
            Address::Virtual(address) => {
                address.medium_model().map_err(|e| Failure::new(Exit::Drive, e.to_string()))
            }
        }
    }
}

impl FromStr for Address {
    type Err = Failure;

    /// Text with a `/` or `\` before any comma is a path; everything else must be virtual.
    fn from_str(text: &str) -> Result<Address, Failure> {
        if VirtualAddress::is_virtual(text) {
            return match text.parse() {
                Ok(address) => Ok(Address::Virtual(address)),
                Err(e) => Err(with_suggestion(Failure::new(Exit::Drive, format!("{e}")), text)),
            };
        }
        if text.contains(['/', '\\']) || Path::new(text).exists() {
            return Ok(Address::Host(text.into()));
        }
        let failure = Failure::new(Exit::Drive, format!("there is no drive {text:?}"));
        Err(with_suggestion(failure, text)
            .advise("`kiln drives` lists the drives there are; a device is named by its path."))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Host(node) => node.display().fmt(f),
            Address::Virtual(_) => f.write_str("virtual"),
        }
    }
}

/// Adds the known address that is nearest to `text`, if one is near.
fn with_suggestion(failure: Failure, text: &str) -> Failure {
    let names = drive_names().chain(medium_names()).map(|name| format!("virtual:{name}"));
    let real = host::recorders().into_iter().map(|d| d.node.display().to_string());
    let known = names.chain(real).chain(["virtual".to_owned()]);
    let near = known.map(|name| (distance(text, &name), name)).min();
    match near {
        Some((steps, name)) if steps <= 1 + text.len() / 4 => {
            failure.advise(format!("Is {name} meant?"))
        }
        _ => failure,
    }
}

/// How many characters must be put in, taken out or replaced to get from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("bd-r", "bd-r"), 0);
    }

    #[test]
    fn paths_are_devices_and_the_rest_is_virtual() {
        assert_eq!("/dev/sr9".parse(), Ok(Address::Host("/dev/sr9".into())));
        assert!(matches!("virtual:bd-r".parse(), Ok(Address::Virtual(_))));
    }

    #[test]
    fn a_wrong_name_gets_a_suggestion() {
        let failure = "vitrual".parse::<Address>().expect_err("no such drive");
        assert_eq!(failure.exit, Exit::Drive);
        assert!(failure.advice.contains(&"Is virtual meant?".to_owned()), "{failure}");
        let failure = "virtual:bdr".parse::<Address>().expect_err("no such medium");
        assert!(failure.advice.contains(&"Is virtual:bd-r meant?".to_owned()), "{failure}");
    }
}
