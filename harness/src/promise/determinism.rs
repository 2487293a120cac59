//! Promise 8: the same seed gives the same trace and the same medium.
//!
//! A run's fingerprint is taken over every line of its trace and over its disc; two runs of one
//! scenario must have the same. Checked by running twice. Says nothing of files of the host.

use std::fmt;

use sha2::{Digest, Sha256};

/// What a run left: its exchanges and its disc.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Over the lines of the trace.
    pub trace: [u8; 32],
    /// Over the disc, if there was one at the end.
    pub disc: Option<[u8; 32]>,
    /// Exchanges in the trace.
    pub exchanges: usize,
}

impl Fingerprint {
    /// Of a trace's lines and a disc.
    pub fn of(trace: &[String], disc: Option<[u8; 32]>) -> Fingerprint {
        let mut hash = Sha256::new();
        for line in trace {
            hash.update(line.as_bytes());
            hash.update(b"\n");
        }
        Fingerprint { trace: hash.finalize().into(), disc, exchanges: trace.len() }
    }
}

impl fmt::Display for Fingerprint {
    /// Twelve digits of each, and the number of exchanges.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex =
            |bytes: &[u8; 32]| bytes[..6].iter().map(|b| format!("{b:02x}")).collect::<String>();
        let disc = self.disc.as_ref().map_or("none".to_owned(), hex);
        write!(f, "trace {} ({} exchanges), disc {disc}", hex(&self.trace), self.exchanges)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn another_trace_or_disc_is_another_fingerprint() {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let base = Fingerprint::of(&lines(&["a", "b"]), Some([0; 32]));
        assert_eq!(base, Fingerprint::of(&lines(&["a", "b"]), Some([0; 32])));
        assert_ne!(base, Fingerprint::of(&lines(&["ab", ""]), Some([0; 32])));
        assert_ne!(base, Fingerprint::of(&lines(&["a", "b"]), Some([1; 32])));
        assert_ne!(base, Fingerprint::of(&lines(&["a", "b"]), None));
    }
}
