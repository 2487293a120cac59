//! What the standards say of each kind of medium: one row of [`Rules`] for each profile. Writers
//! read the row instead of asking for profile numbers.
//!
//! May not know: any drive, image or burn job.

mod table;

use std::fmt;

use crate::mmc::cdb::CloseFunction;
use crate::mmc::format::FormatType;
use crate::mmc::profile::Profile;
use crate::units::{Blocks, Kbps};

pub use table::TABLE;

/// A family of discs: how speed is counted and how many blocks share one error correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// 120 mm and 80 mm CD.
    Cd,
    /// DVD with - or +.
    Dvd,
    /// Blu-ray Disc.
    Bd,
}

impl Family {
    /// The single speed as commands and descriptors count it: on CD whole frames of 2352 bytes,
    /// else user data (MMC-6, 6.36.3.1 and 6.39).
    pub fn single(self) -> Kbps {
        Kbps(match self {
            Family::Cd => 176,
            Family::Dvd => 1385,
            Family::Bd => 4496,
        })
    }

    /// Blocks of user data in ten seconds at single speed.
    pub fn blocks_in_ten_seconds(self) -> u32 {
        match self {
            Family::Cd => 750,
            Family::Dvd => 6763,
            Family::Bd => 21951,
        }
    }

    /// What a rate as commands count it is in tenths of the single speed, rounded to nearest:
    /// 1385 kB/s on a DVD is 10.
    pub fn tenths(self, rate: Kbps) -> u32 {
        // CD rates are multiples of 176.4.
        let (scale, single) = match self {
            Family::Cd => (100, 1764),
            Family::Dvd => (10, 1385),
            Family::Bd => (100, 44955),
        };
        let tenths = (u64::from(rate.0) * scale * 2 + single) / (single * 2);
        u32::try_from(tenths).unwrap_or(u32::MAX)
    }

    /// The rate as commands count it of so many tenths of the single speed.
    pub fn rate(self, tenths: u32) -> Kbps {
        let (single, scale) = match self {
            Family::Cd => (1764, 100),
            Family::Dvd => (1385, 10),
            Family::Bd => (44955, 100),
        };
        Kbps(u32::try_from(u64::from(tenths) * single / scale).unwrap_or(u32::MAX))
    }
}

/// How blocks come to lie on a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Not at all: pressed, or closed for good.
    Never,
    /// One track in one go behind the last one, write parameters page with write type 1
    /// (MMC-6, 7.5 and feature 002Dh).
    TrackAtOnce,
    /// Packets behind the last one, write parameters page with write type 0; where feature 0021h is
    /// not current the whole disc in one reserved go, write type 2 (MMC-6, features 0021h and
    /// 002Fh).
    Incremental,
    /// Behind the last block, without a write parameters page (MMC-6, features 002Bh and 0041h).
    Sequential,
    /// Anywhere, without a write parameters page, on a formatted medium (MMC-6, features 0020h and
    /// 002Ah).
    Overwrite,
    /// Anywhere within the formatted area in whole units (MMC-6, features 0026h and 002Ch).
    RestrictedOverwrite,
}

/// Where the next writable address is asked for (READ TRACK INFORMATION, MMC-6, 6.27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NwaSource {
    /// Of track FFh, the invisible or incomplete one.
    InvisibleTrack,
    /// Of the last track of the last session.
    LastTrack,
    /// Nowhere: writing starts at block 0.
    Zero,
}

/// How a medium that is not ready for writing from its start is made so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Renewal {
    /// Written once, for good.
    None,
    /// BLANK erases it (MMC-6, 6.2).
    Blank,
    /// FORMAT UNIT with this format type once, before the first write; what is there can be written
    /// over afterwards (MMC-6, 6.5).
    Format {
        /// Format type of the format descriptor.
        kind: FormatType,
        /// Whether formatting goes on behind the host's writing (DVD+RW).
        background: bool,
    },
}

/// The command that sets the write speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpeedCommand {
    /// SET CD SPEED (MMC-6, 6.36).
    SetCdSpeed,
    /// SET STREAMING with a performance descriptor (MMC-6, 6.39).
    SetStreaming,
}

/// The functions of CLOSE TRACK/SESSION on a medium (MMC-6, 6.3, table of close functions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Closing {
    /// Stops formatting in the background.
    pub stop_format: Option<CloseFunction>,
    /// Closes a track of its number, where flushing the buffer has not done so
    /// ([`Rules::flush_closes_track`]).
    pub track: Option<CloseFunction>,
    /// Closes the session. Where [`Rules::page`] applies, its multi-session field decides whether
    /// another one may follow.
    pub session: Option<CloseFunction>,
    /// Closes the session and the disc.
    pub finalize: Option<CloseFunction>,
}

/// Whether a second session can follow, and what decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MultiSession {
    /// There is one session, always.
    One,
    /// The multi-session field of the write parameters page at the time the session is closed.
    ByPage,
    /// The close function.
    ByFunction,
}

/// What a volume is like that is made for a medium where nobody says otherwise. ISO 9660 with
/// Joliet and Rock Ridge is always there: every system reads it, and it can be added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mastering {
    /// The revision of UDF over the same files, as it is recorded (UDF 2.60, 2.1.5.3), or none.
    /// Programs that choose by medium agree: none on CD, 1.02 on DVD, 2.50 on BD.
    pub udf: Option<u16>,
    /// Blocks of a packet where a sparable partition makes up for missing defect management
    /// (UDF 2.60, 2.2.9).
    pub packet: Option<u16>,
    /// Blocks that a usual disc of it holds.
    pub capacity: Blocks,
}

/// All that a writer must know of a medium. A row of [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Profile (MMC-6, 5.4).
    pub profile: Profile,
    /// What a person calls it.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// How it is written.
    pub method: Method,
    /// Blocks come in whole multiples of this, padded with zeros, and the first one lies on such a
    /// multiple counted from the track's start.
    pub unit: Blocks,
    /// Blocks in one WRITE command, a multiple of `unit`.
    pub transfer: Blocks,
    /// A shorter track is padded to this.
    pub min_track: Blocks,
    /// Blocks at a track's end that its size counts but that cannot be read: the run-out of
    /// track-at-once (MMC-6, 4.2.3.8).
    pub run_out: Blocks,
    /// Where to ask for the next writable address.
    pub nwa: NwaSource,
    /// How it is made ready.
    pub renewal: Renewal,
    /// How it is closed.
    pub closing: Closing,
    /// Whether sessions can follow.
    pub multi_session: MultiSession,
    /// How its speed is set.
    pub speed: SpeedCommand,
    /// What a volume on it is like.
    pub mastering: Mastering,
}

impl Rules {
    /// The row for a profile, or `None` for a medium not known here.
    pub fn of(profile: Profile) -> Option<&'static Rules> {
        TABLE.iter().find(|row| row.profile == profile)
    }

    /// The row of a name as a person types it: `dvd+rw`, `BD-R`, `dvd+r-dl`.
    pub fn named(name: &str) -> Option<&'static Rules> {
        let name = name.to_lowercase();
        TABLE.iter().find(|row| row.name.to_lowercase().replace(' ', "-") == name)
    }

    /// Whether it can be written at all.
    pub fn writable(&self) -> bool {
        self.method != Method::Never
    }

    /// Whether blocks can be written over in place.
    pub fn overwritable(&self) -> bool {
        matches!(self.method, Method::Overwrite | Method::RestrictedOverwrite)
    }

    /// The format type that makes it ready, if formatting does.
    pub fn format_kind(&self) -> Option<FormatType> {
        match self.renewal {
            Renewal::Format { kind, .. } => Some(kind),
            Renewal::None | Renewal::Blank => None,
        }
    }

    /// Whether SYNCHRONIZE CACHE ends the track: some drives refuse a CLOSE TRACK behind it
    /// (MMC-6, 6.3.3.2).
    pub fn flush_closes_track(&self) -> bool {
        self.method == Method::TrackAtOnce
    }

    /// Whether the write parameters page must be set before writing.
    pub fn page(&self) -> bool {
        matches!(self.method, Method::TrackAtOnce | Method::Incremental)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Cd => "CD",
            Family::Dvd => "DVD",
            Family::Bd => "BD",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_unique_and_ascending() {
        assert!(TABLE.windows(2).all(|pair| pair[0].profile.number() < pair[1].profile.number()));
    }

    #[test]
    fn transfers_are_whole_units_of_at_most_64_kib() {
        for row in TABLE {
            assert_eq!(row.transfer.0 % row.unit.0, 0, "{}", row.name);
            assert!(row.transfer.bytes().0 <= 65_536, "{}", row.name);
        }
    }

    #[test]
    fn every_row_has_a_name_that_can_be_typed() {
        for row in TABLE {
            assert_eq!(Rules::named(&row.name.replace(' ', "-")), Some(row));
        }
        assert_eq!(Rules::named("dvd+r-dl").map(|row| row.profile), Some(Profile::DvdPlusRDl));
        assert_eq!(Rules::named("floppy"), None);
    }

    /// Values that drives report for these speeds (GET PERFORMANCE and mode page 2Ah of captured
    /// drives): 4x to 52x CD, 1x to 16x DVD, 2x to 12x BD.
    #[test]
    fn rates_are_the_speeds_on_the_box() {
        for (family, rate, tenths) in [
            (Family::Cd, 0x02c1, 40),
            (Family::Cd, 0x0583, 80),
            (Family::Cd, 0x0b06, 160),
            (Family::Cd, 0x2113, 480),
            (Family::Dvd, 0x0569, 10),
            (Family::Dvd, 0x0cfc, 24),
            (Family::Dvd, 0x2b48, 80),
            (Family::Dvd, 0x5690, 160),
            (Family::Bd, 0x231e, 20),
            (Family::Bd, 0x695a, 60),
            (Family::Bd, 0xd2b4, 120),
        ] {
            assert_eq!(family.tenths(Kbps(rate)), tenths, "{family} {rate}");
            let back = family.rate(tenths).0;
            assert!(back.abs_diff(rate) <= 14, "{family} {tenths}: {back} for {rate}");
        }
    }

    /// What growisofs and libburn send for these media.
    #[test]
    fn facts_that_other_burners_agree_on() {
        let rules = |number| Rules::of(Profile::of(number)).unwrap();
        assert_eq!(rules(0x1b).closing.finalize, Some(CloseFunction::FinalizeMinRadius));
        assert_eq!(rules(0x41).closing.finalize, Some(CloseFunction::Finalize));
        assert_eq!(rules(0x11).closing.track, Some(CloseFunction::Track));
        assert_eq!(rules(0x1a).closing.stop_format, Some(CloseFunction::StopFormat));
        assert_eq!(rules(0x1a).closing.session, Some(CloseFunction::Session));
        assert_eq!(rules(0x43).closing.session, None);
        assert_eq!(rules(0x09).min_track, Blocks(300));
        assert_eq!(rules(0x11).nwa, NwaSource::LastTrack);
        assert_eq!(rules(0x1b).nwa, NwaSource::InvisibleTrack);
        assert_eq!(rules(0x40).method, Method::Never);
    }
}
