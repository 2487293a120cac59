//! Starting computers from an image: from the command line to what the layout takes, and what an
//! image has, in words.

pub mod args;
mod info;

use std::path::Path;

use engine::image::boot::{BootEntry, BootImage};
use engine::image::{Boot, Kind as Node, Tree};

use self::args::{BootArgs, BootSpec};
use crate::exit::{Exit, Failure};

pub(super) use info::{json, text};

/// What the layout is told. Files from outside are put into the tree, with no name.
pub(super) fn description(args: &BootArgs, tree: &mut Tree) -> Result<Boot, Failure> {
    let entries = args.boot.iter().map(|spec| entry(spec, tree)).collect::<Result<_, _>>()?;
    let manufacturer = args.boot_manufacturer.clone().into_bytes();
    let catalog = args.boot_catalog.clone().map(String::into_bytes);
    Ok(Boot { entries, catalog, manufacturer, disk: None })
}

fn entry(spec: &BootSpec, tree: &mut Tree) -> Result<BootEntry, Failure> {
    let (image, bytes) = if spec.outside {
        let id = tree.hide_file(Path::new(&spec.path), None)?;
        (BootImage::Hidden(id), tree.content(id).size)
    } else {
        let path = spec.path.clone().into_bytes();
        let node = tree.lookup(&path).filter(|n| matches!(tree.kind(*n), Node::File(_)));
        let node = node.ok_or_else(|| {
            Failure::new(Exit::Source, format!("{}: no such file in the image", spec.path))
                .advise("--boot takes a path within the image; `,outside` a file beside it.")
        })?;
        (BootImage::Path(path), tree.size(node))
    };
    Ok(BootEntry {
        bootable: spec.bootable,
        emulation: spec.emulation.map(|kind| kind.emulation(bytes)),
        load_segment: spec.load_segment,
        load_sectors: spec.load_sectors,
        info_table: spec.info_table,
        grub2: spec.grub2,
        ..BootEntry::new(image, spec.platform)
    })
}
