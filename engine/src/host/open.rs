//! What opening a drive of this machine needs and how it fails, on every system.

use std::fmt;
use std::path::PathBuf;

/// What a drive is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Looking and reading; other programs may use the drive too.
    Shared,
    /// Burning: refused while the disc is mounted or another program has claimed the drive, and no
    /// other program can claim it until the device is dropped.
    Exclusive,
}

/// A recorder or reader that the system has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedDrive {
    /// The node to open: `/dev/sr0`, or the generic node where no block node exists.
    pub node: PathBuf,
    /// The generic node (`/dev/sg1`), if there is one.
    pub generic: Option<PathBuf>,
    /// Vendor from INQUIRY, trimmed (SPC-4, 6.6.2).
    pub vendor: String,
    /// Product from INQUIRY, trimmed.
    pub model: String,
    /// Firmware revision from INQUIRY, trimmed.
    pub revision: String,
}

/// Why a drive could not be opened. Nothing was written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// No such node, or no device behind it.
    Missing {
        /// As the caller named it.
        node: PathBuf,
    },
    /// The user may not open the node.
    Denied {
        /// As the caller named it.
        node: PathBuf,
    },
    /// Another program has claimed the drive.
    InUse {
        /// As the caller named it.
        node: PathBuf,
        /// Programs that have it open, as `name (pid N)`; empty where that cannot be seen.
        by: Vec<String>,
    },
    /// The disc in the drive is mounted.
    Mounted {
        /// As the caller named it.
        node: PathBuf,
        /// Where.
        at: PathBuf,
    },
    /// The node is something else than a CD, DVD or BD drive.
    NotADrive {
        /// As the caller named it.
        node: PathBuf,
        /// What it is instead, as a clause for a person.
        why: String,
    },
    /// The host failed in another way.
    Host {
        /// As the caller named it.
        node: PathBuf,
        /// What the system reports.
        detail: String,
    },
    /// No way to talk to drives is built for this system.
    Unsupported,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Missing { node } => {
                write!(f, "no drive at {}: `kiln drives` lists those there are", node.display())
            }
            OpenError::Denied { node } => write!(
                f,
                "{} may not be opened by this user: join the group that owns it (often `cdrom`)",
                node.display()
            ),
            OpenError::InUse { node, by } if by.is_empty() => {
                write!(f, "{} is in use by another program: end that first", node.display())
            }
            OpenError::InUse { node, by } => {
                write!(f, "{} is in use by {}: end that first", node.display(), by.join(", "))
            }
            OpenError::Mounted { node, at } => write!(
                f,
                "the disc in {} is mounted at {}: unmount it first",
                node.display(),
                at.display()
            ),
            OpenError::NotADrive { node, why } => {
                write!(f, "{} is not a CD, DVD or BD drive: {why}", node.display())
            }
            OpenError::Host { node, detail } => {
                write!(f, "{} could not be opened: {detail}", node.display())
            }
            OpenError::Unsupported => {
                f.write_str("drives of this machine are not supported on this system, only virtual")
            }
        }
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        let node = PathBuf::from("/dev/sr7");
        let said = |e: OpenError| e.to_string();
        assert_eq!(
            said(OpenError::Mounted { node: node.clone(), at: "/media/x".into() }),
            "the disc in /dev/sr7 is mounted at /media/x: unmount it first"
        );
        assert_eq!(
            said(OpenError::InUse { node: node.clone(), by: vec!["brasero (pid 7)".into()] }),
            "/dev/sr7 is in use by brasero (pid 7): end that first"
        );
        assert_eq!(
            said(OpenError::InUse { node: node.clone(), by: vec![] }),
            "/dev/sr7 is in use by another program: end that first"
        );
        assert_eq!(
            said(OpenError::Missing { node }),
            "no drive at /dev/sr7: `kiln drives` lists those there are"
        );
    }
}
