//! Drive and medium models: data, not code.
//!
//! A model is a TOML file, built in or named by a path, read strictly: a field that is not known is
//! an error with its line. [`VirtualAddress`] is how a person names a virtual drive. Knows nothing
//! of what the drive then does with the figures.

mod address;
mod drive;
mod kind;
mod medium;
mod speed;

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

pub use address::{AddressError, VirtualAddress};
pub use drive::{
    Behaviour, BufferModel, DriveModel, FamilyTiming, FullBuffer, Interface, Loading, MediumSpeeds,
    OptionalCommand, Quirk, Timing,
};
pub use kind::{Family, MediumKind};
pub use medium::{Atip, MediumModel};
pub use speed::{Speed, Strategy, Zone};

/// The model files that are built in: name and text. The first drive is the default.
const DRIVES: [(&str, &str); 3] = [
    ("bd-desktop", include_str!("../../models/drives/bd-desktop.toml")),
    ("dvd-desktop", include_str!("../../models/drives/dvd-desktop.toml")),
    ("bd-slim", include_str!("../../models/drives/bd-slim.toml")),
];

const MEDIA: [(&str, &str); 9] = [
    ("cd-r", include_str!("../../models/media/cd-r.toml")),
    ("cd-rw", include_str!("../../models/media/cd-rw.toml")),
    ("dvd-r", include_str!("../../models/media/dvd-r.toml")),
    ("dvd-rw", include_str!("../../models/media/dvd-rw.toml")),
    ("dvd+r", include_str!("../../models/media/dvd+r.toml")),
    ("dvd+rw", include_str!("../../models/media/dvd+rw.toml")),
    ("bd-r", include_str!("../../models/media/bd-r.toml")),
    ("bd-re", include_str!("../../models/media/bd-re.toml")),
    ("dvd-ram", include_str!("../../models/media/dvd-ram.toml")),
];

/// Built-in models that have been parsed: tests and searches need the same ones often.
type Parsed<T, const N: usize> = [OnceLock<T>; N];

fn once<T: Clone>(
    parsed: &OnceLock<T>,
    parse: impl FnOnce() -> Result<T, ModelError>,
) -> Result<T, ModelError> {
    match parsed.get() {
        Some(model) => Ok(model.clone()),
        None => parse().map(|model| parsed.get_or_init(|| model).clone()),
    }
}

/// The names of the built-in drive models, the default first.
pub fn drive_names() -> impl Iterator<Item = &'static str> {
    DRIVES.iter().map(|(name, _)| *name)
}

/// The names of the built-in medium models.
pub fn medium_names() -> impl Iterator<Item = &'static str> {
    MEDIA.iter().map(|(name, _)| *name)
}

impl DriveModel {
    /// The drive that is meant where none is named: one that records everything.
    pub fn default_drive() -> DriveModel {
        DriveModel::named(DRIVES[0].0).expect("built-in models are parsed by a test")
    }

    /// The built-in model of this name.
    pub fn named(name: &str) -> Result<DriveModel, ModelError> {
        static PARSED: Parsed<DriveModel, { DRIVES.len() }> =
            [const { OnceLock::new() }; DRIVES.len()];
        match DRIVES.iter().zip(&PARSED).find(|((known, _), _)| *known == name) {
            Some(((name, text), parsed)) => once(parsed, || DriveModel::parse(text, name)),
            None => Err(ModelError::unknown("drive model", name, drive_names())),
        }
    }

    /// The model in this file.
    pub fn load(path: &Path) -> Result<DriveModel, ModelError> {
        DriveModel::parse(&read(path)?, &path.display().to_string())
    }

    /// The model in this TOML text; `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<DriveModel, ModelError> {
        let model = toml::from_str(text).map_err(|e| ModelError::syntax(origin, text, &e))?;
        drive::check(&model)?;
        Ok(model)
    }
}

impl MediumModel {
    /// The built-in model of this kind.
    pub fn of_kind(kind: MediumKind) -> MediumModel {
        MediumModel::named(kind.name()).expect("built-in models are parsed by a test")
    }

    /// The built-in model of this name.
    pub fn named(name: &str) -> Result<MediumModel, ModelError> {
        static PARSED: Parsed<MediumModel, { MEDIA.len() }> =
            [const { OnceLock::new() }; MEDIA.len()];
        match MEDIA.iter().zip(&PARSED).find(|((known, _), _)| *known == name) {
            Some(((name, text), parsed)) => once(parsed, || MediumModel::parse(text, name)),
            None => Err(ModelError::unknown("medium", name, medium_names())),
        }
    }

    /// The model in this file.
    pub fn load(path: &Path) -> Result<MediumModel, ModelError> {
        MediumModel::parse(&read(path)?, &path.display().to_string())
    }

    /// The model in this TOML text; `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<MediumModel, ModelError> {
        let model = toml::from_str(text).map_err(|e| ModelError::syntax(origin, text, &e))?;
        medium::check(&model)?;
        Ok(model)
    }
}

fn read(path: &Path) -> Result<String, ModelError> {
    std::fs::read_to_string(path).map_err(|error| ModelError::Unreadable {
        path: path.display().to_string(),
        why: error.to_string(),
    })
}

/// Why there is no such model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// No built-in model has this name.
    Unknown {
        /// "drive model" or "medium".
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// The text is not a model.
    Syntax {
        /// File or built-in name.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// The fields contradict each other.
    Nonsense {
        /// The model.
        model: String,
        /// What is wrong.
        what: String,
    },
}

impl ModelError {
    fn unknown(
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'static str>,
    ) -> ModelError {
        ModelError::Unknown { what, name: name.into(), known: known.collect() }
    }

    fn syntax(origin: &str, text: &str, error: &toml::de::Error) -> ModelError {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() + 1;
        ModelError::Syntax { origin: origin.into(), line, what: error.message().into() }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelError::Unknown { what, name, known } => {
                write!(f, "there is no {what} \"{name}\"; there are {}", known.join(", "))
            }
            ModelError::Unreadable { path, why } => write!(f, "{path} cannot be read: {why}"),
            ModelError::Syntax { origin, line, what } => write!(f, "{origin}, line {line}: {what}"),
            ModelError::Nonsense { model, what } => write!(f, "model {model}: {what}"),
        }
    }
}

impl std::error::Error for ModelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_model_is_sound_and_named_like_its_file() {
        for name in drive_names() {
            assert_eq!(DriveModel::named(name).map(|m| m.name), Ok(name.into()));
        }
        for name in medium_names() {
            assert_eq!(MediumModel::named(name).map(|m| m.name), Ok(name.into()));
        }
    }

    #[test]
    fn the_default_drive_records_everything() {
        let model = DriveModel::default_drive();
        for kind in MediumKind::ALL {
            assert!(model.writes(kind), "{kind}");
        }
        assert!(!DriveModel::named("dvd-desktop").unwrap().writes(MediumKind::BdR));
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_line() {
        let text = include_str!("../../models/media/bd-r.toml").replace("blocks", "blokcs");
        let error = MediumModel::parse(&text, "my.toml").unwrap_err().to_string();
        assert!(error.starts_with("my.toml, line 6: unknown field `blokcs`"), "{error}");
        let text = include_str!("../../models/drives/bd-slim.toml");
        let error =
            DriveModel::parse(&text.replace("clv = \"10x\"", "clv = \"tenfold\""), "d.toml");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("\"tenfold\" is not a speed"), "{error}");
        assert!(error.starts_with("d.toml, line "), "{error}");
    }

    #[test]
    fn what_the_fields_contradict_is_said() {
        let disc = include_str!("../../models/media/cd-r.toml");
        let drive = include_str!("../../models/drives/dvd-desktop.toml");
        for (text, from, to, says) in [
            (disc, "blocks = 359849", "blocks = 359850", "lead-out 79:59:74 is block 359849"),
            (
                disc,
                "opc-trials = 100",
                "opc-trials = 100\nerase-cycles = 9",
                "erase-cycles belongs",
            ),
            (disc, "\"4x\", \"8x\"", "\"8x\", \"4x\"", "not in rising order"),
        ] {
            let error = MediumModel::parse(&text.replace(from, to), "m").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        for (from, to, says) in [
            ("vendor = \"KILN\"", "vendor = \"KILN WORKS\"", "vendor \"KILN WORKS\" is not 1 to 8"),
            ("0x1B, 0x1A, ", "0x1A, ", "media.dvd+r has none of its profiles"),
            ("{ clv = \"16x\" }", "{ clv = \"25x\" }", "not in falling order"),
            ("from = 0, speed = \"6x\"", "from = 5, speed = \"6x\"", "first zone from 0"),
            ("[media.cd-rw]", "[media.bd-r]", "media.bd-r needs the table [bd]"),
            ("start-percent = 80", "start-percent = 0", "start-percent 0 is not 1 to 100"),
        ] {
            let error = DriveModel::parse(&drive.replace(from, to), "d").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
