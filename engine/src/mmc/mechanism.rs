//! The tray and, in changers, the slots: the reply of MECHANISM STATUS.

use crate::mmc::wire::{WireError, body, get_bytes, layout, list, need};

layout! {
    /// Header of the reply (MMC-5, 6.11.3.1).
    pub struct MechanismHeader[8] {
        /// The changer failed.
        fault: bool = (0 . 7),
        /// 0 ready, 1 loading, 2 unloading, 3 initializing.
        changer: u8 = (0 . 6-5),
        /// Slot in use, low bits.
        slot: u8 = (0 . 4-0),
        /// 0 idle, 1 playing, 2 scanning, 3 working for the host, 7 none.
        state: u8 = (1 . 7-5),
        /// The door is open.
        door_open: bool = (1 . 4),
        /// Slot in use, high bits.
        slot_high: u8 = (1 . 2-0),
        /// Where the pick-up is.
        lba: u32 = (2 .. 5),
        /// Number of slots.
        slots: u8 = (5 .. 6),
        /// Bytes of slot tables.
        length: u16 = (6 .. 8),
    }
}

layout! {
    /// A slot (MMC-5, 6.11.3.2).
    pub struct Slot[4] {
        /// There is a disc in it.
        present: bool = (0 . 7),
        /// Its disc was changed since the last reset.
        changed: bool = (0 . 0),
    }
}

/// The whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mechanism {
    /// Drive and changer.
    pub header: MechanismHeader,
    /// The slots; none in a drive without changer.
    pub slots: Vec<Slot>,
}

impl Mechanism {
    /// Parses a reply, however far it goes.
    pub fn parse(bytes: &[u8]) -> Result<Mechanism, WireError> {
        need(bytes, "mechanism status", MechanismHeader::LEN)?;
        let body = body(bytes, MechanismHeader::LEN, get_bytes(bytes, 6, 8) + 8);
        Ok(Mechanism {
            header: MechanismHeader::parse_cut(bytes),
            slots: list(body, Slot::LEN, 255, Slot::parse_cut),
        })
    }

    /// The whole reply; the header's count and length come from the slots.
    pub fn emit(&self) -> Vec<u8> {
        let slots = &self.slots[..self.slots.len().min(255)];
        let mut header = self.header.clone();
        header.slots = slots.len() as u8;
        header.length = (slots.len() * Slot::LEN) as u16;
        let mut bytes = header.emit().to_vec();
        bytes.extend(slots.iter().flat_map(Slot::emit));
        bytes
    }
}
