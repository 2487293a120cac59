//! Names of the Joliet tree: 16-bit characters, up to 103 of them.
//!
//! Joliet itself stops at 64 characters; a directory record has room for 103 with the version
//! number, and all systems in use read them. Characters outside the Basic Multilingual Plane are
//! two 16-bit units, as Windows records them, and are never cut in half.

/// Units of a name: with the version they fill 33 + 2 * 105 of the 254 bytes of a record.
const NAME_MAX: usize = 103;
/// Extensions up to this many units, their dot included, survive when a name is cut.
const EXTENSION_MAX: usize = 20;

/// The identifier without version, big-endian.
pub(super) fn identifier(name: &[u8]) -> Vec<u8> {
    big_endian(&cut(&units(name), "", NAME_MAX))
}

/// The identifier with a number, to tell it from others.
pub(super) fn numbered(name: &[u8], number: u32) -> Vec<u8> {
    big_endian(&cut(&units(name), &format!("~{number}"), NAME_MAX))
}

/// Whether the identifier says just what the name says.
pub(super) fn is_faithful(name: &[u8], identifier: &[u8]) -> bool {
    let whole = str::from_utf8(name).map(|s| s.encode_utf16().flat_map(u16::to_be_bytes));
    whole.is_ok_and(|bytes| bytes.eq(identifier.iter().copied()))
}

/// The volume name: 16 units of it.
pub(super) fn volume_id(name: &str) -> Vec<u8> {
    big_endian(&cut(&name.encode_utf16().collect::<Vec<_>>(), "", 16))
}

/// The name with `_` for what Joliet does not allow (Joliet, "Allowed Character Set").
fn units(name: &[u8]) -> Vec<u16> {
    let mut out = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let forbidden = c < ' ' || matches!(c, '*' | '/' | ':' | ';' | '?' | '\\');
            out.extend_from_slice(if forbidden { '_' } else { c }.encode_utf16(&mut [0; 2]));
        }
        out.extend(chunk.invalid().iter().map(|_| u16::from(b'_')));
    }
    out
}

/// The name with `mark` behind its stem, the stem cut so that all is at most `max` units.
pub(super) fn cut(name: &[u16], mark: &str, max: usize) -> Vec<u16> {
    let dot = name.iter().rposition(|&u| u == u16::from(b'.'));
    let at = match dot {
        _ if mark.is_empty() && name.len() <= max => name.len(),
        Some(at) if at > 0 && name.len() - at <= EXTENSION_MAX.min(max / 2) => at,
        _ => name.len(),
    };
    let (stem, extension) = name.split_at(at);
    let mut keep = stem.len().min(max - mark.len() - extension.len());
    let halves = |u: u16| (0xD800..0xDC00).contains(&u);
    if keep < stem.len() && keep > 0 && halves(stem[keep - 1]) {
        keep -= 1;
    }
    let mark: Vec<u16> = mark.encode_utf16().collect();
    [&stem[..keep], &mark, extension].concat()
}

fn big_endian(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &[u8]) -> String {
        let units: Vec<_> = id.chunks(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn names_are_big_endian_and_keep_case() {
        assert_eq!(identifier("aß".as_bytes()), [0, b'a', 0, 0xdf]);
        assert_eq!(text(&identifier(b"a:b*c?d;e\\f\n\xff")), "a_b_c_d_e_f__");
        assert!(is_faithful("süß".as_bytes(), &identifier("süß".as_bytes())));
        assert!(!is_faithful(b"a:b", &identifier(b"a:b")));
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = format!("{}.tar", "n".repeat(200));
        assert_eq!(text(&identifier(name.as_bytes())), format!("{}.tar", "n".repeat(99)));
        assert_eq!(text(&numbered(name.as_bytes(), 12)), format!("{}~12.tar", "n".repeat(96)));
    }

    #[test]
    fn a_character_of_two_units_is_not_cut_in_half() {
        let name = format!("{}🔥🔥", "n".repeat(102));
        assert_eq!(text(&identifier(name.as_bytes())), "n".repeat(102));
    }
}
