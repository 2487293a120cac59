//! Rules on one Rust file: length of lines and functions, header, `unsafe`, floats.

use super::Finding;
use super::strip::code;

/// Functions that are longer than 100 lines: file, name, lines. The list may only shrink, and an
/// entry that has become too generous fails the test.
pub(crate) const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// Where `unsafe` may stand: the host transports, and the library that lives in others' programs.
const UNSAFE_PLACES: &[&str] = &["engine/src/host/", "vdrive/shim/src/"];

/// Lines longer than 100 characters.
pub(crate) fn long_lines(short: &str, text: &str) -> Vec<Finding> {
    let long = |line: &str| line.chars().count() > 100;
    numbered(text)
        .filter(|(_, line)| long(line))
        .map(|(n, _)| (short.to_owned(), n, "the line is longer than 100 characters".to_owned()))
        .collect()
}

/// A file that does not start with a module comment.
pub(crate) fn header(short: &str, text: &str) -> Vec<Finding> {
    let first = text.lines().next().unwrap_or_default();
    let said = first.strip_prefix("//! ").is_some_and(|rest| rest.split_whitespace().count() > 1);
    if said {
        return Vec::new();
    }
    vec![(short.to_owned(), 1, "the file does not start with `//!` and what it is for".to_owned())]
}

/// `unsafe` outside its places.
pub(crate) fn unsafe_places(short: &str, text: &str) -> Vec<Finding> {
    if UNSAFE_PLACES.iter().any(|place| short.starts_with(place)) {
        return Vec::new();
    }
    let what = format!("`unsafe` belongs in {UNSAFE_PLACES:?} only");
    words_in(short, text, &["unsafe"], &what)
}

/// Floating point in the virtual drive, whose times and sizes are exact.
pub(crate) fn floats(short: &str, text: &str) -> Vec<Finding> {
    if !short.starts_with("vdrive/src/") {
        return Vec::new();
    }
    words_in(short, text, &["f32", "f64"], "no floating point in the virtual drive")
}

/// A finding for each line of code that has one of these words.
fn words_in(short: &str, text: &str, banned: &[&str], what: &str) -> Vec<Finding> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    numbered(&code(text))
        .filter(|(_, line)| line.split(|c| !word(c)).any(|w| banned.contains(&w)))
        .map(|(n, _)| (short.to_owned(), n, what.to_owned()))
        .collect()
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line))
}

/// Each function with a body: name, line of its `fn`, lines from there to its closing brace.
pub(crate) fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let code = code(text);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if before.is_alphanumeric() || before == '_' || name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(&code, at) {
            let line = code[..at].matches('\n').count() + 1;
            found.push((name, line, code[at..end].matches('\n').count() + 1));
        }
    }
    found
}

/// Where the body of the function that starts at `at` ends, if it has one.
fn body_end(code: &str, at: usize) -> Option<usize> {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (i, c) in code[at..].char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 {
                    return Some(at + i);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_rule_bites() {
        let line = "é".repeat(101);
        assert_eq!(long_lines("a.rs", &format!("x\n{line}\n"))[0].1, 2);
        assert!(long_lines("a.rs", &"é".repeat(100)).is_empty());
    }

    #[test]
    fn the_header_rule_bites() {
        for bad in ["", "use x;\n", "//!\n", "//! x\n", "// what\n"] {
            assert_eq!(header("a.rs", bad).len(), 1, "{bad:?}");
        }
        assert!(header("a.rs", "//! What it is for.\n").is_empty());
    }

    #[test]
    fn the_unsafe_rule_bites() {
        let text = "// unsafe\nlet s = \"unsafe\";\nunsafe { f() }\n";
        assert_eq!(
            unsafe_places("vdrive/src/a.rs", text),
            [(
                "vdrive/src/a.rs".to_owned(),
                3,
                "`unsafe` belongs in [\"engine/src/host/\", \"vdrive/shim/src/\"] only".to_owned()
            )]
        );
        assert!(unsafe_places("engine/src/host/sg.rs", text).is_empty());
        assert!(unsafe_places("a.rs", "#![deny(unsafe_code)]").is_empty());
    }

    #[test]
    fn the_float_rule_bites() {
        assert_eq!(floats("vdrive/src/a.rs", "fn f(x: f64) {}").len(), 1);
        assert!(floats("harness/src/a.rs", "fn f(x: f64) {}").is_empty());
    }

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        let text = "trait T {\n    fn a();\n    fn b(x: [u8; 2]) {\n        if x {}\n    }\n}\n\
                    fn c() { \"}\"; }\nstruct S { f: fn(u8) -> u8 }\n";
        let got = functions(text);
        let want = [("b".to_owned(), 3, 3), ("c".to_owned(), 7, 1)];
        assert_eq!(got, want);
    }

    #[test]
    fn the_length_rule_sees_a_long_function() {
        let text = format!("fn long() {{\n{}}}\n", "    x();\n".repeat(99));
        assert_eq!(functions(&text), [("long".to_owned(), 1, 101)]);
    }
}
