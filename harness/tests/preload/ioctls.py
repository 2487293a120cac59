# Each ioctl of Linux's block layer, cdrom, SCSI layer and sg, as linux/cdrom.h, linux/fs.h and
# scsi/sg.h define it and Linux's drivers answer it. With a DVD+R in the drive that holds an
# image. Run by preload.rs.
import ctypes, errno, fcntl, os, struct

def call(number, argument=0):
    """What it returns, and what it leaves behind a pointer."""
    if isinstance(argument, int):
        return fcntl.ioctl(fd, number, argument)
    place = bytearray(argument)
    fcntl.ioctl(fd, number, place)
    return bytes(place)
def is_int(number, value, form="i"):
    size = struct.calcsize(form)
    said, = struct.unpack(form, call(number, bytes(size)))
    assert said == value, (hex(number), said, value)
def refuses(number, how, argument=0):
    try:
        said = call(number, argument)
    except OSError as error:
        assert error.errno == how, (hex(number), error)
        return
    raise AssertionError((hex(number), said, "did not fail"))

fd = os.open("/dev/sr0", os.O_RDONLY)
size = os.lseek(fd, 0, os.SEEK_END)

# The block layer.
is_int(0x1260, size // 512, "l")  # BLKGETSIZE
is_int(0x80081272, size, "Q")  # BLKGETSIZE64
for number in (0x1268, 0x127B, 0x1278):  # BLKSSZGET, BLKPBSZGET, BLKIOMIN
    is_int(number, 2048)
is_int(0x80081270, 4096 if size % 4096 == 0 else 2048)  # BLKBSZGET
for number in (0x125E, 0x1279, 0x127A, 0x127C):  # BLKROGET, BLKIOOPT, BLKALIGNOFF, DISCARDZEROES
    is_int(number, 0)
is_int(0x1263, 256, "l")  # BLKRAGET, in sectors of 512 bytes
is_int(0x127E, 1, "H")  # BLKROTATIONAL
is_int(0x1267, 2048, "H")  # BLKSECTGET
assert call(0x1261) == 0, "BLKFLSBUF"
assert call(0x1262, 512) == 0 and call(0x1264, 512) == 0, "BLKRASET, BLKFRASET"
refuses(0x125F, errno.EINVAL)  # BLKRRPART: no partitions
refuses(0x40081271, errno.EINVAL, struct.pack("i", 1000))  # BLKBSZSET

# Tray, disc, door, options.
assert call(0x5325, 0x7FFFFFFF) in (0, 1) and call(0x5325, 0x7FFFFFFF) == 0, "CDROM_MEDIA_CHANGED"
changed, flag, _ = struct.unpack("qBB6x", call(0x5396, struct.pack("qq", 0, 0)))
assert changed >= 0 and struct.unpack("qB7x", call(0x5396, struct.pack("qq", changed, 0)))[1] == 0
assert call(0x5326, 0x7FFFFFFF) == 4 and call(0x5327) == 101 and call(0x5328) == 1
assert call(0x5331) & 0xE003 == 0xE003, "CDROM_GET_CAPABILITY: tray, CD-R, CD-RW, DVD"
options = call(0x5320, 0)  # CDROM_SET_OPTIONS with nothing to set
assert options == 1 | 4 | 8, "close by itself, heed flags, lock"
assert call(0x530F, 1) == 0 and call(0x5320, 0) & 3 == 3, "CDROMEJECT_SW"
assert call(0x530F, 0) == 0 and call(0x5320, 0) & 3 == 0
assert call(0x5320, 1) == 1 | 4 | 8 and call(0x5321, 8) == 1 | 4 and call(0x5320, 8) == options
assert call(0x5329, 1) == 0, "CDROM_LOCKDOOR"
refuses(0x530F, errno.EBUSY, 1)
assert call(0x5329, 0) == 0 and call(0x5322, 8) == 0 and call(0x5322, 0) == 0, "CDROM_SELECT_SPEED"
refuses(0x5323, errno.EINVAL, 0)  # CDROM_SELECT_DISC: no changer
for number in (0x5307, 0x5308):  # CDROMSTOP, CDROMSTART: they return before they are done
    assert call(number) == 0
    while call(2) != 0:
        pass

# The disc's contents.
assert call(0x5305, bytes(2)) == bytes([1, 1]), "CDROMREADTOCHDR"
lead_out = call(0x5306, bytes([0xAA, 0, 1] + [0] * 9))
assert 0 < struct.unpack("i", lead_out[4:8])[0] * 2048 <= size + 16 * 2048, "CDROMREADTOCENTRY"
last, = struct.unpack("l", call(0x5395, bytes(8)))  # CDROM_LAST_WRITTEN
assert 0 < last * 2048 <= size
for number in (0x530D, 0x530C, 0x5314):  # CDROMREADMODE1, MODE2, RAW: there is no CD
    refuses(number, errno.EIO, bytearray([0, 2, 16, 0, 0, 0] + [0] * 2400))
refuses(0x5306, errno.EINVAL, bytes(12))
refuses(0x5310, errno.EINVAL, bytes(8))
assert call(0x5310, bytes([0] * 5 + [2, 0, 0]))[:4] == bytes([0, 2, 0, 0]), "CDROMMULTISESSION, MSF"

# DVD_READ_STRUCT: physical format, copyright; DVD_AUTH: the region.
structure = call(0x5390, bytearray(2056))
assert structure[4] >> 4 == 0xA, "a DVD+R's book type"
refuses(0x5390, errno.EINVAL, bytearray([9]) + bytearray(2055))
region = call(0x5392, bytes([10] + [0] * 15))
assert region[0] == 10 and region[3] in (0, 1), "DVD_LU_SEND_RPC_STATE"
refuses(0x5392, errno.ENOTTY, bytes([77] + [0] * 15))

# CDROM_SEND_PACKET.
def packet(cdb, room, direction):
    data, sense = ctypes.create_string_buffer(room + 1), ctypes.create_string_buffer(64)
    generic = struct.pack("12s4xPIiPBxxxiiP", cdb, ctypes.addressof(data), room, 0,
                          ctypes.addressof(sense), direction, 1, 1000, 0)
    try:
        return call(0x5393, bytearray(generic)), data.raw[:room]
    except OSError as error:
        return error.errno, sense.raw
assert packet(bytes([0x12, 0, 0, 0, 36, 0] + [0] * 6), 36, 2)[1][8:12] == b"KILN"
how, sense = packet(bytes([0xFD] + [0] * 11), 0, 3)
assert how == errno.EIO and (sense[2] & 15, sense[12]) == (5, 0x20), (how, sense)
assert packet(bytes(12), 36, 3)[0] == errno.EINVAL, "data, and no direction"

# The SCSI layer, on both nodes.
for node in ("/dev/sr0", "/dev/sg0"):
    fd = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    is_int(0x5386, 0)  # SCSI_IOCTL_GET_BUS_NUMBER
    is_int(0x5382, 0, "Q")  # SCSI_IOCTL_GET_IDLUN
    assert call(0x5385, struct.pack("i60x", 64))[:4] == b"kiln", "SCSI_IOCTL_PROBE_HOST"
    assert call(2) == 0, "SCSI_IOCTL_TEST_UNIT_READY"
    assert call(0x5380) == 0 and call(0x5381) == 0, "SCSI_IOCTL_DOORLOCK, UNLOCK"
    # SCSI_IOCTL_SEND_COMMAND: lengths, then the command, in whose place the data comes.
    assert call(1, struct.pack("II6B90x", 0, 96, 0x12, 0, 0, 0, 96, 0))[16:20] == b"KILN"
    call(0x2201, struct.pack("i", 3000))
    assert call(0x2202) == 3000, "SG_SET_TIMEOUT, in hundredths of a second"
    call(0x2275, struct.pack("i", 65536))
    is_int(0x2272, 65536)  # SG_GET_RESERVED_SIZE
    refuses(0x2275, errno.EINVAL, struct.pack("i", -1))
    for kind in (0, 1):  # SG_SCSI_RESET: nothing, the device
        call(0x2284, struct.pack("i", kind))
    refuses(0x2284, errno.EINVAL, struct.pack("i", 99))
    # The reset is told, once.
    call(2)
    os.close(fd)
fd = os.open("/dev/sr0", os.O_RDONLY | os.O_NONBLOCK)
is_int(0x2203, 1)  # SG_EMULATED_HOST
is_int(0x2282, 30527)  # SG_GET_VERSION_NUM
for number in (0x2276, 0x227F, 0x2270, 0x227C):  # what only sg has
    refuses(number, errno.EINVAL, bytes(64))
os.close(fd)
fd = os.open("/dev/sg0", os.O_RDWR | os.O_NONBLOCK)
is_int(0x2203, 0)
is_int(0x2282, 30536)
is_int(0x227F, 128)  # SG_GET_SG_TABLESIZE
is_int(0x227D, 0)  # SG_GET_NUM_WAITING
is_int(0x227C, -1)  # SG_GET_PACK_ID
call(0x2271, struct.pack("i", 7))
is_int(0x2270, 1)  # SG_GET_COMMAND_Q
call(0x2287, struct.pack("i", 1))
is_int(0x2288, 1)  # SG_GET_KEEP_ORPHAN
refuses(0x2201, errno.EIO, struct.pack("i", -1))
assert struct.unpack("8i", call(0x2276, bytes(32)))[:5] == (0, 0, 0, 0, 5), "SG_GET_SCSI_ID"
refuses(0x5331, errno.EINVAL)  # what only cdrom has
refuses(0x9999, errno.EINVAL)
os.close(fd)

# SG_IO in its fourth version, struct sg_io_v4 of linux/bsg.h: status, sense, what was not moved.
def v4(cdb, room=0, data=b""):
    came, sense = ctypes.create_string_buffer(max(room, 1)), ctypes.create_string_buffer(64)
    cdb = ctypes.create_string_buffer(bytes(cdb), len(cdb))
    gone = ctypes.create_string_buffer(data, max(len(data), 1))
    header = bytearray(struct.pack(
        "iIIIQQIIIIQIIIIQQIIQI27x", ord("Q"), 0, 0, len(cdb), ctypes.addressof(cdb), 0, 0, 0, 0,
        64, ctypes.addressof(sense), 0, len(data), 0, room, ctypes.addressof(gone),
        ctypes.addressof(came), 60000, 0, 0, 0).ljust(160, b"\0")[:160])
    fcntl.ioctl(fd, 0x2285, header)
    driver, transport, status, _, _, _, sensed, resid = struct.unpack_from("7Ii", header, 108)
    assert transport == 0
    return status, sense.raw[:sensed], came.raw[:room - resid], driver
for node in ("/dev/sr0", "/dev/sg0"):
    fd = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    while v4([0] * 6)[0] != 0:
        pass
    status, sense, said, _ = v4([0x12, 0, 0, 0, 96, 0], room=96)
    assert (status, sense, said[0] & 31, said[8:12]) == (0, b"", 5, b"KILN"), "INQUIRY"
    assert v4([0x12, 0, 0, 0, 36, 0], room=96)[2] == said[:36], "what did not come"
    status, sense, _, driver = v4([0x28, 0, 0x7F, 0, 0, 0, 0, 0, 1, 0], room=2048)
    assert status == 2 and driver & 8 and sense[2] & 15 == 5 and sense[12] == 0x21, "READ(10)"
    refuses(0x2285, errno.EINVAL, struct.pack("iI", ord("Q"), 1).ljust(160, b"\0"))
    os.close(fd)
print("all is well")
