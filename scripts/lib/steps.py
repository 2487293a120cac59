"""Shell steps in a guest, one after the other, and what came of them: exit status, what they and
the kernel said."""

import os
import re
import shlex

import expect
import foreign
import guest
import trees

DMESG = os.path.join(guest.ROOT, "scripts", "guest-dmesg.expect")
ISO = "mount -t iso9660 -o ro,map=off,iocharset=utf8"
TAR = "grep -q ' /mnt ' /proc/mounts && /usr/local/bin/tar -b 1024 --warning=no-timestamp"

SHELL = """
export LC_ALL=C
size() { echo $(( $(cat /sys/class/block/${1##*/}/size) / 4 )) blocks; }
same() { cmp -n $(stat -c %s $1) $1 $2; }
# Runs a step by name; the steps after one that does not end are not run.
step() {
    echo step $1 >/dev/kmsg
    ( eval "$2"; echo $? >/out/$1.code ) </dev/null >/out/$1.log 2>&1 &
    n=0
    while [ ! -e /out/$1.code ]; do
        n=$((n + 1))
        if [ $n -gt 1800 ]; then ps; echo endless >/out/$1.code; return 1; fi
        usleep 100000
    done
}
# The kernel looks at a disc anew when it comes in. Nothing but a hand closes a slim drive's tray.
reload() {
    if [ -n "$2" ]; then
        host ctl @$2 eject && host ctl @$2 insert @$2.disc || return
    else
        eject $1 && eject -t $1 || return
    fi
    patient dd if=$1 of=/dev/null bs=2048 count=1
}
# A drive that wakes up, or has just lost its power, may need to be asked more than once.
patient() {
    n=0
    until "$@"; do n=$((n + 1)); [ $n -lt 40 ] || return 1; sleep 1; done
}
"""


class Steps:
    """Steps are (name, command) and must end with 0, but those whose command begins with `! `. A
    guest's steps are judged before the next one's are run."""

    def __init__(self, verdict):
        self.verdict = verdict

    def boot(self, vm, steps, host, variables=()):
        self.steps, self.out = steps, vm.out
        job = [SHELL, *variables]
        for name, command in steps:
            job.append(f"step {name} {shlex.quote(command.removeprefix('! '))} || return")
        vm.run("\n".join(job), timeout=900, host=host)

    def log(self, name):
        path = f"{self.out}/{name}.log"
        return guest.read(path).decode(errors="replace") if os.path.exists(path) else ""

    def judge_steps(self):
        for name, command in self.steps:
            path = f"{self.out}/{name}.code"
            code = guest.read(path).decode().strip() if os.path.exists(path) else "none: not run"
            good = code.isdigit() and (code != "0") == command.startswith("! ")
            # These end with 0 although something went wrong.
            complaint = re.search(r"^:-[\[(].*", self.log(name), re.MULTILINE)
            self.verdict(f"{name}: {command}", good and not complaint,
                         f"exit {code}\n{self.log(name)[-3000:]}")
        self.kernel_log()

    def same_tree(self, tar, source, reader, what, but=()):
        if not os.path.exists(f"{self.out}/{tar}"):
            return self.verdict(f"{what}: every file", False, "could not be mounted")
        aspects = ("kind", "mode", "size", "target", "sha256")
        if reader == "linux":
            # One name at a time: Linux gives each name of a file on ISO 9660 a number of its own.
            aspects += ("mtime", "link-mtime")
        rules = foreign.load_rules()
        want, got = trees.from_directory(source), trees.from_tar(f"{self.out}/{tar}")
        if reader == "udf":
            got = {path: entry for path, entry in got.items()
                   if not path.startswith("lost+found")}
        found = [d for d in foreign.exactly(aspects)(want, got) if d.path
                 and d.path.split("/")[0] not in but and not (but and d.aspect == "mtime")
                 and not expect.match(rules, reader, d.aspect, d.path)]
        self.verdict(f"{what}: every file", not found and len(got) > 3, str(found[:5]))

    def kernel_log(self):
        """Everything that the kernel said since the drivers were loaded, against what is allowed."""
        rules = expect.load(DMESG, ("step", "line", "reason"))
        lines = guest.read(f"{self.out}/dmesg").decode(errors="replace").splitlines()
        lines = [re.sub(r"^\[ *[\d.]+\] ", "", line) for line in lines]
        start = next((n for n, line in enumerate(lines) if "SCSI subsystem initialized" in line), 0)
        step, wrong = "attach", []
        for line in lines[start:]:
            if line.startswith("step "):
                step = line[5:]
                continue
            if not expect.match(rules, step, line):
                wrong.append(f"{step}: {line}")
        self.verdict("the kernel has nothing to complain of", not wrong, "\n" + "\n".join(wrong))
