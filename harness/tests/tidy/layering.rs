//! Who may name whom: packages, and modules inside the engine. Reads `use` and paths in code.

use super::Finding;
use super::strip::code;

/// The engine's modules, each with the others it may name: whole modules, or single items.
const ENGINE: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("crc", &[]),
    ("crc16", &[]),
    // The bytes of a command are the one thing that the boundary and the vocabulary share.
    ("mmc", &["units", "device::Cdb"]),
    ("cdda", &["units", "crc16"]),
    ("device", &["units", "mmc"]),
    ("media", &["units", "mmc", "device"]),
    // A disc in a drive is a source of sectors, so `drive` knows that one trait of `image`.
    ("drive", &["units", "mmc", "device", "media", "image"]),
    ("burn", &["units", "mmc", "device", "media", "drive", "image"]),
    ("image", &["units", "crc", "crc16", "cdda"]),
    ("host", &["units", "mmc", "device"]),
];

/// Modules of the engine that serve tests and fuzzing and may name all.
const FREE: &[&str] = &["testing", "fuzzing"];

/// What each package's sources must not name.
const PACKAGES: &[(&str, &[&str])] =
    &[("engine/src/", &["vdrive", "harness", "kiln_vdrive"]), ("vdrive/src/", &["harness"])];

/// Names in this file that point the wrong way.
pub(crate) fn breaches(short: &str, text: &str) -> Vec<Finding> {
    let code = code(text);
    let mut found = Vec::new();
    for (_, names) in PACKAGES.iter().filter(|(package, _)| short.starts_with(package)) {
        for name in *names {
            for (at, _) in code.match_indices(&format!("{name}::")) {
                if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                    found.push((short.to_owned(), line(&code, at), format!("names `{name}`")));
                }
            }
        }
    }
    let Some(inner) = short.strip_prefix("engine/src/") else { return found };
    let module = inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs");
    if module == "lib" || FREE.contains(&module) {
        return found;
    }
    let Some((_, allowed)) = ENGINE.iter().find(|(name, _)| *name == module) else {
        let what = format!("`{module}` has no row in the layering table");
        found.push((short.to_owned(), 0, what));
        return found;
    };
    for (at, name) in root_names(inner, &code) {
        let known = ENGINE.iter().any(|(m, _)| *m == name);
        let item = format!("{name}::{}", item_after(&code[at..], &name));
        let may = |what: &str| allowed.contains(&what);
        if known && name != module && !may(&name) && !may(&item) {
            let what = format!("`{module}` names `{name}`; it may name {allowed:?}");
            found.push((short.to_owned(), line(&code, at), what));
        }
    }
    found
}

/// Every name that stands directly below the crate's root, with its position: `crate::a`,
/// `crate::{a, b::c}`, and `super::a` where the supers reach the root.
fn root_names(inner: &str, code: &str) -> Vec<(usize, String)> {
    let file_modules = inner.trim_end_matches("/mod.rs").matches('/').count() + 1;
    let climb = "super::".repeat(file_modules);
    let mut found = Vec::new();
    for root in ["crate::", climb.as_str()] {
        for (at, _) in code.match_indices(root) {
            let rest = &code[at + root.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                found.extend(group_names(group).into_iter().map(|name| (at, name)));
            } else {
                found.push((at, word(rest.trim_start_matches("super::"))));
            }
        }
    }
    found
}

/// The first words of the comma-separated paths in a group whose brace is open already.
fn group_names(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(word(group[start..i].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(word(group[start..i].trim_start()));
                start = i + 1;
            }
            _ => {}
        }
    }
    found
}

/// The word behind `name::`, where `code` has it on the path that starts it.
fn item_after(code: &str, name: &str) -> String {
    let marker = format!("{name}::");
    code.find(&marker).map(|at| word(&code[at + marker.len()..])).unwrap_or_default()
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::breaches;

    #[test]
    fn wrong_directions_are_found() {
        let bad = [
            ("engine/src/units.rs", "use crate::mmc::Cdb;"),
            ("engine/src/image/tree.rs", "use crate::{units::Lba,\n burn::Job};"),
            ("engine/src/image/mod.rs", "use super::drive::Recorder;"),
            ("engine/src/image/read/mod.rs", "use super::super::mmc::Sense;"),
            ("engine/src/mmc/cdb.rs", "fn f(d: &dyn crate::device::Device) {}"),
            ("engine/src/mmc/cdb.rs", "use crate::device::{Cdb, Device};"),
            ("engine/src/burn/run.rs", "use crate::host::Sg;"),
            ("engine/src/burn/run.rs", "use vdrive::Drive;"),
            ("vdrive/src/lib.rs", "use harness::cli;"),
            ("engine/src/newcomer.rs", ""),
        ];
        for (short, text) in bad {
            assert_eq!(breaches(short, text).len(), 1, "{short}: {text}");
        }
    }

    #[test]
    fn right_directions_pass() {
        let good = [
            ("engine/src/burn/run.rs", "use crate::image::Sectors;\nuse crate::units::Lba;"),
            ("engine/src/image/tree.rs", "use super::sectors::Sectors; // crate::mmc"),
            ("engine/src/host/sg.rs", "use crate::device::{Device, Cdb};"),
            ("engine/src/mmc/cdb.rs", "use crate::device::Cdb;"),
            ("engine/src/drive/mod.rs", "let my_vdrive::x = 1;"),
            ("vdrive/src/lib.rs", "use engine::units::Lba;"),
            ("engine/src/fuzzing.rs", "use crate::{burn, image};"),
        ];
        for (short, text) in good {
            assert!(breaches(short, text).is_empty(), "{short}: {text}");
        }
    }
}
