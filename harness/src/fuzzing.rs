//! Functions that property tests, fuzz targets and corpus replays share.

mod troubled;

use std::collections::BTreeMap;

pub use troubled::troubled_burns;
use vdrive::models::MediumKind;

use crate::scenario::{Burn, Choices, File, Kind, Medium, Needs, Scenario, Step, Verify, run};

/// A burn that these bytes choose: medium, files, how it is closed and verified, and perhaps the
/// command at which the power goes. Panics if a promise is broken. Missing bytes count as zero.
pub fn whole_burn(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let mut byte = || bytes.next().unwrap_or(0);
    let kind = usize::from(byte());
    let medium = Medium {
        kind: Kind(MediumKind::ALL[kind % MediumKind::ALL.len()].to_string()),
        blocks: None,
        defects: Vec::new(),
    };
    let verify = [Verify::None, Verify::Quick, Verify::Full][usize::from(byte() % 3)];
    let keep_open = byte() % 2 == 1;
    let cut = u64::from(byte()) * 2 + u64::from(byte() % 2);
    let seed = u64::from(byte());
    let mut files = BTreeMap::new();
    for i in 0..byte() % 12 {
        // At most some 500 kB in all.
        let size = u64::from(byte()) * u64::from(byte()) % 40_000;
        let name =
            format!("{}{i}", ["a", "folder/b", "folder/deep/c", "é "][usize::from(byte() % 4)]);
        let file = if byte() % 8 == 0 { File::Folder } else { File::Bytes(size) };
        files.insert(name, file);
    }
    let burn = Burn { verify, keep_open, ..Burn::default() };
    let scenario = Scenario {
        title: "a burn made of bytes".to_owned(),
        drive: "virtual".to_owned(),
        medium: Some(medium),
        needs: Needs::Virtual,
        seed,
        must_fail: false,
        steps: vec![Step::Files(files), Step::Burn(Box::new(burn))],
    };
    // The highest numbers mean a burn that nothing disturbs.
    let cut_at = (cut < 480).then_some(cut);
    let choices = Choices { cut_at, ..Choices::default() };
    if let Err(failure) = run(&scenario, "a burn made of bytes", &choices) {
        panic!("{failure}\n{scenario:?}\n{choices:?}");
    }
}
