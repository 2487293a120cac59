"""A Linux guest with real sr, sg, isofs and udf drivers, in seconds: QEMU without acceleration,
Debian's kernel, busybox. Needs no privilege and no kernel module on this machine."""

import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(ROOT, "target", "rig")
MODULES = ["virtio_pci", "virtio_scsi", "sr_mod", "sd_mod", "sg", "isofs", "udf", "nls_utf8",
           "9pnet_virtio", "9p", "virtio_net", "crc32c_generic",
           "iscsi_tcp"]
# Loaded where the kernel has them.
EXTRA_MODULES = ["pktcdvd"]

# What the guest runs first. /out is shared with this machine and takes the results.
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /mnt /out /usr/bin /usr/sbin /sbin /root /etc
/bin/busybox --install -s
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=1777 tmpfs /tmp
ln -s /proc/self/fd /dev/fd
for module in $(cat /modules/order); do insmod /modules/$module; done
for tag in out $(cat /shares); do
    mkdir -p /$tag
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 $tag /$tag || echo "no share $tag"
done
# The node of the SCSI target with this number.
sr() {
    for node in /sys/class/block/sr*; do
        case $(readlink $node/device) in *:$1:0) echo /dev/${node##*/};; esac
    done
}
# The node of the disk with this number.
sd() {
    for node in /sys/class/block/sd*; do
        case $(readlink $node/device) in *:$1:0) echo /dev/${node##*/};; esac
    done
}
# Asks this machine to do something while the guest runs; prints what it says, returns its status.
host() {
    ask=$(mktemp -u /out/XXXXXX)
    echo "$*" >$ask.new
    mv $ask.new $ask.ask
    until [ -e $ask.code ]; do usleep 20000; done
    cat $ask.said
    return $(cat $ask.code)
}
n=0
while [ $(ls -d /sys/class/block/sr* 2>/dev/null | wc -l) -lt $(cat /drives) ] && [ $n -lt 100 ]; do
    n=$((n + 1)); usleep 100000
done
cd /root
( . /job ) >/out/stdout 2>/out/stderr
echo $? >/out/status
dmesg >/out/dmesg
sync
umount /out
poweroff -f
"""


class RigError(Exception):
    """The rig itself failed; says nothing about what was to be tested."""


def cpio(entries):
    """A `newc` archive of (path, mode, bytes): what the kernel unpacks as its first root."""
    out = bytearray()
    trailer = ("TRAILER!!!", 0, b"")
    for number, (path, mode, data) in enumerate([*entries, trailer], 1):
        name = path.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def with_parents(files):
    """The files, each directory on the way before them once."""
    seen = set()
    for path, mode, data in files:
        parts = path.split("/")[:-1]
        for n in range(1, len(parts) + 1):
            parent = "/".join(parts[:n])
            if parent not in seen:
                seen.add(parent)
                yield parent, 0o040755, b""
        yield path, mode, data


def program(path, name=None):
    """Files of a program for the guest: itself as `/usr/local/bin/NAME` and its libraries."""
    path = os.path.realpath(path)
    with tempfile.TemporaryDirectory() as scratch:
        small = os.path.join(scratch, "program")
        shutil.copy(path, small)
        if shutil.which("strip"):
            subprocess.run(["strip", small], stderr=subprocess.DEVNULL)
        yield f"usr/local/bin/{name or os.path.basename(path)}", 0o100755, read(small)
    listing = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    for library in re.findall(r"(?:=> )?(/\S+) \(0x", listing):
        yield library.lstrip("/"), 0o100755, read(os.path.realpath(library))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def need(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise RigError(f"not installed: {' '.join(missing)} (scripts/setup installs what is needed)")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        raise RigError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def prepare():
    """Kernel and first root, fetched and built once into target/rig; returns their paths."""
    kernel, base = os.path.join(CACHE, "vmlinuz"), os.path.join(CACHE, "base.cpio")
    stamp = os.path.join(CACHE, "stamp")
    wanted = INIT + " ".join(MODULES + EXTRA_MODULES)
    if os.path.exists(kernel) and os.path.exists(base) and os.path.exists(stamp):
        if read(stamp).decode() == wanted:
            return kernel, base
    need("dpkg-deb", "depmod", "modprobe", "busybox")
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        tree = os.path.join(scratch, "tree")
        run("dpkg-deb", "-x", kernel_package(scratch), tree)
        release = os.path.basename(glob.glob(f"{tree}/lib/modules/*")[0])
        run("depmod", "-b", tree, release)
        order = []
        there = "".join(name for _, _, names in os.walk(tree) for name in names)
        for module in MODULES + [name for name in EXTRA_MODULES if name + ".ko" in there]:
            shown = run("modprobe", "-d", tree, "-S", release, "--show-depends", module)
            order += [line.split()[1] for line in shown.splitlines() if line.startswith("insmod")]
        order = list(dict.fromkeys(order))
        files = [("init", 0o100755, INIT.encode()),
                 ("bin/busybox", 0o100755, read(shutil.which("busybox"))),
                 ("modules/order", 0o100644, "\n".join(map(os.path.basename, order)).encode())]
        files += [(f"modules/{os.path.basename(path)}", 0o100644, read(path)) for path in order]
        with open(base, "wb") as file:
            file.write(cpio(with_parents(files)))
        shutil.move(glob.glob(f"{tree}/boot/vmlinuz-*")[0], kernel)
        shutil.move(glob.glob(f"{tree}/boot/config-*")[0], os.path.join(CACHE, "config"))
    with open(stamp, "w") as file:
        file.write(wanted)
    return kernel, base


def kernel_package(scratch):
    """Downloads the package of the distribution's newest kernel; installs nothing."""
    need("apt-get", "apt-cache")
    depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"],
                             capture_output=True, text=True).stdout
    names = re.findall(r"Depends: (linux-image-\d\S*)", depends)
    if not names:
        raise RigError("apt knows no linux-image-amd64: run apt-get update")
    # Into a directory of its own: apt's unprivileged user may not write here and says so.
    run("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", names[0], cwd=scratch)
    return glob.glob(f"{scratch}/*.deb")[0]


class Guest:
    """One boot. Drives are attached first, then `run` boots, runs one shell script, powers off."""

    def __init__(self):
        self.kernel, self.base = prepare()
        self.dir = tempfile.mkdtemp(prefix="run-", dir=CACHE)
        self.out = os.path.join(self.dir, "out")
        os.mkdir(self.out)
        self.files, self.devices, self.shares = [], [], []
        self.drives = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def attach(self, device, source, extra=""):
        """Attaches a drive; returns the number that the guest's `sr N` turns into its node."""
        number = self.drives
        self.drives += 1
        self.devices += ["-drive", f"{source},if=none,id=d{number}",
                         "-device", f"{device},drive=d{number},bus=s.0,scsi-id={number}{extra}"]
        return number

    def cd(self, image):
        """QEMU's own CD-ROM drive with this image."""
        path = os.path.abspath(image).replace(",", ",,")
        return self.attach("scsi-cd", f"file={path},format=raw,media=cdrom,readonly=on")

    def disk(self, image):
        """A disk of which this image is all, and which can be written; the guest has it as
        `$(sd N)`."""
        path = os.path.abspath(image).replace(",", ",,")
        return self.attach("scsi-hd", f"file={path},format=raw")

    def iscsi(self, url):
        """A recorder elsewhere, passed through command by command."""
        return self.attach("scsi-generic", f"file={url},format=raw")

    def share(self, tag, path):
        """A directory of this machine as `/TAG` in the guest."""
        self.shares.append((tag, os.path.abspath(path)))

    def network(self):
        """A network card `eth0`, behind which this machine's own 127.0.0.1 is 10.0.2.2."""
        self.devices += ["-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,romfile="]

    def add(self, files):
        self.files += files

    def bring(self, *names):
        """Programs of this machine, by name."""
        need(*names)
        for name in names:
            self.add(program(shutil.which(name), name))

    def run(self, job, timeout=180, memory=1024, host=None):
        """Boots and runs; returns (exit status, standard output, standard error). What the job
        asks for with `host WORDS` is done by `host(words)`: it returns (exit status, text)."""
        need("qemu-system-x86_64")
        extra = [("job", 0o100755, job.encode()),
                 ("drives", 0o100644, str(self.drives).encode()),
                 ("shares", 0o100644, " ".join(tag for tag, _ in self.shares).encode())]
        root = os.path.join(self.dir, "root.cpio")
        with open(root, "wb") as file:
            file.write(read(self.base))
            file.write(cpio(with_parents(dict((f[0], f) for f in self.files + extra).values())))
        console, resets = os.path.join(self.dir, "console"), os.path.join(self.dir, "resets")
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
            "-accel", "tcg,thread=multi", "-cpu", "max", "-m", str(memory), "-smp", "2",
            "-display", "none", "-monitor", "none", "-serial", f"file:{console}",
            "-kernel", self.kernel, "-initrd", root, "-d", "cpu_reset", "-D", resets,
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
            "-device", "virtio-scsi-pci,id=s", *self.devices]
        for tag, path in [("out", self.out), *self.shares]:
            command += ["-virtfs",
                        f"local,path={path.replace(',', ',,')},mount_tag={tag},security_model=none"]
        began = time.monotonic()
        with Servant(self.out, host):
            said = quiet(command, timeout, console)
        status = os.path.join(self.out, "status")
        if not os.path.exists(status):
            raise RigError(
                f"the guest ended after {time.monotonic() - began:.0f} s, before its job did; its "
                f"console says:\n{tail(console)}\nQEMU says:\n{said}\nthe processor's last reset:"
                f"\n{tail(resets)}\nthe files that it wrote last:\n{latest(self.out)}")
        return (int(read(status)), read(f"{self.out}/stdout").decode(errors="surrogateescape"),
                read(f"{self.out}/stderr").decode(errors="surrogateescape"))


class Servant:
    """Does what a running guest asks this machine for."""

    def __init__(self, out, do):
        self.out, self.do, self.over = out, do, threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        while not self.over.wait(0.02):
            for path in glob.glob(f"{self.out}/*.ask"):
                name = path.removesuffix(".ask")
                words = read(path).decode().split()
                os.unlink(path)
                try:
                    code, said = self.do(words)
                except Exception as error:  # The guest must hear of it, whatever it is.
                    code, said = 99, f"{type(error).__name__}: {error}\n"
                for end, text in [("said", said), ("code.new", str(code))]:
                    with open(f"{name}.{end}", "w") as file:
                        file.write(text)
                os.rename(f"{name}.code.new", f"{name}.code")

    def __enter__(self):
        if self.do:
            self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        if self.do:
            self.thread.join()


def die_with_parent(command):
    """The command so that it is killed when this program ends in whatever way."""
    setpriv = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    return setpriv + command


def quiet(command, timeout, console):
    """Runs QEMU; returns what it says."""
    try:
        done = subprocess.run(die_with_parent(command), timeout=timeout, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise RigError(f"the guest did not end within {timeout} s; its console says:\n"
                       + tail(console)) from None
    if done.returncode:
        raise RigError(f"QEMU: exit {done.returncode}: {done.stdout.decode(errors='replace')}; the "
                       f"guest's console says:\n{tail(console)}")
    return done.stdout.decode(errors="replace")


def tail(path, lines=30):
    if not os.path.exists(path) or not os.path.getsize(path):
        return "(nothing)"
    return "\n".join(read(path).decode(errors="replace").splitlines()[-lines:])


def latest(directory, files=4):
    """The ends of the files that were written last."""
    paths = [os.path.join(directory, name) for name in os.listdir(directory)]
    paths.sort(key=os.path.getmtime)
    return "\n".join(f"{path}:\n{tail(path, 10)}" for path in paths[-files:])


class Tgt:
    """tgt's virtual drives, each with a blank DVD+R, served over iSCSI on a port of their own."""

    TARGET = "iqn.2026-11.test.kiln:drive"

    def __init__(self, directory, drives=1):
        need("tgtd", "tgtadm", "tgtimg", "qemu-system-x86_64")
        self.discs = [os.path.join(directory, f"tgt-{n}.disc") for n in range(1, drives + 1)]
        # The daemon is steered through a socket that this names, one per run: a short path, as
        # such names have some 100 bytes at most.
        self.sockets = tempfile.mkdtemp(prefix="kiln-tgt-")
        self.env = dict(os.environ, TGT_IPC_SOCKET=os.path.join(self.sockets, "s"))
        for disc in self.discs:
            run("tgtimg", "--op", "new", "--device-type", "cd", "--type", "dvd+r", "--file", disc)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = ["tgtd", "-f", "-C", "7", "--iscsi", f"portal=127.0.0.1:{self.port}"]
        self.daemon = subprocess.Popen(die_with_parent(command), env=self.env,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        try:
            self.admin("new", "target", "-T", self.TARGET, patience=10)
            for lun, disc in enumerate(self.discs, 1):
                self.admin("new", "logicalunit", "--lun", str(lun), "-b", disc, "--device-type=cd")
            self.admin("bind", "target", "-I", "ALL")
        except BaseException:
            self.stop()
            raise

    def admin(self, op, mode, *more, patience=0):
        command = ["tgtadm", "-C", "7", "--lld", "iscsi", "--op", op, "--mode", mode, "--tid", "1"]
        until = time.monotonic() + patience
        while True:
            try:
                return run(*command, *more, env=self.env)
            except RigError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    @property
    def urls(self):
        portal = f"iscsi://127.0.0.1:{self.port}/{self.TARGET}"
        return [f"{portal}/{lun}" for lun, _ in enumerate(self.discs, 1)]

    def stop(self):
        # It ignores SIGTERM.
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def end_cleanly():
    """Makes SIGTERM and SIGHUP unwind like Ctrl-C, so that nothing is left behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
