//! Patterns of paths in the syntax of gitignore(5): what to leave out, hide or put first.
//!
//! A path is that of a node in the tree, not of a file of the host. May not know: what a match
//! means to whoever asks.

use std::fmt;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::host::bytes_path;
use super::tree::{Kind, NodeId, Tree};

/// Patterns, of which the last that matches decides. `!` in front takes back what an earlier one
/// matched, though not below a directory that stays matched.
#[derive(Clone, Debug)]
pub struct Patterns(Gitignore);

/// A line that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The line.
    pub pattern: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Default for Patterns {
    /// Patterns that match nothing.
    fn default() -> Patterns {
        Patterns(Gitignore::empty())
    }
}

impl Patterns {
    /// The patterns of these lines. Empty lines and those that begin with `#` are skipped.
    pub fn new<L: AsRef<str>>(lines: &[L]) -> Result<Patterns, PatternError> {
        let mut builder = GitignoreBuilder::new("");
        for line in lines {
            let line = line.as_ref();
            let wrong =
                |e: ignore::Error| PatternError { pattern: line.to_owned(), detail: e.to_string() };
            builder.add_line(None, line).map_err(wrong)?;
        }
        let wrong = |e: ignore::Error| PatternError {
            pattern: "all together".to_owned(),
            detail: e.to_string(),
        };
        Ok(Patterns(builder.build().map_err(wrong)?))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they match this path by itself: names with `/` between and none in front.
    pub fn matches(&self, path: &[u8], directory: bool) -> bool {
        !path.is_empty() && self.0.matched(bytes_path(path), directory).is_ignore()
    }
}

impl Tree {
    /// The nodes that patterns match, each without what lies below it, in the order of the paths.
    pub fn matching(&self, patterns: &Patterns) -> Vec<NodeId> {
        let mut found = Vec::new();
        if patterns.is_empty() {
            return found;
        }
        let mut waiting = vec![self.root()];
        while let Some(node) = waiting.pop() {
            let directory = self.kind(node) == Kind::Directory;
            if patterns.matches(&self.path(node), directory) {
                found.push(node);
            } else {
                waiting.extend(self.children(node).iter().rev());
            }
        }
        found
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no pattern: {}", self.pattern, self.detail)
    }
}

impl std::error::Error for PatternError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_gitignore() {
        let lines = ["# words", "*.o", "/top", "build/", "a/**/z", "!keep.o", "with\\ space"];
        let patterns = Patterns::new(&lines).expect("good patterns");
        let matched = ["x.o", "deep/in/x.o", "top", "a/b/c/z", "a/z", "with space"];
        for path in matched {
            assert!(patterns.matches(path.as_bytes(), false), "{path}");
        }
        for path in ["deep/top", "keep.o", "deep/keep.o", "build", "words", ""] {
            assert!(!patterns.matches(path.as_bytes(), false), "{path}");
        }
        assert!(patterns.matches(b"deep/build", true));
        assert!(!Patterns::default().matches(b"x", false));
    }

    #[test]
    fn what_is_no_pattern_is_an_error() {
        let wrong = Patterns::new(&["fine", "[z-a]"]).expect_err("no range");
        assert_eq!(wrong.pattern, "[z-a]");
    }
}
