# The ioctls of cdrom that read a CD's sectors, with a CD-R in the drive that holds an image. Run
# by preload.rs.
import ctypes, errno, fcntl, os, struct

fd = os.open("/dev/sr0", os.O_RDONLY)
def sector(number, size, minute=0, second=2, frame=16):
    place = bytearray(size)
    place[:6] = bytes([minute, second, frame, 0, 0, 0])
    try:
        fcntl.ioctl(fd, number, place)
    except OSError as error:
        return error.errno
    return bytes(place)
block = os.pread(fd, 2048, 16 * 2048)
raw = sector(0x5314, 2352)  # CDROMREADRAW
assert raw[:16] == b"\0" + b"\xff" * 10 + b"\0" + bytes([0, 2, 0x16, raw[15]]), raw[:16]
at = {1: 16, 2: 24}[raw[15]]  # Mode 1, or Mode 2 Form 1 behind its sub-header
assert raw[at:at + 2048] == block
if raw[15] == 1:
    assert sector(0x530D, 2048) == block, "CDROMREADMODE1"
    assert sector(0x530C, 2336) == raw[16:], "CDROMREADMODE2 asks for no mode"
assert sector(0x5314, 2352, second=0) == errno.EINVAL, "before the first block"
assert sector(0x5314, 2352, minute=79) == errno.EIO, "behind the last"

frames = ctypes.create_string_buffer(b"\x55" * 2352)
audio = struct.pack("=BBBxBxxxixxxxQ", 0, 2, 16, 2, 1, ctypes.addressof(frames))
for head, how in ((audio, errno.EIO), (audio[:8] + bytes(16), errno.EINVAL)):
    try:
        fcntl.ioctl(fd, 0x530E, head)  # CDROMREADAUDIO: there is none, or none is asked for
        raise AssertionError(how)
    except OSError as error:
        assert error.errno == how, error

# CDROMSUBCHNL: where the head is, in either form.
for form in (1, 2):
    place = fcntl.ioctl(fd, 0x530B, bytes([form] + [0] * 15))
    assert place[1] in (0x00, 0x15) and place[2] & 15 in (0, 1), place
    try:
        fcntl.ioctl(fd, 0x530B, bytes(16))
        raise AssertionError("a form that is none")
    except OSError as error:
        assert error.errno == errno.EINVAL
assert fcntl.ioctl(fd, 0x5311, bytes(14))[13] == 0, "CDROM_GET_MCN"
volume = fcntl.ioctl(fd, 0x5313, bytes(4))  # CDROMVOLREAD
fcntl.ioctl(fd, 0x530A, bytes([100, 90, 0, 0]))  # CDROMVOLCTRL
assert fcntl.ioctl(fd, 0x5313, bytes(4))[:2] in (bytes([100, 90]), volume[:2])
assert fcntl.ioctl(fd, 0x5327, 0) in (101, 103), "CDROM_DISC_STATUS"
last, = struct.unpack("l", fcntl.ioctl(fd, 0x5395, bytes(8)))  # CDROM_LAST_WRITTEN
following, = struct.unpack("l", fcntl.ioctl(fd, 0x5394, bytes(8)))  # CDROM_NEXT_WRITABLE
assert 0 < last * 2048 <= os.lseek(fd, 0, os.SEEK_END) and following == last + 7
print("all is well")
