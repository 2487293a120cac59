//! What a volume says of itself besides its name: who made it, with what, where its terms are.

use std::fmt;

use super::tree::{Kind, Tree};

/// Texts of the volume descriptors (ECMA-119, 8.4), and names that differ by file system.
///
/// Letters of any case are taken, although the standard has capitals only, as all writers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The name of the ISO 9660 volume, if it is another than the volume's.
    pub iso9660_name: Option<String>,
    /// The name of the Joliet volume: at most 16 characters.
    pub joliet_name: Option<String>,
    /// The name of the UDF volume: at most 126 characters, or 63 if one is past U+00FF.
    pub udf_name: Option<String>,
    /// The system that the system area is for: at most 32 characters (8.4.5).
    pub system: String,
    /// The set of volumes that this one belongs to: at most 128 characters (8.4.19).
    pub volume_set: String,
    /// Who published it: at most 128 characters (8.4.20).
    pub publisher: String,
    /// Who prepared it: at most 128 characters (8.4.21).
    pub preparer: String,
    /// What it was made with: at most 128 characters (8.4.22).
    pub application: String,
    /// A file in the root with the terms of its use (8.4.23).
    pub copyright: Option<Vec<u8>>,
    /// A file in the root that says what it is about (8.4.24).
    pub abstract_file: Option<Vec<u8>>,
    /// A file in the root with bibliographic records (8.4.25).
    pub bibliographic: Option<Vec<u8>>,
}

impl Default for Ids {
    fn default() -> Ids {
        Ids {
            iso9660_name: None,
            joliet_name: None,
            udf_name: None,
            system: String::new(),
            volume_set: String::new(),
            publisher: String::new(),
            preparer: "KILN".to_owned(),
            application: "KILN".to_owned(),
            copyright: None,
            abstract_file: None,
            bibliographic: None,
        }
    }
}

/// A text that its field cannot hold, or a file that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdError {
    /// Which field.
    pub what: &'static str,
    /// What was to go there.
    pub text: String,
    /// Why it cannot.
    pub why: String,
}

impl Ids {
    /// The copyright, abstract and bibliographic files.
    pub(super) fn files(&self) -> [Option<&[u8]>; 3] {
        [&self.copyright, &self.abstract_file, &self.bibliographic].map(Option::as_deref)
    }

    /// Whether all that is said can be said, and is true.
    pub(super) fn check(&self, tree: &Tree) -> Result<(), IdError> {
        let error = |what, text: &str, why: &str| {
            Err(IdError { what, text: text.to_owned(), why: why.to_owned() })
        };
        for (what, text, max) in [
            ("system", &self.system, 32),
            ("volume set", &self.volume_set, 128),
            ("publisher", &self.publisher, 128),
            ("preparer", &self.preparer, 128),
            ("application", &self.application, 128),
        ] {
            if text.len() > max {
                return error(what, text, &format!("it has more than {max} bytes"));
            }
            if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                return error(what, text, "it has other characters than ASCII");
            }
        }
        if let Some(name) = self.iso9660_name.as_ref().filter(|name| name.len() > 32) {
            return error("ISO 9660 volume name", name, "it has more than 32 bytes");
        }
        if let Some(name) = &self.joliet_name
            && name.encode_utf16().count() > 16
        {
            return error("Joliet volume name", name, "it has more than 16 characters");
        }
        if let Some(name) = &self.udf_name {
            let wide = name.chars().any(|c| c > '\u{ff}');
            let max = if wide { 63 } else { 126 };
            if name.encode_utf16().count() > max {
                return error(
                    "UDF volume name",
                    name,
                    &format!("it has more than {max} characters"),
                );
            }
        }
        let kinds = ["copyright file", "abstract file", "bibliographic file"];
        for (what, path) in kinds.into_iter().zip(self.files()) {
            let Some(path) = path else { continue };
            let node = tree.lookup(path).filter(|node| tree.parent(*node) == tree.root());
            if !node.is_some_and(|node| matches!(tree.kind(node), Kind::File(_))) {
                return error(what, &String::from_utf8_lossy(path), "no such file is in the root");
            }
        }
        Ok(())
    }
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} cannot be {:?}: {}", self.what, self.text, self.why)
    }
}

impl std::error::Error for IdError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Meta;

    #[test]
    fn what_cannot_be_said_is_refused() {
        let mut tree = Tree::new(Meta::default());
        tree.add_bytes(tree.root(), b"terms", Meta::default(), *b"none").expect("new");
        let good = Ids {
            publisher: "p".repeat(128),
            udf_name: Some("ü".repeat(126)),
            joliet_name: Some("Fotos von Ärzten".to_owned()),
            copyright: Some(b"terms".to_vec()),
            ..Ids::default()
        };
        assert_eq!(good.check(&tree), Ok(()));
        let bad = [
            Ids { publisher: "p".repeat(129), ..Ids::default() },
            Ids { system: "Ä".to_owned(), ..Ids::default() },
            Ids { udf_name: Some("Ω".repeat(64)), ..Ids::default() },
            Ids { joliet_name: Some("x".repeat(17)), ..Ids::default() },
            Ids { abstract_file: Some(b"missing".to_vec()), ..Ids::default() },
        ];
        for ids in bad {
            assert!(ids.check(&tree).is_err(), "{ids:?}");
        }
    }
}
