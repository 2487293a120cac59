"""pycdlib_tree.py IMAGE joliet|rock-ridge|udf: what pycdlib finds there, a JSON object for each path."""

import hashlib
import json
import sys

import pycdlib


class Digest:
    """Takes a file's bytes and keeps their hash."""

    def __init__(self):
        self.total, self.size = hashlib.sha256(), 0

    def write(self, data):
        self.total.update(data)
        self.size += len(data)
        return len(data)


KEYWORDS = {"joliet": "joliet_path", "rock-ridge": "rr_path", "udf": "udf_path"}


def entry(iso, keyword, path, record):
    # The name that readers show has no version (ECMA-119, 7.5.1).
    found = {"path": path.strip("/").removesuffix(";1")}
    if keyword == "rr_path" and record.rock_ridge is not None:
        found["mode"] = record.rock_ridge.get_file_mode() & 0o7777
        if record.rock_ridge.is_symlink():
            target = record.rock_ridge.symlink_path()
            return {**found, "kind": "link", "target": target.decode("utf-8", "surrogateescape")}
    if record.is_dir():
        return {**found, "kind": "dir"}
    digest = Digest()
    iso.get_file_from_iso_fp(digest, **{keyword: path})
    return {**found, "kind": "file", "size": digest.size, "sha256": digest.total.hexdigest()}


def main():
    image, system = sys.argv[1:]
    keyword = KEYWORDS[system]
    iso = pycdlib.PyCdlib()
    iso.open(image)
    waiting = ["/"]
    while waiting:
        at = waiting.pop()
        for child in iso.list_children(**{keyword: at}):
            if child is not None and child.is_dot() and at == "/":
                print(json.dumps(entry(iso, keyword, at, child)))
            if child is None or child.is_dot() or child.is_dotdot():
                continue
            if keyword == "rr_path":
                name = child.rock_ridge.name().decode("utf-8", "surrogateescape")
            else:
                name = child.file_identifier().decode(
                    "utf-16-be" if system == "joliet" else "utf-8", "surrogateescape")
            path = at.rstrip("/") + "/" + name
            print(json.dumps(entry(iso, keyword, path, child)))
            if child.is_dir():
                waiting.append(path)


main()
