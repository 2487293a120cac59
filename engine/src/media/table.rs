//! The table of media. The numbers are MMC-6's; where burners that have met thousands of drives do
//! otherwise, the row follows them and says why.

use super::{
    Closing, Family, Mastering, Method, MultiSession, NwaSource, Renewal, Rules, SpeedCommand,
};
use crate::mmc::cdb::CloseFunction;
use crate::mmc::format::FormatType;
use crate::mmc::profile::Profile;
use crate::units::Blocks;

const NOTHING: Closing = Closing { stop_format: None, track: None, session: None, finalize: None };

const fn volume(udf: Option<u16>, capacity: u32) -> Mastering {
    Mastering { udf, packet: None, capacity: Blocks(capacity) }
}

/// The same for a medium that is written in packets without defect management, or with another
/// capacity than its family's.
const fn with(rules: Rules, packet: Option<u16>, capacity: u32) -> Rules {
    let udf = rules.mastering.udf;
    Rules { mastering: Mastering { udf, packet, capacity: Blocks(capacity) }, ..rules }
}

/// What all media of a family that cannot be written have in common.
const fn pressed(profile: Profile, name: &'static str, family: Family, unit: u32) -> Rules {
    Rules {
        profile,
        name,
        family,
        method: Method::Never,
        unit: Blocks(unit),
        transfer: Blocks(unit),
        min_track: Blocks(0),
        run_out: Blocks(0),
        nwa: NwaSource::LastTrack,
        renewal: Renewal::None,
        closing: NOTHING,
        multi_session: MultiSession::One,
        speed: match family {
            Family::Cd => SpeedCommand::SetCdSpeed,
            Family::Dvd | Family::Bd => SpeedCommand::SetStreaming,
        },
        mastering: match family {
            Family::Cd => volume(None, 359_849),
            Family::Dvd => volume(Some(0x102), 2_295_104),
            Family::Bd => volume(Some(0x250), 12_219_392),
        },
    }
}

/// Track at once. A track has 4 seconds at least and ends with two run-out blocks.
const fn cd(profile: Profile, name: &'static str, renewal: Renewal) -> Rules {
    Rules {
        method: Method::TrackAtOnce,
        transfer: Blocks(16),
        min_track: Blocks(300),
        run_out: Blocks(2),
        nwa: NwaSource::InvisibleTrack,
        renewal,
        closing: Closing {
            track: Some(CloseFunction::Track),
            session: Some(CloseFunction::Session),
            ..NOTHING
        },
        multi_session: MultiSession::ByPage,
        ..pressed(profile, name, Family::Cd, 1)
    }
}

/// Incremental recording in ECC blocks. The next writable address comes from the last track by its
/// number: FFh is not defined here (MMC-6, 6.27.2.3).
const fn dvd_minus(profile: Profile, name: &'static str, renewal: Renewal) -> Rules {
    Rules {
        method: Method::Incremental,
        transfer: Blocks(16),
        renewal,
        closing: Closing {
            track: Some(CloseFunction::Track),
            session: Some(CloseFunction::Session),
            ..NOTHING
        },
        multi_session: MultiSession::ByPage,
        ..pressed(profile, name, Family::Dvd, 16)
    }
}

/// One track for each session. Function 5 finalises with the smallest lead-out (MMC-6, 6.3.3.5).
const fn dvd_plus_r(profile: Profile, name: &'static str) -> Rules {
    Rules {
        method: Method::Sequential,
        transfer: Blocks(16),
        nwa: NwaSource::InvisibleTrack,
        closing: Closing {
            track: Some(CloseFunction::Track),
            session: Some(CloseFunction::Session),
            finalize: Some(CloseFunction::FinalizeMinRadius),
            ..NOTHING
        },
        multi_session: MultiSession::ByFunction,
        ..pressed(profile, name, Family::Dvd, 16)
    }
}

/// Blocks of 2 KiB may be written by the standard, but whole ECC blocks spare the drive from
/// reading them first.
const fn rewritable(
    profile: Profile,
    name: &'static str,
    family: Family,
    unit: u32,
    renewal: Renewal,
) -> Rules {
    Rules {
        method: Method::Overwrite,
        nwa: NwaSource::Zero,
        renewal,
        ..pressed(profile, name, family, unit)
    }
}

/// One row for each profile, ascending.
pub static TABLE: &[Rules] = &[
    pressed(Profile::CdRom, "CD-ROM", Family::Cd, 1),
    cd(Profile::CdR, "CD-R", Renewal::None),
    with(cd(Profile::CdRw, "CD-RW", Renewal::Blank), Some(32), 359_849),
    pressed(Profile::DvdRom, "DVD-ROM", Family::Dvd, 16),
    with(dvd_minus(Profile::DvdR, "DVD-R", Renewal::None), None, 2_298_496),
    // Formatted by its maker; formatting again is the user's business.
    with(
        rewritable(
            Profile::DvdRam,
            "DVD-RAM",
            Family::Dvd,
            16,
            Renewal::Format { kind: FormatType::Full, background: false },
        ),
        None,
        2_295_072,
    ),
    Rules {
        method: Method::RestrictedOverwrite,
        // Closes the border of a quickly formatted disc (MMC-6, 6.3.3.4).
        closing: Closing { session: Some(CloseFunction::Session), ..NOTHING },
        ..with(
            rewritable(
                Profile::DvdRwOverwrite,
                "DVD-RW (restricted overwrite)",
                Family::Dvd,
                16,
                Renewal::Format { kind: FormatType::Quick, background: false },
            ),
            Some(16),
            2_298_496,
        )
    },
    with(dvd_minus(Profile::DvdRwSequential, "DVD-RW", Renewal::Blank), Some(16), 2_298_496),
    with(dvd_minus(Profile::DvdRDl, "DVD-R DL", Renewal::None), None, 4_171_712),
    Rules {
        closing: Closing {
            stop_format: Some(CloseFunction::StopFormat),
            session: Some(CloseFunction::Session),
            ..NOTHING
        },
        ..rewritable(
            Profile::DvdPlusRw,
            "DVD+RW",
            Family::Dvd,
            16,
            Renewal::Format { kind: FormatType::DvdPlusRw, background: true },
        )
    },
    dvd_plus_r(Profile::DvdPlusR, "DVD+R"),
    with(dvd_plus_r(Profile::DvdPlusRDl, "DVD+R DL"), None, 4_173_824),
    pressed(Profile::BdRom, "BD-ROM", Family::Bd, 32),
    Rules {
        method: Method::Sequential,
        closing: Closing {
            track: Some(CloseFunction::Track),
            session: Some(CloseFunction::Session),
            finalize: Some(CloseFunction::Finalize),
            ..NOTHING
        },
        multi_session: MultiSession::ByFunction,
        ..pressed(Profile::BdRSrm, "BD-R", Family::Bd, 32)
    },
    rewritable(
        Profile::BdRe,
        "BD-RE",
        Family::Bd,
        32,
        Renewal::Format { kind: FormatType::Full, background: false },
    ),
];
