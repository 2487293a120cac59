"""What programs that are not ours find in an image, against the folder that it was made from.

Each reader turns an image into a tree and says which aspects of it can be held against the source.
What a reader is known not to manage stands in `foreign-image.expect` with the reason; an entry
that no longer applies is an error like an unexpected difference."""

import collections
import json
import os
import re
import shutil
import subprocess
import tempfile

import expect
import guest
import trees

# `start`: the block where the session to look at starts; `systems`: the file systems of the image.
# `access`: what a UDF volume says may be done with it, in udfinfo's words.
Case = collections.namedtuple("Case", "name image source start systems access",
                              defaults=(0, ("iso9660",), "readonly"))
Difference = collections.namedtuple("Difference", "path aspect want got")

ALL = ("kind", "mode", "size", "mtime", "target", "sha256", "links")
EXPECT = os.path.join(guest.ROOT, "scripts", "foreign-image.expect")


class Unreadable(Exception):
    """The reader cannot make sense of the image."""


def call(*command, cwd=None):
    env = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
    guest.need(command[0])
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, timeout=600,
                          capture_output=True)
    text = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode:
        raise Unreadable(f"{command[0]}: exit {done.returncode}: {' '.join(text.split())[-300:]}")
    return done.stdout.decode("utf-8", "surrogateescape")


def xorriso_image(source, image):
    """An image of the folder by xorriso, to hold the checks against."""
    call("xorriso", "-as", "mkisofs", "-quiet", "--hardlinks", "-J", "-joliet-long", "-R",
         "-iso-level", "3", "-o", image, source)


class Unfit(Exception):
    """The reader is not made for such an image."""


# The readers: (case, scratch directory) -> tree.

def xorriso(case, scratch):
    into = os.path.join(scratch, "tree")
    call("xorriso", "-abort_on", "FAILURE", "-osirrox", "on", "-hardlinks", "on",
         "-load", "sbsector", str(case.start), "-indev", f"stdio:{case.image}",
         "-extract", "/", into)
    return trees.from_directory(into)


def bsdtar(case, scratch):
    if case.start:
        raise Unfit("it reads forward only, and old files lie before the new session's tree")
    into = os.path.join(scratch, "tree")
    os.mkdir(into)
    call("bsdtar", "-xpf", first_session(case, scratch), "-C", into)
    return trees.from_directory(into)


def sevenzip(case, scratch):
    into = os.path.join(scratch, "tree")
    call("7z", "x", "-y", "-snl", f"-o{into}", first_session(case, scratch))
    return trees.from_directory(into)


def isoinfo(case, scratch):
    """Parses the long listing: `-rw-r--r--   1    0    0    11 Apr 29 2000 [    547 00]  name`."""
    listing = call("isoinfo", "-R", "-l", "-T", str(case.start), "-i", case.image)
    tree, at = {}, ""
    line_form = re.compile(
        r"(.)(.{9}) +\d+ +\d+ +\d+ +(\d+) \w{3} +\d+ +\d{4} \[ *-?\d+ [0-9a-f]{2}\]  (.*)")
    for line in listing.split("\n"):
        if line.startswith("Directory listing of /"):
            at = line[len("Directory listing of /"):]
        if not (match := line_form.fullmatch(line)):
            continue
        kind, rights, size, name = match.groups()
        name = name if kind == "l" else name.removesuffix(" ")
        mode = sum(0o400 >> n for n, c in enumerate(rights) if c != "-")
        if name in (".", ".."):
            if name == "." and not at:
                tree[""] = trees.Entry("dir", mode)
        elif kind == "d":
            tree[at + name] = trees.Entry("dir", mode)
        elif kind == "l":
            name, _, target = name.partition(" -> ")
            tree[at + name] = trees.Entry("link", target=target)
        else:
            tree[at + name] = trees.Entry("file", mode, int(size))
    return tree


def pycdlib(system):
    """Of Rock Ridge it knows version 1.12 as IEEE_P1282 only, which xorriso and kiln call IEEE_1282."""
    def read(case, scratch):
        if case.start:
            raise Unfit("it knows of one volume, at the start")
        python = os.path.join(guest.CACHE, "python")
        if not os.path.isdir(python):
            print("SKIP pycdlib: missing; scripts/setup installs it")
            raise Unfit("missing")
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pycdlib_tree.py")
        try:
            said = call("env", f"PYTHONPATH={python}", "python3", program, case.image, system)
        except Unreadable as reason:
            # Directories within their entries, metadata partitions and volumes with one anchor.
            if "Reserved data not 0!" in str(reason) or "UDF" in str(reason):
                raise Unfit("it gives up where it does not know the UDF beside") from None
            raise
        found = (json.loads(line) for line in said.splitlines())
        return {entry.pop("path"): trees.Entry(**entry) for entry in found}
    return read


def first_session(case, scratch):
    """The image for readers that know of no sessions: with the volume descriptors of the wanted
    session in the place of the first one's, as programs that grow overwritable discs leave them."""
    if not case.start:
        return case.image
    copy = os.path.join(scratch, "single.iso")
    subprocess.run(["cp", "--sparse=auto", "--reflink=auto", case.image, copy], check=True)
    with open(copy, "r+b") as file:
        file.seek((case.start + 16) * 2048)
        descriptors = file.read(16 * 2048)
        file.seek(16 * 2048)
        file.write(descriptors)
    return copy


# Comparing.

def exactly(aspects, rights=0o7777):
    def compare(source, got):
        for path in sorted(source.keys() | got.keys()):
            want, have = source.get(path), got.get(path)
            if want is None or have is None:
                yield Difference(path, "missing" if have is None else "extra", "", "")
                continue
            for aspect in aspects:
                if aspect == "mtime" and want.kind == "link" and "link-mtime" not in aspects:
                    continue
                a, b = getattr(want, aspect, None), getattr(have, aspect, None)
                if aspect == "mode" and a is not None:
                    a &= rights
                if want.kind == "link" and aspect not in ("kind", "target", "mtime"):
                    continue
                if a is not None and a != b:
                    yield Difference(path, aspect, a, b)
    return compare


def in_joliet(source, got):
    """Joliet has neither links nor rights, changes some characters and cuts names. Names that it can
    hold must be there as they are; of all others, each file's content must be there."""
    want = {path: e for path, e in source.items() if path and e.kind in ("dir", "file")}
    have = {path: e for path, e in got.items() if path and e.kind != "link"}
    for path, e in sorted(want.items()):
        if not fits_joliet(path):
            continue
        if path not in have:
            yield Difference(path, "missing", "", "")
            continue
        for aspect in ("kind", "size", "sha256"):
            if getattr(e, aspect) != getattr(have[path], aspect):
                yield Difference(path, aspect, getattr(e, aspect), getattr(have[path], aspect))

    def contents(tree):
        return collections.Counter(
            (e.kind, path.count("/"), e.sha256) for path, e in tree.items())

    for (kind, depth, sha256), n in sorted((contents(want) - contents(have)).items(), key=str):
        names = sorted(p for p, e in want.items() if (e.kind, e.sha256) == (kind, sha256)
                       and p.count("/") == depth)
        yield Difference(names[0], "content-missing", f"{n} {kind}", "")
    for (kind, depth, sha256), n in sorted((contents(have) - contents(want)).items(), key=str):
        names = sorted(p for p, e in have.items() if (e.kind, e.sha256) == (kind, sha256)
                       and p.count("/") == depth)
        yield Difference(names[0], "content-extra", "", f"{n} {kind}")


def fits_joliet(path):
    """Whether every part is within 64 characters of UCS-2 that Joliet allows (Joliet, 'Relaxation of
    the ISO 9660 restrictions'), in a depth that all writers keep."""
    parts = path.split("/")
    return len(path.encode("utf-16-be")) // 2 <= 120 and len(parts) <= 8 and all(
        len(part) <= 64 and not part.endswith(".") and not re.search(r'[*/:;?\\\x00-\x1f]', part)
        and all(ord(c) < 0x10000 for c in part) for part in parts)


def udfinfo(case, scratch):
    """Reads no tree, but holds every descriptor of the volume against UDF."""
    said = call("udfinfo", case.image)
    for expected in ("integrity=closed", f"accesstype={case.access}"):
        if expected not in said.split("\n"):
            raise Unreadable(f"udfinfo does not say {expected}: {' '.join(said.split())}")
    numbers = dict(re.findall(r"^(numfiles|numdirs)=(\d+)$", said, re.MULTILINE))
    return {"files": int(numbers["numfiles"]), "directories": int(numbers["numdirs"])}


def in_udfinfo(source, got):
    """The counts of files, hard links once, and of directories."""
    names = {e.links or (path,) for path, e in source.items() if e.kind != "dir"}
    want = {"files": len(names), "directories": sum(e.kind == "dir" for e in source.values())}
    for what in sorted(want):
        if want[what] != got[what]:
            yield Difference("", what, want[what], got[what])


Reader = collections.namedtuple("Reader", "run compare system", defaults=("iso9660",))
READERS = {
    # xorriso does not set the times of symbolic links when it extracts.
    "xorriso": Reader(xorriso, exactly(ALL)),
    "bsdtar": Reader(bsdtar, exactly(ALL + ("link-mtime",))),
    "7z": Reader(sevenzip, in_joliet),
    # Its listing knows no set-id and sticky bits.
    "isoinfo": Reader(isoinfo, exactly(("kind", "mode", "size", "target"), rights=0o777)),
    "pycdlib-joliet": Reader(pycdlib("joliet"), in_joliet),
    "linux": Reader(None, exactly(
        ("kind", "mode", "size", "mtime", "target", "sha256", "count", "link-mtime"))),
    "linux-joliet": Reader(None, in_joliet),
    "linux-udf": Reader(None, exactly(
        ("kind", "mode", "size", "mtime", "target", "sha256", "count", "link-mtime")), "udf"),
    "udfinfo": Reader(udfinfo, in_udfinfo, "udf"),
}


def check(cases, readers=None, rules=None):
    """Runs the readers on every case, prints the table and what is wrong; returns the number of
    (case, reader) pairs that passed and that failed."""
    readers = [name for name in readers or READERS
               if any(READERS[name].system in case.systems for case in cases)]
    rules = load_rules() if rules is None else rules
    sources = {case.source: None for case in cases}
    for source in sources:
        sources[source] = trees.from_directory(source)
    kernel = iter(kernel_trees(cases, readers))
    table, wrong, used = {}, [], set()
    for case in cases:
        for name in readers:
            reader = READERS[name]
            if reader.system not in case.systems:
                table[case.name, name] = "-"
                continue
            try:
                tree = next(kernel) if reader.run is None else extracted(reader, case)
                found = list(reader.compare(sources[case.source], tree))
            except Unfit as reason:
                table[case.name, name] = "-"
                print(f"- {case.name}: {name}: {reason}")
                continue
            except (Unreadable, subprocess.TimeoutExpired) as error:
                found, tree = [Difference("", "unreadable", "", str(error))], {}
            known = 0
            for difference in found:
                rule = expect.match(
                    rules, name, difference.aspect, difference.path or ".")
                used.add(rule)
                known += rule is not None
                if rule is None:
                    wrong.append((case.name, name, difference))
            bad = len(found) - known
            table[case.name, name] = f"{bad} WRONG" if bad else f"ok, {known} known" if known else "ok"
    print_table([case.name for case in cases], readers, table)
    for case, reader, d in wrong[:60]:
        print(f"{case}: {reader}: {d.path[:150] or '.'!r}: {d.aspect}"
              + (f": {str(d.want)[:80]!r} became {str(d.got)[:300]!r}" if d.want or d.got else ""))
    if len(wrong) > 60:
        print(f"... and {len(wrong) - 60} more")
    failed = sum("WRONG" in cell for cell in table.values())
    failed += expect.say_stale(stale(rules, used, readers, sources.values()), "foreign-image.expect")
    return sum(cell.startswith("ok") for cell in table.values()), failed


def extracted(reader, case):
    os.makedirs(guest.CACHE, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix="foreign-", dir=guest.CACHE)
    try:
        return reader.run(case, scratch)
    finally:
        # What was extracted may forbid its own removal.
        subprocess.run(["chmod", "-R", "u+rwX", scratch], check=False)
        shutil.rmtree(scratch)


def kernel_trees(cases, readers):
    """The kernel's trees of all cases in one boot, made when the first is asked for."""
    jobs = [(os.path.abspath(case.image), mount_options(case, name))
            for case in cases for name in readers
            if READERS[name].run is None and READERS[name].system in case.systems]
    results = trees.mounted(jobs) if jobs else []
    return (unwrap(tree) for tree in results)


def mount_options(case, reader):
    if READERS[reader].system == "udf":
        return trees.MountOptions(type="udf")
    return trees.MountOptions(norock=reader == "linux-joliet", sbsector=case.start or None)


def unwrap(tree):
    if isinstance(tree, str):
        raise Unreadable(tree)
    return tree


def load_rules():
    return expect.load(EXPECT, ("reader", "aspect", "path", "reason"))


def stale(rules, used, readers, sources):
    """Rules that apply to a path in one of the sources and whose reader ran, but matched nothing."""
    for rule in rules:
        reader, _, pattern = rule.patterns
        if reader in readers and rule not in used:
            if any(expect.fits(pattern, path or ".") for source in sources for path in source):
                yield rule


def print_table(rows, columns, table):
    width = max(len(row) for row in [*rows, "image"])
    widths = [max(len(c), *(len(table[r, c]) for r in rows)) for c in columns]
    line = lambda first, cells: print(  # noqa: E731
        "  ".join([first.ljust(width)] + [c.ljust(w) for c, w in zip(cells, widths)]).rstrip())
    line("image", columns)
    for row in rows:
        line(row, [table[row, column] for column in columns])
