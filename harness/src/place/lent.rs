//! Virtual drives that are to be lent: which drive goes with which disc.

use std::path::{Path, PathBuf};

use vdrive::Virtual;
use vdrive::models::VirtualAddress;

use super::{Address, Tray, disc};
use crate::exit::{Exit, Failure};

/// A virtual drive that is to be lent.
#[derive(Debug)]
pub struct Lent {
    /// The drive with what lies in it.
    pub drive: Virtual,
    /// The disc's file, if there is a disc.
    pub disc: Option<PathBuf>,
}

/// A drive for each disc, then `empty` drives without one. The addresses are those of the drives:
/// none means the default drive for all, one means that one for all, more must be as many as there
/// are drives. A disc file that is missing is made, blank, of the medium that the address names.
pub fn lend(
    addresses: &[String],
    discs: &[PathBuf],
    empty: usize,
    seed: Option<u64>,
) -> Result<Vec<Lent>, Failure> {
    let drives = discs.len() + empty;
    if drives == 0 {
        return Err(Failure::new(Exit::Usage, "there is no drive to lend")
            .advise("Name a disc file with --disc, or say --empty for a drive without a disc."));
    }
    if addresses.len() > 1 && addresses.len() != drives {
        let count = if drives == 1 { "1 drive" } else { &format!("{drives} drives") };
        let what = format!("--drive is given {} times for {count}", addresses.len());
        return Err(Failure::new(Exit::Usage, what).advise(
            "Give it once for all drives, or once for each --disc and then each --empty.",
        ));
    }
    let address = |n: usize| addresses.get(n).or(addresses.first()).map_or("virtual", |a| a);
    let trays = discs.iter().map(Some).chain(std::iter::repeat_n(None, empty));
    // All addresses are looked at before the first file is made.
    let addresses =
        (0..drives).map(|n| virtual_address(address(n))).collect::<Result<Vec<_>, _>>()?;
    let one = |(address, disc)| one(&address, disc, seed);
    addresses.into_iter().zip(trays.map(|disc| disc.map(PathBuf::as_path))).map(one).collect()
}

fn virtual_address(text: &str) -> Result<VirtualAddress, Failure> {
    match text.parse()? {
        Address::Virtual(address) => Ok(address),
        Address::Host(_) => {
            let what = format!("{text} is a device, and only virtual drives can be lent");
            Err(Failure::new(Exit::Usage, what))
        }
    }
}

fn one(address: &VirtualAddress, file: Option<&Path>, seed: Option<u64>) -> Result<Lent, Failure> {
    let wrong = |e: vdrive::models::ModelError| Failure::new(Exit::Drive, e.to_string());
    let model = address.drive_model().map_err(wrong)?;
    let tray = match (file, address.medium_model().map_err(wrong)?) {
        (None, _) => Tray::Empty,
        (Some(file), _) if file.exists() => Tray::File(file.to_owned()),
        (Some(file), Some(medium)) => Tray::New { file: file.to_owned(), medium },
        (Some(file), None) => {
            let what = format!("there is no disc file {}", file.display());
            return Err(Failure::new(Exit::DiscFile, what).advise(
                "Make one with `kiln disc new`, or name a medium: --drive virtual:dvd+r.",
            ));
        }
    };
    let disc = disc::in_tray(&tray, address)?;
    let drive = Virtual::new(model, disc, address.seed.or(seed).unwrap_or(0));
    Ok(Lent { drive, disc: file.map(Path::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|&text| text.to_owned()).collect()
    }

    fn model(lent: &Lent) -> String {
        lent.drive.bench.model_name(lent.drive.id).unwrap_or_default()
    }

    #[test]
    fn drives_and_discs_are_paired_in_order() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let discs = [dir.path().join("a.disc"), dir.path().join("b.disc")];
        let addresses = texts(&["virtual:bd-r", "virtual:dvd-desktop,medium=cd-r", "virtual"]);
        let lent = lend(&addresses, &discs, 1, None).expect("three drives");
        let models: Vec<_> = lent.iter().map(model).collect();
        assert_eq!(models, ["bd-desktop", "dvd-desktop", "bd-desktop"]);
        assert_eq!(lent[1].disc, Some(discs[1].clone()));
        assert!(lent[2].disc.is_none() && discs[0].exists() && discs[1].exists());
        drop(lent);
        let lent = lend(&texts(&["virtual:bd-slim"]), &discs, 0, None).expect("one for all");
        assert_eq!(lent.iter().map(model).collect::<Vec<_>>(), ["bd-slim", "bd-slim"]);
    }

    #[test]
    fn what_does_not_go_together_is_refused_before_anything_is_made() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let disc = [dir.path().join("a.disc")];
        for (addresses, discs, empty, exit) in [
            (&[][..], &[][..], 0, Exit::Usage),
            (&["virtual:bd-r", "virtual:bd-r"], &disc, 0, Exit::Usage),
            (&["/dev/sr0"], &disc, 0, Exit::Usage),
            (&["virtual:bd-r", "virtual:bd-x"], &disc, 1, Exit::Drive),
            (&["virtual"], &disc, 0, Exit::DiscFile),
        ] {
            let failure = lend(&texts(addresses), discs, empty, None).expect_err("refused");
            assert_eq!(failure.exit, exit, "{failure}");
            assert!(!disc[0].exists(), "{failure}");
        }
    }
}
