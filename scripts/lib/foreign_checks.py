"""What must hold after a row's steps: of what was said, of files that were made, and above all of
the medium, which is looked at by kiln and by a foreign program that did not write it."""

import collections
import json
import os
import re
import subprocess

import foreign_material
import trees

# Where a row happened.
Scene = collections.namedtuple("Scene", "runner row folder disc")

# What a program says when something went wrong, though it may end with success.
COMPLAINTS = {
    "growisofs": r":-\[",
    "dvd+rw-format": r":-\[",
    "dvd+rw-mediainfo": r":-\[",
    "wodim": r"Input/output error|Sense Key: 0x[2-7]|Cannot (?:fixate|write|blank|open)",
    "cdrskin": r"(?:FATAL|FAILURE|SORRY) :",
    "xorriso": r"(?:FATAL|FAILURE|SORRY) :",
    "cdrdao": r"(?m)^ERROR",
    "icedax": r"Input/output error",
    "readom": r"Input/output error",
}


class Wrong(Exception):
    """The program or the medium is not as the row says it must be."""


def check(scene, text):
    want = dict(scene.row.want)
    want.pop("exit", None)
    complaint = re.search(COMPLAINTS.get(scene.row.program, r"(?!)"), text)
    if complaint and not want.pop("complains", False):
        at = max(complaint.start() - 150, 0)
        raise Wrong(f"it complains: {squeezed(text[at:complaint.end() + 250])}")
    for pattern in listed(want.pop("says", [])):
        if not re.search(pattern, text, re.MULTILINE):
            raise Wrong(f"it does not say `{pattern}`: {squeezed(text[-600:])}")
    for pattern in listed(want.pop("never", [])):
        if found := re.search(pattern, text, re.MULTILINE):
            raise Wrong(f"it says `{squeezed(text[found.start():found.end() + 200])}`")
    readers = listed(want.pop("readers", ["kiln", "dd"]))
    for key, value in want.items():
        if key not in CHECKS:
            raise Wrong(f"the table asks for `{key}`, which nothing checks")
        if CHECKS[key] in (image, blocks, second):
            CHECKS[key](scene, value, readers)
        else:
            CHECKS[key](scene, value)


def listed(value):
    return value if isinstance(value, list) else [value]


def squeezed(text):
    return " ".join(text.split())


def foreign(scene, line):
    """What another program says of the medium; a new visit to the drive."""
    code, said = scene.runner.at_drive(scene.disc, scene.row.medium, line, scene.folder)
    if code:
        raise Wrong(f"afterwards `{line}`: exit {code}: {squeezed(said[-400:])}")
    return said


def kiln(scene, *command):
    done = subprocess.run([scene.runner.kiln, *command], capture_output=True, text=True,
                          errors="replace", cwd=scene.folder, timeout=120)
    if done.returncode:
        raise Wrong(f"afterwards kiln {command[0]}: exit {done.returncode}: "
                    f"{squeezed(done.stderr[-400:])}")
    return done.stdout


def info(scene):
    disc = json.loads(kiln(scene, "info", "--disc", scene.disc, "--json"))["disc"]
    if disc is None:
        raise Wrong("kiln finds no disc in the drive")
    return disc


# How far behind an image zeros are looked for: overwritable discs are read on to their end.
BEHIND = 1 << 20
# Ways to read blocks of 2048 bytes that are not kiln's, by the name of the program.
BLOCKS = {
    "dd": "dd if=/dev/sr0 of={out} bs=2048 skip={at} count={count} status=none",
    "xorriso": "xorriso -abort_on FATAL -indev /dev/sr0 -check_media use=indev what=disc"
               " min_lba={at} max_lba={last} data_to={out} --",
    "readom": "readom dev=/dev/sr0 -q sectors={at}-{end} f={out}",
    "cd-read": "cd-read --no-header -C /dev/sr0 -m m1f1 -s {at} -n {count} -o {out}",
}


def image(scene, name, readers):
    """The disc holds this and, behind it, zeros only; by kiln and by the other readers."""
    wanted = source(scene, name)
    found = by_kiln(scene, 0, len(wanted) + BEHIND)
    if found[len(wanted):].strip(b"\0"):
        raise Wrong("more than zeros lies behind the image")
    blocks(scene, name, readers)


def blocks(scene, name, readers, at=0):
    """These bytes lie from block `at` on, whatever follows."""
    wanted = source(scene, name)
    count = len(wanted) // 2048
    for reader in readers:
        if reader == "kiln":
            compare("kiln", wanted, by_kiln(scene, at, len(wanted)))
            continue
        out = os.path.join(scene.folder, f"by-{reader}-{at}")
        foreign(scene, BLOCKS[reader].format(
            out=out, at=at, count=count, end=at + count, last=at + count - 1))
        # xorriso leaves the hole in front.
        compare(reader, wanted, read(out)[at * 2048 if reader == "xorriso" else 0:])


def second(scene, name, readers):
    """These bytes lie where the last recorded track starts."""
    start = [track["start"] for track in info(scene)["tracks"] if not track["blank"]][-1]
    if not start:
        raise Wrong("there is nothing but one track from block 0 on")
    blocks(scene, name, readers, start)


def window(scene, wanted):
    """Bytes in the middle of an overwritable disc: `[block, name]`."""
    at, name = wanted
    out = os.path.join(scene.folder, "window")
    data = source(scene, name)
    foreign(scene, BLOCKS["dd"].format(out=out, at=at, count=len(data) // 2048))
    compare("dd", data, read(out))


def source(scene, name):
    return read(scene.runner.material.paths[name])


def by_kiln(scene, at, length):
    """So many bytes of the disc from the block on, or fewer, as `kiln read` writes them."""
    command = [scene.runner.kiln, "read", "--whole", "--disc", scene.disc, "-o", "-"]
    reading = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        for _ in range(at):
            reading.stdout.read(2048)
        found = reading.stdout.read(length)
        if not found and reading.wait(60):
            raise Wrong(f"kiln read: {squeezed(reading.stderr.read().decode()[-300:])}")
        return found
    finally:
        reading.kill()
        reading.communicate()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def compare(reader, wanted, found):
    if found[:len(wanted)] == wanted:
        return
    if len(found) < len(wanted):
        raise Wrong(f"{reader} reads {len(found)} bytes of {len(wanted)}")
    at = next(n for n in range(0, len(wanted), 16) if wanted[n:n + 16] != found[n:n + 16])
    raise Wrong(f"{reader} reads other bytes from block {at // 2048}, byte {at % 2048} on: "
                f"{found[at:at + 16].hex(' ')} for {wanted[at:at + 16].hex(' ')}")


def tree(scene, names):
    """The last session shows these folders, one laid over the other: the way from the volume
    descriptors to each file, by a program that did not write them."""
    want = {}
    for name in listed(names):
        want |= trees.from_directory(scene.runner.material.paths[name])
    into = os.path.join(scene.folder, "extracted")
    if scene.row.program in ("xorriso", "xorrecord"):
        bsdtar_or_kiln(scene, into)
    else:
        foreign(scene, "xorriso -abort_on FAILURE -return_with FAILURE 32 -osirrox on"
                       " -indev /dev/sr0 -extract / extracted")
    found = trees.from_directory(into)
    subprocess.run(["chmod", "-R", "u+rwX", into], check=False)
    for path, entry in want.items():
        have = found.get(path)
        if have is None:
            raise Wrong(f"{path} is not on the disc")
        if entry.kind == "file" and entry.sha256 != have.sha256:
            raise Wrong(f"{path} is another on the disc")


def bsdtar_or_kiln(scene, into):
    """What libburnia's program wrote, by others: the first session by bsdtar through the drive, a
    later one, which bsdtar knows nothing of, by kiln, its files listed by isoinfo as well."""
    start = [track["start"] for track in info(scene)["tracks"] if not track["blank"]][-1]
    if not start:
        os.mkdir(into)
        foreign(scene, "bsdtar -xf /dev/sr0 -C extracted")
        return
    foreign(scene, f"isoinfo -R -f -T {start} -i /dev/sr0 >listing")
    kiln(scene, "read", "--disc", scene.disc, "-o", "by-kiln")
    kiln(scene, "image", "extract", "by-kiln", "--session", str(start), "-d", into)
    listing = read(os.path.join(scene.folder, "listing")).decode().splitlines()
    missing = set(trees.from_directory(into)) - {line[1:] for line in listing} - {""}
    if missing:
        raise Wrong(f"isoinfo does not list {', '.join(sorted(missing))}")


def state(scene, wanted):
    found = info(scene)
    if found["state"]["state"] not in listed(wanted):
        raise Wrong(f"the disc is {found['state']['state']}, not {wanted}: "
                    f"{found['state']['text']}")


def profile(scene, wanted):
    found = info(scene)
    if found["profile"] != wanted:
        raise Wrong(f"the disc's profile is {found['profile']:#x}, not {wanted:#x}")


def sessions(scene, wanted):
    """Sessions with something in them."""
    found = {track["session"] for track in info(scene)["tracks"] if not track["blank"]}
    if len(found) != wanted:
        raise Wrong(f"there are {len(found)} sessions, not {wanted}")


def tracks(scene, wanted):
    """The kinds of the recorded tracks, in order."""
    found = ["data" if track["data"] else "audio"
             for track in info(scene)["tracks"] if not track["blank"]]
    if found != wanted:
        raise Wrong(f"the tracks are {found}, not {wanted}")


AUDIO = {
    "cdparanoia": "cdparanoia -q -Z -d /dev/sr0 -r {n} {out}",
    "icedax": "icedax -q -D /dev/sr0 -t {n} -O cdr -E little -H {out}",
}


def audio(scene, names, gap=0):
    """The audio tracks, in order, hold these samples."""
    reader = "icedax" if scene.row.program == "cdparanoia" else "cdparanoia"
    kinds = [track["data"] for track in info(scene)["tracks"] if not track["blank"]]
    numbers = [n for n, data in enumerate(kinds, 1) if not data]
    if len(numbers) != len(names):
        raise Wrong(f"there are {len(numbers)} audio tracks, not {len(names)}")
    for n, name in zip(numbers, names):
        out = os.path.join(scene.folder, f"audio{n}")
        foreign(scene, AUDIO[reader].format(n=n, out=out))
        wanted = foreign_material.pcm(scene.runner.material.paths[name])
        found = read(out)
        if not found[len(wanted):].strip(b"\0") and len(found) <= len(wanted) + gap:
            found = found[:len(wanted)]
        samples(f"{reader}, track {n}", wanted, found)


def audio_with_gaps(scene, names):
    """The same, written track at once: two sectors that end a track and the pre-gap of the next
    one count as its own, and are silent."""
    audio(scene, names, 152 * foreign_material.SECTOR)


def mcn(scene, wanted):
    """The catalogue number, by libcdio."""
    if wanted not in foreign(scene, "cd-info --no-device-info --no-cddb -q -C /dev/sr0"):
        raise Wrong(f"cd-info finds no catalogue number {wanted}")


def album(scene, file):
    """A file holds the samples of all tracks, in either order of bytes."""
    want = b"".join(foreign_material.pcm(scene.runner.material.paths[f"wav{n}"]) for n in (1, 2, 3))
    found = read(os.path.join(scene.folder, file))
    if found != foreign_material.swapped(want):
        samples(file, want, found)


def samples(what, wanted, found):
    if found == wanted:
        return
    if found[:len(wanted)] == wanted:
        raise Wrong(f"{what}: {len(found) - len(wanted)} bytes too many")
    at = found.find(wanted[2352:2352 + 64])
    if at >= 0 and at != 2352:
        raise Wrong(f"{what}: shifted by {at - 2352} bytes")
    at = next((n for n in range(0, len(wanted), 4) if wanted[n:n + 4] != found[n:n + 4]), 0)
    raise Wrong(f"{what}: {len(found)} bytes of {len(wanted)}, not equal from byte {at} on")


def cdtext(scene, _):
    """Album and titles, read by libcdio and, where it did not write them, by cdrdao."""
    lines = ["cd-info --no-device-info --no-cddb -q -C /dev/sr0"]
    if scene.row.program != "cdrdao":
        lines.append("cdrdao read-toc -v 1 --device /dev/sr0 --driver generic-mmc found.toc"
                     " && cat found.toc")
    words = [word for pair in (foreign_material.ALBUM, *foreign_material.TITLES) for word in pair]
    for line in lines:
        said = foreign(scene, line)
        missing = [word for word in words if word not in said]
        if missing:
            raise Wrong(f"{line.split()[0]} finds no CD-TEXT {', '.join(missing)}")


def files(scene, wanted):
    """Files that a step made hold what was burned: bytes, or samples if both are sound."""
    for file, name in wanted.items():
        path = os.path.join(scene.folder, file)
        if not os.path.exists(path):
            raise Wrong(f"it made no {file}")
        source = scene.runner.material.paths[name]
        if not source.endswith(".wav"):
            compare(file, read(source), read(path))
        elif file.endswith(".wav"):
            samples(file, foreign_material.pcm(source), foreign_material.pcm(path))
        else:
            samples(file, foreign_material.pcm(source), read(path))


CHECKS = {function.__name__: function for function in (
    image, blocks, second, window, tree, state, profile, sessions, tracks, audio,
    audio_with_gaps, mcn, album, cdtext,
    files)}
