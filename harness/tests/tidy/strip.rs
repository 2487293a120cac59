//! Rust text with comments, strings and character literals blanked out, line for line, so that the
//! rules see code only. Knows the tokens that can hide others, and no grammar.

/// `text` with every byte of a comment, string or character literal replaced by a space; line
/// breaks stay where they are.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = hidden(bytes, at);
        if end > at {
            out.extend(bytes[at..end].iter().map(|&b| if b == b'\n' { b'\n' } else { b' ' }));
            at = end;
        } else {
            out.push(if bytes[at].is_ascii() { bytes[at] } else { b'_' });
            at += 1;
        }
    }
    String::from_utf8(out).expect("only ASCII was kept")
}

/// Where the comment or literal that starts at `at` ends; `at` itself if none starts there.
fn hidden(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let before = at.checked_sub(1).map_or(b' ', |i| bytes[i]);
    let fresh = !before.is_ascii_alphanumeric() && before != b'_';
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment(rest);
    }
    let prefix = if fresh && matches!(rest[0], b'b' | b'c') { 1 } else { 0 };
    match rest.get(prefix) {
        Some(b'"') => at + prefix + string(&rest[prefix..]),
        Some(b'r') if fresh || prefix == 1 => raw(&rest[prefix..]).map_or(at, |n| at + prefix + n),
        Some(b'\'') => character(&rest[prefix..]).map_or(at, |n| at + prefix + n),
        _ => at,
    }
}

/// The length of a block comment, nested ones included.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut i) = (0, 0);
    while i < rest.len() {
        if rest[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if rest[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    rest.len()
}

/// The length of a string literal that starts with its quote.
fn string(rest: &[u8]) -> usize {
    let mut i = 1;
    while i < rest.len() {
        match rest[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    rest.len()
}

/// The length of a raw string that starts with its `r`, or `None` if it is none.
fn raw(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&b| b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let body = &rest[2 + hashes..];
    let close = body.windows(end.len()).position(|w| w == end);
    Some(close.map_or(rest.len(), |n| 2 + hashes + n + end.len()))
}

/// The length of a character literal, or `None` for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(rest[3..].iter().position(|&b| b == b'\'')? + 4);
    }
    let close = rest.iter().skip(2).take(4).position(|&b| b == b'\'')? + 2;
    // 'a' and multi-byte characters; `'a, 'b'` is two lifetimes and no character.
    let one = std::str::from_utf8(&rest[1..close]).ok()?.chars().count() == 1;
    one.then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn comments_strings_and_characters_vanish() {
        assert_eq!(code("a // b\nc"), "a     \nc");
        assert_eq!(code("a /* b /* c */ d */ e"), "a                   e");
        assert_eq!(code("x(\"a\\\"{\") y"), "x(      ) y");
        assert_eq!(code("r#\"un\"safe\"# z"), "             z");
        assert_eq!(code("b'{' 'é' '\\'' '\\u{7f}' k"), format!("{}k", " ".repeat(24)));
    }

    #[test]
    fn lifetimes_and_names_stay() {
        let text = "fn f<'a, 'b>(car: &'a str, r: &'b u8) -> &'a str { for_r(r) }";
        assert_eq!(code(text), text);
    }
}
