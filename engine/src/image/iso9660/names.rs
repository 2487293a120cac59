//! Identifiers of the primary tree: unique within a directory, and the same each time.
//!
//! A name becomes d-characters (ECMA-119, 7.4.1), one for each character: letters in capitals,
//! digits, and `_` for the rest. What stands behind the last dot is the extension. Of names that
//! become the same, all but the first in byte order get a number at the end of the stem.

use std::collections::BTreeSet;

/// Characters of a file name and its extension together (ECMA-119, 7.5.1).
const FILE_MAX: usize = 30;
/// Characters of a directory's identifier (ECMA-119, 7.6.3).
const DIRECTORY_MAX: usize = 31;
/// Extensions are cut to this, so that a stem always keeps room for a number.
const EXTENSION_MAX: usize = 8;

/// An identifier without version: a stem, and behind a dot the extension if it has one. In this
/// form the order of bytes is the order of the records (ECMA-119, 9.3), since `.` comes before all
/// d-characters, and a file and a directory never differ by a dot alone.
pub(crate) fn identifier(name: &[u8], directory: bool) -> Vec<u8> {
    let (stem, extension) = parts(name, directory);
    join(stem, extension, directory)
}

/// The identifier with a number, to tell it from others.
pub(crate) fn numbered(name: &[u8], directory: bool, number: u32) -> Vec<u8> {
    let (mut stem, extension) = parts(name, directory);
    let digits = format!("{number:03}");
    let max = if directory { DIRECTORY_MAX } else { FILE_MAX } - extension.len();
    stem.truncate(max - digits.len());
    stem.extend(digits.as_bytes());
    join(stem, extension, directory)
}

fn parts(name: &[u8], directory: bool) -> (Vec<u8>, Vec<u8>) {
    let dot = name.iter().rposition(|&b| b == b'.').filter(|&at| at > 0 && !directory);
    match dot {
        Some(at) => {
            let mut extension = characters(&name[at + 1..]);
            extension.truncate(EXTENSION_MAX);
            (characters(&name[..at]), extension)
        }
        None => (characters(name), Vec::new()),
    }
}

fn join(mut stem: Vec<u8>, extension: Vec<u8>, directory: bool) -> Vec<u8> {
    let max = if directory { DIRECTORY_MAX } else { FILE_MAX };
    stem.truncate(max - extension.len());
    if !extension.is_empty() {
        stem.push(b'.');
        stem.extend(extension);
    }
    stem
}

/// The bytes as d-characters.
pub(crate) fn characters(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let c = c.to_ascii_uppercase();
            out.push(if c.is_ascii_uppercase() || c.is_ascii_digit() { c as u8 } else { b'_' });
        }
        out.extend(chunk.invalid().iter().map(|_| b'_'));
    }
    out
}

/// Makes identifiers unique: of equal ones, the first keeps its own and the others become
/// `numbered(index, 1)` and so on, skipping what is taken. Returns the indices in the order of
/// their identifiers.
pub(crate) fn make_unique(
    ids: &mut [Vec<u8>],
    mut numbered: impl FnMut(usize, u32) -> Vec<u8>,
) -> Vec<u32> {
    let sorted = |ids: &[Vec<u8>]| {
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        // Stable: equal identifiers stay in the order of the names.
        order.sort_by(|&a, &b| ids[a as usize].cmp(&ids[b as usize]));
        order
    };
    let order = sorted(ids);
    let same = |pair: &[u32]| ids[pair[0] as usize] == ids[pair[1] as usize];
    if !order.windows(2).any(same) {
        return order;
    }
    let mut taken: BTreeSet<Vec<u8>> = ids.iter().cloned().collect();
    let mut base: Option<Vec<u8>> = None;
    let mut number = 0;
    for index in order {
        let index = index as usize;
        if base.as_ref() != Some(&ids[index]) {
            base = Some(ids[index].clone());
            number = 0;
            continue;
        }
        ids[index] = loop {
            number += 1;
            let id = numbered(index, number);
            if taken.insert(id.clone()) {
                break id;
            }
        };
    }
    sorted(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_d_characters() {
        assert_eq!(identifier(b"read me.txt", false), b"READ_ME.TXT");
        assert_eq!(identifier(b".profile", false), b"_PROFILE");
        assert_eq!(identifier("süß.tar.gz".as_bytes(), false), b"S___TAR.GZ");
        assert_eq!(identifier(b"dir.d", true), b"DIR_D");
        assert_eq!(identifier(b"x\xff\n", false), b"X__");
    }

    #[test]
    fn long_names_keep_to_level_3() {
        let long = [b'a'; 200];
        assert_eq!(identifier(&long, false).len(), 30);
        assert_eq!(identifier(&long, true).len(), 31);
        let long = [&long[..], b".extension"].concat();
        assert_eq!(identifier(&long, false), [&[b'A'; 22][..], b".EXTENSIO"].concat());
        assert_eq!(numbered(&long, false, 7), [&[b'A'; 19][..], b"007.EXTENSIO"].concat());
    }

    #[test]
    fn equal_identifiers_get_numbers_that_nobody_has() {
        let names: [&[u8]; 4] = [b"A", b"A001", b"a", b"\xc3\xa4"];
        let mut ids: Vec<_> = names.iter().map(|n| identifier(n, false)).collect();
        let order = make_unique(&mut ids, |i, n| numbered(names[i], false, n));
        assert_eq!(ids, [&b"A"[..], b"A001", b"A002", b"_"]);
        assert_eq!(order, [0, 1, 2, 3]);
    }
}
