//! Functions for fuzz targets and property tests: each takes any bytes and panics on a bug.

use super::check::check;
use super::read::{self, BootRecords, Limits, Namespace, ReadOptions, Volume};
use super::rockridge;
use super::sectors::{MemorySectors, Sectors};
use super::{
    ACL_ACCESS, ACL_DEFAULT, Access, ContentId, Finding, FindingKind, Growable, Image, Kind,
    LayoutError, LayoutOptions, Meta, NodeId, Partition, Revision, Source, Time, Tree, UdfOptions,
    Xattr,
};
use crate::units::{BLOCK, Blocks, Lba};

/// Reads these bytes as an image in each namespace, and all files in it. Must end, must not panic,
/// must keep to its limits.
///
/// An image is mostly empty: the first byte says how many blocks of zeros come before the rest.
pub fn iso_reader(bytes: &[u8]) {
    let Some((&gap, bytes)) = bytes.split_first() else { return };
    let mut image = vec![0; usize::from(gap % 32) * BLOCK];
    image.extend(bytes);
    image.resize(image.len().next_multiple_of(BLOCK), 0);
    let mut sectors = MemorySectors(image);
    let limits = Limits {
        nodes: 2000,
        name_bytes: 1 << 20,
        directory_bytes: 8 << 20,
        depth: 64,
        findings: 50,
    };
    if let Ok(report) = check(&mut sectors, Lba(0), limits) {
        assert!(report.findings.len() <= limits.findings as usize);
    }
    if let Ok(records) = BootRecords::read(&mut sectors, Lba(0)) {
        assert!(records.findings.len() <= Limits::default().findings as usize);
    }
    _ = read::sessions(&mut sectors);
    if let Ok(found) = Growable::find_in_file(&mut sectors) {
        assert!(found.base >= found.newest.end);
    }
    let namespaces = [
        Namespace::Best,
        Namespace::RockRidge,
        Namespace::Udf,
        Namespace::Joliet,
        Namespace::Iso9660,
    ];
    for namespace in namespaces {
        let options = ReadOptions { session: Lba(0), namespace, limits };
        let Ok(volume) = Volume::read(&mut sectors, &options) else { continue };
        assert!(volume.tree.len() <= limits.nodes as usize + 1);
        assert!(volume.findings.len() <= limits.findings as usize);
        for node in volume.tree.walk() {
            let name = volume.tree.name(node);
            assert!(!name.contains(&b'/') && !name.contains(&0) && name != b".." && name != b".");
            // Any answer will do, but there has to be one.
            _ = content(&volume.tree, node, &mut sectors);
        }
        // What was read can be recorded again, as a further session does.
        if let Ok(image) = Image::new(volume.tree, &LayoutOptions::default()) {
            _ = whole(&image);
        }
    }
}

/// Makes a small tree as these bytes say, an image of it, reads that, and finds the same tree.
pub fn tree_round_trip(bytes: &[u8]) {
    let mut dice = Dice { bytes };
    let tree = tree(&mut dice);
    let base = if dice.chance() { u32::from(dice.byte()) * 16 } else { 0 };
    let options = LayoutOptions {
        base: Lba(base as i32),
        volume_id: "ROUND_TRIP".to_owned(),
        joliet: dice.chance(),
        pad: Blocks(dice.byte().into()),
        udf: dice.chance().then(|| udf_options(&mut dice)),
        ..LayoutOptions::default()
    };
    let iso9660 = options.udf.is_none() || dice.chance();
    let mut options = LayoutOptions { iso9660, in_place: dice.chance(), ..options };
    let mut image = Image::new(tree.clone(), &options);
    if let (Err(LayoutError::Udf(_)), Some(udf)) = (&image, options.udf) {
        // Not everything goes with everything; what is plain does.
        let UdfOptions { revision, mirror, .. } = udf;
        options.udf = Some(UdfOptions { revision, mirror, ..UdfOptions::default() });
        image = Image::new(tree, &options);
    }
    let image = image.expect("a small tree fits");
    let mut disc = vec![0; base as usize * BLOCK];
    disc.extend(whole(&image).expect("all is in memory"));
    // Any block alone is what it is within the whole.
    let mut reader = image.clone();
    for _ in 0..8 {
        let at = u32::from(dice.byte()) * 7 % image.blocks().0;
        let mut block = [0xA5; BLOCK];
        reader.read(Blocks(at), &mut block).expect("read before");
        assert_eq!(block, disc[(base + at) as usize * BLOCK..][..BLOCK]);
    }
    let mut sectors = MemorySectors(disc);
    let session = Lba(base as i32);
    let read = ReadOptions { session, ..ReadOptions::default() };
    let volume = Volume::read(&mut sectors, &read).expect("our own image is readable");
    assert_eq!(volume.findings, []);
    let report = check(&mut sectors, session, Limits::default()).expect("it was read just now");
    assert_eq!((report.errors(), report.warnings()), (0, 0), "{:#?}", report.findings);
    let best = if iso9660 { Namespace::RockRidge } else { Namespace::Udf };
    assert_eq!(volume.namespace, best);
    assert_eq!(volume.volume_id, "ROUND_TRIP");
    // A state of a volume that grows counts its own blocks in ISO 9660.
    let before = if options.in_place && iso9660 { 0 } else { base };
    assert_eq!(volume.space, before + image.blocks().0);
    if options.udf.is_some() {
        in_udf(&image, &mut sectors, read);
    }
    if !iso9660 {
        return;
    }
    if let Some(difference) = difference(image.tree(), &volume.tree, &mut sectors) {
        panic!("{difference}");
    }
    for (before, after) in image.tree().walk().zip(volume.tree.walk()) {
        let path = image.tree().display_path(before);
        assert_eq!(image.tree().xattrs(before), volume.tree.xattrs(after), "{path}");
    }
    // The other namespaces hold every file too, under whatever name.
    for namespace in [Namespace::Iso9660, Namespace::Joliet] {
        if namespace == Namespace::Joliet && !options.joliet {
            continue;
        }
        let read = ReadOptions { namespace, ..read };
        let volume = Volume::read(&mut sectors, &read).expect("our own image is readable");
        assert_eq!(volume.findings, []);
        let files = |tree: &Tree| {
            let all = tree.walk().filter(|&n| matches!(tree.kind(n), Kind::File(_)));
            (all.clone().count(), all.map(|n| tree.size(n)).sum::<u64>(), tree.directory_count())
        };
        let mut expected = files(image.tree());
        if namespace == Namespace::Iso9660 {
            // Links and special files are empty files there.
            expected.0 = image.tree().len() - image.tree().directory_count();
        }
        assert_eq!(files(&volume.tree), expected);
    }
}

fn udf_options(dice: &mut Dice<'_>) -> UdfOptions {
    let accesses = [None, Some(Access::ReadOnly), Some(Access::Overwritable)];
    let size = Blocks(2000 + 16 * u32::from(dice.byte()));
    UdfOptions {
        revision: Revision::ALL[usize::from(dice.byte()) % Revision::ALL.len()],
        partition: match dice.byte() % 5 {
            0 | 1 => Partition::Plain,
            2 => Partition::Virtual,
            3 => Partition::Sparable { packet: 32 },
            _ => Partition::Sparable { packet: 16 },
        },
        mirror: dice.chance(),
        access: accesses[usize::from(dice.byte()) % accesses.len()],
        size: dice.chance().then_some(size),
    }
}

/// Finds the same tree in the UDF volume, but for names that UDF cannot hold.
fn in_udf(image: &Image, sectors: &mut dyn Sectors, read: ReadOptions) {
    let read = ReadOptions { namespace: Namespace::Udf, ..read };
    let volume = Volume::read(sectors, &read).expect("our own image is readable");
    assert_eq!(volume.findings, []);
    let changed = |kind| matches!(kind, FindingKind::UdfName | FindingKind::UdfLink);
    let (before, after) = (image.tree(), &volume.tree);
    if image.findings().iter().any(|finding| changed(finding.kind)) {
        let sizes = |tree: &Tree| tree.walk().map(|node| tree.size(node)).sum::<u64>();
        assert_eq!((before.len(), sizes(before)), (after.len(), sizes(after)));
        assert_eq!(before.directory_count(), after.directory_count());
        return;
    }
    if let Some(difference) = difference(before, after, sectors) {
        panic!("{difference}");
    }
    let lost = |node| image.findings().contains(&Finding { node, kind: FindingKind::UdfXattrs });
    // Further hard links have the attributes of the first one.
    let own = |node| match before.kind(node) {
        Kind::File(id) => before.content(id).links == 1,
        _ => true,
    };
    for (x, y) in before.walk().zip(after.walk()).filter(|(x, _)| own(*x) && !lost(*x)) {
        assert_eq!(before.xattrs(x), after.xattrs(y), "{}", before.display_path(x));
    }
}

/// What is different in two trees, whose contents are in memory or on the disc of `sectors`: paths,
/// kinds, metadata, links or contents. Fractions of a second do not count.
pub fn difference(one: &Tree, two: &Tree, sectors: &mut dyn Sectors) -> Option<String> {
    let (mut a, mut b) = (one.walk(), two.walk());
    // Contents that are the same in both.
    let mut pairs: Vec<(ContentId, ContentId)> = Vec::new();
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (None, None) => return None,
            (Some(x), Some(y)) => (x, y),
            (x, y) => {
                let name = |tree: &Tree, n: Option<NodeId>| n.map(|n| tree.display_path(n));
                return Some(format!("{:?} against {:?}", name(one, x), name(two, y)));
            }
        };
        let path = one.display_path(x);
        if one.path(x) != two.path(y) {
            return Some(format!("{path} against {}", two.display_path(y)));
        }
        let seconds = |m: &Meta| {
            let [mtime, atime, ctime] =
                [m.mtime, m.atime, m.ctime].map(|t| Time::from_secs(t.secs));
            Meta { mtime, atime, ctime, ..*m }
        };
        let (m, n) = (seconds(one.meta(x)), seconds(two.meta(y)));
        if m != n {
            return Some(format!("{path}: {m:?} against {n:?}"));
        }
        match (one.kind(x), two.kind(y)) {
            (Kind::File(p), Kind::File(q)) => {
                let known = pairs.iter().find(|pair| pair.0 == p || pair.1 == q);
                if known.is_some_and(|pair| *pair != (p, q)) {
                    return Some(format!("{path}: linked otherwise"));
                }
                if known.is_none() {
                    pairs.push((p, q));
                }
                if content(one, x, sectors) != content(two, y, sectors) {
                    return Some(format!("{path}: other content"));
                }
            }
            (k, l) if k != l => return Some(format!("{path}: {k:?} against {l:?}")),
            _ => {}
        }
    }
}

/// What a file holds; `None` where that cannot be had.
fn content(tree: &Tree, node: NodeId, sectors: &mut dyn Sectors) -> Option<Vec<u8>> {
    let Kind::File(id) = tree.kind(node) else { return Some(Vec::new()) };
    match &tree.content(id).source {
        Source::Memory(bytes) => Some(bytes.to_vec()),
        Source::Host(_) | Source::Pieces(_) | Source::Generated(_) | Source::BootCatalog => None,
        Source::Embedded { lba, at } => {
            let mut room = [0; BLOCK];
            sectors.read(Blocks(lba.0 as u32), &mut room).ok()?;
            Some(room[*at..*at + tree.size(node) as usize].to_vec())
        }
        Source::OnDisc(extents) => {
            let mut all = Vec::new();
            for extent in extents {
                let bytes = usize::try_from(extent.bytes).ok()?;
                if extent.is_hole() {
                    // A hostile hole may be larger than memory.
                    all.resize(all.len() + bytes.min(1 << 20), 0);
                    continue;
                }
                let blocks = extent.bytes.div_ceil(BLOCK as u64);
                if extent.lba.0 as u64 + blocks > u64::from(sectors.blocks().0) {
                    return None;
                }
                let mut room = vec![0; bytes.next_multiple_of(BLOCK)];
                sectors.read(Blocks(extent.lba.0 as u32), &mut room).ok()?;
                all.extend(&room[..bytes]);
            }
            Some(all)
        }
    }
}

fn whole(image: &Image) -> Option<Vec<u8>> {
    // A hostile image may say that its files are larger than memory.
    let blocks = image.blocks().0.min(100_000);
    let mut bytes = vec![0xA5; blocks as usize * BLOCK];
    image.clone().read(Blocks(0), &mut bytes).ok()?;
    Some(bytes)
}

/// Bytes that decide; zeros when they run out.
struct Dice<'a> {
    bytes: &'a [u8],
}

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        byte
    }

    fn chance(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// A name that no sibling has: `serial` makes it so.
    fn name(&mut self, serial: u32) -> Vec<u8> {
        let awkward: [&[u8]; 8] =
            [b"a", b"A", b". ", b"\\x;1", b"\n*?:", "ü🔥".as_bytes(), b"\xff\xfe", b".tar.gz"];
        let mut name = awkward[usize::from(self.byte() % 8)].to_vec();
        let repeat = [1, 1, 2, 10, 40, 64, 110, 250][usize::from(self.byte() % 8)];
        name = name.repeat(repeat);
        name.truncate(240);
        name.extend(serial.to_string().as_bytes());
        if self.chance() {
            name.rotate_right(1);
        }
        name
    }

    fn time(&mut self) -> Time {
        let (first, last) = (Time::FIRST_SHORT.secs, Time::LAST_SHORT.secs);
        let secs = first + i64::from(self.word()) * 2;
        Time::from_secs(secs.min(last))
    }

    fn xattrs(&mut self) -> Vec<Xattr> {
        let names = ["user.x", "security.selinux", "\x02odd", ACL_ACCESS, ACL_DEFAULT];
        let mut list = Vec::new();
        for _ in 0..self.byte() % 4 {
            let name = names[usize::from(self.byte()) % names.len()];
            let value = match name.starts_with("system.") {
                // The owner, user number n, the group, a mask, and all others.
                true => {
                    let (rights, n) = (self.byte() % 8, self.byte());
                    let mut acl = vec![2, 0, 0, 0];
                    for (tag, id) in [(1, 255), (2, n), (4, 255), (16, 255), (32, 255)] {
                        let high = if id == 255 { 255 } else { 0 };
                        acl.extend([tag, 0, rights, 0, id, high, high, high]);
                    }
                    acl
                }
                false => vec![self.byte(); usize::from(self.byte()) * 16],
            };
            list.extend(Xattr::new(name.as_bytes(), value));
        }
        list
    }

    fn meta(&mut self) -> Meta {
        Meta {
            mode: self.word() & 0o7777,
            uid: self.word(),
            gid: self.byte().into(),
            mtime: self.time(),
            atime: self.time(),
            ctime: self.time(),
        }
    }
}

fn tree(dice: &mut Dice<'_>) -> Tree {
    let mut tree = Tree::new(dice.meta());
    let mut directories = vec![tree.root()];
    let mut files = Vec::new();
    for serial in 0..u32::from(dice.byte()) {
        let parent = directories[usize::from(dice.byte()) % directories.len()];
        let name = dice.name(serial);
        let meta = dice.meta();
        let kind = dice.byte();
        let number = 1 + dice.word() % 5000;
        let added = match kind % 12 {
            0..3 => tree.add_directory(parent, &name, meta).inspect(|n| directories.push(*n)),
            3..7 => {
                let size = [0, 1, 2047, 2048, 2049, 9000][usize::from(dice.byte() % 6)];
                let bytes: Vec<u8> = (0..size).map(|i| (i as u32 ^ serial) as u8).collect();
                let node = tree.add_bytes(parent, &name, meta, bytes);
                node.inspect(|&n| files.push(n))
            }
            // Links of a file are one file: they have their metadata in common.
            7 | 8 => match files.last().map(|&n| (tree.kind(n), *tree.meta(n))) {
                Some((Kind::File(content), meta)) => tree.add_link(parent, &name, meta, content),
                _ => continue,
            },
            9 | 10 => {
                let part: &[u8] = [&b"../"[..], b"x/", b"/y/.", b"name/"][kind as usize % 4];
                let mut target = part.repeat(number as usize % 300);
                target.extend(&name);
                let keep = target.iter().all(|b| *b != 0) && rockridge::is_faithful(&target);
                if !keep {
                    continue;
                }
                tree.add_special(parent, &name, meta, Kind::Symlink(&target))
            }
            _ => {
                let minor = dice.word() % 3000;
                let kind = match kind / 12 % 4 {
                    0 => Kind::BlockDevice { major: number, minor },
                    1 => Kind::CharDevice { major: number, minor },
                    2 => Kind::Fifo,
                    _ => Kind::Socket,
                };
                tree.add_special(parent, &name, meta, kind)
            }
        };
        // A name may have come twice after all: rotated digits.
        if let (Ok(node), true) = (added, dice.byte() % 4 == 3) {
            let xattrs = dice.xattrs();
            tree.set_xattrs(node, xattrs);
        }
    }
    tree
}
