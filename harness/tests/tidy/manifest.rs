//! corpora/MANIFEST: one line for each file below corpora/, with its hash, licence and origin.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Finding;

/// Where the manifest and the files (path, bytes) disagree.
pub(crate) fn disagreements(text: &str, files: &[(String, Vec<u8>)]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |line, what: String| found.push(("corpora/MANIFEST".to_owned(), line, what));
    let mut listed = BTreeMap::new();
    for (i, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split('\t').collect::<Vec<_>>()[..] {
            [path, hash, licence, origin] if !licence.is_empty() && !origin.is_empty() => {
                if listed.insert(path.to_owned(), (i + 1, hash)).is_some() {
                    say(i + 1, format!("{path} is listed twice"));
                }
            }
            _ => say(i + 1, "not `path, hash, licence, origin` between tabs".to_owned()),
        }
    }
    for (path, bytes) in files {
        match listed.remove(path) {
            None => say(0, format!("{path} is not listed")),
            Some((line, hash)) if hash != hex(bytes) => {
                say(line, format!("{path} has the hash {}", hex(bytes)));
            }
            Some(_) => {}
        }
    }
    for (path, (line, _)) in listed {
        say(line, format!("{path} is listed and not there"));
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{disagreements, hex};

    #[test]
    fn agreement_is_silent_and_each_disagreement_is_found() {
        let files = vec![("a/b".to_owned(), b"abc".to_vec())];
        // FIPS 180-4, example B.1.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(b"abc"), hash);
        let good = format!("# head\na/b\t{hash}\tCC0-1.0\tby hand\n");
        assert!(disagreements(&good, &files).is_empty());
        let bad = [
            String::new(),
            format!("a/b\t{}\tCC0-1.0\tby hand\n", hash.replace('b', "c")),
            format!("{good}gone\t{hash}\tCC0-1.0\tby hand\n"),
            format!("{good}{good}"),
            format!("{good}half a line\n"),
            format!("a/b\t{hash}\t\tby hand\n"),
        ];
        for text in bad {
            assert!(!disagreements(&text, &files).is_empty(), "{text}");
        }
    }
}
