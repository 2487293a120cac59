//! What a volume is like where nobody says: by the medium that it is made for, or by what the disc
//! has already.
//!
//! May not know: how anything is laid out or burned.

use engine::image::read::Systems;
use engine::image::{LayoutOptions, Revision, UdfOptions};
use engine::media::Rules;
use engine::units::Blocks;

use crate::exit::{Exit, Failure};

/// The layout with the file systems that go with a medium: ISO 9660 with Joliet and Rock Ridge
/// everywhere; on DVD and BD UDF over the same files, of the revision that players and other
/// systems expect there.
pub fn for_medium(layout: &LayoutOptions, medium: &Rules) -> LayoutOptions {
    let revision = medium.mastering.udf.and_then(revision);
    LayoutOptions {
        iso9660: true,
        joliet: true,
        rock_ridge: true,
        udf: revision.map(|revision| UdfOptions { revision, ..UdfOptions::default() }),
        ..layout.clone()
    }
}

/// The layout with the file systems that a session has which it comes behind: who looks at any one
/// of them shall find what is new.
pub fn as_before(layout: &LayoutOptions, before: Systems) -> LayoutOptions {
    LayoutOptions {
        iso9660: before.iso9660,
        joliet: before.joliet,
        rock_ridge: before.rock_ridge,
        udf: before.udf.map(|number| UdfOptions {
            revision: revision(number).unwrap_or(Revision::V1_02),
            ..UdfOptions::default()
        }),
        ..layout.clone()
    }
}

fn revision(number: u16) -> Option<Revision> {
    Revision::ALL.into_iter().find(|revision| revision.number() == number)
}

/// The medium of a name as a person types it.
pub fn medium(name: &str) -> Result<&'static Rules, Failure> {
    Rules::named(name).ok_or_else(|| {
        let known = engine::media::TABLE.iter().filter(|row| row.writable());
        let known: Vec<_> = known.map(|row| row.name.to_lowercase().replace(' ', "-")).collect();
        Failure::new(Exit::Usage, format!("{name:?} is no medium; there are {}", known.join(", ")))
    })
}

/// Whether an image of so many blocks fits on a usual disc of a medium.
pub fn fits(blocks: Blocks, medium: &Rules) -> Result<(), Failure> {
    let has = medium.mastering.capacity;
    if blocks <= has {
        return Ok(());
    }
    let (needs, room, name) = (blocks.bytes(), has.bytes(), medium.name);
    let what =
        format!("the image has {blocks} blocks ({needs}), a {name} has room for {has} ({room})");
    Err(Failure::new(Exit::TooSmall, what).advise("Nothing was written. Leave something out."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_what_the_one_before_has() {
        let before = Systems { joliet: true, iso9660: true, rock_ridge: false, udf: Some(0x201) };
        let layout = as_before(&LayoutOptions::default(), before);
        assert!(layout.joliet && layout.iso9660 && !layout.rock_ridge);
        assert_eq!(layout.udf.map(|udf| udf.revision), Some(Revision::V2_01));
    }

    #[test]
    fn udf_goes_with_dvd_and_bd() {
        let revision = |name| {
            let layout = for_medium(&LayoutOptions::default(), medium(name).unwrap());
            layout.udf.map(|udf| udf.revision)
        };
        assert_eq!(revision("cd-r"), None);
        assert_eq!(revision("dvd+rw"), Some(Revision::V1_02));
        assert_eq!(revision("bd-re"), Some(Revision::V2_50));
        assert_eq!(medium("bd-r2").unwrap_err().exit, Exit::Usage);
        let dvd = medium("dvd-r").unwrap();
        assert!(fits(Blocks(2_298_496), dvd).is_ok());
        assert_eq!(fits(Blocks(2_298_497), dvd).unwrap_err().exit, Exit::TooSmall);
    }
}
