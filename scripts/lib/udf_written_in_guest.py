"""UDF volumes that can be changed: Linux mounts them for writing, adds, changes and removes files, and
what it leaves is judged by udfinfo and by kiln's own reader."""

import filecmp
import os
import re
import shutil
import subprocess

import guest

# What Linux does in each volume, which has the awkward tree.
WRITE = """
change() {
    mount -t udf -o rw $1 /mnt || return 1
    grep " /mnt udf rw" /proc/mounts || return 2
    mkdir /mnt/new /mnt/new/below &&
    dd if=/dev/urandom of=/out/random bs=1024 count=700 &&
    cp /out/random /mnt/new/below/random.bin &&
    i=0 && while [ $i -lt 300 ]; do echo $i >"/mnt/new/a file with a long name $i" || return 3
        i=$((i + 1)); done &&
    rm /mnt/sizes/1.bin && mv /mnt/empty /mnt/new/moved &&
    df /mnt && umount /mnt || return 4
    mount -t udf -o ro $1 /mnt && cmp /out/random /mnt/new/below/random.bin &&
    [ $(ls /mnt/new | wc -l) = 302 ] && umount /mnt
}
"""
# Files that the tree has for the guest to remove and to move.
REMOVED, MOVED = "sizes/1.bin", "empty"


class Wrong(Exception):
    """What Linux left is not sound."""


def check(program, images):
    """Changes a copy of each (name, image) in one boot; returns how many passed and failed."""
    passed = failed = 0
    guest.need("udfinfo")
    with guest.Guest() as vm:
        disks = []
        job = [WRITE]
        for n, (_, image) in enumerate(images):
            copy = os.path.join(vm.dir, f"{n}.udf")
            subprocess.run(["cp", "--sparse=auto", image, copy], check=True)
            disks.append(copy)
            number = vm.disk(copy)
            job.append(f"( change $(sd {number}) ) >/out/{n}.log 2>&1; echo $? >/out/{n}.code")
            job.append("umount /mnt 2>/dev/null; cp /out/random /out/random.%d" % n)
        vm.run("\n".join(job), timeout=300)
        log = guest.read(f"{vm.out}/dmesg").decode(errors="replace")
        for n, (name, image) in enumerate(images):
            try:
                code = int(guest.read(f"{vm.out}/{n}.code"))
                said = guest.read(f"{vm.out}/{n}.log").decode(errors="replace")
                if code:
                    udf = [line for line in log.splitlines() if "UDF" in line]
                    raise Wrong(f"Linux: exit {code}: {said[-300:]} {udf[-4:]}")
                judge(program, image, disks[n], f"{vm.out}/random.{n}", f"{vm.dir}/tree{n}")
                print(f"ok    {name}: changed by Linux")
                passed += 1
            except (Wrong, OSError) as wrong:
                print(f"WRONG {name}: changed by Linux: {wrong}")
                failed += 1
    return passed, failed


def judge(program, before, image, random, into):
    numbers, was = counts(image), counts(before)
    done = subprocess.run([program, "image", "extract", image, "-d", into], capture_output=True,
                          text=True)
    if done.returncode or re.search(r": byte \d+: ", done.stderr):
        raise Wrong(f"kiln: exit {done.returncode}: {done.stderr[-500:]}")
    if not filecmp.cmp(random, f"{into}/new/below/random.bin", shallow=False):
        raise Wrong("the file that Linux wrote is another")
    gone = [name for name in (REMOVED, MOVED) if os.path.lexists(f"{into}/{name}")]
    if len(os.listdir(f"{into}/new")) != 302 or gone:
        raise Wrong(f"the directories that Linux changed are others: {gone}")
    if numbers != (was[0] + 300, was[1] + 2):
        raise Wrong(f"{was} files and directories became {numbers}")
    subprocess.run(["chmod", "-R", "u+rwX", into], check=False)
    shutil.rmtree(into)


def counts(image):
    """How many files and directories the volume says it has."""
    info = subprocess.run(["udfinfo", image], capture_output=True, text=True)
    if info.returncode or info.stderr or "integrity=closed" not in info.stdout.split("\n"):
        raise Wrong(f"udfinfo: {info.stderr or info.stdout}")
    numbers = dict(re.findall(r"^(numfiles|numdirs)=(\d+)$", info.stdout, re.MULTILINE))
    return int(numbers["numfiles"]), int(numbers["numdirs"])
