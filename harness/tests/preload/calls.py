# Calls on a drive's descriptor that few programs make: each works, or fails at once as on Linux.
# What nobody can stand in for (raw system calls) must not wait either. Run by preload.rs.
import ctypes, errno, fcntl, mmap, os, select, signal, struct, subprocess, tempfile

def fails(number, call, *args):
    try:
        result = call(*args)
    except OSError as error:
        assert error.errno == number, (call, args, error)
        return
    raise AssertionError((call, args, result, "did not fail"))

libc = ctypes.CDLL(None, use_errno=True)
def check(result, *_):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def function(name, *types, result=ctypes.c_ssize_t):
    found = getattr(libc, name)
    found.argtypes, found.restype, found.errcheck = types, result, check
    return found

SR, SG = "/dev/sr0", "/dev/sg0"
signal.alarm(60)  # Nothing may wait for ever.
fd = os.open(SR, os.O_RDONLY)
sg = os.open(SG, os.O_RDWR)
size = os.lseek(fd, 0, os.SEEK_END)
os.lseek(fd, 0, os.SEEK_SET)
whole = os.pread(fd, size, 0)
assert len(whole) == size

# Many pieces, at a place and at the position.
def pieces(*lengths):
    return [bytearray(length) for length in lengths]
for flags in (0, 1):  # RWF_HIPRI
    parts = pieces(100, 5000, 1)
    assert os.preadv(fd, parts, 16 * 2048, flags) == 5101
    assert b"".join(parts) == whole[16 * 2048:][:5101]
parts = pieces(10, 10)
assert os.preadv(fd, parts, size - 15) == 15, "the end"
fails(errno.EAGAIN, os.preadv, fd, pieces(10), 0, 8)  # RWF_NOWAIT
fails(errno.EOPNOTSUPP, os.preadv, fd, pieces(10), 0, 0x4000)
fails(errno.EINVAL, os.preadv, fd, pieces(10), -2)
fails(errno.EINVAL, os.readv, fd, pieces(1) * 1025)
os.lseek(fd, 2048, os.SEEK_SET)
assert os.readv(fd, parts) == 20 and os.lseek(fd, 0, os.SEEK_CUR) == 2068
fails(errno.EBADF, os.pwritev, fd, [b"x"], 0)
fails(errno.EBADF, os.writev, fd, [b"x"])
fails(errno.ESPIPE, os.pread, sg, 10, 0)
fails(errno.ESPIPE, os.preadv, sg, pieces(10), 0)
fails(errno.ESPIPE, os.lseek, sg, 0, os.SEEK_CUR)
fails(errno.EINVAL, os.lseek, fd, 0, os.SEEK_DATA)

# From descriptor to descriptor.
with tempfile.TemporaryFile() as file:
    at = 0
    while sent := os.sendfile(file.fileno(), fd, at, size - at):
        at += sent
    file.seek(0)
    assert at == size and file.read() == whole, "sendfile at an offset"
    os.lseek(fd, 4096, os.SEEK_SET)
    assert os.sendfile(file.fileno(), fd, None, 5000) == 5000
    assert os.lseek(fd, 0, os.SEEK_CUR) == 9096, "sendfile at the position"
    fails(errno.EINVAL, os.copy_file_range, fd, file.fileno(), 100)
    fails(errno.EINVAL, os.sendfile, file.fileno(), sg, None, 100)
    out = function("sendfile", ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
    file.seek(0)
    fails(errno.EBADF, out, fd, file.fileno(), None, 100)
from_pipe, to_pipe = os.pipe()
splice = function("splice", ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p,
                  ctypes.c_size_t, ctypes.c_uint)
place = ctypes.c_int64(16 * 2048)
assert splice(fd, ctypes.byref(place), to_pipe, None, 6, 0) == 6
assert os.read(from_pipe, 100) == b"\1CD001" and place.value == 16 * 2048 + 6

# Room, advice, locks, truncation.
fails(errno.EBADF, function("fallocate", ctypes.c_int, ctypes.c_int, ctypes.c_int64,
                            ctypes.c_int64, result=ctypes.c_int), fd, 0, 0, 4096)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
assert function("readahead", ctypes.c_int, ctypes.c_int64, ctypes.c_size_t)(fd, 0, 65536) == 0
fails(errno.EINVAL, os.ftruncate, fd, 0)
fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
os.fsync(fd)
os.fdatasync(fd)

# Waiting: a block device cannot be waited for by epoll, a node of sg can.
with select.epoll() as epoll:
    fails(errno.EPERM, epoll.register, fd, select.EPOLLIN)
    epoll.register(sg, select.EPOLLIN)
    assert epoll.poll(0) == []

# FIONBIO is O_NONBLOCK, by which a node of sg does not wait for an answer.
assert not fcntl.fcntl(sg, fcntl.F_GETFL) & os.O_NONBLOCK
os.set_blocking(sg, False)
assert fcntl.fcntl(sg, fcntl.F_GETFL) & os.O_NONBLOCK
fails(errno.EAGAIN, os.read, sg, 88)
os.set_blocking(sg, True)
assert not fcntl.fcntl(sg, fcntl.F_GETFL) & os.O_NONBLOCK

# The first form of sg: header, command and data in one piece, and so the answer.
def ask(cdb, room=0, data=b"", number=0, bits=0):
    head = struct.pack("=4iI16x", 0, 36 + room, number, 0, bits)
    assert os.write(sg, head + cdb + data) == 36 + len(cdb) + len(data)
def hear(most=4096):
    answer = os.read(sg, most)
    _, length, number, result, bits, sense = struct.unpack("=4iI16s", answer[:36])
    status, host, driver = bits >> 1 & 0x1f, bits >> 6 & 0xff, bits >> 14 & 0xff
    assert len(answer) == min(most, length), (len(answer), length)
    return number, (result, status, host, driver), sense, answer[36:]
INQUIRY = bytes([0x12, 0, 0, 0, 36, 0])
ask(INQUIRY, 96, number=77)
number, good, sense, data = hear()
assert (number, good, sense, data[8:12], data[36:]) == (77, (0, 0, 0, 0), bytes(16), b"KILN", bytes(60))
ask(bytes([0xFD] + [0] * 9), 8)
_, bad, sense, _ = hear()
assert bad == (0, 1, 0, 8) and (sense[0], sense[2], sense[12]) == (0x70, 5, 0x20), (bad, sense)
ask(bytes([0x55, 0x10, 0, 0, 0, 0, 0, 0, 8, 0]), data=bytes(8))
assert hear()[1] == (0, 0, 0, 0), "MODE SELECT of a header alone"
ask(bytes([0xFD] + [0] * 11), bits=1)
assert hear()[1][1] == 1, "a vendor's command of twelve bytes"
fcntl.ioctl(sg, 0x2283, struct.pack("i", 16))  # SG_NEXT_CMD_LEN
ask(INQUIRY + bytes(10), 36)
ask(INQUIRY, 36, number=2)
assert hear()[3][8:12] == b"KILN" and hear(46)[3] == data[:10], "two are queued, one read in part"
fails(errno.ENOMEM, fcntl.ioctl, sg, 0x2283, struct.pack("i", 253))
fails(errno.EIO, os.write, sg, bytes(41))
fails(errno.EIO, os.write, sg, struct.pack("=4iI16x", 0, 36, 0, 0, 0) + bytes([0x28] + [0] * 8))
fails(errno.EINVAL, os.write, sg, struct.pack("=4iI16x", 0, -3, 0, 0, 0) + bytes(6))

# The reserved buffer can be mapped, and no more of it than there is.
reserved, = struct.unpack("i", fcntl.ioctl(sg, 0x2272, bytes(4)))
fails(errno.ENOMEM, mmap.mmap, sg, reserved + 1)
with mmap.mmap(sg, reserved) as mapped:
    cdb = ctypes.create_string_buffer(bytes([0x28, 0, 0, 0, 0, 16, 0, 0, 1, 0]))
    at = ctypes.addressof(cdb)
    header = bytearray(struct.pack("=iiBBHIQQQIIiIQ24x", ord("S"), -3, 10, 0, 0, 2048, 0, at, 0,
                                   20000, 4, 0, 0, 0))  # SG_FLAG_MMAP_IO
    assert len(header) == 88
    fcntl.ioctl(sg, 0x2285, header)
    assert mapped[:2048] == whole[16 * 2048:17 * 2048]

# Folders: by their descriptor, and from the start again.
folder = os.open("/dev", os.O_RDONLY)
assert {"sr0", "sg0", "cdrom"} <= set(os.listdir(folder))
assert os.stat("sr0", dir_fd=folder).st_rdev == os.makedev(11, 0)
class Entry(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("len", ctypes.c_uint16),
                ("kind", ctypes.c_uint8), ("name", ctypes.c_char * 256)]
libc.opendir.restype, libc.readdir64.restype = ctypes.c_void_p, ctypes.POINTER(Entry)
listing = ctypes.c_void_p(libc.opendir(b"/dev"))
for _ in range(2):
    names = []
    while entry := libc.readdir64(listing):
        names.append(entry.contents.name)
    assert names.count(b"sr0") == 1 and names.count(b"null") == 1, names
    libc.rewinddir(listing)
libc.closedir(listing)

# Input and output of programs that use streams, given to them by a shell.
def shell(line):
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=30)
    assert done.returncode == 0, (line, done)
    return done.stdout
assert shell("sha256sum </dev/sr0")[:64] == shell("sha256sum /dev/sr0")[:64]
assert shell("od -An -c -j 32769 -N 5 </dev/sr0").split() == list(map(bytes, zip(b"CD001")))
assert shell("head -c 32774 /dev/sr0 | tail -c 5") == b"CD001"

# What nobody can stand in for: raw system calls. They fail, and do not wait.
raw = function("syscall", ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t,
               result=ctypes.c_long)
room = ctypes.create_string_buffer(4096)
READ = {"x86_64": 0, "aarch64": 63}.get(os.uname().machine)
if READ is not None:
    fails(errno.EAGAIN, raw, READ, fd, room, 4096)
    fails(errno.EAGAIN, raw, READ, sg, room, 4096)
# POSIX aio reads in a thread of the C library's own.
class Control(ctypes.Structure):  # struct aiocb of glibc, as far as it matters
    _fields_ = [("fd", ctypes.c_int), ("opcode", ctypes.c_int), ("prio", ctypes.c_int),
                ("buf", ctypes.c_void_p), ("len", ctypes.c_size_t), ("event", ctypes.c_char * 64),
                ("private", ctypes.c_char * 32), ("at", ctypes.c_int64),
                ("rest", ctypes.c_char * 64)]
control = Control(fd=fd, buf=ctypes.cast(room, ctypes.c_void_p), len=2048, at=0)
ctypes.c_int.from_address(ctypes.addressof(control) + Control.event.offset + 12).value = 1
if libc.aio_read(ctypes.byref(control)) == 0:
    queue = (ctypes.c_void_p * 1)(ctypes.addressof(control))
    libc.aio_suspend(queue, 1, None)
    failed = libc.aio_error(ctypes.byref(control))
    assert failed in (errno.ESPIPE, errno.EAGAIN), failed
assert os.pread(fd, 5, 16 * 2048 + 1) == b"CD001", "and the drive is as it was"
print("all is well")
