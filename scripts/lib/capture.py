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


# The commands of MMC-6 and REZERO UNIT, which wodim sends. Wireshark shows those that it has no name
# for as `SCSI Command: 0x04`.
MMC = {0x00, 0x01, 0x03, 0x04, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x23, 0x25, 0x28, 0x2a, 0x2b, 0x2e, 0x2f,
       0x35, 0x3b, 0x3c, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x4a, 0x4b, 0x4e, 0x51, 0x52, 0x53, 0x54,
       0x55, 0x58, 0x5a, 0x5b, 0x5c, 0x5d, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa6, 0xa8, 0xaa, 0xac, 0xad,
       0xb6, 0xb9, 0xbb, 0xbd, 0xbe, 0xbf}


def judge(verdict, what, path, port=None, least=1, names=(), also=()):
    """Whether tshark understands every packet, and finds commands of MMC alone, these `names` among
    them; those that it has no name for are called by their operation code. `also`: what else may come."""
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
    codes = [int(code, 16) for line in sent for code in re.findall(r"SCSI Command: 0x(\w\w)", line)]
    unknown = {name for name in commands if re.search("Unknown|Vendor|0x", name)}
    unknown |= {f"{code:02X}h" for code in codes if code not in MMC | {*also}}
    commands += [f"{code:02X}h" for code in codes]
    verdict(f"{what}: {len(commands)} commands, {len(set(commands))} kinds, each is one of MMC",
            len(commands) >= least and not unknown,
            f"{sorted(unknown)} among {sorted(set(commands))}")
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
