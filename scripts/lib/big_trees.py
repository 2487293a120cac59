"""Folders that are large in one way each, to make images of. The same bytes, modes and times on every
run; few bytes on the host."""

import os

LEAP = 951782400  # 2000-02-29 00:00:00 UTC
GIB = 1 << 30
# What lies in the large file, and where: around the largest extent of UDF (1 GiB less a block), of
# ISO 9660 (4 GiB less a block), and the ends.
MARKS = [0, GIB - 2048, GIB, 4 * GIB - 2048, 4 * GIB - 1, 5 * GIB - 4096 - 10]
MARK = b"here it is"
# How much further apart they lie in the sparse file.
SPREAD = 200


def marks_of(name):
    """The positions of the marks in a file of `large` or `sparse`."""
    return [SPREAD * mark for mark in MARKS] if name.startswith("sparse") else MARKS


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def flat(root):
    """100,000 files in one directory."""
    os.makedirs(f"{root}/flat")
    for n in range(100_000):
        put(f"{root}/flat/file number {n:06}.dat", b"" if n % 3 else b"%d\n" % n)


def deep(root):
    """200 levels of directories, a file in each."""
    at = root
    for n in range(200):
        at = f"{at}/l{n}"
        os.makedirs(at)
        put(f"{at}/file", b"%d\n" % n)


def directories(root):
    """More directories than a path table of ISO 9660 can number: 66,000."""
    for n in range(220):
        for m in range(299):
            os.makedirs(f"{root}/outer {n:03}/inner {m:03}")
    put(f"{root}/outer 219/inner 298/last", b"the last one\n")


def large(root):
    """A file of almost 5 GiB."""
    with open(f"{root}/large.bin", "wb") as file:
        for mark in MARKS:
            file.seek(mark)
            file.write(MARK)
        file.truncate(5 * GIB - 4096)


def sparse(root):
    """A file of 1 TiB, next to nothing of which was ever written."""
    with open(f"{root}/sparse.bin", "wb") as file:
        for mark in MARKS:
            file.seek(SPREAD * mark)
            file.write(MARK)
        file.truncate(1024 * GIB)


TREES = {make.__name__: make for make in (flat, deep, directories, large, sparse)}


def make(name, root):
    os.makedirs(root)
    TREES[name](root)
    for at, dirs, files in os.walk(root):
        for inner in [*files, *dirs]:
            os.utime(os.path.join(at, inner), (LEAP, LEAP))
    os.utime(root, (LEAP, LEAP))
