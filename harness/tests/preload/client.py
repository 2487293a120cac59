# What an unmodified program sees of a lent drive with a written disc in it. Run by preload.rs.
import array, errno, fcntl, glob, mmap, os, select, signal, stat, struct, subprocess, sys, threading
import ctypes, time

def fails(number, call, *args):
    try:
        call(*args)
    except OSError as error:
        assert error.errno == number, (call, args, error)
        return
    raise AssertionError((call, args, "did not fail"))

SR, SG = "/dev/sr0", "/dev/sg0"
assert {"sr0", "sg0", "scd0", "cdrom"} <= set(os.listdir("/dev"))
assert "sr1" not in os.listdir("/dev") and glob.glob("/dev/scd*") == ["/dev/scd0"]
assert stat.S_ISBLK(os.stat(SR).st_mode) and os.stat(SR).st_rdev == os.makedev(11, 0)
assert stat.S_ISCHR(os.stat(SG).st_mode) and os.stat(SG).st_rdev == os.makedev(21, 0)
assert os.path.realpath("/dev/cdrom") == SR and os.readlink("/dev/cdrom") == "sr0"
libc, found = ctypes.CDLL(None), ctypes.c_void_p()
count = libc.scandir(b"/dev", ctypes.byref(found), None, ctypes.cast(libc.alphasort, ctypes.c_void_p))
entries = ctypes.cast(found, ctypes.POINTER(ctypes.c_void_p))
names = [ctypes.string_at(entries[i] + 19) for i in range(count)]
assert {b"sr0", b"sg0", b"scd0", b"null"} <= set(names) and len(set(names)) == count, names
for link in ("/dev/scd0", "/dev/cdrom", "/dev/dvd"):
    assert os.readlink(link) == "sr0" and os.path.realpath(link) == SR
    assert stat.S_ISLNK(os.lstat(link).st_mode) and os.lstat(link).st_size == 3
    assert os.stat(link).st_rdev == os.makedev(11, 0)
    os.close(os.open(link, os.O_RDONLY | os.O_NONBLOCK))
fails(errno.ENOENT, os.stat, "/dev/scd1")
fails(errno.ENOENT, os.open, "/dev/sr7", os.O_RDONLY)
assert open("/sys/class/block/sr0/device/type").read() == "5\n"
assert "sr0" in open("/proc/sys/dev/cdrom/info").read()

# Opening: exclusively once, in this process and in others; freed by the last close.
fd = os.open(SR, os.O_RDWR | os.O_EXCL | os.O_NONBLOCK)
fails(errno.EBUSY, os.open, SR, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK)
os.close(os.open(SR, os.O_RDONLY | os.O_NONBLOCK))
other = [sys.executable, "-c", "import os; os.open('/dev/sr0', os.O_RDONLY | os.O_EXCL)"]
assert subprocess.run(other, stderr=subprocess.DEVNULL).returncode != 0
copy = os.dup(fd)
os.close(fd)
fails(errno.EBUSY, os.open, SR, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK)
os.close(copy)
for _ in range(20):
    os.close(os.open(SR, os.O_RDONLY | os.O_EXCL))
assert subprocess.run(other).returncode == 0

fd = os.open(SR, os.O_RDONLY)
assert stat.S_ISBLK(os.fstat(fd).st_mode)
assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
size = os.lseek(fd, 0, os.SEEK_END)
assert size > 0 and size % 2048 == 0
long = array.array("Q", [0])
fcntl.ioctl(fd, 0x80081272, long)
assert long[0] == size, "BLKGETSIZE64 and SEEK_END agree"
assert os.pread(fd, 5, 16 * 2048 + 1) == b"CD001"
assert os.pread(fd, 100, size) == b"", "the end"
whole = os.pread(fd, 300_000, 0)
assert whole[16 * 2048 + 1:][:5] == b"CD001"
fails(errno.EINVAL, os.lseek, fd, size + 1, os.SEEK_SET)
os.lseek(fd, 0, os.SEEK_SET)
assert os.read(fd, 3000) == whole[:3000] and os.read(fd, 5000) == whole[3000:8000]
fails(errno.EBADF, os.write, fd, b"x" * 2048)
fails(errno.ENODEV, mmap.mmap, fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)

# A block device is always ready, and nothing exceptional happens to it.
assert select.select([fd], [fd], [fd], 60) == ([fd], [fd], [])
silent, _ = os.pipe()
assert select.select([silent, fd], [], [], 60) == ([fd], [], [])
assert select.select([silent], [], [fd], 0.01) == ([], [], [])
os.close(silent)

# The ioctls of cdrom and the SCSI layer.
assert fcntl.ioctl(fd, 0x5326, 0x7FFFFFFF) == 4, "CDROM_DRIVE_STATUS: CDS_DISC_OK"
assert fcntl.ioctl(fd, 0x5327, 0) == 101, "CDROM_DISC_STATUS: CDS_DATA_1"
assert fcntl.ioctl(fd, 0x5328, 0) == 1, "CDROM_CHANGER_NSLOTS"
assert fcntl.ioctl(fd, 0x5305, bytes(2)) == bytes([1, 1]), "CDROMREADTOCHDR"
entry = fcntl.ioctl(fd, 0x5306, bytes([1, 0, 1] + [0] * 9))
assert struct.unpack("=BBBxiBxxx", entry) == (1, 0x41, 1, 0, 1), entry
entry = fcntl.ioctl(fd, 0x5306, bytes([1, 0, 2] + [0] * 9))
assert entry[4:7] == bytes([0, 2, 0]), "minute, second, frame"
fails(errno.EINVAL, fcntl.ioctl, fd, 0x5306, bytes([1, 0, 3] + [0] * 9))
assert fcntl.ioctl(fd, 0x5310, bytes([0] * 5 + [1, 0, 0]))[:4] == bytes(4), "CDROMMULTISESSION"
assert fcntl.ioctl(fd, 0x5331, 0) & 0x2000, "CDROM_GET_CAPABILITY: CDC_CD_R"
for number in (0x030D, 0x2276, 0x5323, 0x9999):
    fails(errno.EINVAL, fcntl.ioctl, fd, number, bytes(512))
assert fcntl.ioctl(fd, 0x5382, bytes(8)) == bytes(8), "SCSI_IOCTL_GET_IDLUN"
assert struct.unpack("i", fcntl.ioctl(fd, 0x2282, bytes(4))) == (30527,)

class Header(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("dir", ctypes.c_int), ("cmd_len", ctypes.c_ubyte),
                ("mx_sb_len", ctypes.c_ubyte), ("iovecs", ctypes.c_ushort),
                ("len", ctypes.c_uint), ("data", ctypes.c_void_p), ("cdb", ctypes.c_void_p),
                ("sbp", ctypes.c_void_p), ("timeout", ctypes.c_uint), ("flags", ctypes.c_uint),
                ("pack_id", ctypes.c_int), ("usr", ctypes.c_void_p), ("status", ctypes.c_ubyte),
                ("masked", ctypes.c_ubyte), ("msg", ctypes.c_ubyte), ("sb_len", ctypes.c_ubyte),
                ("host", ctypes.c_ushort), ("driver", ctypes.c_ushort), ("resid", ctypes.c_int),
                ("duration", ctypes.c_uint), ("info", ctypes.c_uint)]

class Command:
    def __init__(self, cdb, length=0, direction=-3, sense=32):
        self.cdb = ctypes.create_string_buffer(cdb, len(cdb))
        self.data = ctypes.create_string_buffer(max(length, 1))
        self.sense = ctypes.create_string_buffer(64)
        at = lambda buffer: ctypes.cast(buffer, ctypes.c_void_p)
        self.header = Header(id=ord("S"), dir=direction if length else -1, cmd_len=len(cdb),
                             mx_sb_len=sense, len=length, data=at(self.data), cdb=at(self.cdb),
                             sbp=at(self.sense), timeout=20000)

    def run(self, fd):
        fcntl.ioctl(fd, 0x2285, self.header)
        return self

inquiry = Command(bytes([0x12, 0, 0, 0, 96, 0]), 96).run(fd)
h = inquiry.header
assert (h.status, h.host, h.driver, h.info & 1, h.resid) == (0, 0, 0, 0, 0), list(inquiry.data[:8])
assert inquiry.data[8:12] == b"KILN"
short = Command(bytes([0x12, 0, 0, 0, 36, 0]), 96).run(fd)
assert short.header.resid == 60
bad = Command(bytes([0xFE] + [0] * 5)).run(fd)
h = bad.header
assert (h.status, h.masked, h.driver, h.info & 1, h.sb_len) == (2, 1, 8, 1, 18)
assert (bad.sense[2][0] & 15, bad.sense[12], bad.sense[13]) == (5, b"\x20", b"\0")
few = Command(bytes([0xFE] + [0] * 5), sense=8).run(fd)
assert few.header.sb_len == 8 and few.sense[8:18] == bytes(10)
wrong = Command(bytes(6))
wrong.header.id = 0
fails(errno.EINVAL, wrong.run, fd)
long_cdb = Command(bytes([0x28] + [0] * 19)).run(fd)
assert long_cdb.header.host == 5, "longer than the host adapter takes"
wild = Command(bytes([0x12, 0, 0, 0, 96, 0]), 96)
wild.header.data = 64
fails(errno.EFAULT, wild.run, fd)
wild.header.data = 1 << 46
fails(errno.EFAULT, wild.run, fd)
assert Command(bytes([0x12, 0, 0, 0, 96, 0]), 96).run(fd).data[8:12] == b"KILN", "it goes on"

# An sg node: its own ioctls, and commands by write and read.
sg = os.open(SG, os.O_RDWR | os.O_NONBLOCK)
assert struct.unpack("i", fcntl.ioctl(sg, 0x2282, bytes(4))) == (30536,)
assert struct.unpack("8i", fcntl.ioctl(sg, 0x2276, bytes(32)))[4] == 5, "SG_GET_SCSI_ID"
fails(errno.EAGAIN, os.read, sg, 88)
waiting = Command(bytes([0x12, 0, 0, 0, 96, 0]), 96)
assert os.write(sg, bytes(waiting.header)) == 88
fcntl.fcntl(sg, fcntl.F_SETFL, fcntl.fcntl(sg, fcntl.F_GETFL) & ~os.O_NONBLOCK)
assert len(os.read(sg, 88)) == 88 and waiting.data[8:12] == b"KILN"
fails(errno.EBUSY, os.open, SG, os.O_RDWR | os.O_EXCL | os.O_NONBLOCK)

# Commands are queued, and their answers are read in the order of the program's choice; one with
# less data than room does not swallow the next.
fcntl.ioctl(sg, 0x227B, struct.pack("i", 1))  # SG_SET_FORCE_PACK_ID
queued = [Command(bytes([0x12, 0, 0, 0, 36 + n, 0]), 4096) for n in range(12)]
for n, command in enumerate(queued):
    command.header.pack_id = n
    assert os.write(sg, bytes(command.header)) == 88
libc = ctypes.CDLL(None, use_errno=True)
for n in (7, 0, 11, 3, 10, 9, 8, 6, 5, 4, 2, 1):
    answer = Header(id=ord("S"), dir=-3, pack_id=n)
    assert libc.read(sg, ctypes.byref(answer), 88) == 88
    assert (answer.pack_id, answer.data) == (n, queued[n].header.data)
    assert queued[n].data[8:12] == b"KILN" and answer.resid == 4096 - 36 - n
assert not select.select([sg], [], [], 0)[0], "nothing is pending"
# Without one, sg waits: until another thread writes a command.
late = Command(bytes([0x12, 0, 0, 0, 96, 0]), 96)
threading.Timer(0.05, lambda: os.write(sg, bytes(late.header))).start()
answer = Header(id=ord("S"), dir=-3, pack_id=-1)
assert libc.read(sg, ctypes.byref(answer), 88) == 88 and late.data[8:12] == b"KILN"
os.close(sg)

# A block device is always ready; what else is asked about is asked without waiting.
quiet, _ = os.pipe()
assert select.select([fd, quiet], [fd], [fd], 5) == ([fd], [fd], [])
poll = select.poll()
poll.register(fd, select.POLLIN)
poll.register(quiet, select.POLLIN)
assert poll.poll(5000) == [(fd, select.POLLIN)]
fails(errno.ENODATA, os.getxattr, "/sys/block/sr0/ro", "user.none")
assert os.listxattr("/sys/block/sr0/ro") is not None

# Threads share a descriptor; children inherit it, over fork and over exec.
def ask():
    for _ in range(200):
        assert Command(bytes([0x12, 0, 0, 0, 96, 0]), 96).run(fd).data[8:12] == b"KILN"
        assert os.pread(fd, 4096, 2048) == whole[2048:6144]
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
child = os.fork()
if child == 0:
    ask()
    os._exit(0)
ask()
assert os.waitpid(child, 0)[1] == 0
os.set_inheritable(fd, True)
by_number = subprocess.run(["dd", f"if=/dev/fd/{fd}", "bs=2048", "skip=16", "count=1", "status=none"],
                           pass_fds=[fd], capture_output=True)
assert by_number.stdout == whole[16 * 2048:17 * 2048], by_number.stderr
os.lseek(fd, 17 * 2048, os.SEEK_SET)
as_input = subprocess.run(["head", "-c", "6"], stdin=fd, capture_output=True)
assert as_input.stdout == whole[17 * 2048:17 * 2048 + 6], as_input.stderr
assert os.lseek(fd, 0, os.SEEK_CUR) > 17 * 2048, "the position is shared"
os.close(fd)
# A child that outlives its parent keeps what it inherited: the reader that wodim forks leaves the
# drive taken when wodim is killed, until it ends too.
exclusively = os.O_RDWR | os.O_EXCL | os.O_NONBLOCK
told, tells = os.pipe()
parent = os.fork()
if parent == 0:
    os.open(SR, exclusively)
    child = os.fork()
    if child == 0:
        signal.pause()
    os.write(tells, b"%d" % child)
    signal.pause()
child = int(os.read(told, 16))
os.kill(parent, signal.SIGKILL)
os.waitpid(parent, 0)
time.sleep(0.2)
fails(errno.EBUSY, os.open, SR, exclusively)
os.kill(child, signal.SIGKILL)
for _ in range(200):
    try:
        os.close(os.open(SR, exclusively))
        break
    except OSError as error:
        assert error.errno == errno.EBUSY, error
        time.sleep(0.02)
else:
    raise AssertionError("the drive stays taken though nobody is left")
print("all is well")
