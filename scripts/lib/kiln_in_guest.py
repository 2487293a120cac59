"""kiln on real drivers: QEMU's CD-ROM drive and tgt's recorder, in one boot of the guest."""

import filecmp
import os
import shutil
import subprocess

import expect
import foreign
import guest
import trees

# Name and command of each step, whose exit status and output are kept. {dvd} and {other} are
# recorders of tgt with a blank disc each, {cd} is QEMU's drive.
STEPS = [
    ("drives", "kiln drives"),
    ("cd-info", "kiln info --drive {cd}"),
    ("cd-read", "kiln read --drive {cd} -o /out/cd.iso"),
    ("cd-burn-refused", "kiln burn /tree --drive {cd}"),
    ("dvd-info-blank", "kiln info --drive {dvd}"),
    ("dvd-plan", "kiln burn /tree --drive {dvd} --plan"),
    ("dvd-burn", "kiln burn /tree --drive {dvd} --verify full"),
    ("dvd-info", "kiln info --drive {dvd}"),
    ("dvd-read", "kiln read --drive {dvd} -o /out/dvd.iso"),
    # tgt tells of no new medium after a burn and Linux keeps the blank one's size: plug it in anew.
    ("dvd-replug", "replug {dvd}"),
    ("dvd-mount", "mount -t iso9660 -o ro,map=off,iocharset=utf8 {dvd} /mnt"),
    ("dvd-tar", "/usr/local/bin/tar -b 1024 -cf /out/dvd.tar -C /mnt ."),
    ("mounted-burn-refused", "kiln burn /tree --drive {dvd}"),
    ("umount", "umount /mnt"),
    ("scenario", "kiln run /scenario.toml --drive {other}"),
    ("missing-refused", "kiln info --drive /dev/sr7"),
    ("kernel-log", "! dmesg | grep -E 'sr[0-9].*([Ee]rror|[Ff]ail)|I/O error|hung task|Oops:'"),
]


REPLUG = """
replug() {
    echo 1 >/sys/class/block/${1##*/}/device/delete
    for host in /sys/class/scsi_host/*; do echo '- - -' >$host/scan; done
    n=0
    until [ -b $1 ]; do n=$((n + 1)); [ $n -lt 100 ] || return 1; usleep 100000; done
}
"""


def kiln_program(path):
    if path:
        return path
    subprocess.run(["cargo", "build", "--quiet", "--release", "-p", "kiln", "-p",
                    "kiln-preload"], cwd=guest.ROOT,
                   check=True)
    return os.path.join(guest.ROOT, "target", "release", "kiln")


def check(args):
    program = kiln_program(args.bin)
    with guest.Guest() as vm, guest.Tgt(vm.dir, drives=2) as recorder:
        source = os.path.join(vm.dir, "tree")
        guest.run(os.path.join(guest.ROOT, "scripts", "make-tree"), source)
        image = os.path.join(vm.dir, "cd.iso")
        foreign.xorriso_image(source, image)
        vm.add(guest.program(program, "kiln"))
        vm.add(guest.program(shutil.which("tar")))
        vm.share("tree", source)
        scenario = os.path.join(guest.ROOT, "harness", "scenarios", "any-drive.toml")
        vm.add([("scenario.toml", 0o100644, guest.read(scenario))])
        dvd, cd, other = vm.iscsi(recorder.urls[0]), vm.cd(image), vm.iscsi(recorder.urls[1])
        job = [REPLUG, f"dvd=$(sr {dvd})", f"cd=$(sr {cd})", f"other=$(sr {other})"]
        for name, command in STEPS:
            command = command.format(cd="$cd", dvd="$dvd", other="$other")
            job.append(f"( {command} ) >/out/{name}.log 2>&1; echo $? >/out/{name}.code")
        vm.run("\n".join(job), timeout=300)
        results = Results(vm.out)
        results.judge(image, source)
        if args.keep:
            shutil.copytree(vm.out, args.keep, dirs_exist_ok=True)
    print(f"{results.passed} passed, {results.failed} failed")
    return results.failed > 0


class Results:
    def __init__(self, out):
        self.out, self.passed, self.failed = out, 0, 0

    def log(self, name):
        return guest.read(f"{self.out}/{name}.log").decode(errors="replace")

    def verdict(self, what, good, why=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"{'ok   ' if good else 'WRONG'} {what}" + (f": {why}" if not good else ""))

    def judge(self, image, source):
        refusals = {"cd-burn-refused": "", "mounted-burn-refused": "mounted",
                    "missing-refused": "/dev/sr7"}
        for name, command in STEPS:
            code, log = int(guest.read(f"{self.out}/{name}.code")), self.log(name)
            if name in refusals:
                good = code not in (0, 101) and refusals[name] in log
            else:
                good = code == 0
            self.verdict(f"{name}: {command}", good, f"exit {code}\n{log[-3000:]}")
        log = self.log("drives")
        self.verdict("all drives are listed", all(f"/dev/sr{n}" in log for n in range(3)), log)
        self.verdict("the CD is read as it is", self.same("cd.iso", image), "the files differ")
        self.tree("dvd.tar", source)
        if os.path.exists(f"{self.out}/dvd.iso"):
            case = foreign.Case("dvd+r by tgt", f"{self.out}/dvd.iso", source)
            passed, failed = foreign.check([case], ["xorriso", "bsdtar", "7z", "isoinfo"])
            self.passed, self.failed = self.passed + passed, self.failed + failed
        else:
            self.verdict("the DVD is read back", False, "no image")

    def same(self, name, reference):
        """Whether an image read from a disc is the reference, padding at the end aside."""
        path = f"{self.out}/{name}"
        return os.path.exists(path) and filecmp.cmp(path, reference, shallow=False)

    def tree(self, name, source):
        """The tree that Linux saw on the disc in the drive."""
        if not os.path.exists(f"{self.out}/{name}"):
            return self.verdict("Linux mounts the DVD", False, "it does not")
        got = trees.from_tar(f"{self.out}/{name}")
        # One name at a time: Linux gives each name of a file on ISO 9660 a number of its own.
        aspects = ("kind", "mode", "size", "mtime", "target", "sha256", "link-mtime")
        rules = foreign.load_rules()
        found = [d for d in foreign.exactly(aspects)(trees.from_directory(source), got)
                 if not expect.match(rules, "linux", d.aspect, d.path)]
        self.verdict("Linux mounts the DVD and sees the tree", not found, str(found[:5]))
