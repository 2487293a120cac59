//! House rules that a machine can check. Each rule is a function from a file's text to findings
//! and has a test of its own that it bites; the last tests run them over the whole tree.

#[path = "tidy/layering.rs"]
mod layering;
#[path = "tidy/manifest.rs"]
mod manifest;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/strip.rs"]
mod strip;

use std::fs;
use std::path::{Path, PathBuf};

/// One thing that is not as it should be: file, line (1 = first, 0 = the file as a whole), what.
type Finding = (String, usize, String);

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("harness lies in the root").to_owned()
}

/// Every file of the project as (path from the root with `/`, path on this machine), sorted.
/// Build output, version control and what tests leave behind are not the project's files.
fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut todo = vec![root()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder).expect("the project's folders can be listed") {
            let entry = entry.expect("the project's folders can be listed");
            let name = entry.file_name();
            let skip = ["target", ".git", "artifacts", "coverage"];
            let kind = entry.file_type().expect("the kind of a listed file is known");
            if kind.is_dir() && !skip.iter().any(|s| name == *s) {
                todo.push(entry.path());
            } else if kind.is_file() && name != ".git" {
                let path = entry.path();
                let short = path.strip_prefix(root()).expect("found below the root");
                found.push((short.to_string_lossy().replace('\\', "/"), path));
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "the walk found the project");
    found
}

/// Every Rust file's short path and text.
fn sources() -> Vec<(String, String)> {
    files()
        .into_iter()
        .filter(|(short, _)| short.ends_with(".rs"))
        .map(|(short, path)| {
            let text = fs::read_to_string(&path).expect("Rust files are UTF-8");
            (short, text)
        })
        .collect()
}

/// Fails with every finding on a line of its own.
fn none(findings: Vec<Finding>) {
    let lines: Vec<String> =
        findings.iter().map(|(file, line, what)| format!("{file}:{line}: {what}")).collect();
    assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
}

fn over_sources(rule: impl Fn(&str, &str) -> Vec<Finding>) {
    none(sources().iter().flat_map(|(short, text)| rule(short, text)).collect());
}

#[test]
fn lines_fit() {
    over_sources(rules::long_lines);
}

#[test]
fn every_file_says_what_it_is_for() {
    over_sources(rules::header);
}

#[test]
fn unsafe_stays_in_its_places() {
    over_sources(rules::unsafe_places);
}

#[test]
fn floats_stay_out_of_the_virtual_drive() {
    over_sources(rules::floats);
}

#[test]
fn functions_are_short() {
    let mut findings = Vec::new();
    let mut longest = rules::LONG_FUNCTIONS.to_vec();
    for (short, text) in sources() {
        for (name, line, length) in rules::functions(&text).into_iter().filter(|f| f.2 > 100) {
            match longest.iter().position(|e| (e.0, e.1) == (short.as_str(), name.as_str())) {
                Some(i) if length == longest[i].2 => drop(longest.remove(i)),
                _ => findings.push((short.clone(), line, format!("{name} has {length} lines"))),
            }
        }
    }
    for (file, function, lines) in longest {
        let what = format!("{function} no longer has {lines} lines: tighten LONG_FUNCTIONS");
        findings.push((file.to_owned(), 0, what));
    }
    none(findings);
}

#[test]
fn dependencies_point_one_way() {
    over_sources(layering::breaches);
}

#[test]
fn no_big_files() {
    let big = files().into_iter().filter_map(|(short, path)| {
        let size = fs::metadata(path).expect("listed just now").len();
        (size > 1 << 20).then(|| (short, 0, format!("{size} bytes, more than 1 MiB")))
    });
    none(big.collect());
}

#[test]
fn corpora_and_manifest_agree() {
    let path = root().join("corpora/MANIFEST");
    let text = fs::read_to_string(&path).expect("corpora/MANIFEST is there");
    let present: Vec<(String, Vec<u8>)> = files()
        .into_iter()
        .filter_map(|(short, path)| Some((short.strip_prefix("corpora/")?.to_owned(), path)))
        .filter(|(short, _)| short != "MANIFEST")
        .map(|(short, path)| (short, fs::read(path).expect("listed just now")))
        .collect();
    none(manifest::disagreements(&text, &present));
}
