"""`kiln vdrive serve` as a thing that scripts start, steer and end."""

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

import guest


class Served:
    """Drives with discs, lent out over iSCSI on a free port. `units`: (drive address, disc file)."""

    def __init__(self, program, units, *more, log=None):
        self.program = program
        # The path of a socket has some 100 bytes at most.
        self.dir = tempfile.mkdtemp(prefix="kiln-serve-")
        self.socket = os.path.join(self.dir, "s")
        command = [program, "vdrive", "serve", "--listen", "127.0.0.1:0", "--socket", self.socket]
        for drive, disc in units:
            command += ["--drive", drive, "--disc", disc]
        self.log = log or os.path.join(self.dir, "log")
        with open(self.log, "wb") as errors:
            self.daemon = subprocess.Popen(guest.die_with_parent([*command, *more]),
                                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                           stderr=errors)
        try:
            self.urls = self.announced(len(units))
        except BaseException:
            self.daemon.kill()
            self.daemon.wait()
            shutil.rmtree(self.dir, ignore_errors=True)
            raise
        self.portal, self.target = re.fullmatch(r"iscsi://([^/]+)/([^/]+)/\d+",
                                                self.urls[0]).groups()

    def announced(self, count):
        """The lines that it prints once it accepts connections, one for each logical unit."""
        text, until = b"", time.monotonic() + 30
        while text.count(b"\n") < count:
            ready, _, _ = select.select([self.daemon.stdout], [], [], until - time.monotonic())
            more = os.read(self.daemon.stdout.fileno(), 65536) if ready else b""
            if not more:
                raise guest.RigError(f"kiln vdrive serve said {text!r}: {self.said()}")
            text += more
        return text.decode().splitlines()

    def said(self):
        return guest.read(self.log).decode(errors="replace")[-3000:]

    def ctl(self, lun, *words):
        """A control command to a logical unit; returns (exit status, what it says)."""
        done = subprocess.run([self.program, "vdrive", "ctl", "--socket", self.socket,
                               "--lun", str(lun), *map(str, words)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def resident_kib(self):
        """The memory that it holds now, and at most so far."""
        with open(f"/proc/{self.daemon.pid}/status") as file:
            sizes = dict(line.split(":", 1) for line in file)
        return int(sizes["VmRSS"].split()[0]), int(sizes["VmHWM"].split()[0])

    def stop(self):
        """Ends it as a person would; returns its exit status."""
        self.daemon.send_signal(signal.SIGTERM)
        try:
            code = self.daemon.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            code = self.daemon.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.daemon.returncode is None:
            self.stop()


class Verdicts:
    """Counts what holds and what does not, and says so line by line."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def __call__(self, what, good, why=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"{'ok   ' if good else 'WRONG'} {what}" + (f": {why}" if not good else ""),
              flush=True)
        return good

    @property
    def counts(self):
        return self.passed, self.failed
