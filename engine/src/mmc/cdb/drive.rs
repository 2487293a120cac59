//! Commands about the drive: what it can do, its tray, its events, its speed and buffer.

use crate::mmc::wire::{cdb, code};
use crate::units::{Kbps, Lba};

code! {
    /// Which features GET CONFIGURATION lists (MMC-5, 6.6.2.1).
    pub enum FeatureRequest {
        /// All that the drive has, from the starting number on.
        All = 0,
        /// Those that are current.
        Current = 1,
        /// The one of that number, if the drive has it.
        One = 2,
    }
}

cdb! {
    /// GET CONFIGURATION (MMC-5, 6.6).
    pub struct GetConfiguration[10] = 0x46 {
        /// Which features.
        request: FeatureRequest = (1 . 1-0),
        /// Starting feature number.
        start: u16 = (2 .. 4),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

cdb! {
    /// GET EVENT STATUS NOTIFICATION (MMC-5, 6.7).
    pub struct GetEventStatusNotification[10] = 0x4a {
        /// Answer at once, event or not.
        polled: bool = (1 . 0),
        /// Wanted classes, bit n for class n.
        classes: u8 = (4 .. 5),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

cdb! {
    /// START STOP UNIT (MMC-5, 6.40).
    pub struct StartStopUnit[6] = 0x1b {
        /// Status before the work is done.
        immed: bool = (1 . 0),
        /// Format-layer number, with `fl`.
        layer: u8 = (3 . 1-0),
        /// 0 act by the bits below; 1 active, 2 idle, 3 standby, 5 sleep.
        power: u8 = (4 . 7-4),
        /// Jump to a format-layer.
        fl: bool = (4 . 2),
        /// Move the tray: in with `start`, else out.
        lo_ej: bool = (4 . 1),
        /// Spin up, else stop.
        start: bool = (4 . 0),
    }
}

cdb! {
    /// PREVENT ALLOW MEDIUM REMOVAL (MMC-5, 6.14).
    pub struct PreventAllow[6] = 0x1e {
        /// Also after the medium was changed.
        persistent: bool = (4 . 1),
        /// Lock the door.
        prevent: bool = (4 . 0),
    }
}

cdb! {
    /// MECHANISM STATUS (MMC-5, 6.11).
    pub struct MechanismStatus[12] = 0xbd {
        /// Allocation length in bytes.
        allocation: u16 = (8 .. 10),
    }
}

cdb! {
    /// LOAD/UNLOAD MEDIUM (MMC-5, 6.10).
    pub struct LoadUnload[12] = 0xa6 {
        /// Status before the work is done.
        immed: bool = (1 . 0),
        /// Move a disc between slot and playing position.
        lo_unlo: bool = (4 . 1),
        /// Towards the playing position.
        start: bool = (4 . 0),
        /// Which slot.
        slot: u8 = (8 .. 9),
    }
}

cdb! {
    /// SET CD SPEED (MMC-5, 6.37).
    pub struct SetCdSpeed[12] = 0xbb {
        /// Rotation: 0 default (CLV or zoned CLV), 1 CAV.
        rotation: u8 = (1 . 1-0),
        /// Reading; FFFFh the most.
        read: Kbps = (2 .. 4),
        /// Writing; FFFFh the most.
        write: Kbps = (4 .. 6),
    }
}

cdb! {
    /// GET PERFORMANCE (MMC-5, 6.8).
    pub struct GetPerformance[12] = 0xac {
        /// Wanted tolerance; 10b is the one in use.
        tolerance: u8 = (1 . 4-3),
        /// Of writing, else of reading (type 0).
        write: bool = (1 . 2),
        /// 0 nominal, 1 whole list of exceptions, 2 exceptions only (type 0).
        except: u8 = (1 . 1-0),
        /// From here on.
        lba: Lba = (2 .. 6),
        /// At most so many descriptors.
        max: u16 = (8 .. 10),
        /// 0 performance, 1 unusable areas, 2 defect status, 3 write speeds.
        kind: u8 = (10 .. 11),
    }
}

cdb! {
    /// SET STREAMING (MMC-5, 6.39).
    pub struct SetStreaming[12] = 0xb6 {
        /// 0 performance descriptor, 5 defective block information cache.
        kind: u8 = (8 .. 9),
        /// Parameter list length in bytes.
        length: u16 = (9 .. 11),
    }
}

cdb! {
    /// SET READ AHEAD (MMC-5, 6.38).
    pub struct SetReadAhead[12] = 0xa7 {
        /// Block that starts it.
        trigger: Lba = (2 .. 6),
        /// Block that is to be read then.
        target: Lba = (6 .. 10),
    }
}

cdb! {
    /// READ BUFFER CAPACITY (MMC-5, 6.18).
    pub struct ReadBufferCapacity[10] = 0x5c {
        /// In blocks, not in bytes.
        block: bool = (1 . 0),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}
