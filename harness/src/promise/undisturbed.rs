//! Promise 6: nothing is written to a device that was not chosen, is mounted, or is in use.
//!
//! In a simulated run the devices that could be hit by mistake are other disc files: one lies
//! beside the chosen one, and the chosen one itself counts while another drive holds it. Both must
//! be the same bytes after the run. Mounted devices are the host transport's affair and are tested
//! in the guest.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::Breach;

/// A file that must not change.
#[derive(Clone, Debug)]
pub struct Bystander {
    path: PathBuf,
    hash: [u8; 32],
}

impl Bystander {
    /// The file as it is now.
    pub fn watch(path: PathBuf) -> io::Result<Bystander> {
        let hash = hash(&path)?;
        Ok(Bystander { path, hash })
    }

    /// Whether it is still the same.
    pub fn unchanged(&self) -> Result<(), Breach> {
        match hash(&self.path) {
            Ok(now) if now == self.hash => Ok(()),
            Ok(_) => Err(Breach::new(6, format!("{} was written to", self.path.display()))),
            Err(e) => Err(Breach::new(6, format!("{}: {e}", self.path.display()))),
        }
    }
}

fn hash(path: &PathBuf) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut room = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut room)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&room[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_removed_bystander_is_a_breach() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let path = dir.path().join("other.disc");
        std::fs::write(&path, b"x").expect("writable");
        let watched = Bystander::watch(path.clone()).expect("readable");
        assert_eq!(watched.unchanged(), Ok(()));
        std::fs::write(&path, b"y").expect("writable");
        assert_eq!(watched.unchanged().map_err(|b| b.promise), Err(6));
        std::fs::remove_file(&path).expect("is there");
        assert!(watched.unchanged().is_err());
    }
}
