"""tshark as a judge of traffic: what it captures, and what kiln says it captured."""

import os
import re
import shutil
import signal
import subprocess
import time

import guest

# What Wireshark calls errors, among its remarks on a packet.
ERROR = 0x00800000


class Live:
    """A capture of one port of the loopback interface, while `with` lasts. Needs the privilege;
    `reason` says why there is none."""

    def __init__(self, port, path):
        self.path, self.reason = path, None
        guest.need("tshark", "dumpcap")
        self.capture = subprocess.Popen(
            guest.die_with_parent(["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}",
                                   "-B", "64", "-w", path]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self):
        until = time.monotonic() + 15
        while not os.path.exists(self.path) or not os.path.getsize(self.path):
            if self.capture.poll() is not None or time.monotonic() > until:
                self.capture.kill()
                self.reason = self.capture.communicate()[1].decode(errors="replace").strip()
                break
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        if self.capture.poll() is None:
            # It writes what the kernel still holds for it.
            time.sleep(1)
            self.capture.send_signal(signal.SIGINT)
            self.capture.communicate(timeout=60)


def tshark(path, port, *more):
    command = ["tshark", "-r", path, "-o", "scsi.decode_scsi_messages_as:Multimedia Device"]
    command += ["-d", f"tcp.port=={port},iscsi"] if port else []
    # As root it refuses its Lua scripts, and says so.
    done = subprocess.run([*command, *more], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=600)
    if done.returncode:
        raise guest.RigError(f"tshark on {path}: exit {done.returncode}: {done.stderr}")
    return done.stdout.splitlines()


# How long an answer says that it is: where the length stands, its bytes, what it leaves out.
ANNOUNCED = {"Inquiry": (2, 2, 4), "Mode Sense(10)": (0, 2, 2), "Mode Sense(6)": (0, 1, 1),
             "Get Configuration": (0, 4, 4), "Get Performance": (0, 4, 4),
             "Read Disc Information": (0, 2, 2), "Read Track Information": (0, 2, 2),
             "Read TOC/PMA/ATIP": (0, 2, 2), "Read Disc Structure": (0, 2, 2),
             "Read DVD Structure": (0, 2, 2), "Read Format Capacities": (3, 1, 4)}


def cut_short(info, payload):
    """Whether this is an answer that ends where the initiator's allocation length ends, before the
    end that it announces: Wireshark runs out of bytes there and calls that malformed."""
    data = bytes.fromhex(payload.replace(":", ""))
    name = re.search(r"\((.*) Response Data\)", info)
    if not name or name[1] not in ANNOUNCED or len(data) < 48 or data[0] & 0x3f != 0x25:
        return False
    sent = int.from_bytes(data[5:8], "big")
    at, size, more = ANNOUNCED[name[1]]
    announced = int.from_bytes(data[48 + at:48 + at + size], "big") + more
    return sent < at + size or announced > sent


def judge(verdict, what, path, port=None, least=1, names=()):
    """Whether tshark understands every packet, and calls the commands what MMC calls them."""
    if not os.path.exists(path):
        return verdict(f"{what} is there", False, path)
    wrong = f"_ws.malformed || _ws.expert.severity >= {ERROR:#x}"
    bad, cut = [], 0
    for line in tshark(path, port, "-Y", wrong, "-T", "fields", "-e", "_ws.col.Info",
                       "-e", "tcp.payload"):
        info, _, payload = line.partition("\t")
        if cut_short(info, payload):
            cut += 1
        else:
            bad.append(line[:300])
    verdict(f"{what}: no malformed packet, no error ({cut} answers cut short by who asked)", not bad,
            f"{len(bad)}: " + "\n".join(bad[:10]))
    sent = tshark(path, port, "-Y", "scsi", "-T", "fields",
                  "-e", "_ws.col.Info")
    commands = [name for line in sent for name in re.findall(r"SCSI: (.*?) LUN: 0x", line)
                if not name.startswith(("Data In", "Data Out", "Response"))]
    unknown = sorted({name for name in commands if re.search("Unknown|Vendor|0x", name)})
    verdict(f"{what}: {len(commands)} commands, {len(set(commands))} kinds, each has a name",
            len(commands) >= least and not unknown, f"{unknown} among {sorted(set(commands))}")
    missing = set(names) - set(commands)
    verdict(f"{what}: commands of MMC among them", not missing,
            f"no {sorted(missing)} among {sorted(set(commands))}")


def answered(verdict, what, path):
    """Whether every command of a whole session was answered, but for those that were aborted, and
    each task management function too; and that there were aborts. Data counts as an answer."""
    waiting, count, aborts = {}, 0, 0
    for line in tshark(path, None, "-Y", "iscsi", "-T", "fields", "-e", "iscsi.opcode", "-e",
                       "iscsi.initiatortasktag", "-e", "iscsi.taskmanfun.referencedtasktag", "-e",
                       "_ws.col.Info"):
        codes, tags, referred, info = (line + "\t" * 3).split("\t")[:4]
        for code, tag in zip(codes.split(","), tags.split(",")):
            code = int(code, 0)
            if code in (0x01, 0x02):
                waiting[tag], count = info, count + 1
            elif code in (0x21, 0x22, 0x25):
                waiting.pop(tag, None)
        for tag in referred.split(","):
            aborts += waiting.pop(tag, None) is not None
    verdict(f"{what}: each of {count} requests was answered or, {aborts} times, aborted",
            count and aborts and not waiting, waiting)
