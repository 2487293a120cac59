"""What README says that others type to use the served drive, typed as it stands there: on a machine
with its own initiator, here the guest, and where QEMU starts one.

Only what README leaves open is filled in: how QEMU boots, and the port, which others may hold here."""

import os
import re
import shlex
import shutil

import guest
import serve
import steps

README = os.path.join(guest.ROOT, "README.md")
PORTAL = "127.0.0.1:3260"
NAME = "InitiatorName=iqn.2026-11.test.kiln:readme\n"

SERVE = ("( {~kiln vdrive serve} ) >/tmp/serve.log 2>&1 & patient grep 'is lent' /tmp/serve.log;"
         " cat /tmp/serve.log")

# Around the lines of README, which stand here as `{~how they begin}`.
STEPS = [
    ("net", "ifconfig lo 127.0.0.1 up && mkdir -p /run/lock/iscsi && iscsid"),
    ("blank", "mkdir /tmp/work && cd /tmp/work && kiln disc new bd-re backup.disc"),
    ("serve", f"cd /tmp/work; {SERVE}"),
    ("iscsi-ls", "{~iscsi-ls}"),
    ("iscsiadm", "{~iscsiadm}"),
    ("node", "patient test -b /dev/sr0 && cat /sys/class/block/sr0/device/vendor"),
    ("run", "{~kiln vdrive run}"),
    ("burn", "xorriso -as cdrecord dev=/dev/sr0 /share/x.iso"),
    # As after a power cut of the machine that serves: the initiator finds it again.
    ("kill", f"kill -9 $(pidof kiln); cd /tmp/work; {SERVE}"),
    ("again", "patient dd if=/dev/sr0 of=/dev/null bs=2048 count=1 iflag=direct"),
    ("same", "same /share/x.iso /dev/sr0"),
    ("logout", "iscsiadm -m node --logout && [ ! -e /dev/sr0 ]"),
]
# What stands on README's command line of QEMU is the drive here.
QEMU_STEPS = [
    ("vendor", "cat /sys/class/block/sr0/device/vendor"),
    ("burn", "xorriso -as cdrecord dev=/dev/sr0 /share/x.iso"),
    ("same", "eject /dev/sr0; eject -t /dev/sr0; patient same /share/x.iso /dev/sr0"),
]


def lines():
    """The commands of README about serving: those after `$`, and those of the block behind."""
    text = guest.read(README).decode()
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    at = next(n for n, block in enumerate(blocks) if block.startswith("iscsi-ls"))
    commands = re.findall(r"^\$ (.*)", "".join(blocks[:at]), re.MULTILINE)
    for line in blocks[at].replace("\\\n", " ").splitlines():
        commands.append(re.sub(r"\s+# .*", "", line))
    return commands


def line(start):
    """The last such command that begins with this."""
    found = [command for command in lines() if command.startswith(start)]
    if not found:
        raise guest.RigError(f"README has no line that begins with `{start}`")
    return found[-1]


def filled(command):
    return re.sub(r"\{~([^}]*)\}", lambda found: line(found[1]), command)


def prove(rig):
    """`rig`: has the image to be burned in its share."""
    shutil.copy(f"{rig.share}/second.iso", f"{rig.share}/x.iso")
    own_initiator(rig)
    qemu(rig)


def own_initiator(rig):
    with guest.Guest() as vm:
        vm.bring("iscsid", "iscsiadm", "iscsi-ls", "xorriso")
        vm.add(guest.program(rig.program, "kiln"))
        library = os.path.join(os.path.dirname(rig.program), "libkiln_preload.so")
        vm.add([("usr/local/bin/libkiln_preload.so", 0o100755, guest.read(library)),
                # The daemon asks who it is that asks.
                ("etc/passwd", 0o100644, b"root:x:0:0::/root:/bin/sh\n"),
                ("etc/iscsi/initiatorname.iscsi", 0o100644, NAME.encode()),
                ("etc/iscsi/iscsid.conf", 0o100600, guest.read("/etc/iscsi/iscsid.conf"))])
        vm.share("share", rig.share)
        named = [(f"readme-{name}", filled(command)) for name, command in STEPS]
        rig.boot(vm, named, None)
        rig.judge_steps()


def qemu(rig):
    disc = rig.path("readme.disc")
    rig.kiln("disc", "new", "bd-re", disc)
    with guest.Guest() as vm, serve.Served(rig.program, [("virtual:bd-re", disc)]) as server:
        words = shlex.split(line("qemu-system-x86_64 ...").replace(PORTAL, server.portal))
        vm.devices += words[2:]
        vm.drives = 1
        vm.bring("xorriso", "eject")
        vm.share("share", rig.share)
        rig.boot(vm, [(f"readme-qemu-{name}", command) for name, command in QEMU_STEPS], None)
        rig.judge_steps()
        vendor = rig.log("readme-qemu-vendor")
        rig.verdict("README's line of QEMU shows kiln's drive", vendor.strip() == "KILN", vendor)
