//! The optical drives that the kernel knows, read from sysfs. Needs no rights and opens no drive.

use std::fs;
use std::path::{Path, PathBuf};

use super::AttachedDrive;

/// SCSI peripheral device type 5: CD, DVD and BD drives (SPC-4, 6.6.2).
pub(super) const OPTICAL: u8 = 5;

/// Device numbers of a node, major and minor.
pub(super) type Numbers = (u64, u64);

/// A drive with the numbers by which its nodes are told apart, whatever they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) drive: AttachedDrive,
    pub(super) block: Option<Numbers>,
    pub(super) generic: Option<Numbers>,
}

/// The optical drives of this machine in the order of their nodes, readers included.
pub fn recorders() -> Vec<AttachedDrive> {
    known(Path::new("/sys"), Path::new("/dev")).into_iter().map(|known| known.drive).collect()
}

/// The same with device numbers, for a system whose trees start at `sys` and `dev`. What vanishes
/// while it is being read is left out.
pub(super) fn known(sys: &Path, dev: &Path) -> Vec<Known> {
    let Ok(devices) = fs::read_dir(sys.join("bus/scsi/devices")) else { return Vec::new() };
    let mut found: Vec<Known> = devices.filter_map(|entry| one(&entry.ok()?.path(), dev)).collect();
    found.sort_by_cached_key(|known| natural(&known.drive.node));
    found
}

fn one(device: &Path, dev: &Path) -> Option<Known> {
    if attribute(device, "type")?.parse::<u8>().ok()? != OPTICAL {
        return None;
    }
    let block = child(&device.join("block"));
    let generic = child(&device.join("scsi_generic"));
    let node_of = |child: &Path| Some(dev.join(child.file_name()?));
    let numbers_of = |child: &Path| numbers(&attribute(child, "dev")?);
    let block_node = block.as_deref().and_then(node_of);
    let generic_node = generic.as_deref().and_then(node_of);
    Some(Known {
        drive: AttachedDrive {
            node: block_node.or_else(|| generic_node.clone())?,
            generic: generic_node,
            vendor: attribute(device, "vendor").unwrap_or_default(),
            model: attribute(device, "model").unwrap_or_default(),
            revision: attribute(device, "rev").unwrap_or_default(),
        },
        block: block.as_deref().and_then(numbers_of),
        generic: generic.as_deref().and_then(numbers_of),
    })
}

/// The one directory in `parent`: sysfs names a device's node by it.
fn child(parent: &Path) -> Option<PathBuf> {
    fs::read_dir(parent).ok()?.find_map(|entry| Some(entry.ok()?.path()))
}

fn attribute(dir: &Path, name: &str) -> Option<String> {
    let text = fs::read(dir.join(name)).ok()?;
    Some(String::from_utf8_lossy(&text).trim().to_owned())
}

/// `11:0` as major and minor.
fn numbers(text: &str) -> Option<Numbers> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A key that sorts sr2 before sr10.
fn natural(node: &Path) -> (String, u32) {
    let name = node.to_string_lossy().into_owned();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number = name[stem..].parse().unwrap_or(0);
    (name[..stem].to_owned(), number)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A sysfs of three devices: a disk, a drive with both nodes, a drive without a block node.
    pub(in super::super) fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("temporary directory");
        let put = |path: &str, text: &str| {
            let path = root.path().join("bus/scsi/devices").join(path);
            fs::create_dir_all(path.parent().expect("has one")).expect("directory");
            fs::write(path, text).expect("attribute");
        };
        put("0:0:0:0/type", "0\n");
        put("0:0:0:0/block/sda/dev", "8:0\n");
        for (address, block, generic) in [("3:0:0:0", 10, 1), ("1:0:0:0", 2, 3), ("2:0:0:0", 9, 12)]
        {
            put(&format!("{address}/type"), "5\n");
            put(&format!("{address}/vendor"), "HL-DT-ST\n");
            put(&format!("{address}/model"), "BD-RE  WH16NS60 \n");
            put(&format!("{address}/rev"), "1.02\n");
            if block != 9 {
                put(&format!("{address}/block/sr{block}/dev"), &format!("11:{block}\n"));
            }
            put(&format!("{address}/scsi_generic/sg{generic}/dev"), &format!("21:{generic}\n"));
        }
        root
    }

    #[test]
    fn drives_are_listed_in_the_order_of_their_nodes() {
        let root = machine();
        let found = known(root.path(), Path::new("/dev"));
        let nodes: Vec<_> = found.iter().map(|k| k.drive.node.to_string_lossy()).collect();
        assert_eq!(nodes, ["/dev/sg12", "/dev/sr2", "/dev/sr10"]);
        assert_eq!(found[1].drive.vendor, "HL-DT-ST");
        assert_eq!(found[1].drive.model, "BD-RE  WH16NS60");
        assert_eq!(found[1].drive.revision, "1.02");
        assert_eq!(found[1].drive.generic.as_deref(), Some(Path::new("/dev/sg3")));
        assert_eq!((found[1].block, found[1].generic), (Some((11, 2)), Some((21, 3))));
        assert_eq!((found[0].block, found[0].generic), (None, Some((21, 12))));
    }

    #[test]
    fn a_system_without_scsi_has_no_drives() {
        let root = tempfile::tempdir().expect("temporary directory");
        assert_eq!(known(root.path(), Path::new("/dev")), []);
    }
}
