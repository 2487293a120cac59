//! The small folder tree beside the socket, which the shim shows in place of what the kernel has
//! in `/proc` and `/sys` about optical drives. Knows nothing of the shim or the drives' state.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use super::cdrom::can;

/// What a drive calls itself, as Linux shows it (SPC-4, 6.6.2), and what it can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) vendor: String,
    pub(super) model: String,
    pub(super) revision: String,
    /// `CDC_*` of linux/cdrom.h.
    pub(super) capability: u64,
    /// Reading, in multiples of 1x.
    pub(super) speed: u16,
}

impl Identity {
    /// From standard INQUIRY data.
    pub(super) fn of_inquiry(bytes: &[u8; 36]) -> Identity {
        let text = |from: usize, to: usize| -> String {
            let plain =
                |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { ' ' };
            bytes[from..to].iter().map(plain).collect()
        };
        Identity {
            vendor: text(8, 16),
            model: text(16, 32),
            revision: text(32, 36),
            ..Identity::default()
        }
    }
}

/// The part of a tree that tells how large the disc in one drive is.
#[derive(Debug)]
pub(super) struct Sizes {
    root: PathBuf,
    index: usize,
}

impl Sizes {
    /// Shows a size in bytes: of this drive alone, and in the list of all.
    pub(super) fn show(&self, size: u64) -> io::Result<()> {
        let own = self.root.join(format!("sys/block/sr{}/size", self.index));
        self.replace(&own, &format!("{}\n", size / 512))?;
        let mut list = "major minor  #blocks  name\n\n".to_owned();
        for index in 0.. {
            let other = self.root.join(format!("sys/block/sr{index}/size"));
            let Ok(text) = fs::read_to_string(other) else { break };
            let sectors: u64 = text.trim_end().parse().unwrap_or(0);
            list += &format!("{:4}  {index:7} {:10} sr{index}\n", 11, sectors / 2);
        }
        self.replace(&self.root.join("proc/partitions"), &list)
    }

    /// A reader finds the old text or the new one.
    fn replace(&self, path: &Path, text: &str) -> io::Result<()> {
        let new = self.root.join(format!("new{}", self.index));
        fs::write(&new, text)?;
        fs::rename(&new, path)
    }
}

/// Where the size of the disc in the drive of this number is shown in the tree at `root`.
pub(super) fn sizes(root: &Path, index: usize) -> Sizes {
    Sizes { root: root.to_owned(), index }
}

/// Where the tree of the socket at this path is.
pub(super) fn beside(socket: &Path) -> PathBuf {
    let mut name = socket.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

/// Makes the tree at `root` for these drives, in place of one that was left behind.
pub(super) fn grow(root: &Path, drives: &[Identity]) -> io::Result<()> {
    if root.exists() {
        if !is_grown(root)? {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "other files lie there"));
        }
        fs::remove_dir_all(root)?;
    }
    fs::DirBuilder::new().mode(0o700).create(root)?;
    for folder in ["proc/scsi/sg", "proc/sys/dev/cdrom"] {
        fs::create_dir_all(root.join(folder))?;
    }
    for folder in ["block", "class/block", "class/scsi_generic", "class/scsi_device"] {
        fs::create_dir_all(root.join("sys").join(folder))?;
    }
    for folder in ["bus/scsi/devices", "bus/scsi/drivers/sr", "dev/block", "dev/char"] {
        fs::create_dir_all(root.join("sys").join(folder))?;
    }
    grow_host(&root.join("sys"))?;
    fs::write(root.join("proc/sys/dev/cdrom/info"), cdrom_info(drives))?;
    fs::write(root.join("proc/scsi/sg/version"), "30536\t20140801\n")?;
    fs::write(root.join("proc/scsi/sg/device_hdr"), SG_HEAD)?;
    fs::write(root.join("proc/scsi/sg/def_reserved_size"), "32768\n")?;
    fs::write(root.join("proc/scsi/sg/devices"), lines(drives, |i, _| sg_line(i)))?;
    fs::write(root.join("proc/scsi/sg/device_strs"), lines(drives, |_, drive| strings(drive)))?;
    fs::write(root.join("proc/scsi/scsi"), scsi(drives))?;
    for (index, drive) in drives.iter().enumerate() {
        grow_drive(&root.join("sys"), index, drive)?;
    }
    Ok(())
}

/// Whether what lies there can be a tree that was left behind.
fn is_grown(root: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        if name != "proc" && name != "sys" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the columns of `/proc/scsi/sg/devices` mean.
const SG_HEAD: &str = "host\tchan\tid\tlun\ttype\topens\tqdepth\tbusy\tonline\n";

/// What sysfs has about the host adapter that the drives are behind.
fn grow_host(sys: &Path) -> io::Result<()> {
    let home = sys.join("devices/host0/scsi_host/host0");
    fs::create_dir_all(&home)?;
    write_all(
        &home,
        &[
            ("proc_name", "kiln"),
            ("unique_id", "0"),
            ("state", "running"),
            ("active_mode", "Initiator"),
            ("supported_mode", "Initiator"),
            ("can_queue", "1"),
            ("cmd_per_lun", "1"),
            ("host_busy", "0"),
            ("sg_tablesize", "128"),
        ],
    )?;
    fs::create_dir_all(sys.join("class/scsi_host"))?;
    symlink("../../../host0", home.join("device"))?;
    symlink("../../../../class/scsi_host", home.join("subsystem"))?;
    symlink("../../devices/host0/scsi_host/host0", sys.join("class/scsi_host/host0"))?;
    symlink("../../../devices/host0", sys.join("bus/scsi/devices/host0"))
}

/// Makes files of one line each.
fn write_all(folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    files.iter().try_for_each(|(name, text)| fs::write(folder.join(name), format!("{text}\n")))
}

/// What sysfs has about one drive: the device with its attributes, and links to it.
fn grow_drive(sys: &Path, index: usize, drive: &Identity) -> io::Result<()> {
    let (sr, sg, address) = (format!("sr{index}"), format!("sg{index}"), format!("0:0:{index}:0"));
    let device = format!("devices/host0/target0:0:{index}/{address}");
    let home = sys.join(&device);
    let block = home.join("block").join(&sr);
    let generic = home.join("scsi_generic").join(&sg);
    fs::create_dir_all(block.join("queue"))?;
    fs::create_dir_all(&generic)?;
    let class = home.join("scsi_device").join(&address);
    fs::create_dir_all(&class)?;
    write_all(
        &home,
        &[
            ("type", "5"),
            ("vendor", &drive.vendor),
            ("model", &drive.model),
            ("rev", &drive.revision),
            ("scsi_level", "6"),
            ("state", "running"),
            ("queue_depth", "1"),
            ("queue_type", "none"),
            ("device_blocked", "0"),
            ("timeout", "30"),
            ("modalias", "scsi:t-0x05"),
            ("uevent", "DEVTYPE=scsi_device\nDRIVER=sr\nMODALIAS=scsi:t-0x05"),
        ],
    )?;
    symlink("../../../../bus/scsi", home.join("subsystem"))?;
    symlink("../../../../bus/scsi/drivers/sr", home.join("driver"))?;
    symlink(format!("scsi_generic/{sg}"), home.join("generic"))?;
    symlink(format!("../../../{address}"), class.join("device"))?;
    symlink("../../../../../../class/scsi_device", class.join("subsystem"))?;
    let numbers = [(&block, 11, &sr, "block"), (&generic, 21, &sg, "scsi_generic")];
    for (folder, major, name, subsystem) in numbers {
        fs::write(folder.join("dev"), format!("{major}:{index}\n"))?;
        let event = format!("MAJOR={major}\nMINOR={index}\nDEVNAME={name}\n");
        let kind = if major == 11 { "DEVTYPE=disk\n" } else { "" };
        fs::write(folder.join("uevent"), event + kind)?;
        symlink("../../../0:0:N:0".replace('N', &index.to_string()), folder.join("device"))?;
        symlink(format!("../../../../../../class/{subsystem}"), folder.join("subsystem"))?;
    }
    grow_block(&block)?;
    symlink(format!("../{device}/block/{sr}"), sys.join("block").join(&sr))?;
    for (from, to) in [
        (format!("class/block/{sr}"), format!("block/{sr}")),
        (format!("dev/block/11:{index}"), format!("block/{sr}")),
        (format!("class/scsi_generic/{sg}"), format!("scsi_generic/{sg}")),
        (format!("dev/char/21:{index}"), format!("scsi_generic/{sg}")),
        (format!("class/scsi_device/{address}"), format!("scsi_device/{address}")),
    ] {
        symlink(format!("../../{device}/{to}"), sys.join(from))?;
    }
    let (target, bus) = (format!("target0:0:{index}"), sys.join("bus/scsi/devices"));
    symlink(format!("../../../devices/host0/{target}"), bus.join(&target))?;
    symlink(format!("../../../../{device}"), sys.join("bus/scsi/drivers/sr").join(&address))?;
    symlink(format!("../../../{device}"), bus.join(&address))
}

/// What sysfs has about a block device.
fn grow_block(block: &Path) -> io::Result<()> {
    write_all(
        block,
        &[
            ("removable", "1"),
            ("ro", "0"),
            ("hidden", "0"),
            ("range", "1"),
            ("ext_range", "1"),
            ("alignment_offset", "0"),
            ("discard_alignment", "0"),
            ("capability", "119"),
            ("events", "media_change eject_request"),
            ("events_async", ""),
            ("events_poll_msecs", "-1"),
        ],
    )?;
    for folder in ["holders", "slaves"] {
        fs::create_dir_all(block.join(folder))?;
    }
    write_all(
        &block.join("queue"),
        &[
            ("max_sectors_kb", "1024"),
            ("max_hw_sectors_kb", "1024"),
            ("max_segments", "128"),
            ("logical_block_size", "2048"),
            ("physical_block_size", "2048"),
            ("hw_sector_size", "2048"),
            ("minimum_io_size", "2048"),
            ("optimal_io_size", "0"),
            ("discard_granularity", "0"),
            ("discard_max_bytes", "0"),
            ("discard_zeroes_data", "0"),
            ("write_same_max_bytes", "0"),
            ("read_ahead_kb", "128"),
            ("nr_requests", "1"),
            ("scheduler", "[none]"),
            ("zoned", "none"),
            ("dax", "0"),
            ("rotational", "1"),
        ],
    )
}

fn lines(drives: &[Identity], line: impl Fn(usize, &Identity) -> String) -> String {
    drives.iter().enumerate().map(|(index, drive)| line(index, drive) + "\n").collect()
}

/// host, channel, id, lun, type, opens, queue depth, busy, online.
fn sg_line(index: usize) -> String {
    format!("0\t0\t{index}\t0\t5\t1\t1\t0\t1")
}

fn strings(drive: &Identity) -> String {
    format!("{}\t{}\t{}", drive.vendor, drive.model, drive.revision)
}

fn scsi(drives: &[Identity]) -> String {
    let head = "Attached devices:\n".to_owned();
    head + &lines(drives, |index, drive| {
        format!(
            "Host: scsi0 Channel: 00 Id: {index:02} Lun: 00\n  Vendor: {} Model: {} Rev: {}\n  \
             Type:   CD-ROM                           ANSI  SCSI revision: 05",
            drive.vendor, drive.model, drive.revision
        )
    })
}

/// `/proc/sys/dev/cdrom/info`: a column for each drive, the last one first, as the kernel has it.
fn cdrom_info(drives: &[Identity]) -> String {
    let columns = |value: &dyn Fn(&Identity) -> u64| -> String {
        drives.iter().rev().map(|drive| format!("\t{}", value(drive))).collect()
    };
    let mut text = "CD-ROM information, Id: cdrom.c 3.20 2003/12/17\n".to_owned();
    let names: String = (0..drives.len()).rev().map(|index| format!("\tsr{index}")).collect();
    text += &format!("\ndrive name:\t{names}");
    text += &format!("\ndrive speed:\t{}", columns(&|drive| u64::from(drive.speed)));
    text += &format!("\ndrive # of slots:{}", columns(&|_| 1));
    let rows = [
        ("Can close tray:\t", can::CLOSE_TRAY),
        ("Can open tray:\t", can::OPEN_TRAY),
        ("Can lock tray:\t", can::LOCK),
        ("Can change speed:", can::SELECT_SPEED),
        ("Can select disk:", can::SELECT_DISC),
        ("Can read multisession:", can::MULTI_SESSION),
        ("Can read MCN:\t", can::MCN),
        ("Reports media changed:", can::MEDIA_CHANGED),
        ("Can play audio:\t", can::PLAY_AUDIO),
        ("Can write CD-R:\t", can::CD_R),
        ("Can write CD-RW:", can::CD_RW),
        ("Can read DVD:\t", can::DVD),
        ("Can write DVD-R:", can::DVD_R),
        ("Can write DVD-RAM:", can::DVD_RAM),
        ("Can read MRW:\t", can::MRW),
        ("Can write MRW:\t", can::MRW_W),
        ("Can write RAM:\t", can::RAM),
    ];
    for (name, what) in rows {
        text += &format!("\n{name}");
        text += &columns(&|drive| u64::from(drive.capability & what != 0));
    }
    text + "\n\n\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_such_a_tree_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("cron.d");
        fs::create_dir_all(root.join("sys")).unwrap();
        fs::write(root.join("mine"), "mine").unwrap();
        let refused = grow(&root, &[]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(root.join("mine")).unwrap(), "mine");
    }

    #[test]
    fn the_links_of_the_tree_lead_to_the_drive() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s.d");
        let mut inquiry = [b' '; 36];
        inquiry[8..12].copy_from_slice(b"ACME");
        inquiry[16..23].copy_from_slice(b"BURNER\x01");
        let can = Identity { capability: can::DVD, speed: 40, ..Identity::of_inquiry(&inquiry) };
        let drives = vec![can, Identity::default()];
        grow(&root, &drives).unwrap();
        grow(&root, &drives).expect("a tree that was left behind is replaced");
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        assert_eq!(read("sys/block/sr1/dev"), "11:1\n");
        assert_eq!(read("sys/block/sr1/device/type"), "5\n");
        assert_eq!(read("sys/class/scsi_generic/sg0/device/vendor"), "ACME    \n");
        assert_eq!(read("sys/bus/scsi/devices/0:0:0:0/model"), "BURNER          \n");
        assert_eq!(read("sys/bus/scsi/devices/0:0:1:0/block/sr1/removable"), "1\n");
        assert_eq!(read("sys/dev/block/11:1/device/block/sr1/dev"), "11:1\n");
        assert_eq!(read("sys/block/sr1/device/generic/dev"), "21:1\n");
        assert_eq!(read("sys/class/scsi_device/0:0:1:0/device/block/sr1/ro"), "0\n");
        assert_eq!(read("sys/class/scsi_generic/sg1/device/driver/0:0:0:0/type"), "5\n");
        assert_eq!(read("sys/bus/scsi/devices/host0/scsi_host/host0/proc_name"), "kiln\n");
        assert_eq!(read("sys/class/scsi_host/host0/device/target0:0:1/0:0:1:0/type"), "5\n");
        for link in ["subsystem", "driver", "block/sr0/subsystem", "scsi_device/0:0:0:0/subsystem"]
        {
            let path = root.join("sys/bus/scsi/devices/0:0:0:0").join(link);
            assert!(path.canonicalize().is_ok_and(|to| to.starts_with(&root)), "{link}");
        }
        assert_eq!(read("sys/dev/char/21:1/device/scsi_generic/sg1/dev"), "21:1\n");
        assert!(read("proc/sys/dev/cdrom/info").contains("drive name:\t\tsr1\tsr0\n"));
        assert_eq!(read("proc/scsi/sg/devices").lines().count(), 2);
        let info = read("proc/sys/dev/cdrom/info");
        assert!(info.contains("drive speed:\t\t0\t40\n") && info.contains("# of slots:\t1\t1\n"));
        assert!(info.contains("Can read DVD:\t\t0\t1\n") && info.contains("MCN:\t\t0\t0\n"));
        for (index, size) in [(1, 2048 * 1001), (0, 4096)] {
            sizes(&root, index).show(size).unwrap();
        }
        assert_eq!((&*read("sys/block/sr0/size"), &*read("sys/block/sr1/size")), ("8\n", "4004\n"));
        let list = "major minor  #blocks  name\n\n  11        0          4 sr0\n  \
                    11        1       2002 sr1\n";
        assert_eq!(read("proc/partitions"), list);
    }
}
