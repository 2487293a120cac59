"""Trees of files as values: read from a directory, a tar stream or an image that the guest's kernel
mounts, printed, compared."""

import collections
import hashlib
import os
import shutil
import stat
import tarfile

import big_trees
import guest

# One entry. `count`: how many names a file has; `links`: which, sorted, where that is known.
Entry = collections.namedtuple("Entry", "kind mode size mtime target sha256 count links",
                               defaults=(None,) * 7)

MountOptions = collections.namedtuple("MountOptions", "type norock sbsector",
                                      defaults=("iso9660", False, None))

CHUNK = 1 << 20


def digest(file):
    total = hashlib.sha256()
    while chunk := file.read(CHUNK):
        total.update(chunk)
    return total.hexdigest()


def from_directory(root):
    """Every path below `root`, which itself is the path ''."""
    found, inodes = {}, collections.defaultdict(list)

    def visit(path):
        full = os.path.join(root, path) if path else root
        info = os.lstat(full)
        mode, mtime = stat.S_IMODE(info.st_mode), info.st_mtime_ns // 10**9
        if stat.S_ISLNK(info.st_mode):
            found[path] = Entry("link", mtime=mtime, target=os.readlink(full))
        elif stat.S_ISDIR(info.st_mode):
            found[path] = Entry("dir", mode, mtime=mtime)
            for name in os.listdir(full):
                visit(os.path.join(path, name))
        elif stat.S_ISREG(info.st_mode):
            with open(full, "rb") as file:
                sha256 = digest(file)
            found[path] = Entry("file", mode, info.st_size, mtime, None, sha256, 1, (path,))
            inodes[info.st_dev, info.st_ino].append(path)
        else:
            found[path] = Entry("other", mode, mtime=mtime)

    visit("")
    return with_links(found, inodes.values())


def from_tar(path):
    found, groups = {}, collections.defaultdict(list)
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            name = os.path.normpath(member.name)
            name = "" if name == "." else name
            mode, mtime = member.mode & 0o7777, int(member.mtime)
            if member.issym():
                entry = Entry("link", mtime=mtime, target=member.linkname)
            elif member.isdir():
                entry = Entry("dir", mode, mtime=mtime)
            elif member.islnk():
                first = os.path.normpath(member.linkname)
                entry = found[first]
                groups[first].append(name)
            elif member.isreg():
                sha256 = digest(archive.extractfile(member))
                entry = Entry("file", mode, member.size, mtime, None, sha256, 1, (name,))
            else:
                entry = Entry("other", mode, mtime=mtime)
            found[name] = entry
    return with_links(found, ([first, *others] for first, others in groups.items()))


def with_links(found, groups):
    for paths in groups:
        if len(paths) > 1:
            for path in paths:
                found[path] = found[path]._replace(count=len(paths), links=tuple(sorted(paths)))
    return found


def manifest(tree):
    """Lines for a person or a diff: type, mode, size, links, time, content, path."""
    for path in sorted(tree):
        e = tree[path]
        mode = "-" if e.mode is None else f"{e.mode:04o}"
        size, count = ("-" if n is None else n for n in (e.size, e.count))
        content = e.sha256 or (f"-> {e.target}" if e.kind == "link" else "-")
        yield f"{e.kind} {mode} {size} {count} {e.mtime} {content} {path or '.'!r}"


# look NUMBER NODE TYPE OPTIONS: mounts and stores what is there. Needs GNU tar: busybox's writes in
# pieces so small that a large file takes minutes without acceleration.
LOOK = r"""
look() {
    mount -t $3 -o $4 $2 /mnt 2>/out/$1.error || return
    /usr/local/bin/tar -b 1024 --warning=no-timestamp -cf /out/$1.tar -C /mnt . 2>/out/$1.error
    echo $? >/out/$1.done
    (cd /mnt && find . -type f -exec stat -c '%h %n' {} + >/out/$1.links)
    umount /mnt
}"""


def mounted(images):
    """The tree of each (image, MountOptions) as Linux shows it, in one boot; a string where
    mounting failed: what the kernel said. Hard links are told by the link count that Linux reports,
    as its ISO 9660 driver gives each name a number of its own."""
    with guest.Guest() as vm:
        vm.add(guest.program(shutil.which("tar")))
        job, numbers = [LOOK], {}
        for n, (image, options) in enumerate(images):
            if image not in numbers:
                numbers[image] = vm.cd(image)
            flags = ["ro"]
            if options.type == "iso9660":
                flags += ["map=off", "iocharset=utf8"]
                flags += ["norock", "check=s"] if options.norock else []
                flags += [f"sbsector={options.sbsector}"] if options.sbsector is not None else []
            job.append(f"look {n} $(sr {numbers[image]}) {options.type} {','.join(flags)}")
        size = sum(os.path.getsize(image) for image in numbers)
        vm.run("\n".join(job), timeout=300 + size // (10 << 20))
        return [result(vm.out, n) for n in range(len(images))]


# marks NUMBER NODE TYPE FILE SIZE MARK POSITION...: what is wrong with the only file of a volume.
MARKS = r"""
marks() {
    out=/out/$1.marks type=$3 file=$4 size=$5 mark=$6
    mount -t $3 -o ro $2 /mnt 2>$out || return
    shift 6
    found=$(stat -c %s /mnt/$file)
    [ "$found" = "$size" ] || echo "size $found, not $size" >>$out
    for at in "$@"; do
        found=$(dd if=/mnt/$file bs=1 skip=$at count=${#mark} 2>>$out.error)
        [ "$found" = "$mark" ] || echo "byte $at: '$found', not '$mark'" >>$out
    done
    umount /mnt
    echo done >>$out
}"""


def marks(case):
    """For each file system of the image: what Linux finds wrong with size and marks of the only file
    in the case's folder, or None."""
    name, = os.listdir(case.source)
    size = os.path.getsize(os.path.join(case.source, name))
    where = " ".join(map(str, big_trees.marks_of(name)))
    with guest.Guest() as vm:
        node = f"$(sr {vm.cd(case.image)})"
        script = [MARKS]
        for n, system in enumerate(case.systems):
            script.append(f"marks {n} {node} {system} {name} {size} '{big_trees.MARK.decode()}' {where}")
        vm.run("\n".join(script), timeout=300)
        said = [guest.read(f"{vm.out}/{n}.marks").decode(errors="replace").split("\n")
                for n in range(len(case.systems))]
    return [None if lines == ["done", ""] else " ".join(lines) for lines in said]


def result(out, n):
    if not os.path.exists(f"{out}/{n}.done"):
        log = guest.read(f"{out}/dmesg").decode(errors="replace").splitlines()
        said = [line for line in log if "isofs" in line.lower() or "udf" in line.lower()]
        return " ".join(guest.read(f"{out}/{n}.error").decode().split() + said[-3:])
    error = guest.read(f"{out}/{n}.error").decode(errors="replace")
    if guest.read(f"{out}/{n}.done").strip() != b"0":
        return f"reading failed: {error.strip()}"
    tree = from_tar(f"{out}/{n}.tar")
    counts = {}
    for line in guest.read(f"{out}/{n}.links").decode(errors="surrogateescape").splitlines():
        count, _, path = line.partition(" ")
        counts[os.path.normpath(path)] = int(count)
    # A link count says how many names there are, not which.
    return {path: e._replace(count=counts.get(path), links=None) if e.kind == "file" else e
            for path, e in tree.items()}
