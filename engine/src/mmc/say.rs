//! Commands in words, for traces and messages: the name from the command table and the fields that
//! matter. Each command says its own; nothing here does work.

use crate::device::Cdb;
use crate::mmc::cdb::*;
use crate::mmc::table::{self, Length};

/// A CDB in words: `WRITE (10) lba 16, 32 blocks`.
pub fn say(cdb: &Cdb) -> String {
    let Some(row) = table::row(cdb.opcode()) else {
        return format!("operation code {:02X}h", cdb.opcode());
    };
    let mut words = row.name.to_owned();
    for part in [fields(cdb), length(row.data(cdb)), immed(row, cdb)].into_iter().flatten() {
        words.push(if words.len() == row.name.len() { ' ' } else { ',' });
        if words.ends_with(',') {
            words.push(' ');
        }
        words += &part;
    }
    words
}

fn length(length: Length) -> Option<String> {
    match length {
        Length::None => None,
        Length::UpTo(bytes) => Some(format!("up to {bytes} bytes")),
        Length::Bytes(bytes) => Some(format!("{bytes} bytes")),
        Length::Blocks(blocks) => Some(format!("{blocks} blocks")),
    }
}

fn immed(row: &table::Row, cdb: &Cdb) -> Option<String> {
    let has_bit = matches!(row.immed, table::Immed::Cdb(..));
    (has_bit && row.is_immediate(cdb)).then(|| "immediate".to_owned())
}

/// A command that has more to say than its name and length.
trait Say: Command {
    fn fields(&self) -> String;
}

macro_rules! say_rows {
    ($($name:ident($this:ident) => $words:expr;)*) => {
        $(
            impl Say for $name {
                fn fields(&self) -> String {
                    let $this = self;
                    $words
                }
            }
        )*

        fn fields(cdb: &Cdb) -> Option<String> {
            const SAYERS: &[(u8, fn(&Cdb) -> String)] =
                &[$(($name::OPCODE, |cdb| $name::from_cdb(cdb).fields()),)*];
            SAYERS.iter().find(|(opcode, _)| *opcode == cdb.opcode()).map(|(_, say)| say(cdb))
        }
    };
}

fn flags(list: &[(bool, &str)]) -> String {
    list.iter().filter(|(set, _)| *set).map(|(_, name)| format!(", {name}")).collect()
}

say_rows! {
    Read10(c) => format!("lba {}{}", c.lba, flags(&[(c.fua, "FUA")]));
    Read12(c) => format!("lba {}{}", c.lba, flags(&[(c.fua, "FUA"), (c.streaming, "streaming")]));
    Write10(c) => format!("lba {}{}", c.lba, flags(&[(c.fua, "FUA")]));
    Write12(c) => format!("lba {}{}", c.lba, flags(&[(c.fua, "FUA"), (c.streaming, "streaming")]));
    WriteAndVerify10(c) => format!("lba {}", c.lba);
    Verify10(c) => format!("lba {}", c.lba);
    Seek10(c) => format!("lba {}", c.lba);
    ReadCd(c) => format!("lba {}, {:?}", c.lba, c.expected);
    Inquiry(c) => if c.evpd { format!("page {:02X}h", c.page) } else { "standard".to_owned() };
    ModeSense6(c) => format!("page {:02X}h {:?}", c.page, c.control);
    ModeSense10(c) => format!("page {:02X}h {:?}", c.page, c.control);
    StartStopUnit(c) => match (c.power, c.lo_ej, c.start) {
        (0, false, false) => "stop".to_owned(),
        (0, false, true) => "start".to_owned(),
        (0, true, false) => "eject".to_owned(),
        (0, true, true) => "load".to_owned(),
        (power, _, _) => format!("power condition {power}"),
    };
    PreventAllow(c) => if c.prevent { "prevent".to_owned() } else { "allow".to_owned() };
    ReadToc(c) => format!("{:?} from {}", c.wanted(), c.start);
    GetConfiguration(c) => format!("{:?} from {:04X}h", c.request, c.start);
    GetEventStatusNotification(c) => format!("classes {:02X}h", c.classes);
    ReadDiscInformation(c) => format!("type {}", c.kind);
    ReadTrackInformation(c) => format!("{:?} {}", c.by, c.address as i32);
    ReserveTrack(c) => if c.arsv {
        format!("split at {}", c.lba())
    } else {
        format!("of {} blocks", c.blocks())
    };
    SendOpc(c) => if c.do_opc { "calibrate".to_owned() } else { "values".to_owned() };
    CloseTrackSession(c) => format!("{:?} {}", c.function, c.track);
    Blank(c) => format!("{:?} {}", c.kind, c.start);
    SetCdSpeed(c) => format!("read {}, write {}", c.read, c.write);
    GetPerformance(c) => {
        format!("type {}{}", c.kind, if c.write { " writing" } else { "" })
    };
    SetStreaming(c) => format!("type {}", c.kind);
    ReadDiscStructure(c) => format!("media {} format {:02X}h", c.media, c.format);
    SendDiscStructure(c) => format!("media {} format {:02X}h", c.media, c.format);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_commands_read_well() {
        // CDBs as foreign programs sent them (traces cdr-wodim-sao, bd-r-growisofs-Z, kernel-6.1).
        let said = [
            (
                &[0x2a, 0, 0xff, 0xff, 0xff, 0x6a, 0, 0, 0x1f, 0][..],
                "WRITE (10) lba -150, 31 blocks",
            ),
            (&[0x1b, 1, 0, 0, 2, 0], "START STOP UNIT eject, immediate"),
            (
                &[0x43, 0, 0, 0, 0, 0, 0, 0, 0x0c, 0x40],
                "READ TOC/PMA/ATIP Session from 0, up to 12 bytes",
            ),
            (&[0x5b, 1, 1, 0, 0, 1, 0, 0, 0, 0], "CLOSE TRACK/SESSION Track 1, immediate"),
            (&[0x04, 0x11, 0, 0, 0, 0], "FORMAT UNIT 12 bytes"),
            (&[0; 6], "TEST UNIT READY"),
            (&[0xd8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "operation code D8h"),
        ];
        for (bytes, words) in said {
            assert_eq!(say(&Cdb::new(bytes)), words);
        }
    }
}
