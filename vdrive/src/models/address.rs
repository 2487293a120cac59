//! `virtual:` addresses: how a person names a virtual drive.
//!
//! ```text
//! virtual                                  the default drive
//! virtual:bd-r                             the default drive with a blank BD-R
//! virtual:dvd-desktop                      that drive model
//! virtual:dvd-desktop,medium=dvd+r,speed=4x,seed=7
//! virtual:model=my-drive.toml,medium=my-disc.toml
//! ```
//!
//! After the colon come parts separated by commas. The first may be a bare name of a medium or of a
//! drive model; all others are `key=value`: `model` and `medium` take a built-in name or the path
//! of a TOML file (ends in `.toml`), `speed` is the fastest speed that the drive offers for
//! writing, `seed` decides what is random.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::speed::Speed;
use super::{DriveModel, MediumModel, ModelError, drive_names, medium_names};

/// What a `virtual:` address says. Nothing is looked up yet but the built-in names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualAddress {
    /// Drive model: a built-in name or a path that ends in `.toml`.
    pub model: Option<String>,
    /// Medium: a built-in name or a path that ends in `.toml`.
    pub medium: Option<String>,
    /// The fastest write speed that the drive offers.
    pub speed: Option<Speed>,
    /// The seed of everything random.
    pub seed: Option<u64>,
}

impl VirtualAddress {
    /// Whether `text` is meant as a virtual address at all, right or wrong.
    pub fn is_virtual(text: &str) -> bool {
        text == "virtual" || text.starts_with("virtual:")
    }

    /// The drive model, with the speed limit applied.
    pub fn drive_model(&self) -> Result<DriveModel, ModelError> {
        let mut model = match &self.model {
            None => DriveModel::default_drive(),
            Some(path) if is_path(path) => DriveModel::load(Path::new(path))?,
            Some(name) => DriveModel::named(name)?,
        };
        if let Some(limit) = self.speed {
            model.limit_write_speed(limit);
        }
        Ok(model)
    }

    /// The medium model, if the address names one.
    pub fn medium_model(&self) -> Result<Option<MediumModel>, ModelError> {
        match &self.medium {
            None => Ok(None),
            Some(path) if is_path(path) => MediumModel::load(Path::new(path)).map(Some),
            Some(name) => MediumModel::named(name).map(Some),
        }
    }
}

fn is_path(name: &str) -> bool {
    name.ends_with(".toml")
}

/// Why a text is not a virtual address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    /// The whole address.
    pub address: String,
    /// What is wrong, with the names that would be right.
    pub what: String,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "drive address \"{}\": {}", self.address, self.what)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for VirtualAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<VirtualAddress, AddressError> {
        parse(text).map_err(|what| AddressError { address: text.into(), what })
    }
}

fn parse(text: &str) -> Result<VirtualAddress, String> {
    let mut address = VirtualAddress::default();
    if text == "virtual" {
        return Ok(address);
    }
    let parts = text.strip_prefix("virtual:").ok_or("does not start with \"virtual:\"")?;
    for (i, part) in parts.split(',').enumerate() {
        match part.split_once('=') {
            None if i == 0 && medium_names().any(|known| known == part) => {
                address.medium = Some(part.into());
            }
            None if i == 0 && drive_names().any(|known| known == part) => {
                address.model = Some(part.into());
            }
            None if i == 0 => return Err(unknown(part, "drive model or medium")),
            None => return Err(format!("\"{part}\" is not key=value; {KEYS}")),
            Some((key, value)) => option(&mut address, key, value)?,
        }
    }
    Ok(address)
}

const KEYS: &str = "keys are model, medium, speed, seed";

fn option(address: &mut VirtualAddress, key: &str, value: &str) -> Result<(), String> {
    let twice = match key {
        "model" => {
            if !is_path(value) && !drive_names().any(|known| known == value) {
                return Err(unknown(value, "drive model"));
            }
            address.model.replace(value.into()).is_some()
        }
        "medium" => {
            if !is_path(value) && !medium_names().any(|known| known == value) {
                return Err(unknown(value, "medium"));
            }
            address.medium.replace(value.into()).is_some()
        }
        "speed" => address.speed.replace(value.parse()?).is_some(),
        "seed" => {
            let seed = value.parse().map_err(|_| format!("seed \"{value}\" is not a number"))?;
            address.seed.replace(seed).is_some()
        }
        _ => return Err(format!("there is no option \"{key}\"; {KEYS}")),
    };
    if twice { Err(format!("{key} is given twice")) } else { Ok(()) }
}

fn unknown(name: &str, what: &str) -> String {
    let models: Vec<&str> = drive_names().collect();
    let media: Vec<&str> = medium_names().collect();
    format!(
        "there is no {what} \"{name}\"; drive models: {}; media: {}",
        models.join(", "),
        media.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::MediumKind;
    use super::*;

    #[test]
    fn addresses_name_model_medium_speed_and_seed() {
        let parse = |text: &str| text.parse::<VirtualAddress>();
        assert_eq!(parse("virtual"), Ok(VirtualAddress::default()));
        let medium = parse("virtual:dvd+rw").unwrap();
        assert_eq!((medium.medium.as_deref(), medium.model), (Some("dvd+rw"), None));
        let full = parse("virtual:dvd-desktop,medium=dvd+r,speed=4x,seed=7").unwrap();
        assert_eq!(full.medium_model().unwrap().unwrap().kind, MediumKind::DvdPlusR);
        let model = full.drive_model().unwrap();
        assert_eq!((model.name.as_str(), full.seed), ("dvd-desktop", Some(7)));
        let fastest = |kind| model.speeds(kind).unwrap().write[0].nominal();
        assert_eq!(fastest(MediumKind::DvdPlusR), Speed::x(4));
        assert_eq!(fastest(MediumKind::CdR), Speed::x(4));
        let path = parse("virtual:model=a/b.toml").unwrap();
        assert_eq!(
            path.drive_model().unwrap_err().to_string().split(':').next(),
            Some("a/b.toml cannot be read")
        );
        assert!(
            VirtualAddress::is_virtual("virtual:x") && !VirtualAddress::is_virtual("virtually")
        );
    }

    #[test]
    fn a_wrong_address_is_told_what_would_be_right() {
        let media = "media: cd-r, cd-rw, dvd-r, dvd-rw, dvd+r, dvd+rw, bd-r, bd-re, dvd-ram";
        for (text, what) in [
            (
                "virtual:bdr",
                format!(
                    "there is no drive model or medium \"bdr\"; drive models: \
                bd-desktop, dvd-desktop, bd-slim; {media}"
                ),
            ),
            (
                "virtual:",
                format!(
                    "there is no drive model or medium \"\"; drive models: \
                bd-desktop, dvd-desktop, bd-slim; {media}"
                ),
            ),
            (
                "virtual:bd-r,slow",
                "\"slow\" is not key=value; keys are model, medium, speed, seed".into(),
            ),
            (
                "virtual:bd-r,tempo=4x",
                "there is no option \"tempo\"; keys are model, medium, \
                speed, seed"
                    .into(),
            ),
            ("virtual:bd-r,speed=fast", "\"fast\" is not a speed such as 16x or 2.4x".into()),
            ("virtual:bd-r,seed=-1", "seed \"-1\" is not a number".into()),
            ("virtual:bd-r,medium=cd-r", "medium is given twice".into()),
        ] {
            let error = text.parse::<VirtualAddress>().unwrap_err();
            assert_eq!(error.to_string(), format!("drive address \"{text}\": {what}"));
        }
    }
}
