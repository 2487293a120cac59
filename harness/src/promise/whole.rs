//! Promise 2 again: where a volume grows in place, it is at every instant either what it was or
//! what it is to be, in each of its file systems.
//!
//! Checked after every burn that grew a volume, good or bad, on the medium itself.

use engine::burn::Plan;
use engine::image::read::{Namespace, ReadOptions, Volume};
use engine::image::{Extent, Kind, Sectors, Source, SourceError, SourceErrorKind};
use engine::units::{BLOCK, Blocks, Lba};
use vdrive::medium::Disc;
use vdrive::truth::Truth;

use super::Breach;

/// What a volume shows: each file with where its content lies, once as Rock Ridge or the best there
/// is and once as UDF. None where it cannot be read so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown([Option<Vec<String>>; 2]);

impl Shown {
    /// What the volume at the head of a disc shows.
    pub fn by(disc: &Disc) -> Shown {
        Shown::of(&mut Medium { truth: Truth::of(disc) })
    }

    /// What it shall show once an image is on the disc.
    pub fn after(disc: &Disc, image: &mut dyn Sectors, plan: &Plan) -> Shown {
        Shown::of(&mut Laid { medium: Medium { truth: Truth::of(disc) }, image, plan })
    }

    fn of(sectors: &mut dyn Sectors) -> Shown {
        Shown([Namespace::Best, Namespace::Udf].map(|namespace| {
            let options = ReadOptions { namespace, ..ReadOptions::default() };
            let tree = Volume::read(sectors, &options).ok()?.tree;
            let line = |node| {
                let path = tree.display_path(node);
                let Kind::File(id) = tree.kind(node) else { return path };
                match &tree.content(id).source {
                    Source::OnDisc(extents) => {
                        let place = |e: &Extent| format!(" {}+{}", e.lba, e.bytes);
                        extents.iter().fold(path, |line, extent| line + &place(extent))
                    }
                    _ => format!("{path} {}", tree.size(node)),
                }
            };
            Some(tree.walk().map(line).collect())
        }))
    }
}

/// Compares what the volume shows with what it showed and what it is to show.
pub fn whole(before: &Shown, wanted: &Shown, now: &Shown) -> Result<(), Breach> {
    for (kind, ((before, wanted), now)) in
        ["volume", "UDF volume"].iter().zip(before.0.iter().zip(&wanted.0).zip(&now.0))
    {
        if now != before && now != wanted {
            let what = match now {
                None => "can no longer be read",
                Some(_) => "shows neither what it showed nor what it is to show",
            };
            return Err(Breach::new(2, format!("the {kind} {what}")));
        }
    }
    Ok(())
}

/// A disc past any drive.
struct Medium<'a> {
    truth: Truth<'a>,
}

impl Sectors for Medium<'_> {
    fn blocks(&self) -> Blocks {
        self.truth.state().capacity()
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let failed = |detail: &str| SourceError {
            block: first,
            source: "medium".to_owned(),
            kind: SourceErrorKind::Unreadable,
            detail: detail.to_owned(),
        };
        let (at, count) = (Lba(0) + first, Blocks((room.len() / BLOCK) as u32));
        if self.truth.first_unreadable(at, count).is_some() {
            return Err(failed("nothing can be read there"));
        }
        self.truth.read(at, room).map_err(|e| failed(&e.to_string()))
    }
}

/// The same with an image on it.
struct Laid<'a> {
    medium: Medium<'a>,
    image: &'a mut dyn Sectors,
    plan: &'a Plan,
}

impl Sectors for Laid<'_> {
    fn blocks(&self) -> Blocks {
        self.medium.blocks()
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        for (at, room) in (first.0..).zip(room.chunks_exact_mut(BLOCK)) {
            let block = self.plan.block_at(Lba(0) + Blocks(at));
            match block.filter(|block| *block < self.plan.blocks) {
                Some(block) => self.image.read(block, room)?,
                None => self.medium.read(Blocks(at), room)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_between_two_states_is_a_breach() {
        let shown = |a: &[&str], b: Option<&str>| {
            let lines = |all: &[&str]| all.iter().map(|line| (*line).to_owned()).collect();
            Shown([Some(lines(a)), b.map(|b| vec![b.to_owned()])])
        };
        let (old, new) = (shown(&["/", "/a"], Some("/")), shown(&["/", "/a", "/b"], Some("/b")));
        assert_eq!(whole(&old, &new, &old), Ok(()));
        assert_eq!(whole(&old, &new, &new), Ok(()));
        // Each file system for itself.
        assert_eq!(whole(&old, &new, &shown(&["/", "/a", "/b"], Some("/"))), Ok(()));
        assert!(whole(&old, &new, &shown(&["/"], Some("/"))).is_err());
        assert!(whole(&old, &new, &shown(&["/", "/a"], None)).is_err());
    }
}
