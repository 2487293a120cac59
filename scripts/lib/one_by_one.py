#!/usr/bin/env python3
"""one_by_one.py UNIT ready COUNT | read COUNT | write FILE BYTES SIZE

Sends a logical unit one command after the other and prints how many seconds they took: TEST UNIT
READY; READ(10) of one block, on through the blocks; WRITE(10) of SIZE bytes each from block 0 on,
with the first BYTES of a file. UNIT is a device node, spoken to by SG_IO, or an iscsi:// address,
spoken to by libiscsi: the same work by both ways.
"""

import ctypes
import itertools
import os
import struct
import sys
import time

BLOCK = 2048
# A disc of any kind has so many blocks to read.
BLOCKS = 100_000
PATIENCE_MS = 30_000


class Failed(Exception):
    """A command that did not end well."""


class Node:
    """A device node. The header is `struct sg_io_hdr` of scsi/sg.h, which stays as it is while
    only the CDB changes: this is to time the drive, not itself."""

    SG_IO = 0x2285
    NONE, OUT, IN = -1, -2, -3
    HEADER = struct.Struct("@iiBBHIPPPIIiPBBBBHHiII0P")
    # Where `info` lies; its lowest bit says that there is something to look at.
    INFO = 80

    def __init__(self, path):
        # The same entry of the C library that C programs call.
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.cdb = ctypes.create_string_buffer(10)
        self.sense = ctypes.create_string_buffer(64)
        self.room = ctypes.create_string_buffer(BLOCK)
        self.header = ctypes.create_string_buffer(self.HEADER.size)
        self.info = ctypes.c_uint.from_buffer(self.header, self.INFO)
        self.last = None

    def send(self, *meant):
        if meant != self.last:
            self.fill(*meant)
            self.last = meant
        if self.libc.ioctl(self.fd, self.SG_IO, self.header):
            raise Failed(f"SG_IO: {os.strerror(ctypes.get_errno())}")
        return self.info.value & 1

    def fill(self, direction, cdb_len, data, size):
        self.HEADER.pack_into(self.header, 0, ord("S"), direction, cdb_len, 64, 0, size,
                              ctypes.addressof(data) if data else 0, ctypes.addressof(self.cdb),
                              ctypes.addressof(self.sense), PATIENCE_MS, *[0] * 12)

    def ready(self):
        self.cdb.raw = bytes(10)
        return self.send(self.NONE, 6, None, 0)

    def transfer(self, code, block, direction, data, size):
        struct.pack_into(">BBIBHB", self.cdb, 0, code, 0, block, 0, size // BLOCK, 0)
        return self.send(direction, 10, data, size)

    def read(self, block):
        return self.transfer(0x28, block, self.IN, self.room, BLOCK)

    def write(self, block, data, size):
        return self.transfer(0x2a, block, self.OUT, data, size)

    def why(self):
        return self.sense.raw[:18].hex()

    def close(self):
        os.close(self.fd)


class Initiator:
    """libiscsi."""

    def __init__(self, url):
        self.lib = ctypes.CDLL("libiscsi.so.7")
        for name in ("create_context", "testunitready_sync", "read10_sync", "write10_sync"):
            getattr(self.lib, f"iscsi_{name}").restype = ctypes.c_void_p
        self.lib.iscsi_get_error.restype = ctypes.c_char_p
        self.context = ctypes.c_void_p(
            self.lib.iscsi_create_context(b"iqn.2026-11.test.kiln:bench"))
        portal, target, lun = url.removeprefix("iscsi://").split("/")
        self.lun = int(lun)
        self.lib.iscsi_set_targetname(self.context, target.encode())
        self.lib.iscsi_set_session_type(self.context, 2)
        if self.lib.iscsi_full_connect_sync(self.context, portal.encode(), self.lun):
            raise Failed(f"{url}: {self.why()}")

    def status(self, task):
        # The status is the first field of `struct scsi_task`.
        status = ctypes.c_int.from_address(task).value if task else -1
        self.lib.scsi_free_scsi_task(ctypes.c_void_p(task))
        return status

    def ready(self):
        return self.status(self.lib.iscsi_testunitready_sync(self.context, self.lun))

    def read(self, block):
        return self.status(self.lib.iscsi_read10_sync(
            self.context, self.lun, block, BLOCK, BLOCK, 0, 0, 0, 0, 0))

    def write(self, block, data, size):
        return self.status(self.lib.iscsi_write10_sync(
            self.context, self.lun, block, data, size, BLOCK, 0, 0, 0, 0, 0))

    def why(self):
        return self.lib.iscsi_get_error(self.context).decode(errors="replace")

    def close(self):
        self.lib.iscsi_logout_sync(self.context)
        self.lib.iscsi_destroy_context(self.context)


def checked(unit, what, failed):
    if failed:
        raise Failed(f"{what} failed: {unit.why()}")


def repeated(unit, act, count):
    """Seconds for so many commands."""
    start = time.monotonic()
    for block in itertools.islice(itertools.cycle(range(BLOCKS)), count):
        checked(unit, f"command for block {block}", act(block))
    return time.monotonic() - start


def written(unit, source, length, size):
    """Seconds for a file's first bytes."""
    chunk = bytearray(size)
    data = (ctypes.c_char * size).from_buffer(chunk)
    with open(source, "rb", buffering=0) as file:
        start = time.monotonic()
        for at in range(0, length, size):
            if file.readinto(chunk) != size:
                raise Failed(f"{source} is too short")
            checked(unit, f"WRITE(10) at block {at // BLOCK}", unit.write(at // BLOCK, data, size))
        return time.monotonic() - start


def main(name, what, *given):
    unit = Initiator(name) if name.startswith("iscsi://") else Node(name)
    try:
        # A few unit attentions are due to everybody who comes.
        for _ in range(8):
            if not unit.ready():
                break
        if what == "write":
            source, length, size = given
            return written(unit, source, int(length), int(size))
        act = {"ready": lambda _: unit.ready(), "read": unit.read}[what]
        return repeated(unit, act, int(given[0]))
    finally:
        unit.close()


if __name__ == "__main__":
    try:
        print(main(*sys.argv[1:]))
    except (Failed, OSError) as error:
        sys.exit(f"one_by_one: {error}")
