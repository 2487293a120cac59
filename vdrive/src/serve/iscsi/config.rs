//! What a target is told: its name, who may come in, and how much it takes.

use std::fmt;
use std::time::Duration;

/// A target's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its iSCSI name: `iqn.` and so on, lower case (RFC 7143, 4.2.7).
    pub iqn: String,
    /// Initiators may come from other machines.
    pub allow_remote: bool,
    /// Initiators must prove who they are.
    pub chap: Option<Chap>,
    /// Connections at one time.
    pub connections: usize,
    /// How long a login may take.
    pub login_time: Duration,
    /// An initiator that says nothing for so long is asked whether it is there, and has as long
    /// again for its answer.
    pub idle_time: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            iqn: "iqn.2026-11.internal.kiln:recorder".to_owned(),
            allow_remote: false,
            chap: None,
            connections: 64,
            login_time: Duration::from_secs(15),
            idle_time: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Settings with this name for the target.
    pub fn named(iqn: &str) -> Result<Config, ConfigError> {
        let form =
            iqn.strip_prefix("iqn.").or(iqn.strip_prefix("eui.")).or(iqn.strip_prefix("naa."));
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:".contains(c);
        match form {
            Some(rest) if !rest.is_empty() && iqn.len() <= 223 && iqn.chars().all(legal) => {
                Ok(Config { iqn: iqn.to_owned(), ..Config::default() })
            }
            _ => Err(ConfigError::Name(iqn.to_owned())),
        }
    }
}

/// Names and secrets for CHAP (RFC 7143, 12.1).
#[derive(Clone)]
pub struct Chap {
    pub(super) user: String,
    pub(super) secret: Vec<u8>,
    pub(super) mutual: Option<(String, Vec<u8>)>,
}

impl fmt::Debug for Chap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutual = self.mutual.as_ref().map(|(user, _)| user);
        f.debug_struct("Chap")
            .field("user", &self.user)
            .field("mutual", &mutual)
            .finish_non_exhaustive()
    }
}

impl Chap {
    /// Initiators come in by this name and secret.
    pub fn new(user: &str, secret: &[u8]) -> Result<Chap, ConfigError> {
        check(user, secret)?;
        Ok(Chap { user: user.to_owned(), secret: secret.to_vec(), mutual: None })
    }

    /// The target proves in turn who it is by this name and secret, to those who ask.
    pub fn mutual(mut self, user: &str, secret: &[u8]) -> Result<Chap, ConfigError> {
        check(user, secret)?;
        // One secret for both ways lets an answer be had from the other side (RFC 7143, 12.1.3).
        if secret == self.secret {
            return Err(ConfigError::SameSecret);
        }
        self.mutual = Some((user.to_owned(), secret.to_vec()));
        Ok(self)
    }
}

/// The shortest secret: 96 bits (RFC 7143, 12.1.3).
const SHORTEST: usize = 12;

fn check(user: &str, secret: &[u8]) -> Result<(), ConfigError> {
    if user.is_empty() || user.len() > 255 || user.contains('\0') {
        return Err(ConfigError::User(user.to_owned()));
    }
    if secret.len() < SHORTEST {
        return Err(ConfigError::ShortSecret { user: user.to_owned(), bytes: secret.len() });
    }
    Ok(())
}

/// Settings that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not an iSCSI name.
    Name(String),
    /// Not a name for CHAP.
    User(String),
    /// A secret that can be guessed.
    ShortSecret {
        /// Whose.
        user: String,
        /// How long it is.
        bytes: usize,
    },
    /// Both directions have the same secret.
    SameSecret,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Name(name) => write!(
                f,
                "'{name}' is no iSCSI name; it starts with iqn., eui. or naa. and has lower-case \
                 letters, digits, '-', '.' and ':' only, 223 at most"
            ),
            ConfigError::User(user) => {
                write!(f, "'{user}' is no CHAP name; give 1 to 255 bytes")
            }
            ConfigError::ShortSecret { user, bytes } => {
                write!(f, "the CHAP secret of '{user}' has {bytes} bytes; give at least {SHORTEST}")
            }
            ConfigError::SameSecret => {
                f.write_str("both CHAP secrets are the same; give each direction its own")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_refused() {
        assert!(Config::named("iqn.2026-11.internal.kiln:recorder").is_ok());
        for bad in ["", "iqn.", "kiln", "iqn.2026-11.internal:a b", "iqn.2026-11.Internal"] {
            assert_eq!(Config::named(bad).unwrap_err(), ConfigError::Name(bad.to_owned()));
        }
        assert!(matches!(Chap::new("u", b"short"), Err(ConfigError::ShortSecret { .. })));
        assert!(matches!(Chap::new("", b"long enough now"), Err(ConfigError::User(_))));
        let chap = Chap::new("u", b"long enough now").unwrap();
        assert_eq!(
            chap.clone().mutual("t", b"long enough now").unwrap_err(),
            ConfigError::SameSecret
        );
        assert!(!format!("{chap:?}").contains("enough"));
    }
}
