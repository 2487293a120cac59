//! Which extended attributes are kept, as commands that take files in or give them back can be
//! told.
//!
//! May not know: how anything is done.

use clap::{Args, ValueEnum};
use engine::image::XattrChoice;

/// Extended attributes.
#[derive(Args, Clone, Debug)]
pub struct XattrArgs {
    /// Keep extended attributes: of users and access control lists if no LIST is given
    #[arg(long, value_name = "LIST", value_delimiter = ',', num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "user,acl")]
    pub xattrs: Vec<XattrKind>,
}

/// A kind of extended attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum XattrKind {
    /// Those named user.*
    User,
    /// POSIX access control lists
    Acl,
    /// All others, which mostly mean something to one machine only
    Other,
}

impl XattrArgs {
    /// What they come to.
    pub fn choice(&self) -> XattrChoice {
        let has = |kind| self.xattrs.contains(&kind);
        XattrChoice {
            user: has(XattrKind::User),
            acls: has(XattrKind::Acl),
            others: has(XattrKind::Other),
        }
    }
}
