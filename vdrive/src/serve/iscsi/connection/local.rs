//! What the target answers by itself: which logical units there are, what it says for those that
//! there are not, and its own names among those of a drive (SPC-4, 6.6, 6.33 and 7.8.6; SAM-5,
//! 5.11).

use engine::device::{Data, Status};
use engine::mmc::cdb::{Command, Inquiry, ReportLuns, RequestSense};
use engine::mmc::inquiry::{Designator, StandardInquiry, VitalPage, field};
use engine::mmc::sense::{Sense, SenseCode, SenseKey, codes};

use super::super::target::PORTAL_GROUP;
use super::Connection;
use super::tasks::Order;

/// 5/25/00: there is no such logical unit.
const NO_SUCH_UNIT: SenseCode = SenseCode::new(SenseKey::IllegalRequest, 0x25, 0x00);

/// Identification page, and what its designators are (SPC-4, 7.8.6.1).
const IDENTIFICATION: u8 = 0x83;
const PROTOCOL_ISCSI: u8 = 5;
const BINARY: u8 = 1;
const UTF8: u8 = 3;
const NAA: u8 = 3;
const RELATIVE_PORT: u8 = 4;
const NAME: u8 = 8;
const TARGET_PORT: u8 = 1;
const TARGET_DEVICE: u8 = 2;

impl Connection {
    /// Answers a command to a logical unit that is there, if it is one about the target.
    pub(super) fn answered_here(&mut self, order: &Order, unit: usize) -> bool {
        match order.cdb.opcode() {
            ReportLuns::OPCODE => self.report_luns(order),
            Inquiry::OPCODE => {
                let cdb = Inquiry::from_cdb(&order.cdb);
                if !cdb.evpd || cdb.page != IDENTIFICATION {
                    return false;
                }
                return self.identification(order, unit, &cdb);
            }
            _ => return false,
        }
        true
    }

    fn report_luns(&mut self, order: &Order) {
        let cdb = ReportLuns::from_cdb(&order.cdb);
        // There are no well known units (select 1).
        let numbers: Vec<u16> = match cdb.select {
            0 | 2 => self.target.numbers().collect(),
            1 => Vec::new(),
            _ => return self.refuse(order, codes::INVALID_CDB_FIELD),
        };
        let mut reply = vec![0; 8];
        for number in &numbers {
            // Peripheral addresses as far as they go, then flat ones.
            let [high, low] = number.to_be_bytes();
            let method = if *number < 256 { 0 } else { 0x40 };
            reply.extend([method | high & 0x3f, low, 0, 0, 0, 0, 0, 0]);
        }
        reply[..4].copy_from_slice(&(8 * numbers.len() as u32).to_be_bytes());
        reply.truncate(usize::try_from(cdb.allocation).unwrap_or(usize::MAX));
        self.answer_here(order, &reply, None);
    }

    /// A drive's names, and with them those of the unit, the port and the target in the network.
    fn identification(&mut self, order: &Order, unit: usize, cdb: &Inquiry) -> bool {
        let Some(session) = self.session.clone() else { return false };
        let whole = Inquiry { allocation: u16::MAX, ..cdb.clone() };
        let mut room = vec![0; 4096];
        let said = session.with(unit, |nexus| nexus.execute(&whole.cdb(), Data::In(&mut room)));
        let page = match said.map(|answer| answer.result) {
            Some(Ok(done)) if done.status == Status::Good => VitalPage::parse(&room),
            // Whatever it is, the command itself brings it again.
            _ => return false,
        };
        let Ok(VitalPage::Identification(mut all)) = page else { return false };
        let number = self.target.numbers().nth(unit).unwrap_or_default();
        let iqn = &self.target.config.iqn;
        // The short ones first: with the drive's own, they fill the 64 bytes that some ask for.
        let assigned = locally_assigned(iqn, number, &all);
        all.push(Designator {
            code_set: BINARY,
            kind: NAA,
            identifier: assigned.to_be_bytes().to_vec(),
            ..Designator::default()
        });
        all.push(Designator {
            protocol: PROTOCOL_ISCSI,
            protocol_valid: true,
            code_set: BINARY,
            association: TARGET_PORT,
            kind: RELATIVE_PORT,
            identifier: u32::from(PORTAL_GROUP).to_be_bytes().to_vec(),
        });
        let named = |association, name: String| {
            // Ends with zero, up to a whole word (SPC-4, 7.8.6.11).
            let mut identifier = name.into_bytes();
            identifier.resize((identifier.len() + 1).next_multiple_of(4), 0);
            let valid = association != 0;
            Designator {
                protocol: if valid { PROTOCOL_ISCSI } else { 0 },
                protocol_valid: valid,
                code_set: UTF8,
                association,
                kind: NAME,
                identifier,
            }
        };
        all.push(named(0, format!("{iqn},L,0x{:016x}", u64::from(number) << 48)));
        all.push(named(TARGET_PORT, format!("{iqn},t,0x{PORTAL_GROUP:04x}")));
        all.push(named(TARGET_DEVICE, iqn.clone()));
        let mut reply = VitalPage::Identification(all).emit();
        reply.truncate(cdb.allocation.into());
        self.answer_here(order, &reply, None);
        true
    }

    /// Answers for a logical unit that is not there.
    pub(super) fn absent(&mut self, order: &Order) {
        match order.cdb.opcode() {
            ReportLuns::OPCODE => self.report_luns(order),
            Inquiry::OPCODE => {
                let cdb = Inquiry::from_cdb(&order.cdb);
                if cdb.evpd || cdb.page != 0 {
                    return self.refuse(order, codes::INVALID_CDB_FIELD);
                }
                let reply = StandardInquiry {
                    qualifier: 3,
                    device_type: 0x1f,
                    version: 5,
                    format: 2,
                    additional: StandardInquiry::LEN as u8 - 5,
                    vendor: field("kiln"),
                    product: field("no logical unit"),
                    revision: field("0"),
                    ..StandardInquiry::default()
                };
                let reply = reply.emit();
                let length = reply.len().min(cdb.allocation.into());
                self.answer_here(order, &reply[..length], None);
            }
            RequestSense::OPCODE => {
                let cdb = RequestSense::from_cdb(&order.cdb);
                let reply = Sense::new(NO_SUCH_UNIT).emit();
                let length = reply.len().min(cdb.allocation.into());
                self.answer_here(order, &reply[..length], None);
            }
            _ => self.refuse(order, NO_SUCH_UNIT),
        }
    }
}

/// A name of NAA 3h, locally assigned (SPC-4, 7.8.6.6.4): this target assigns it, so it comes from
/// the target's name, the unit's number and the drive's own names (FNV-1a, 64 bits).
fn locally_assigned(iqn: &str, number: u16, names: &[Designator]) -> u64 {
    let names = names.iter().flat_map(|designator| &designator.identifier);
    let number = number.to_be_bytes();
    let hash = iqn
        .as_bytes()
        .iter()
        .chain(&number)
        .chain(names)
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    3 << 60 | hash >> 4
}
