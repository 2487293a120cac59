//! `kiln image create|info|ls|extract`.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use engine::burn::Options;
use engine::image::read::{BootRecords, ExtractOptions, Flaw, Volume};
use engine::image::{Image, Kind, LayoutOptions, Sectors, Time, Tree};
use engine::units::{Blocks, Lba};
use serde_json::json;

use super::args::{self, OutArgs, VolumeArgs};
use super::boot::args::BootArgs;
use super::out::{self, Output};
use super::progress::Bar;
use super::stop::Stop;
use super::{boot, events};
use crate::exit::{Exit, Failure};
use crate::job::{self, Job, What};

pub(super) fn image(args: &args::Image) -> Result<(), Failure> {
    match args {
        args::Image::Create { paths, out, volume, boot } => create(paths, out, volume, boot),
        args::Image::Info { image, session, boot, json } => {
            info(image, Lba(*session), *boot, *json)
        }
        args::Image::Ls { image, session } => ls(image, Lba(*session)),
        args::Image::Extract { image, dir, session } => extract(image, dir, Lba(*session)),
    }
}

/// When a volume is made, and whether the environment wants it to be the same each time.
pub(super) fn stamp() -> Result<(Time, bool), Failure> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => match text.parse() {
            Ok(secs) => Ok((Time::from_secs(secs), true)),
            Err(_) => {
                let what = format!("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds");
                Err(Failure::new(Exit::Usage, what))
            }
        },
        Err(_) => Ok((today(), false)),
    }
}

#[expect(clippy::disallowed_methods, reason = "the place where the date enters")]
fn today() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock set before 1970 is no reason to burn nothing.
    Time::from_secs(since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX)))
}

fn create(
    paths: &[PathBuf],
    out: &OutArgs,
    volume: &VolumeArgs,
    boot: &BootArgs,
) -> Result<(), Failure> {
    let (stamp, reproducible) = stamp()?;
    let mut output = Output::open(out)?;
    // The image may be asked for within the folder that it is made of.
    let leave_out = vec![out.output.clone(), output.path().to_path_buf()];
    let job = Job {
        what: What::Paths(paths.to_vec()),
        options: Options::default(),
        volume_id: volume.volume_id.clone(),
        layout: volume.layout(stamp, reproducible),
        leave_out,
    };
    let mut tree = Tree::scan(paths, &job.scan_options())?;
    let boot = boot::description(boot, &mut tree, stamp)?;
    let image = Image::new(tree, &LayoutOptions { boot, ..job.layout_options(Lba(0)) })?;
    for finding in image.findings() {
        out::note(&finding.describe(image.tree()));
    }
    let stop = Stop::listen();
    let total = image.blocks();
    let mut bar = Bar::new("writing the image", total);
    let mut progress = |done: Blocks| {
        bar.at(done, None);
        if stop.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match output.file() {
        Some(file) => image.write_file(file, &mut progress)?,
        None => image.write_to(&mut output, &mut progress)?,
    }
    bar.end();
    output.flush().map_err(|e| Failure::new(Exit::Output, e.to_string()))?;
    output.finish()?;
    let nodes = image.tree().len() - 1;
    let size = total.bytes();
    out::note(&format!("{}: {nodes} files and folders, {size}", out.output.display()));
    Ok(())
}

fn info(path: &Path, session: Lba, with_boot: bool, as_json: bool) -> Result<(), Failure> {
    let (mut sectors, volume) = job::volume_in(path, session)?;
    let records = match with_boot {
        true => Some(
            BootRecords::read(&mut sectors, session)
                .map_err(|e| Failure::new(Exit::Image, format!("{}: {e}", path.display())))?,
        ),
        false => None,
    };
    flaws(path, &volume);
    for Flaw { at, what } in records.iter().flat_map(|records| &records.findings) {
        out::note(&format!("{}: byte {at}: {what}", path.display()));
    }
    let nodes = volume.tree.len() - 1;
    if as_json {
        let mut object = json!({
            "v": events::VERSION,
            "file": path.display().to_string(),
            "volume": volume.volume_id,
            "tree": volume.namespace.to_string(),
            "blocks": sectors.blocks().0,
            "volume_blocks": volume.space,
            "nodes": nodes,
        });
        if let Some(records) = &records {
            object["boot"] = boot::json(records);
        }
        return out::data(&object.to_string()).map(drop);
    }
    let blocks = sectors.blocks();
    let mut text = format!("{:<13} {}\n", "volume", volume.volume_id);
    text += &format!("{:<13} {nodes} files and folders ({})\n", "holds", volume.namespace);
    text += &format!("{:<13} {blocks} blocks ({})\n", "size", blocks.bytes());
    text += &records.as_ref().map(boot::text).unwrap_or_default();
    out::text(&text).map(drop)
}

fn ls(path: &Path, session: Lba) -> Result<(), Failure> {
    let (_, volume) = job::volume_in(path, session)?;
    flaws(path, &volume);
    for node in volume.tree.walk().skip(1) {
        if !out::data(&entry(&volume.tree, node))? {
            break;
        }
    }
    Ok(())
}

/// One line: mode, owner, group, size, path.
fn entry(tree: &Tree, node: engine::image::NodeId) -> String {
    let meta = tree.meta(node);
    let (letter, target) = match tree.kind(node) {
        Kind::Directory => ('d', None),
        Kind::File(_) => ('-', None),
        Kind::Symlink(target) => {
            ('l', Some(String::from_utf8_lossy(target).escape_debug().to_string()))
        }
        Kind::BlockDevice { .. } => ('b', None),
        Kind::CharDevice { .. } => ('c', None),
        Kind::Fifo => ('p', None),
        Kind::Socket => ('s', None),
    };
    let size = tree.size(node);
    let path = tree.display_path(node);
    let arrow = target.map(|t| format!(" -> {t}")).unwrap_or_default();
    format!("{letter}{} {:>5} {:>5} {size:>12} {path}{arrow}", rwx(meta.mode), meta.uid, meta.gid)
}

/// Permissions as `ls` writes them.
fn rwx(mode: u32) -> String {
    let mut text: Vec<u8> =
        (0..9).map(|i| if mode & (0o400 >> i) != 0 { b"rwxrwxrwx"[i] } else { b'-' }).collect();
    for (bit, at, letter) in [(0o4000, 2, b's'), (0o2000, 5, b's'), (0o1000, 8, b't')] {
        if mode & bit != 0 {
            text[at] = if text[at] == b'x' { letter } else { letter.to_ascii_uppercase() };
        }
    }
    text.into_iter().map(char::from).collect()
}

fn extract(path: &Path, dir: &Path, session: Lba) -> Result<(), Failure> {
    let (mut sectors, volume) = job::volume_in(path, session)?;
    flaws(path, &volume);
    let done = volume.extract(&mut sectors, dir, &ExtractOptions::default(), &mut |_| {})?;
    for path in &done.left_out {
        out::note(&format!("{path} is left out: a device, pipe or socket"));
    }
    let files = done.files;
    let size = engine::units::Bytes(done.bytes);
    out::note(&format!("{}: {files} files, {size}", dir.display()));
    Ok(())
}

fn flaws(path: &Path, volume: &Volume) {
    for Flaw { at, what } in &volume.findings {
        out::note(&format!("{}: byte {at}: {what}", path.display()));
    }
    if volume.more_findings > 0 {
        out::note(&format!("{}: {} more findings", path.display(), volume.more_findings));
    }
}

#[cfg(test)]
mod tests {
    use super::rwx;

    #[test]
    fn modes_print_as_ls_does() {
        assert_eq!(rwx(0o755), "rwxr-xr-x");
        assert_eq!(rwx(0o4711), "rws--x--x");
        assert_eq!(rwx(0o1770), "rwxrwx--T");
        assert_eq!(rwx(0o2600), "rw---S---");
    }
}
