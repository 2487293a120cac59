//! The ioctls of Linux's sr, sg and block layer by number, and what each one's argument points to.
//!
//! Shared by the shim, which has to know how much to fetch and to store, and by the server, which
//! answers. Names and numbers are those of linux/cdrom.h, linux/fs.h, scsi/scsi.h and scsi/sg.h.

/// What the argument of an ioctl is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number, or nothing.
    Plain,
    /// It points to bytes: so many go in, and so many come out at most.
    Bytes(u16, u16),
    /// It points to a structure with pointers, which the shim takes apart.
    Deep,
}

macro_rules! calls {
    ($($name:ident = $number:literal, $shape:expr;)+) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub const $name: u32 = $number;
        )+

        /// What the argument of this ioctl is; unknown ones count as plain.
        pub const fn shape(number: u32) -> Shape {
            use Shape::{Bytes, Deep, Plain};
            match number {
                $($name => $shape,)+
                _ => Plain,
            }
        }
    };
}

calls! {
    SCSI_IOCTL_SEND_COMMAND = 0x01, Deep;
    SCSI_IOCTL_TEST_UNIT_READY = 0x02, Plain;
    SCSI_IOCTL_START_UNIT = 0x05, Plain;
    SCSI_IOCTL_STOP_UNIT = 0x06, Plain;
    SCSI_IOCTL_DOORLOCK = 0x5380, Plain;
    SCSI_IOCTL_DOORUNLOCK = 0x5381, Plain;
    SCSI_IOCTL_GET_IDLUN = 0x5382, Bytes(0, 8);
    SCSI_IOCTL_PROBE_HOST = 0x5385, Bytes(4, 64);
    SCSI_IOCTL_GET_BUS_NUMBER = 0x5386, Bytes(0, 4);

    CDROMPAUSE = 0x5301, Plain;
    CDROMRESUME = 0x5302, Plain;
    CDROMPLAYMSF = 0x5303, Bytes(6, 0);
    CDROMPLAYTRKIND = 0x5304, Bytes(4, 0);
    CDROMREADTOCHDR = 0x5305, Bytes(0, 2);
    CDROMREADTOCENTRY = 0x5306, Bytes(12, 12);
    CDROMSTOP = 0x5307, Plain;
    CDROMSTART = 0x5308, Plain;
    CDROMEJECT = 0x5309, Plain;
    CDROMVOLCTRL = 0x530a, Bytes(4, 0);
    CDROMSUBCHNL = 0x530b, Bytes(16, 16);
    CDROMREADMODE2 = 0x530c, Bytes(6, 2336);
    CDROMREADMODE1 = 0x530d, Bytes(6, 2048);
    CDROMREADAUDIO = 0x530e, Deep;
    CDROMEJECT_SW = 0x530f, Plain;
    CDROMMULTISESSION = 0x5310, Bytes(8, 8);
    CDROM_GET_MCN = 0x5311, Bytes(0, 14);
    CDROMRESET = 0x5312, Plain;
    CDROMVOLREAD = 0x5313, Bytes(0, 4);
    CDROMREADRAW = 0x5314, Bytes(6, 2352);
    CDROMPLAYBLK = 0x5317, Bytes(8, 0);
    CDROMCLOSETRAY = 0x5319, Plain;
    CDROM_SET_OPTIONS = 0x5320, Plain;
    CDROM_CLEAR_OPTIONS = 0x5321, Plain;
    CDROM_SELECT_SPEED = 0x5322, Plain;
    CDROM_SELECT_DISC = 0x5323, Plain;
    CDROM_MEDIA_CHANGED = 0x5325, Plain;
    CDROM_DRIVE_STATUS = 0x5326, Plain;
    CDROM_DISC_STATUS = 0x5327, Plain;
    CDROM_CHANGER_NSLOTS = 0x5328, Plain;
    CDROM_LOCKDOOR = 0x5329, Plain;
    CDROM_GET_CAPABILITY = 0x5331, Plain;
    DVD_READ_STRUCT = 0x5390, Bytes(2056, 2056);
    DVD_AUTH = 0x5392, Bytes(16, 16);
    CDROM_SEND_PACKET = 0x5393, Deep;
    CDROM_NEXT_WRITABLE = 0x5394, Bytes(0, 8);
    CDROM_LAST_WRITTEN = 0x5395, Bytes(0, 8);
    CDROM_TIMED_MEDIA_CHANGE = 0x5396, Bytes(16, 16);

    BLKROSET = 0x125d, Bytes(4, 0);
    BLKROGET = 0x125e, Bytes(0, 4);
    BLKRRPART = 0x125f, Plain;
    BLKGETSIZE = 0x1260, Bytes(0, 8);
    BLKFLSBUF = 0x1261, Plain;
    BLKRASET = 0x1262, Plain;
    BLKRAGET = 0x1263, Bytes(0, 8);
    BLKFRASET = 0x1264, Plain;
    BLKFRAGET = 0x1265, Bytes(0, 8);
    BLKSECTGET = 0x1267, Bytes(0, 4);
    BLKSSZGET = 0x1268, Bytes(0, 4);
    BLKIOMIN = 0x1278, Bytes(0, 4);
    BLKIOOPT = 0x1279, Bytes(0, 4);
    BLKALIGNOFF = 0x127a, Bytes(0, 4);
    BLKPBSZGET = 0x127b, Bytes(0, 4);
    BLKDISCARDZEROES = 0x127c, Bytes(0, 4);
    BLKROTATIONAL = 0x127e, Bytes(0, 2);
    BLKBSZGET = 0x8008_1270, Bytes(0, 4);
    BLKBSZSET = 0x4008_1271, Bytes(4, 0);
    BLKGETSIZE64 = 0x8008_1272, Bytes(0, 8);

    SG_SET_TIMEOUT = 0x2201, Bytes(4, 0);
    SG_GET_TIMEOUT = 0x2202, Plain;
    SG_EMULATED_HOST = 0x2203, Bytes(0, 4);
    SG_GET_TRANSFORM = 0x2205, Plain;
    SG_GET_COMMAND_Q = 0x2270, Bytes(0, 4);
    SG_SET_COMMAND_Q = 0x2271, Bytes(4, 0);
    SG_GET_RESERVED_SIZE = 0x2272, Bytes(0, 4);
    SG_SET_RESERVED_SIZE = 0x2275, Bytes(4, 0);
    SG_GET_SCSI_ID = 0x2276, Bytes(0, 32);
    SG_SET_FORCE_LOW_DMA = 0x2279, Bytes(4, 0);
    SG_GET_LOW_DMA = 0x227a, Bytes(0, 4);
    SG_SET_FORCE_PACK_ID = 0x227b, Bytes(4, 0);
    SG_GET_PACK_ID = 0x227c, Bytes(0, 4);
    SG_GET_NUM_WAITING = 0x227d, Bytes(0, 4);
    SG_SET_DEBUG = 0x227e, Bytes(4, 0);
    SG_GET_SG_TABLESIZE = 0x227f, Bytes(0, 4);
    SG_GET_VERSION_NUM = 0x2282, Bytes(0, 4);
    SG_NEXT_CMD_LEN = 0x2283, Bytes(4, 0);
    SG_SCSI_RESET = 0x2284, Bytes(4, 0);
    SG_IO = 0x2285, Deep;
    SG_SET_KEEP_ORPHAN = 0x2287, Bytes(4, 0);
    SG_GET_KEEP_ORPHAN = 0x2288, Bytes(0, 4);
    SG_GET_ACCESS_COUNT = 0x2289, Bytes(0, 4);
}
