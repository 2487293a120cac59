"""What is known to fail, with the reason: files of lines such as `reader | aspect | path | reason`.

Every field but the last is a pattern in which `*` and `?` stand for anything. An entry that
nothing needs any more is an error like an unexpected failure: whoever asks for entries says so
with `stale`."""

import collections
import fnmatch
import unicodedata

import guest

Entry = collections.namedtuple("Entry", "patterns reason")


def load(path, fields):
    """The entries of a file whose lines have these fields, the reason last."""
    entries = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                parts = [part.strip() for part in line.split(" | ")]
                if len(parts) != len(fields) or not all(parts):
                    raise guest.RigError(f"{path}, line {number}: must be {' | '.join(fields)}")
                entries.append(Entry(tuple(parts[:-1]), parts[-1]))
    return entries


def fits(pattern, text):
    return fnmatch.fnmatchcase(unicodedata.normalize("NFC", text), pattern)


def match(entries, *values):
    """The first entry whose patterns all fit the values."""
    return next((entry for entry in entries if all(map(fits, entry.patterns, values))), None)


def say_stale(entries, name):
    """Tells of entries that apply to nothing any more; returns how many there are."""
    count = 0
    for entry in entries:
        count += 1
        print(f"stale entry in {name}, nothing like it was seen: "
              f"{' | '.join([*entry.patterns, entry.reason])}")
    return count
