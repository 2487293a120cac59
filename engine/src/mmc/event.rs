//! Events: the reply of GET EVENT STATUS NOTIFICATION.

use crate::mmc::wire::{WireError, code, get_bytes, layout, need};

code! {
    /// Class of event; in class masks, bit n stands for class n (MMC-5, 6.7.2.4).
    pub enum EventClass {
        /// None.
        None = 0,
        /// What the drive can do has changed.
        Operational = 1,
        /// Power state.
        Power = 2,
        /// Buttons at the drive.
        External = 3,
        /// Tray and medium.
        Media = 4,
        /// Other hosts.
        MultiInitiator = 5,
        /// Busy for a while.
        Busy = 6,
    }
}

impl EventClass {
    /// The class's bit in a mask.
    pub fn bit(self) -> u8 {
        1u32.wrapping_shl(crate::mmc::wire::Field::to_bits(&self) as u32) as u8
    }
}

code! {
    /// What happened to the medium (MMC-5, 6.7.3.5).
    pub enum MediaEvent {
        /// Nothing.
        NoChange = 0,
        /// The eject button was pressed.
        EjectRequest = 1,
        /// A new medium is there, ready to be asked about.
        NewMedia = 2,
        /// The medium was taken out.
        Removal = 3,
        /// The medium is another one.
        Changed = 4,
        /// A background format is done.
        FormatCompleted = 5,
        /// A background format was started again.
        FormatRestarted = 6,
    }
}

layout! {
    /// An event with its header. All classes share the form; fields behind the event code are named
    /// for the media class (MMC-5, 6.7.3).
    pub struct Event[8] {
        /// No event available: none of the classes asked for is supported.
        nea: bool = (2 . 7),
        /// Class of the event.
        class: EventClass = (2 . 2-0),
        /// Classes the drive supports, bit n for class n.
        supported: u8 = (3 .. 4),
        /// Event code, by class; of the media class a [`MediaEvent`].
        code: u8 = (4 . 3-0),
        /// Status, by class: of the media class bit 1 medium present, bit 0 tray open; of the power
        /// class 1 active, 2 idle, 3 standby, 4 sleep.
        status: u8 = (5 .. 6),
        /// By class: report code, start and end slot, or time in 100 ms.
        parameter: u16 = (6 .. 8),
    } fixed { (0 .. 2) = 6, }
}

impl Event {
    /// Parses a reply; a header alone counts as nothing available or nothing happened.
    pub fn parse_reply(bytes: &[u8]) -> Result<Event, WireError> {
        need(bytes, "event status", 4)?;
        let announced = get_bytes(bytes, 0, 2) as usize + 2;
        Ok(Event::parse_cut(&bytes[..bytes.len().min(announced.max(4))]))
    }

    /// The reply: header and event, or the header alone where there is no event available.
    pub fn reply(&self) -> Vec<u8> {
        let mut bytes = self.emit().to_vec();
        if self.nea {
            bytes.truncate(4);
            bytes[1] = 2;
        }
        bytes
    }

    /// The event of the media class.
    pub fn media_event(&self) -> MediaEvent {
        crate::mmc::wire::Field::from_bits(u64::from(self.code))
    }

    /// Whether a medium is there (media class).
    pub fn media_present(&self) -> bool {
        self.status & 0x02 != 0
    }

    /// Whether the tray is open (media class).
    pub fn tray_open(&self) -> bool {
        self.status & 0x01 != 0
    }
}
