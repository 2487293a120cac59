"""Linux's own iSCSI initiator on kiln's target, which here keeps a real drive's time: digests both
ways, CHAP, resets, and a drive that hangs until the kernel gives the command up."""

import re

import serve
import steps

USER, SECRET = "guest", "the secret of the guest"
LOGIN = ("iscsistart -i iqn.2026-11.test.kiln:guest -t {target} -g 1 -a 10.0.2.2 -p {port}"
         " -u {user} -w '{secret}'"
         " -P node.conn[0].iscsi.HeaderDigest=CRC32C -P node.conn[0].iscsi.DataDigest=CRC32C")
READ = "dd if=/dev/sr0 of=/dev/null bs=64k iflag=direct"

STEPS = [
    ("net", "ifconfig lo 127.0.0.1 up && ifconfig eth0 10.0.2.15 up && mkdir -p /run/lock/iscsi"),
    ("login-refused", "! " + LOGIN.replace("{secret}", "{wrong}")),
    ("login", f"{LOGIN} && patient test -b /dev/sr0"),
    ("digests", "cat /sys/class/iscsi_connection/*/header_digest"
     " /sys/class/iscsi_connection/*/data_digest"),
    ("wake", f"patient {READ} count=1"),
    ("mount", f"{steps.ISO} /dev/sr0 /mnt"),
    ("tar", f"{steps.TAR} -cf /out/initiator.tar -C /mnt ."),
    ("umount", "umount /mnt"),
    ("timeouts", "echo 4 >/sys/block/sr0/device/timeout"),
    # The kernel gives the command up after 4 s and asks again until the drive answers.
    ("hang", f"host ctl @read fault hang 15 --before-command 0; patient {READ} skip=1 count=4"),
    ("unit-reset", f"sg_reset -d /dev/sr0; patient {READ} skip=10 count=4"),
    ("target-reset", f"sg_reset -t /dev/sr0; patient {READ} skip=15 count=4"),
    ("eject", "host ctl @read eject"),
    ("nothing", f"! {READ} count=1"),
    ("insert", "host ctl @read insert @read.disc"),
    ("again", f"patient {READ} count=4"),
    ("again-mount", f"patient {steps.ISO} /dev/sr0 /mnt && umount /mnt"),
]


def prove(rig, vm):
    """`rig`: the one whose recorded disc this uses."""
    verdict = rig.verdict
    vm.bring("iscsistart", "sg_reset", "tar")
    vm.network()
    secret = rig.path("secret")
    with open(secret, "w") as file:
        file.write(SECRET + "\n")
    unit = rig.units[0]
    with serve.Served(rig.program, [(f"virtual:{unit.model}", rig.path(f"{unit.name}.disc"))],
                      "--pace", "--chap-user", USER, "--chap-secret-file", secret,
                      log=rig.path("serve.log")) as rig.server:
        fill = {"target": rig.server.target, "port": rig.server.portal.rsplit(":", 1)[1],
                "user": USER, "secret": SECRET, "wrong": SECRET[::-1]}
        named = [(f"initiator-{name}", re.sub(r"\{(\w+)\}", lambda m: fill[m[1]], command))
                 for name, command in STEPS]
        rig.boot(vm, named, rig.ask)
        rig.ends()
    rig.judge_steps()
    verdict("header and data digests are on",
            rig.log("initiator-digests").split() == ["CRC32C"] * 2
            or rig.log("initiator-digests").split() == ["1"] * 2, rig.log("initiator-digests"))
    rig.same_tree("initiator.tar", f"{rig.share}/tree", "linux", "through the kernel's initiator")
