//! Replays every corpus through its target, and checks that targets, programs and corpora agree.

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("fuzz lies in the root").to_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    found.sort();
    found
}

#[test]
fn every_input_of_every_corpus_passes() {
    for (name, target) in TARGETS {
        let inputs = entries(&root().join("corpora").join(name));
        assert!(!inputs.is_empty(), "the corpus of {name} is empty");
        for input in inputs {
            // On a panic the last line of output names the input.
            println!("{name}: {}", input.display());
            target(&fs::read(&input).expect("listed just now"));
        }
    }
}

/// Inputs near the corpus: each cut at every length, and with each byte inverted.
#[test]
fn neighbours_of_short_inputs_pass() {
    let texts = ["control", "trace", "wire"];
    for (name, target) in TARGETS.iter().filter(|(name, _)| texts.contains(name)) {
        for input in entries(&root().join("corpora").join(name)) {
            println!("{name}: near {}", input.display());
            let bytes = fs::read(&input).expect("listed just now");
            for at in 0..bytes.len().min(400) {
                target(&bytes[..at]);
                let mut changed = bytes.clone();
                changed[at] ^= 0xff;
                target(&changed);
            }
        }
    }
}

#[test]
fn each_target_has_a_program() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("it built this test");
    for (name, _) in TARGETS {
        let path = format!("fuzz_targets/{name}.rs");
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"{path}\"")), "{name}");
        assert!(root().join("fuzz").join(path).is_file());
    }
    assert_eq!(entries(&root().join("fuzz/fuzz_targets")).len(), TARGETS.len());
}
