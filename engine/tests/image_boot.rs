//! Images that computers start from, as our own reader and programs that are not ours see them. A
//! program that is missing is skipped, and says so.

use std::path::Path;
use std::process::Command;

use engine::image::boot::{
    BootEntry, BootError, BootImage, Code, Disk, Emulation, Guid, Partition, Platform, Told,
};
use engine::image::eltorito::Entry;
use engine::image::fat::fat;
use engine::image::read::{BootImageFacts, BootRecords, FileSectors, ReadOptions, Volume};
use engine::image::{Boot, Image, LayoutError, LayoutOptions, MemorySectors, Meta, Sectors, Tree};
use engine::units::{BLOCK, Blocks, Lba};

/// Bytes that differ from place to place.
fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn tree(files: &[(&str, Vec<u8>)]) -> Tree {
    let mut tree = Tree::new(Meta { mode: 0o755, ..Meta::default() });
    let boot = tree.add_directory(tree.root(), b"boot", Meta::default()).unwrap();
    for (name, bytes) in files {
        tree.add_bytes(boot, name.as_bytes(), Meta::default(), bytes.clone()).unwrap();
    }
    tree
}

fn at(path: &str, platform: Platform) -> BootEntry {
    BootEntry::new(BootImage::Path(path.into()), platform)
}

fn image(tree: Tree, boot: Boot) -> Result<Vec<u8>, LayoutError> {
    let mut image = Image::new(tree, &LayoutOptions { boot, ..LayoutOptions::default() })?;
    let mut all = vec![0xA5; image.blocks().0 as usize * BLOCK];
    image.read(Blocks(0), &mut all).unwrap();
    // Any block alone is what it is within the whole.
    for (block, whole) in all.chunks_exact(BLOCK).enumerate() {
        let mut alone = [0x5A; BLOCK];
        image.read(Blocks(block as u32), &mut alone).unwrap();
        assert!(alone == whole, "block {block}");
    }
    Ok(all)
}

fn records(image: &[u8]) -> BootRecords {
    BootRecords::read(&mut MemorySectors(image), Lba(0)).unwrap()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn a_boot_image_is_told_where_it_lies() {
    let code = bytes(5001);
    let entry = BootEntry { info_table: true, grub2: true, ..at("boot/x.img", Platform::BIOS) };
    let boot = Boot {
        entries: vec![entry],
        catalog: Some(b"boot/boot.cat".to_vec()),
        manufacturer: b"somebody".to_vec(),
        disk: None,
    };
    let image = image(tree(&[("x.img", code.clone())]), boot).unwrap();
    let found = records(&image);
    assert_eq!(found.findings, []);
    let el_torito = found.el_torito.unwrap();
    assert!(el_torito.catalog.manufacturer.starts_with(b"somebody\0"));
    let (platform, entry, facts) = el_torito.entries().next().unwrap();
    assert_eq!((platform, entry.sectors, entry.emulation), (Platform::BIOS, 4, Emulation::NONE));
    assert_eq!(facts, BootImageFacts { info_table: Some(5001), grub2: true });
    let start = entry.lba as usize * BLOCK;
    // Only what it is told differs from the file.
    let differs = |at: usize| (8..64).contains(&at) || (2548..2556).contains(&at);
    let there = &image[start..start + code.len()];
    assert!((0..code.len()).all(|at| differs(at) || there[at] == code[at]));
    assert_eq!([word(there, 8), word(there, 12), word(there, 16)], [16, entry.lba, 5001]);
    assert_eq!(there[24..64], [0; 40]);
    assert_eq!(there[2548..2556], (u64::from(entry.lba) * 4 + 5).to_le_bytes());

    // One bit anywhere behind byte 64 makes the sum wrong.
    let mut bent = image.clone();
    bent[start + 5000] ^= 1;
    let finding = &records(&bent).findings[0];
    assert_eq!(finding.at, start as u64 + 20);
}

/// A way to change what is asked for.
type Change = fn(&mut Boot);

#[test]
fn what_cannot_be_booted_is_refused_in_words() {
    let files = || tree(&[("x.img", bytes(2000)), ("empty", Vec::new()), ("boot.cat", bytes(1))]);
    let good = || Boot { entries: vec![at("boot/x.img", Platform::BIOS)], ..Boot::default() };
    assert!(image(files(), good()).is_ok());
    let cases: &[(&str, Change)] = &[
        ("the boot image /boot/y is no file", |b| {
            b.entries[0].image = BootImage::Path(b"boot/y".to_vec());
        }),
        ("the boot image /boot is no file", |b| {
            b.entries[0].image = BootImage::Path(b"boot".to_vec());
        }),
        ("it is empty", |b| b.entries[0].image = BootImage::Path(b"boot/empty".to_vec())),
        ("a floppy disk of another size", |b| {
            b.entries[0].emulation = Some(Emulation::FLOPPY_1440);
        }),
        ("it has no partition table", |b| b.entries[0].emulation = Some(Emulation::HARD_DISK)),
        ("it is too short", |b| b.entries[0].grub2 = true),
        ("33 boot images", |b| b.entries = vec![b.entries[0].clone(); 33]),
        ("24 is the most", |b| b.manufacturer = vec![b'x'; 25]),
        ("which is a boot image", |b| b.catalog = Some(b"/boot/x.img".to_vec())),
        ("is no file of the tree", |b| b.catalog = Some(b"no/boot.cat".to_vec())),
        ("/boot/ is no name", |b| b.catalog = Some(b"boot/".to_vec())),
    ];
    for (words, change) in cases {
        let mut boot = good();
        change(&mut boot);
        let error = image(files(), boot).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    let options = LayoutOptions { base: Lba(100), boot: good(), ..LayoutOptions::default() };
    let error = Image::new(files(), &options).unwrap_err();
    assert_eq!(error, LayoutError::Boot(BootError::FurtherSession));
}

/// Runs a program; what it says, or `None` if it is missing.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let Ok(done) = Command::new(program).args(arguments).output() else {
        println!("SKIP: {program} missing");
        return None;
    };
    let [out, err] = [&done.stdout, &done.stderr].map(|b| String::from_utf8_lossy(b).into_owned());
    assert!(done.status.success(), "{program} {arguments:?}: {err}");
    Some(out)
}

fn write(path: &Path, bytes: &[u8]) -> String {
    std::fs::write(path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The same files and wishes through mkisofs's heirs: catalog and boot images must be ours to the
/// byte, but for the addresses.
#[test]
fn other_programs_make_the_same_catalog_and_patches() {
    let temp = tempfile::TempDir::new().unwrap();
    let boot = temp.path().join("source/boot");
    std::fs::create_dir_all(&boot).unwrap();
    let files = [("x.img", bytes(3000)), ("floppy", bytes(1_474_560)), ("efi", bytes(70_000))];
    for (name, bytes) in &files {
        write(&boot.join(name), bytes);
    }
    let entries = vec![
        BootEntry { info_table: true, ..at("boot/x.img", Platform::BIOS) },
        at("boot/floppy", Platform::BIOS),
        at("boot/efi", Platform::UEFI),
    ];
    let ours = Boot { entries, catalog: Some(b"boot/boot.cat".to_vec()), ..Boot::default() };
    let ours = image(tree(&files), ours).unwrap();
    let theirs = temp.path().join("theirs.iso");
    let arguments = [
        "-quiet",
        "-o",
        theirs.to_str().unwrap(),
        "-c",
        "boot/boot.cat",
        "-b",
        "boot/x.img",
        "-no-emul-boot",
        "-boot-load-size",
        "4",
        "-boot-info-table",
        "-eltorito-alt-boot",
        "-b",
        "boot/floppy",
        "-eltorito-alt-boot",
        "-e",
        "boot/efi",
        "-no-emul-boot",
    ];
    let source = temp.path().join("source").to_str().unwrap().to_owned();
    for (program, first) in [("xorriso", &["-as", "mkisofs"][..]), ("genisoimage", &[])] {
        if run(program, &[first, &arguments, &[&*source]].concat()).is_none() {
            continue;
        }
        same_boot(&ours, &std::fs::read(&theirs).unwrap(), program);
        std::fs::remove_file(&theirs).unwrap();
    }
}

fn same_boot(ours: &[u8], theirs: &[u8], who: &str) {
    let [(mut a, x), (mut b, y)] = [ours, theirs].map(|image| {
        let found = records(image);
        assert_eq!(found.findings, [], "{who}");
        let el_torito = found.el_torito.unwrap();
        let lbas: Vec<_> = el_torito.entries().map(|(_, entry, _)| entry.lba).collect();
        (el_torito, lbas)
    });
    assert_eq!(a.images, b.images, "{who}");
    for (x, y) in x.into_iter().zip(y) {
        let [x, y] = [(ours, x), (theirs, y)].map(|(image, lba)| {
            let mut bytes = image[lba as usize * BLOCK..][..3000].to_vec();
            bytes[12..16].fill(0);
            bytes
        });
        assert!(x == y, "{who}");
    }
    for catalog in [&mut a.catalog, &mut b.catalog] {
        catalog.initial.lba = 0;
        catalog.sections.iter_mut().for_each(|s| s.entries[0].lba = 0);
    }
    assert_eq!(a.catalog, b.catalog, "{who}");
}

#[test]
fn other_programs_read_our_catalog() {
    let temp = tempfile::TempDir::new().unwrap();
    let code = bytes(3000);
    let mut tree = tree(&[("x.img", code), ("floppy", bytes(2_949_120))]);
    let hidden = BootImage::Hidden(tree.hide_bytes(bytes(100_000)));
    let mut disk = bytes(4096);
    disk[446 + 4] = 0x0C;
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    let disk = BootImage::Hidden(tree.hide_bytes(disk));
    let entries = vec![
        BootEntry { info_table: true, load_segment: 0x1000, ..at("boot/x.img", Platform::BIOS) },
        BootEntry::new(hidden, Platform::UEFI),
        at("boot/floppy", Platform::BIOS),
        BootEntry {
            emulation: Some(Emulation::HARD_DISK),
            bootable: false,
            ..BootEntry::new(disk, Platform::MAC)
        },
    ];
    let manufacturer = b"THE MAKER".to_vec();
    let image = image(tree, Boot { entries, manufacturer, ..Boot::default() }).unwrap();
    let path = write(&temp.path().join("ours.iso"), &image);
    if let Some(said) = run("isoinfo", &["-d", "-i", &path]) {
        for line in
            ["El Torito VD version 1 found", "ID 'THE MAKER'", "Load segment 1000", "Nsect 4"]
        {
            assert!(said.contains(line), "{line}: {said}");
        }
    }
    if let Some(said) = run("xorriso", &["-indev", &path, "-report_el_torito", "plain"]) {
        let lines: Vec<String> = said
            .lines()
            .filter(|line| line.contains("boot img") || line.contains("img opts"))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let lbas: Vec<_> = records(&image).el_torito.unwrap().entries().map(|e| e.1.lba).collect();
        let want = [
            format!("El Torito boot img : 1 BIOS y none 0x1000 0x00 4 {}", lbas[0]),
            format!("El Torito boot img : 2 UEFI y none 0x0000 0x00 196 {}", lbas[1]),
            format!("El Torito boot img : 3 BIOS y fd2.8 0x0000 0x00 1 {}", lbas[2]),
            format!("El Torito boot img : 4 Mac n hd 0x0000 0x0c 1 {}", lbas[3]),
            "El Torito img opts : 1 boot-info-table isohybrid-suitable".to_owned(),
        ];
        let same =
            |line: &String| lines.iter().any(|l| l.starts_with(line.split(" iso").next().unwrap()));
        assert!(want.iter().all(same), "{lines:#?}");
    }
}

/// A GRUB-like start of a disk: a jump over what partition tables need.
fn code(told: Told) -> Option<Code> {
    let mut bytes = vec![0x90; 440];
    bytes[..2].copy_from_slice(&[0xEB, 0x63]);
    Some(Code { bytes, told })
}

/// An image that is a disk with an EFI System Partition, in the volume or behind it.
fn disk(appended: bool, gpt: bool, mbr: bool, apm: bool) -> Vec<u8> {
    let mut tree = tree(&[("x.img", bytes(5000))]);
    let esp = BootImage::Hidden(tree.hide_bytes(bytes(1 << 20)));
    let entries = vec![
        BootEntry { info_table: true, ..at("boot/x.img", Platform::BIOS) },
        BootEntry::new(esp.clone(), Platform::UEFI),
    ];
    let partition = Partition {
        image: esp,
        appended,
        mbr: 0xEF,
        gpt: Guid::EFI_SYSTEM,
        name: "EFI System".to_owned(),
    };
    let disk = Disk {
        code: code(Told::Grub2),
        mbr,
        gpt,
        apm,
        partitions: vec![partition],
        ..Disk::default()
    };
    image(tree, Boot { entries, disk: Some(disk), ..Boot::default() }).unwrap()
}

/// Every choice of tables, with the partition within the volume and behind it.
fn disks() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for appended in [false, true] {
        for (gpt, mbr, apm) in [
            (false, true, false),
            (true, false, false),
            (true, true, false),
            (true, false, true),
            (true, true, true),
            (false, true, true),
        ] {
            let name = format!("appended={appended} gpt={gpt} mbr={mbr} apm={apm}");
            all.push((name, disk(appended, gpt, mbr, apm)));
        }
    }
    all
}

#[test]
fn partition_tables_agree_with_each_other_and_with_the_catalog() {
    for (name, image) in disks() {
        let found = records(&image);
        assert_eq!(found.findings, [], "{name}");
        assert_eq!(image.len() % (1 << 20), 0, "{name}");
        let lbas: Vec<_> = found.el_torito.unwrap().entries().map(|e| e.1.lba).collect();
        // GRUB's code is told of the second block of the BIOS's image.
        assert_eq!(u64::from(word(&image, 432)), u64::from(lbas[0]) * 4 + 4, "{name}");
        let (start, count) = (lbas[1] * 4, 2048);
        let mbr = found.mbr.unwrap();
        if name.contains("mbr=true") {
            let esp = mbr.partitions[1];
            assert_eq!((esp.kind, esp.start, esp.sectors), (0xEF, start, count), "{name}");
            assert!(mbr.partitions[0].active, "{name}");
        } else {
            assert_eq!((mbr.partitions[0].kind, mbr.partitions[0].start), (0xEE, 1), "{name}");
            assert_eq!(mbr.partitions[0].sectors as usize, image.len() / 512 - 1, "{name}");
        }
        if name.contains("gpt=true") {
            let gpt = found.gpt.unwrap();
            let esp = gpt.entries.iter().find(|(_, e)| e.kind == Guid::EFI_SYSTEM).unwrap();
            let (start, count) = (u64::from(start), u64::from(count));
            assert_eq!((esp.1.first, esp.1.last), (start, start + count - 1), "{name}");
            assert_eq!(gpt.other as usize, image.len() / 512 - 1, "{name}");
        } else {
            assert_eq!(found.gpt, None, "{name}");
        }
        let map = found.apm.map(|apm| (apm.partitions[0].start, apm.partitions[0].blocks));
        assert_eq!(map, name.contains("apm=true").then_some((start / 4, count / 4)), "{name}");
        // The last block of the volume is the image's, so that all of it is copied.
        assert_eq!(word(&image, 16 * BLOCK + 80) as usize, image.len() / BLOCK, "{name}");
    }
}

#[test]
fn a_damaged_gpt_is_found_at_its_place() {
    let good = disk(true, true, false, false);
    let last = good.len() - 512;
    for (at, place, words) in [
        (512 + 16, 512 + 16, "checksum of the GPT header"),
        (1024 + 5, 1024, "checksum of the GPT's partitions"),
        (last + 40, last + 16, "checksum of the GPT header"),
        (last, 512 + 32, "no second GPT"),
        (512 + 80, 512 + 16, "checksum of the GPT header"),
    ] {
        let mut image = good.clone();
        image[at] ^= 0x80;
        let findings = records(&image).findings;
        let found = findings.iter().any(|f| f.at == place as u64 && f.what.contains(words));
        assert!(found, "{words}: {findings:?}");
    }
}

/// Any byte of the tables may be anything: the reader says what it makes of it, and so does who
/// would repeat it.
#[test]
fn no_byte_of_the_tables_stops_the_reader() {
    let temp = tempfile::TempDir::new().unwrap();
    let path = temp.path().join("disk.iso");
    let good = disk(true, true, true, true);
    write(&path, &good);
    let mut file = FileSectors::open(&path).unwrap();
    let volume = Volume::read(&mut file, &ReadOptions::default()).unwrap();
    let catalog = records(&good).el_torito.unwrap().lba as usize * BLOCK;
    let tables = (440..1200)
        .chain((BLOCK..BLOCK + 100).chain(2 * BLOCK..2 * BLOCK + 100))
        .chain(32 * 512..32 * 512 + 400)
        .chain(17 * BLOCK..17 * BLOCK + 80)
        .chain(catalog..catalog + 160)
        .chain(good.len() - 512..good.len() - 400);
    for at in tables {
        for value in [0, 0x7F, 0xFF] {
            let mut image = good.clone();
            image[at] = value;
            let found = records(&image);
            // An address that leads out of the file is refused in words.
            let mut tree = tree(&[("x.img", bytes(5000))]);
            let mut sectors = MemorySectors(&image);
            if let Ok(boot) = Boot::from_image(&found, &volume, &path, &mut sectors, &mut tree) {
                _ = Image::new(tree, &LayoutOptions { boot, ..LayoutOptions::default() });
            }
        }
    }
}

#[test]
fn partitioners_have_nothing_to_complain_of() {
    let temp = tempfile::TempDir::new().unwrap();
    for (name, image) in disks() {
        let path = write(&temp.path().join("disk.iso"), &image);
        if name.contains("gpt=true")
            && name.contains("apm=false")
            && let Some(said) = run("sgdisk", &["-v", "-p", &path])
        {
            let hybrid = name.contains("mbr=true");
            assert!(hybrid || said.contains("No problems found"), "{name}: {said}");
            assert!(said.contains("EF00  EFI System"), "{name}: {said}");
        }
        if let Some(said) = run("fdisk", &["-l", &path]) {
            let kind = if name.contains("gpt=true") { "EFI System" } else { "EFI (FAT-12/16/32)" };
            assert!(said.contains(kind), "{name}: {said}");
        }
        if let Some(said) = run("xorriso", &["-indev", &path, "-report_system_area", "plain"]) {
            let gpt = said.contains("GPT lba range");
            assert_eq!(gpt, name.contains("gpt=true"), "{name}: {said}");
            assert_eq!(
                said.contains("APM block size"),
                name.contains("apm=true"),
                "{name}: {said}"
            );
            assert!(!said.contains("Backup GPT"), "{name}: {said}");
        }
    }
}

/// What an image has, without addresses.
fn essence(image: &[u8]) -> String {
    let found = records(image);
    assert_eq!(found.findings, []);
    let el_torito = found.el_torito.unwrap();
    let catalog: Vec<_> = el_torito
        .entries()
        .map(|(platform, entry, facts)| (platform, Entry { lba: 0, ..*entry }, facts))
        .collect();
    let mbr = found.mbr.map(|mbr| (mbr.disk, mbr.partitions.map(|p| (p.active, p.kind))));
    let gpt = found.gpt.map(|gpt| {
        let entries = gpt.entries.into_iter();
        entries.map(|(n, e)| (n, e.kind, e.attributes, e.name)).collect::<Vec<_>>()
    });
    let apm = found.apm.map(|apm| apm.partitions.into_iter().map(|p| p.name).collect::<Vec<_>>());
    let code: Vec<u8> = image[..440]
        .iter()
        .enumerate()
        .filter(|(i, _)| !(432..440).contains(i))
        .map(|(_, b)| *b)
        .collect();
    format!("{catalog:?}\n{mbr:?}\n{gpt:?}\n{apm:?}\n{code:?}")
}

#[test]
fn the_boot_set_up_of_an_image_is_repeated() {
    let temp = tempfile::TempDir::new().unwrap();
    let path = temp.path().join("old.iso");
    for (name, old) in disks() {
        write(&path, &old);
        let mut sectors = FileSectors::open(&path).unwrap();
        let volume = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
        let found = records(&old);
        // With the boot image in the tree, longer than it was, and without it.
        for files in [vec![("x.img", bytes(9000)), ("more", bytes(3000))], vec![]] {
            let mut tree = tree(&files);
            let boot = Boot::from_image(&found, &volume, &path, &mut sectors, &mut tree).unwrap();
            let new = image(tree, boot).unwrap();
            let table = |size: usize| format!("info_table: Some({size})");
            let want = match files.is_empty() {
                true => essence(&old),
                false => essence(&old).replace(&table(5000), &table(9000)),
            };
            assert_eq!(essence(&new), want, "{name}");
            // The partition holds the same bytes.
            let esp = |image: &[u8]| {
                let lba = records(image).el_torito.unwrap().catalog.sections[0].entries[0].lba;
                image[lba as usize * BLOCK..][..1 << 20].to_vec()
            };
            assert!(esp(&old) == esp(&new), "{name}");
        }
    }
}

#[test]
fn an_efi_system_partition_of_a_folder_is_a_sound_file_system() {
    let temp = tempfile::TempDir::new().unwrap();
    let mut tree = Tree::new(Meta::default());
    let mut at = tree.root();
    for name in ["EFI", "Boot", "a folder with a long name"] {
        at = tree.add_directory(at, name.as_bytes(), Meta::default()).unwrap();
    }
    for i in 0..300 {
        let name = format!("a file with a long common beginning {i}.data");
        tree.add_bytes(at, name.as_bytes(), Meta::default(), bytes(i * 37)).unwrap();
    }
    for size in [0, 6 << 20] {
        tree.add_bytes(tree.root(), format!("{size}").as_bytes(), Meta::default(), bytes(size))
            .unwrap();
        let image = fat(&tree, "EFI", 0x1234_5678).unwrap();
        let path = write(&temp.path().join("esp.img"), &image);
        if let Some(said) = run("fsck.fat", &["-n", "-v", &path]) {
            assert!(said.contains(if size == 0 { "305 files" } else { "306 files" }), "{said}");
        }
        let inside =
            "::EFI/Boot/a folder with a long name/a file with a long common beginning 299.data";
        let out = temp.path().join("out");
        if run("mcopy", &["-n", "-i", &path, inside, out.to_str().unwrap()]).is_some() {
            assert!(std::fs::read(&out).unwrap() == bytes(299 * 37));
            std::fs::remove_file(&out).unwrap();
        }
    }
}
