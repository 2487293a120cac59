//! Who the drive is: the replies of INQUIRY.

use crate::mmc::wire::{WireError, body, get_bytes, layout, need};

/// Peripheral device type of all CD, DVD and BD devices (SPC-3, 6.4.2).
pub const CD_DVD_DEVICE: u8 = 0x05;

layout! {
    /// Standard data, as far as all drives send it (SPC-3, 6.4.2).
    pub struct StandardInquiry[36] {
        /// 0: a device is connected.
        qualifier: u8 = (0 . 7-5),
        /// 05h: CD, DVD or BD.
        device_type: u8 = (0 . 4-0),
        /// The medium can be removed.
        removable: bool = (1 . 7),
        /// Version of SPC; 0 in many ATAPI drives.
        version: u8 = (2 .. 3),
        /// Response data format; 2, or 1 in ATAPI drives' upper nibble form.
        format: u8 = (3 . 3-0),
        /// ATAPI version, where old drives give it.
        atapi_version: u8 = (3 . 7-4),
        /// Bytes behind the first five.
        additional: u8 = (4 .. 5),
        /// Flags of SPC, rarely set.
        flags: [u8; 3] = (bytes 5 .. 8),
        /// Maker, padded with spaces.
        vendor: [u8; 8] = (bytes 8 .. 16),
        /// Product, padded with spaces.
        product: [u8; 16] = (bytes 16 .. 32),
        /// Firmware revision, padded with spaces.
        revision: [u8; 4] = (bytes 32 .. 36),
    }
}

impl StandardInquiry {
    /// Maker, product and revision as a person reads them.
    pub fn identity(&self) -> (String, String, String) {
        (text(&self.vendor), text(&self.product), text(&self.revision))
    }
}

/// ASCII of a fixed-width field without its padding; what is not printable becomes `?`.
pub fn text(bytes: &[u8]) -> String {
    let shown: String = bytes
        .iter()
        .map(|&byte| match byte {
            0 => ' ',
            0x20..=0x7e => char::from(byte),
            _ => '?',
        })
        .collect();
    shown.trim().to_owned()
}

/// A fixed-width field of this ASCII, padded with spaces, cut to its width.
pub fn field<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [b' '; N];
    for (to, from) in bytes.iter_mut().zip(text.bytes()) {
        *to = if from.is_ascii() { from } else { b'?' };
    }
    bytes
}

/// A page of vital product data (SPC-3, 7.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VitalPage {
    /// 00h: the pages there are, in rising order.
    Supported(Vec<u8>),
    /// 80h: the serial number.
    Serial(String),
    /// 83h: designators as they lie on the wire: four bytes of header and the identifier each.
    Identification(Vec<Designator>),
    /// Any other page with its body.
    Other(u8, Vec<u8>),
}

/// One designator of page 83h (SPC-3, 7.6.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Designator {
    /// Protocol identifier, where `protocol_valid`.
    pub protocol: u8,
    /// 1 binary, 2 ASCII, 3 UTF-8.
    pub code_set: u8,
    /// The protocol is given.
    pub protocol_valid: bool,
    /// 0 the unit, 1 its port, 2 its device.
    pub association: u8,
    /// 0 vendor, 1 T10 vendor, 2 EUI-64, 3 NAA and so on.
    pub kind: u8,
    /// The identifier.
    pub identifier: Vec<u8>,
}

layout! {
    /// Header of a designator.
    struct DesignatorHeader[4] {
        protocol: u8 = (0 . 7-4),
        code_set: u8 = (0 . 3-0),
        protocol_valid: bool = (1 . 7),
        association: u8 = (1 . 5-4),
        kind: u8 = (1 . 3-0),
        length: u8 = (3 .. 4),
    }
}

impl VitalPage {
    /// Parses a page, however far it goes.
    pub fn parse(bytes: &[u8]) -> Result<VitalPage, WireError> {
        need(bytes, "vital product data", 4)?;
        let data = body(bytes, 4, get_bytes(bytes, 2, 4) + 4);
        Ok(match bytes[1] {
            0x00 => VitalPage::Supported(data.to_vec()),
            0x80 => VitalPage::Serial(text(data)),
            0x83 => VitalPage::Identification(designators(data)),
            page => VitalPage::Other(page, data.to_vec()),
        })
    }

    /// The page as a CD, DVD or BD device sends it.
    pub fn emit(&self) -> Vec<u8> {
        let (page, data) = match self {
            VitalPage::Supported(pages) => (0x00, pages.clone()),
            VitalPage::Serial(serial) => (0x80, serial.bytes().collect()),
            VitalPage::Identification(all) => {
                (0x83, all.iter().flat_map(Designator::emit).collect())
            }
            VitalPage::Other(page, data) => (*page, data.clone()),
        };
        let data = &data[..data.len().min(usize::from(u16::MAX))];
        let [high, low] = (data.len() as u16).to_be_bytes();
        let mut bytes = vec![CD_DVD_DEVICE, page, high, low];
        bytes.extend(data);
        bytes
    }
}

fn designators(mut data: &[u8]) -> Vec<Designator> {
    let mut all = Vec::new();
    while data.len() >= DesignatorHeader::LEN {
        let header = DesignatorHeader::parse_cut(data);
        let rest = &data[DesignatorHeader::LEN..];
        let (identifier, tail) = rest.split_at(usize::from(header.length).min(rest.len()));
        all.push(Designator {
            protocol: header.protocol,
            code_set: header.code_set,
            protocol_valid: header.protocol_valid,
            association: header.association,
            kind: header.kind,
            identifier: identifier.to_vec(),
        });
        data = tail;
    }
    all
}

impl Designator {
    fn emit(&self) -> Vec<u8> {
        let identifier = &self.identifier[..self.identifier.len().min(255)];
        let mut bytes = DesignatorHeader {
            protocol: self.protocol,
            code_set: self.code_set,
            protocol_valid: self.protocol_valid,
            association: self.association,
            kind: self.kind,
            length: identifier.len() as u8,
        }
        .emit()
        .to_vec();
        bytes.extend(identifier);
        bytes
    }
}
