"""Images of kiln that computers start from: in QEMU with SeaBIOS and with OVMF, from CD and as a
USB disk. The proof is text on the serial port. Programs that are not ours judge the tables."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import boot_material
import guest
import kiln_in_guest

OVMF = "/usr/share/ovmf/OVMF.fd"
# Images of Debian's packages: volume name, and what each says on the serial port, by firmware.
ORIGINALS = {
    "grub-rescue": ("/usr/lib/grub-rescue/grub-rescue-cdrom.iso", "ISOIMAGE",
                    {"bios-cd": "Press enter to boot the selected OS",
                     "bios-usb": "Press enter to boot the selected OS"}),
    "memtest86+": ("/usr/lib/memtest86+/memtest86+x64.iso", "MT86PLUS_64",
                   {"bios-cd": r"Booting from DVD/CD\.\.\.\s*\.{9}",
                    "uefi-cd": "starting Boot[0-9]+ .UEFI QEMU DVD-ROM",
                    "uefi-usb": "starting Boot[0-9]+ .UEFI QEMU QEMU USB HARDDRIVE"}),
    "ipxe": ("/usr/lib/ipxe/ipxe.iso", "ISOIMAGE",
             {"bios-cd": "ISOLINUX.*iPXE initialising devices...ok",
              "bios-usb": "ISOLINUX.*iPXE initialising devices...ok",
              "uefi-cd": "iPXE initialising devices...ok"}),
}
PATIENCE = 90
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


class Verdicts:
    def __init__(self):
        self.passed, self.failed, self.lock = 0, 0, threading.Lock()

    def __call__(self, what, good, why=""):
        with self.lock:
            self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
            print(f"{'ok   ' if good else 'WRONG'} {what}" + (f": {why}" if not good else ""),
                  flush=True)


def check(args):
    program = os.path.abspath(kiln_in_guest.kiln_program(args.bin))
    guest.need("qemu-system-x86_64", "xorriso")
    missing = [p for p in (OVMF, *(o[0] for o in ORIGINALS.values())) if not os.path.exists(p)]
    if missing:
        raise guest.RigError(f"missing: {' '.join(missing)} (scripts/setup installs them)")
    os.makedirs(guest.CACHE, exist_ok=True)
    work = tempfile.mkdtemp(prefix="boot-", dir=guest.CACHE)
    verdict = Verdicts()
    try:
        Proof(program, work, verdict).run()
        if args.keep:
            shutil.copytree(work, args.keep, dirs_exist_ok=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{verdict.passed} passed, {verdict.failed} failed")
    return verdict.failed > 0


class Proof:
    def __init__(self, program, work, verdict):
        self.program, self.work, self.verdict = program, work, verdict
        self.boots = []

    def run(self):
        self.own()
        for name, original in ORIGINALS.items():
            self.rebuild(name, *original)
        # A computer takes one processor.
        with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
            list(pool.map(lambda boot: self.start(*boot), self.boots))

    def kiln(self, *args):
        env = dict(os.environ, SOURCE_DATE_EPOCH="1767225600")
        done = subprocess.run([self.program, *args], capture_output=True, text=True, env=env)
        good = done.returncode == 0
        shown = " ".join(os.path.basename(a) if a.startswith("/") else a for a in args)
        self.verdict(f"kiln {shown}", good, f"exit {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout if good else None

    def own(self):
        """Images of our own programs, of every kind."""
        source, beside = f"{self.work}/own", f"{self.work}/beside"
        os.makedirs(f"{source}/boot")
        os.makedirs(f"{beside}/efi/EFI/BOOT")
        files = {
            f"{source}/boot/bios.img": boot_material.boot_image("BIOS", 6000),
            f"{source}/boot/floppy.img": boot_material.boot_image("FLOPPY", 1_474_560, True),
            f"{source}/boot/disk.img": boot_material.boot_image("HARD-DISK", 1 << 20, kind=0x0C),
            f"{beside}/mbr": boot_material.disk_code("DISK"),
            f"{beside}/efi/EFI/BOOT/BOOTX64.EFI": boot_material.uefi_application("UEFI"),
        }
        for path, data in files.items():
            with open(path, "wb") as file:
                file.write(data)
        uefi = ["--efi-folder", f"{beside}/efi"]
        both = ["--boot", "boot/bios.img,info-table", *uefi, "--isolinux-mbr", f"{beside}/mbr"]
        # What is asked for, then what it says when started so.
        bios, floppy, usb = "KILN BIOS {0:08X} END", "KILN FLOPPY .* END", "KILN DISK.*{bios}"
        table = {"bios-cd": bios, "bios-usb": usb, "uefi-cd": "KILN UEFI END",
                 "uefi-usb": "KILN UEFI END"}
        for name, options, said in [
                ("plain", ["--boot", "boot/bios.img,info-table"], {"bios-cd": bios}),
                ("named", ["--boot", "boot/floppy.img", "--boot-catalog", "boot/boot.cat",
                           "--boot-manufacturer", "THE MAKER"], {"bios-cd": floppy}),
                ("hard-disk", ["--boot", "boot/disk.img,hard-disk"],
                 {"bios-cd": "KILN HARD-DISK .* END"}),
                ("mbr", [*both, "--partition-table", "mbr"], table),
                ("gpt", [*both, "--partition-table", "gpt"], table),
                ("hybrid", [*both, "--partition-table", "mbr,gpt"],
                 {"uefi-usb": table["uefi-usb"]}),
                ("all", [*both, "--partition-table", "gpt,apm"], {"bios-usb": usb})]:
            image = f"{self.work}/{name}.iso"
            if self.kiln("image", "create", source, "-o", image, *options) is None:
                continue
            lba = report(image)["images"][0].split()[-1] if report(image)["images"] else "0"
            address = bios.format(int(lba))
            for way, text in said.items():
                text = text.replace("{bios}", address).replace(bios, address)
                self.boots.append((name, way, image, text))
            self.tables(name, image)

    def tables(self, name, image):
        """Partition tables as gdisk and fdisk see them."""
        said = tool("sgdisk", "-v", image)
        if name == "gpt":
            self.verdict(f"{name}: sgdisk finds no problems", "No problems found" in said, said)
        if name in ("mbr", "gpt", "hybrid", "all"):
            said = tool("fdisk", "-l", image)
            kind = "EFI (FAT" if name == "mbr" else "EFI System"
            self.verdict(f"{name}: fdisk sees the EFI System Partition", kind in said, said)

    def rebuild(self, name, original, volume, ways):
        """Another image of the same files, with what the original has to start from."""
        tree, image = f"{self.work}/{name}", f"{self.work}/{name}.iso"
        if self.kiln("image", "extract", original, "-d", tree) is None:
            return
        if self.kiln("image", "create", tree, "-o", image, "-V", volume, "--boot-from",
                     original) is None:
            return
        want, got = report(original), report(image)
        for part in want:
            want_part, got_part = [without_places(r[part]) for r in (want, got)]
            self.verdict(f"{name}: xorriso sees the same {part}", want_part == got_part,
                         f"\n{want_part}\n{got_part}")
        for way, text in ways.items():
            self.boots.append((f"{name} rebuilt", way, image, text))
        # The original first: what it does not say, no other image need.
        way, text = next(iter(ways.items()))
        self.boots.append((f"{name} original", way, original, text))

    def start(self, name, way, image, text):
        """Starts a computer and waits for the text."""
        serial = f"{self.work}/{name.replace(' ', '-')}-{way}.log"
        said = computer(way, image, serial, text)
        self.verdict(f"{name}: {way}: {text}", said is None, said)


def computer(way, image, serial, text):
    """None once it has said the text, or else what it said."""
    firmware, disk = way.split("-")
    path = image.replace(",", ",,")
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
               "-machine", "pc,graphics=off", "-accel", "tcg", "-m", "256", "-display", "none",
               "-vga", "std", "-serial", f"file:{serial}"]
    if firmware == "uefi":
        command += ["-bios", OVMF]
    if disk == "cd":
        command += ["-drive", f"file={path},format=raw,media=cdrom,readonly=on", "-boot", "d"]
    else:
        command += ["-drive", f"if=none,id=d,file={path},format=raw,readonly=on", "-device",
                    "qemu-xhci", "-device", "usb-storage,drive=d,bootindex=1"]
    machine = subprocess.Popen(guest.die_with_parent(command), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said, until = "", time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until:
            ended = machine.poll() is not None
            if os.path.exists(serial):
                said = plain(guest.read(serial).decode(errors="replace"))
            if re.search(text, said, re.DOTALL):
                return None
            if ended:
                return f"QEMU ended: {machine.stderr.read()}\n{said[-1500:]}"
            time.sleep(0.2)
        return f"not within {PATIENCE} s; it said:\n{said[-1500:]}"
    finally:
        machine.kill()
        machine.wait()


def plain(text):
    """What a terminal would show, without colours and places. The BIOS's text and a program's own
    may stand in each other's way; words of ours are written at once."""
    return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|c)|\r", "", text)


def tool(name, *args):
    program = shutil.which(name, path=PATH)
    if not program:
        raise guest.RigError(f"not installed: {name} (scripts/setup installs what is needed)")
    done = subprocess.run([program, *args], capture_output=True, text=True)
    return done.stdout + done.stderr


def report(image):
    """What xorriso has to say of an image, as lists of lines."""
    said = tool("xorriso", "-indev", image, "-report_el_torito", "plain", "-report_system_area",
                "plain")
    lines = [re.sub(r" +", " ", line).strip() for line in said.splitlines()]
    pick = lambda start: [line for line in lines if line.startswith(start)]  # noqa: E731
    return {"images": pick("El Torito boot img :"), "options": pick("El Torito img opts :"),
            "paths": pick("El Torito img path :"), "partitions": pick("MBR partition :"),
            "summary": pick("System area summary:")}


def without_places(lines):
    """Catalog entries without their addresses, partitions without where they are."""
    cut = []
    for line in lines:
        line = re.sub(r"^(El Torito boot img : .*) \d+$", r"\1", line)
        line = re.sub(r"^(MBR partition : \d+ \w+ \w+) .*$", r"\1", line)
        cut.append(line)
    return cut
