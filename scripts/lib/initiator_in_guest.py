"""Linux's own iSCSI initiator on kiln's target, which here keeps a real drive's time: digests both
ways, CHAP, resets, and a drive that hangs until the kernel gives the command up."""

import re

import capture
import serve
import steps

USER, SECRET = "guest", "the secret of the guest"
LOGIN = ("iscsistart -i iqn.2026-11.test.kiln:guest -t {target} -g 1 -a 10.0.2.2 -p {port}"
         " -u {user} -w '{secret}'"
         " -P node.conn[0].iscsi.HeaderDigest=CRC32C -P node.conn[0].iscsi.DataDigest=CRC32C")
# Has the kernel forget what it has read.
DROP = "echo 3 >/proc/sys/vm/drop_caches"
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
    # A command of opening the node, for which the kernel has 30 s.
    ("hang", f"host ctl @read fault hang 15 --before-command 0; patient {READ} skip=1 count=4"),
    # A read from a node that is open: the kernel gives it up after 4 s and asks again.
    ("abort", f"exec 3</dev/sr0; {DROP}; host ctl @read fault hang 15 --before-command 0;"
     f" dd bs=64k skip=1 count=4 of=/dev/null <&3 || patient {READ} skip=1 count=4"),
    # Resets by another's hand: between commands, just before one, in the midst of one, and while
    # commands come.
    ("bus-reset", f"host ctl @read fault reset; patient {READ} skip=5 count=4"),
    ("bus-reset-before",
     f"host ctl @read fault reset --before-command 1; patient {READ} skip=8 count=4"),
    ("bus-reset-after",
     f"host ctl @read fault reset --after-command 0; patient {READ} skip=12 count=4"),
    ("bus-reset-reading", f"{DROP}; patient {READ} count=14 & host ctl @read fault reset;"
     " usleep 200000; host ctl @read fault reset; wait $!"),
    ("bus-reset-hanging", f"exec 3</dev/sr0; {DROP}; host ctl @read fault hang 9 --before-command 0;"
     f" dd bs=64k skip=1 count=4 of=/dev/null <&3 & usleep 500000; host ctl @read fault reset; wait;"
     f" patient {READ} skip=2 count=4"),
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
    unit, trace = rig.units[0], rig.path("initiator.pcapng")
    with serve.Served(rig.program, [(f"virtual:{unit.model}", rig.path(f"{unit.name}.disc"))],
                      "--pace", "--trace", trace, "--chap-user", USER, "--chap-secret-file",
                      secret, log=rig.path("serve.log")) as rig.server:
        fill = {"target": rig.server.target, "port": rig.server.portal.rsplit(":", 1)[1],
                "user": USER, "secret": SECRET, "wrong": SECRET[::-1]}
        named = [(f"initiator-{name}", re.sub(r"\{(\w+)\}", lambda m: fill[m[1]], command))
                 for name, command in STEPS]
        rig.boot(vm, named, rig.ask)
        rig.ends()
    rig.judge_steps()
    capture.judge(verdict, "tshark, Linux's own initiator", trace, None, 500, ["Read(10)"])
    capture.answered(verdict, "Linux's own initiator", trace)
    verdict("header and data digests are on",
            rig.log("initiator-digests").split() == ["CRC32C"] * 2
            or rig.log("initiator-digests").split() == ["1"] * 2, rig.log("initiator-digests"))
    rig.same_tree("initiator.tar", f"{rig.share}/tree", "linux", "through the kernel's initiator")
