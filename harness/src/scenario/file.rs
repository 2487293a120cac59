//! The scenario language: what a TOML file can say. Steps are tables with one key, the verb.
//!
//! ```toml
//! title = "A power cut leaves a DVD+R that can be closed"
//! medium = "dvd+r"
//!
//! [[step]]
//! files = { "a.bin" = { bytes = 3_000_000 } }
//!
//! [[step]]
//! burn = { faults = [{ power-cut = { command = 40 } }], fails = "connection" }
//! ```
//!
//! May not know: how any of it is carried out.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::exit::{Exit, Failure};

/// A scenario as its file says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// What happens, as a sentence.
    pub title: String,
    /// The drive. Another one can be named when the scenario is run.
    #[serde(default = "virtual_drive")]
    pub drive: String,
    /// The blank disc in the virtual drive at the start, or none. On a real drive: what lies in it.
    #[serde(default)]
    pub medium: Option<Medium>,
    /// What the drive must be.
    #[serde(default)]
    pub needs: Needs,
    /// The seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// The run must break a promise or an expectation: the alarm is tested, not the engine.
    #[serde(default)]
    pub must_fail: bool,
    /// What happens, in order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

fn virtual_drive() -> String {
    "virtual".to_owned()
}

/// A blank disc.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Medium {
    /// A built-in medium: `cd-r`, `dvd+rw` and so on.
    pub kind: Kind,
    /// Blocks for user data, if the disc is to be smaller than its model.
    #[serde(default)]
    pub blocks: Option<u32>,
    /// Blocks that cannot be recorded: the laser's error, whatever the firmware does.
    #[serde(default)]
    pub defects: Vec<u32>,
}

/// The name of a medium model, known to exist.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Kind(pub String);

impl TryFrom<String> for Kind {
    type Error = String;
    fn try_from(name: String) -> Result<Kind, String> {
        crate::place::medium_named(&name).map_err(|f| f.what)?;
        Ok(Kind(name))
    }
}

/// What a scenario needs of the drive that it runs on.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// A virtual drive: its faults cannot be had otherwise, or its disc is a special one.
    #[default]
    Virtual,
    /// Any recorder with a writable disc in it.
    Any,
}

/// One step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Step {
    /// Files come to lie in the source folder, or are replaced there.
    Files(BTreeMap<String, File>),
    /// Files vanish from the source folder.
    Remove(Vec<String>),
    /// The source folder is burned.
    Burn(Box<Burn>),
    /// What an interrupted burn left open is closed.
    CloseInterrupted(Close),
    /// The disc is asked for its state.
    Expect(Expect),
    /// The last session is read through the drive and compared with the source folder.
    Compare(Compare),
    /// The whole disc is read out.
    Read(Read),
    /// The drive gets power again after a cut, or loses it and gets it again.
    PowerCycle(Nothing),
    /// The disc file is replaced by these bytes, while no drive has it.
    Garble(Garble),
    /// Another drive takes the disc file, from here on.
    Hold(Nothing),
}

/// A verb without anything to say about it: `{}`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A file of the source folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum File {
    /// A file with this text.
    Text(String),
    /// A file with so many bytes that look random; the scenario's seed and the name decide them.
    Bytes(u64),
    /// A file of zeros that takes no space.
    Sparse(u64),
    /// An empty folder.
    Folder,
    /// A symbolic link to this.
    Link(String),
    /// Another name of this file of the folder.
    Hard(String),
}

/// A burn.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Burn {
    /// What to burn, as paths in the source folder; empty: the folder itself.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Leave the disc open.
    #[serde(default)]
    pub keep_open: bool,
    /// How much to read back.
    #[serde(default)]
    pub verify: Verify,
    /// Writing speed.
    #[serde(default)]
    pub speed: Option<String>,
    /// Erase what the disc holds.
    #[serde(default)]
    pub overwrite: bool,
    /// The file systems; those of any volume, or of the one that is continued, if none.
    #[serde(default)]
    pub fs: Vec<FileSystem>,
    /// Only what changed is burned.
    #[serde(default)]
    pub update: bool,
    /// The session whose tree it begins with.
    #[serde(default)]
    pub from_session: Option<u32>,
    /// It begins with an empty tree.
    #[serde(default)]
    pub fresh_tree: bool,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// How it ends, if not well; `success` where there was nothing to do.
    #[serde(default)]
    pub fails: Option<Ending>,
    /// What the failure must say, in part.
    #[serde(default)]
    pub says: Option<String>,
    /// What it says of the disc at its end.
    #[serde(default)]
    pub leaves: Option<State>,
}

/// A file system of the volume.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum FileSystem {
    /// ISO 9660 with Joliet and Rock Ridge.
    Iso9660,
    /// UDF.
    Udf,
}

/// How much is read back.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// Nothing.
    None,
    /// A sample.
    Quick,
    /// Every block.
    #[default]
    Full,
}

/// Something that goes wrong during a burn.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Fault {
    /// The drive loses its power. Virtual drives only.
    PowerCut(When),
    /// The user asks to stop once so many blocks of the image are written.
    Cancel(At),
    /// A file of the source changes once so many blocks are written.
    Change(Touch),
    /// A file of the source vanishes once so many blocks are written.
    Vanish(Touch),
    /// The source cannot be read at this block of the image.
    SourceError(At),
    /// The source takes so long at this block of the image.
    Stall(Stall),
}

/// When the power goes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum When {
    /// Instead of carrying out the command of this number, counted from the burn's first, 0.
    Command(u64),
    /// So many milliseconds of the drive's time after the burn began.
    Ms(u64),
}

/// A place in the image.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// Blocks from its start.
    pub block: u32,
}

/// A file of the source and a place in the image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// The file, as a path in the source folder.
    pub file: String,
    /// Blocks of the image from its start.
    pub block: u32,
}

/// A slow source.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    /// Blocks of the image from its start.
    pub block: u32,
    /// How long, in milliseconds of the drive's time.
    pub ms: u64,
}

/// Closing what was left open.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Close {
    /// How it ends, if not well.
    #[serde(default)]
    pub fails: Option<Ending>,
    /// The disc afterwards.
    #[serde(default)]
    pub leaves: Option<State>,
}

/// What must be true of the disc.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Its state.
    #[serde(default)]
    pub disc: Option<State>,
    /// Its sessions, an empty open one included.
    #[serde(default)]
    pub sessions: Option<u16>,
    /// How the question fails, if it does.
    #[serde(default)]
    pub fails: Option<Ending>,
}

/// Comparing the last session with the source folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compare {
    /// Paths that are on the disc and no longer in the source folder.
    #[serde(default)]
    pub also: Vec<String>,
}

/// Reading the whole disc.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Read {
    /// How it ends, if not well.
    #[serde(default)]
    pub fails: Option<Ending>,
}

/// Bytes in place of a disc file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Garble {
    /// This text is all there is.
    Text(String),
    /// So many bytes are left, the rest is cut off.
    Keep(u64),
}

/// A way to end, by its name in the table of exit codes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Ending(pub Exit);

impl TryFrom<String> for Ending {
    type Error = String;
    fn try_from(name: String) -> Result<Ending, String> {
        let names = || crate::exit::TABLE.iter().map(|row| row.2).collect::<Vec<_>>().join(", ");
        Exit::named(&name)
            .map(Ending)
            .ok_or_else(|| format!("there is no ending {name:?}; there are {}", names()))
    }
}

/// The state of a disc, as `kiln` names it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The drive cannot be asked.
    Unknown,
    /// No disc.
    NoDisc,
    /// As it was.
    Untouched,
    /// Nothing recorded.
    Blank,
    /// Must be formatted.
    Unformatted,
    /// Closed for good.
    Complete,
    /// Another session can follow.
    Appendable,
    /// The last session is open.
    Open,
    /// Formatted.
    Overwritable,
    /// Lost.
    Lost,
}

/// Why a text is no scenario: with line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file.
    pub origin: String,
    /// Line, column, the line itself and what is wrong there.
    pub what: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.what.trim_end())
    }
}

impl std::error::Error for ScenarioError {}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Failure {
        Failure::new(Exit::Scenario, error.to_string())
    }
}

impl Scenario {
    /// The scenario that `text` is; `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Scenario, ScenarioError> {
        let error = |what: String| ScenarioError { origin: origin.to_owned(), what };
        let scenario: Scenario = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        for step in &scenario.steps {
            if let Step::Files(files) = step {
                let outside = files.keys().find(|name| !inside(name));
                if let Some(name) = outside {
                    return Err(error(format!("{name:?} does not lie in the source folder")));
                }
            }
        }
        Ok(scenario)
    }

    /// The scenario in a file.
    pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| ScenarioError { origin: origin.clone(), what: e.to_string() })?;
        Scenario::parse(&text, &origin)
    }
}

/// Whether a path stays in the folder that it starts from.
fn inside(name: &str) -> bool {
    let normal = |c| matches!(c, std::path::Component::Normal(_));
    !name.is_empty() && Path::new(name).components().all(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Scenario::parse(text, "s.toml").expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_scenario_reads_as_it_is_written() {
        let text = "title = 't'\nmedium = { kind = 'cd-r', blocks = 4000 }\n\
                    [[step]]\nfiles = { a = { bytes = 10 }, b = 'folder' }\n\
                    [[step]]\nburn = { faults = [{ power-cut = { command = 3 } }], \
                    fails = 'connection' }\n";
        let scenario = Scenario::parse(text, "s.toml").expect("it is right");
        assert_eq!(
            scenario.medium.map(|m| (m.kind.0, m.blocks)),
            Some(("cd-r".into(), Some(4000)))
        );
        let Step::Burn(burn) = &scenario.steps[1] else { panic!("a burn") };
        assert_eq!(burn.fails, Some(Ending(Exit::Connection)));
        assert!(matches!(burn.faults[..], [Fault::PowerCut(When::Command(3))]));
    }

    #[test]
    fn errors_name_line_and_column() {
        let got = wrong("title = 't'\n[[step]]\nburn = { fails = 'connection', speeed = '8x' }\n");
        assert!(got.starts_with("s.toml: TOML parse error at line 3, column 32\n"), "{got}");
        assert!(got.contains("speeed"), "{got}");
        let got = wrong("title = 't'\nmedium = { kind = 'cd-x' }\nstep = []\n");
        assert!(got.contains("line 2, column 19") && got.contains("cd-x"), "{got}");
        let got = wrong("title = 't'\n[[step]]\nburn = { fails = 'badly' }\n");
        assert!(got.contains("line 3, column 18") && got.contains("too-small"), "{got}");
    }

    #[test]
    fn files_stay_in_the_source_folder() {
        for name in ["../a", "/etc/x", "a/../../b", "", "."] {
            let text = format!("title = 't'\n[[step]]\nfiles = {{ '{name}' = 'folder' }}\n");
            assert!(wrong(&text).contains("source folder"), "{name}");
        }
    }
}
