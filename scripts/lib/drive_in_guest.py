"""Linux's own drivers, and burners above them, on kiln's drive: served over iSCSI, and in a guest
as /dev/sr0 and on."""

import collections
import os
import random
import re
import shutil
import struct
import tomllib

import capture
import foreign
import guest
import initiator_in_guest
import kiln_in_guest
import readme_in_guest
import serve
import steps

ISO, TAR = steps.ISO, steps.TAR

# A drive in the guest: what its steps call it, its model, the medium in it, whether recorded before.
Unit = collections.namedtuple("Unit", "name model medium recorded")
UNITS = [
    Unit("read", "bd-desktop", "bd-r", True),
    Unit("wodim", "dvd-desktop", "cd-r", False),
    Unit("cdrskin", "bd-slim", "cd-rw", False),
    Unit("growisofs", "dvd-desktop", "dvd+r", False),
    Unit("xorriso", "bd-slim", "bd-r", False),
    Unit("audio", "bd-desktop", "cd-r", False),
    Unit("bdre", "bd-desktop", "bd-re", False),
    Unit("dvdram", "bd-desktop", "dvd-ram", False),
]

# Steps of the guest: name, shell commands. $NAME is the node of a unit. All must end with 0, but
# those that begin with `!`.
STEPS = [
    # What the kernel thinks of the drives.
    ("info", "cat /proc/sys/dev/cdrom/info"),
    ("names", "for n in /sys/class/block/sr*; do cat $n/device/vendor $n/device/model; done"),
    # A disc recorded elsewhere; another one takes its place.
    ("read-mount", f"{ISO} $read /mnt"),
    ("read-locked", "! host ctl @read eject"),
    ("read-tar", f"{TAR} -cf /out/read.tar -C /mnt ."),
    ("read-umount", "umount /mnt"),
    ("read-size", "size $read"),
    ("read-eject", "host ctl @read eject"),
    ("read-nothing", "! dd if=$read of=/dev/null bs=2048 count=1"),
    ("read-insert", "host ctl @read insert @other.disc"),
    ("read-other-size", "dd if=$read of=/dev/null bs=2048 count=1 && size $read"),
    ("read-other-mount", f"{ISO} $read /mnt"),
    ("read-other-tar", f"{TAR} -cf /out/read-other.tar -C /mnt ."),
    ("read-other-umount", "umount /mnt"),
    ("read-guest-eject", "eject $read && ! dd if=$read of=/dev/null bs=2048 count=1"),
    ("read-guest-load", "eject -t $read && dd if=$read bs=2048 skip=16 count=1 | grep -q CD001"),
    ("read-swap", "host ctl @read eject && host ctl @read insert @read.disc"),
    ("read-swapped", "patient dd if=$read of=/dev/null bs=2048 count=1 && size $read"),
    # The plug, while the kernel holds the drive.
    ("power-pull", "host ctl @read pull-power"),
    ("power-gone", "[ $(dd if=$read bs=2048 count=8 skip=1200 | wc -c) = 0 ]"),
    ("power-plug", "host ctl @read plug"),
    ("power-back", "patient dd if=$read of=/dev/null bs=2048 count=1 iflag=direct"),
    ("power-mount", f"patient {ISO} $read /mnt"),
    ("power-tar", f"{TAR} -cf /out/power.tar -C /mnt ."),
    ("power-umount", "umount /mnt"),
    ("bus-reset", "sg_reset -d $read && patient dd if=$read of=/dev/null bs=2048 count=1"),
    # Two sessions by wodim.
    ("wodim-tao", "wodim -v dev=$wodim -multi -tao /share/first.iso"),
    ("wodim-msinfo", "wodim dev=$wodim -msinfo"),
    ("wodim-second", "reload $wodim && genisoimage -quiet -R -o /tmp/second.iso -C $(wodim dev=$wodim -msinfo)"
     " -M $wodim /share/second && wodim -v dev=$wodim -multi -tao -pad /tmp/second.iso"),
    ("wodim-reload", "rm /tmp/second.iso; reload $wodim"),
    ("wodim-ioctls", "perl /cdrom.pl $wodim"),
    ("wodim-mount", f"{ISO} $wodim /mnt"),
    ("wodim-tar", f"{TAR} -cf /out/wodim.tar -C /mnt ."),
    ("wodim-umount", "umount /mnt"),
    # A rewritable CD, blanked between.
    ("cdrskin-burn", "cdrskin -v dev=$cdrskin -sao /share/second.iso"),
    ("cdrskin-blank", "cdrskin -v dev=$cdrskin blank=fast"),
    ("cdrskin-again", "cdrskin -v dev=$cdrskin -sao /share/first.iso"),
    ("cdrskin-reload", "reload $cdrskin cdrskin"),
    ("cdrskin-same", "same /share/first.iso $cdrskin"),
    # Two sessions by growisofs.
    ("growisofs-z", "growisofs -Z $growisofs=/share/first.iso"),
    ("growisofs-m", "growisofs -M $growisofs -quiet -R /share/second"),
    ("growisofs-mount", f"{ISO} $growisofs /mnt"),
    ("growisofs-tar", f"{TAR} -cf /out/growisofs.tar -C /mnt ."),
    ("growisofs-umount", "umount /mnt"),
    # Two sessions by xorriso.
    ("xorriso-first", "xorriso -as cdrecord dev=$xorriso -multi /share/first.iso"),
    ("xorriso-second", "xorriso -dev $xorriso -hardlinks on -map /share/second / -commit"),
    ("xorriso-reload", "reload $xorriso xorriso"),
    ("xorriso-mount", f"{ISO} $xorriso /mnt"),
    ("xorriso-tar", f"{TAR} -cf /out/xorriso.tar -C /mnt ."),
    ("xorriso-umount", "umount /mnt"),
    # Music.
    ("audio-burn", "wodim -v dev=$audio -dao -audio /share/one.wav /share/two.wav"),
    ("audio-reload", "eject $audio && eject -t $audio && sleep 1; host ctl @audio status"),
    ("audio-ioctls", "perl /cdrom.pl $audio"),
    ("audio-rip", "perl /cdrom.pl $audio rip 0 $(( $(cat /share/sectors) )) >/out/rip.raw"),
    ("audio-no-data", "! dd if=$audio of=/dev/null bs=2048 count=1"),
    # Writing like a disk.
    *[step for unit, blank in [
        ("bdre", "xorriso -outdev $bdre -format as_needed"),
        ("dvdram", "xorriso -outdev $dvdram -format as_needed")] for step in [
            (f"{unit}-format", f"{blank} && reload ${unit}"),
            (f"{unit}-mkudffs", f"mkudffs --media-type=dvdram --label={unit} ${unit}"),
            (f"{unit}-mount", f"mount -t udf -o rw ${unit} /mnt"),
            (f"{unit}-write", "cp -a /share/files/. /mnt/ && sync && rm -r /mnt/gone"
             " && mv /mnt/old /mnt/new && echo more >>/mnt/grown && sync"),
            (f"{unit}-umount", "umount /mnt"),
            (f"{unit}-remount", f"mount -t udf -o ro ${unit} /mnt"),
            (f"{unit}-first-tar", f"{TAR} -cf /out/{unit}-first.tar -C /mnt . && umount /mnt"),
    ]],
]
# In another guest, by another server, from the same disc files.
LATER = [step for unit in ["bdre", "dvdram"] for step in [
    (f"{unit}-udfinfo", f"udfinfo ${unit}"),
    (f"{unit}-later-mount", f"mount -t udf -o ro ${unit} /mnt"),
    (f"{unit}-tar", f"{TAR} -cf /out/{unit}.tar -C /mnt ."),
    (f"{unit}-later-umount", "umount /mnt")]]

def check(args):
    program = os.path.abspath(kiln_in_guest.kiln_program(args.bin))
    verdict = serve.Verdicts()
    with guest.Guest() as vm:
        Rig(vm.dir, program, verdict, args).prove(vm)
        if args.keep:
            shutil.copytree(vm.dir, args.keep, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("root.cpio"))
    print(f"{verdict.passed} passed, {verdict.failed} failed")
    return verdict.failed > 0


class Rig(steps.Steps):
    def __init__(self, work, program, verdict, args):
        super().__init__(verdict)
        self.work, self.program = work, program
        self.units = [u for u in UNITS if not args.only or u.name in args.only.split(",")]
        self.share = os.path.join(work, "share")
        os.mkdir(self.share)

    def path(self, name):
        return os.path.join(self.work, name)

    def kiln(self, *args):
        return guest.run(self.program, *args)

    def prepare(self):
        """Discs and what is to be burned."""
        guest.run(os.path.join(guest.ROOT, "scripts", "make-tree"), f"{self.share}/tree")
        self.second()
        foreign.xorriso_image(f"{self.share}/tree", f"{self.share}/first.iso")
        foreign.xorriso_image(f"{self.share}/second", f"{self.share}/second.iso")
        guest.run("cp", "-a", f"{self.share}/tree", self.path("merged"))
        guest.run("cp", "-a", f"{self.share}/second/.", self.path("merged"))
        guest.run("touch", "-r", f"{self.share}/second", self.path("merged"))
        self.music()
        files(f"{self.share}/files")
        for unit in self.units:
            if unit.recorded:
                self.kiln("burn", f"{self.share}/tree", "--drive", f"virtual:{unit.medium}",
                          "--disc", self.path(f"{unit.name}.disc"))
            else:
                self.kiln("disc", "new", unit.medium, self.path(f"{unit.name}.disc"))
        self.kiln("burn", f"{self.share}/second", "--drive", "virtual:cd-r", "--disc",
                  self.path("other.disc"))

    def second(self):
        for n, name in enumerate(["added/later.txt", "names/tilde~", "sizes/65536.bin"]):
            path = f"{self.share}/second/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(name.encode() * 3000)
            os.utime(path, (1_000_000_000 + n, 1_000_000_000 + n))

    def music(self):
        """Two tracks of noise, in whole sectors."""
        self.tracks, dice = [], random.Random(3)
        for name, sectors in [("one", 400), ("two", 675)]:
            samples = dice.randbytes(sectors * 2352)
            header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE",
                                 b"fmt ", 16, 1, 2, 44100, 176400, 4, 16, b"data", len(samples))
            with open(f"{self.share}/{name}.wav", "wb") as file:
                file.write(header + samples)
            self.tracks.append(samples)
        with open(f"{self.share}/sectors", "w") as file:
            file.write(str(sum(map(len, self.tracks)) // 2352))

    def ask(self, words):
        """What the guest may ask this machine for: `ctl @UNIT COMMAND... [@FILE]`."""
        number = [unit.name for unit in self.units].index(words[1].removeprefix("@"))
        more = [self.path(w[1:]) if w.startswith("@") else w for w in words[2:]]
        return self.server.ctl(number, *more)

    def prove(self, vm):
        self.prepare()
        vm.bring("wodim", "growisofs", "genisoimage", "cdrskin", "xorriso", "tar", "mkudffs",
                 "dvd+rw-format", "sg_reset", "sg_raw", "eject",
                 "perl")
        vm.add([("cdrom.pl", 0o100644, guest.read(os.path.join(guest.ROOT,
                                                               "scripts/lib/cdrom.pl")))])
        trace, live = self.path("trace.pcapng"), self.path("live.pcapng")
        with self.serve("--trace", trace) as self.server:
            port = int(self.server.portal.rsplit(":", 1)[1])
            with capture.Live(port, live) as captured:
                self.boot_units(vm, self.units, STEPS)
            self.ends()
        self.judge()
        for what, path, at in [("the server's own trace", trace, None), ("on the wire", live, port)]:
            if path == live and captured.reason:
                print(f"SKIP tshark on the wire: {captured.reason}")
                continue
            burned = [] if all(unit.recorded for unit in self.units) else ["Write(10)", "Close Track"]
            capture.judge(self.verdict, f"tshark, {what}", path, at, 1000,
                          ["Read Disc Information", "Read TOC/PMA/ATIP", "Get Configuration",
                           *burned])
        self.second_guest()
        if any(unit.name == "read" for unit in self.units):
            with guest.Guest() as other:
                initiator_in_guest.prove(self, other)
            readme_in_guest.prove(self)

    def serve(self, *more):
        units = [(f"virtual:{unit.model}", self.path(f"{unit.name}.disc")) for unit in self.units]
        return serve.Served(self.program, units, *more, log=self.path("serve.log"))

    def ends(self):
        code = self.server.stop()
        self.verdict("the server ends cleanly", code == 0,
                     f"exit {code}: {guest.read(self.path('serve.log'))[-2000:]}")

    def boot_units(self, vm, units, steps):
        nodes = {unit.name: vm.iscsi(self.server.urls[self.units.index(unit)]) for unit in units}
        vm.share("share", self.share)
        chosen = [(name, command) for name, command in steps
                  if used_units(name, command) <= nodes.keys()]
        self.boot(vm, chosen, self.ask, [f"{name}=$(sr {n})" for name, n in nodes.items()])

    def second_guest(self):
        later = [unit for unit in self.units if any(name.startswith(f"{unit.name}-")
                                                    for name, _ in LATER)]
        if not later:
            return
        with guest.Guest() as vm, self.serve() as self.server:
            vm.bring("udfinfo", "tar")
            self.boot_units(vm, later, LATER)
            self.ends()
            self.judge_steps()
            for unit in later:
                self.same_tree(f"{unit.name}.tar", self.written(), "udf",
                               f"{unit.medium}: another guest reads what UDF wrote")
                info = self.log(f"{unit.name}-udfinfo")
                self.verdict(f"{unit.medium}: udfinfo finds a clean volume",
                             f"label={unit.name}" in info and "integrity=closed" in info, info)

    def judge(self):
        self.judge_steps()
        names = [unit.name for unit in self.units]
        self.capabilities()
        source, merged = f"{self.share}/tree", self.path("merged")
        if "read" in names:
            blocks = [re.findall(r"^(\d+) blocks", self.log(name), re.MULTILINE)
                      for name in ("read-size", "read-other-size", "read-swapped")]
            self.verdict("the kernel sees each disc's size", len(set(map(tuple, blocks))) == 2
                         and blocks[0] == blocks[2] != [] and blocks[1] not in ([], ["0"]), blocks)
            self.same_tree("read.tar", source, "linux", "the recorded disc")
            self.same_tree("read-other.tar", f"{self.share}/second", "linux", "the other disc")
            self.same_tree("power.tar", source, "linux", "the disc after a power cut")
        for name in ("wodim", "growisofs", "xorriso"):
            if name in names:
                # xorriso gives the last session's size as the volume's, and Linux does not follow
                # what Rock Ridge continues outside: names and targets that are long. It keeps the
                # times of old folders.
                but = ("long", "symlinks") if name == "xorriso" else ()
                self.same_tree(f"{name}.tar", merged, "linux", f"both sessions by {name}", but)
        if "wodim" in names:
            self.two_sessions()
        if "audio" in names:
            self.audio()
        for unit in self.units:
            if f"{unit.name}-first-tar" in dict(self.steps):
                self.same_tree(f"{unit.name}-first.tar", self.written(), "udf",
                               f"{unit.medium}: files written through UDF")
        config = guest.read(os.path.join(guest.CACHE, "config")).decode()
        said = re.search(r".*CONFIG_CDROM_PKTCDVD.*", config)
        if not said or "not set" in said[0]:
            print(f"SKIP packet writing: the guest's kernel is without it "
                  f"({said[0] if said else 'it knows no CONFIG_CDROM_PKTCDVD'})")

    def written(self):
        """The files as the guest left them."""
        path = self.path("written")
        if not os.path.exists(path):
            guest.run("cp", "-a", f"{self.share}/files", path)
            shutil.rmtree(f"{path}/gone")
            os.rename(f"{path}/old", f"{path}/new")
            with open(f"{path}/grown", "a") as file:
                file.write("more\n")
        return path

    def capabilities(self):
        """The kernel's table against the models' profiles."""
        rows = {}
        for line in self.log("info").splitlines():
            if ":" in line:
                name, _, values = line.partition(":")
                rows[name] = values.split()
        order = rows.get("drive name", [])
        for unit, node in zip(reversed(self.units), order):
            path = os.path.join(guest.ROOT, "vdrive", "models", "drives", f"{unit.model}.toml")
            with open(path, "rb") as file:
                profiles = tomllib.load(file)["profiles"]
            wants = {"Can close tray": 1, "Can open tray": 1, "Can lock tray": 1,
                     "Can change speed": 1, "Can select disk": 0, "Can read multisession": 1,
                     "Can read MCN": 1, "Reports media changed": 1, "drive # of slots": 1,
                     "Can write CD-R": 0x09 in profiles, "Can write CD-RW": 0x0a in profiles,
                     "Can read DVD": 0x10 in profiles, "Can write DVD-R": 0x11 in profiles,
                     "Can write DVD-RAM": 0x12 in profiles, "Can read MRW": 0, "Can write MRW": 0,
                     "Can write RAM": 0x12 in profiles or 0x1a in profiles or 0x43 in profiles}
            at = order.index(node)
            wrong = {name: f"{rows.get(name, ['nothing'] * 99)[at]}, not {int(want)}"
                     for name, want in wants.items()
                     if rows.get(name, [""] * 99)[at] != str(int(want))}
            self.verdict(f"{node} ({unit.model}): what the kernel says it can do", not wrong, wrong)
        self.verdict("every drive is in the kernel's table", len(order) == len(self.units), order)

    def two_sessions(self):
        """The second session's start, by the drive's table of contents and by wodim."""
        said = re.search(r"^(\d+),(\d+)$", self.log("wodim-msinfo"), re.MULTILINE)
        start = re.search(r"^session (\d+)", self.log("wodim-ioctls"), re.MULTILINE)
        self.verdict("the kernel finds the session where wodim was told to put it",
                     said and start and start[1] == said[2],
                     f"{self.log('wodim-msinfo')}\n{self.log('wodim-ioctls')}")

    def audio(self):
        """The table of contents that the kernel reads, and the samples."""
        one = len(self.tracks[0]) // 2352
        end = one + len(self.tracks[1]) // 2352
        wanted = ["drive 4", "disc 100"]
        for track, lba in [("1", 0), ("2", one), ("170", end)]:
            minute, second, frame = (lba + 150) // 4500, (lba + 150) // 75 % 60, (lba + 150) % 75
            wanted.append(rf"track {track} control \d lba {lba} "
                          rf"msf {minute:02}:{second:02}:{frame:02}")
        wanted.append("session 0 0")
        said = self.log("audio-ioctls").splitlines()
        missing = [want for want in wanted if not any(re.fullmatch(want, line) for line in said)]
        self.verdict("the kernel reads the audio disc's table of contents", not missing,
                     f"{missing} is not in {said}")
        path = f"{self.out}/rip.raw"
        same = os.path.exists(path) and guest.read(path) == b"".join(self.tracks)
        self.verdict("the kernel reads the samples", same, self.log("audio-rip"))

def used_units(name, command):
    names = {unit.name for unit in UNITS}
    words = set(re.findall(r"[$@](\w+)", command)) | {name.split("-")[0]}
    return words & names


def files(path):
    """What a user might put on a disc that is used like a disk."""
    dice = random.Random(4)
    for n in range(200):
        folder = f"{path}/folder {n % 7}/déjà vu"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/файл {n}.bin", "wb") as file:
            file.write(dice.randbytes(dice.randrange(0, 20_000)))
    for name, size in [("large", 8 << 20), ("grown", 3), ("gone/a", 50_000), ("gone/b", 1),
                       ("old", 100), ("exactly", 2048), ("nothing", 0)]:
        os.makedirs(os.path.dirname(f"{path}/{name}"), exist_ok=True)
        with open(f"{path}/{name}", "wb") as file:
            file.write(dice.randbytes(size))
    os.symlink("folder 1/déjà vu", f"{path}/link")
