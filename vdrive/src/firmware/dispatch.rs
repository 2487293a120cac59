//! From operation code to function: one row per command that this firmware has. What else there is
//! to know of a command stands in the command table ([`engine::mmc::table`]).
//!
//! May not know: what any command does.

use engine::device::{Cdb, Data};
use engine::mmc::sense::codes;
use engine::mmc::table::{self, Class};

use super::context::{Cx, Refusal, Reply};
use super::ready::{self, Gate};
use super::{
    audio, blank, buffer, close, config, cue, diagnostic, events, format, identity, info, keys,
    modes, opc, performance, power, read, read_cd, reserve, structure, sync, toc, write,
};

/// A command's function.
type Handler = fn(&mut Cx<'_>, &Cdb, &mut Data<'_>) -> Reply;

/// A command that the firmware has.
#[derive(Clone, Copy)]
struct Row {
    opcode: u8,
    gate: Gate,
    handler: Handler,
}

const fn row(opcode: u8, gate: Gate, handler: Handler) -> Row {
    Row { opcode, gate, handler }
}

/// All commands by operation code.
const ROWS: &[Row] = &[
    row(0x00, Gate::Drive, ready::test_unit_ready),
    row(0x03, Gate::Always, identity::request_sense),
    row(0x04, Gate::Medium, format::format_unit),
    row(0x08, Gate::Medium, read::read6),
    row(0x12, Gate::Always, identity::inquiry),
    row(0x15, Gate::Idle, modes::mode_select6),
    row(0x1a, Gate::Drive, modes::mode_sense6),
    row(0x1b, Gate::Drive, power::start_stop_unit),
    row(0x1d, Gate::Idle, diagnostic::send_diagnostic),
    row(0x1e, Gate::Drive, power::prevent_allow),
    row(0x23, Gate::Idle, format::read_format_capacities),
    row(0x25, Gate::Medium, read::read_capacity),
    row(0x28, Gate::Medium, read::read10),
    row(0x2a, Gate::Medium, write::write10),
    row(0x2b, Gate::Medium, read::seek10),
    row(0x2e, Gate::Medium, write::write_and_verify),
    row(0x2f, Gate::Medium, read::verify10),
    row(0x35, Gate::Medium, sync::synchronize_cache),
    row(0x3b, Gate::Idle, buffer::write_buffer),
    row(0x3c, Gate::Drive, buffer::read_buffer),
    row(0x42, Gate::Medium, audio::read_sub_channel),
    row(0x43, Gate::Medium, toc::read_toc),
    row(0x44, Gate::Medium, audio::read_header),
    row(0x45, Gate::Medium, audio::play_audio10),
    row(0x46, Gate::Passes, config::get_configuration),
    row(0x47, Gate::Medium, audio::play_audio_msf),
    row(0x48, Gate::Medium, audio::play_audio_track_index),
    row(0x4a, Gate::Passes, events::get_event_status),
    row(0x4b, Gate::Medium, audio::pause_resume),
    row(0x4e, Gate::Medium, audio::stop_play),
    row(0x51, Gate::Medium, info::read_disc_information),
    row(0x52, Gate::Medium, info::read_track_information),
    row(0x53, Gate::Medium, reserve::reserve_track),
    row(0x54, Gate::Medium, opc::send_opc),
    row(0x55, Gate::Idle, modes::mode_select10),
    row(0x58, Gate::Medium, close::repair_track),
    row(0x5a, Gate::Drive, modes::mode_sense10),
    row(0x5b, Gate::Medium, close::close_track_session),
    row(0x5c, Gate::Drive, buffer::read_buffer_capacity),
    row(0x5d, Gate::Medium, cue::send_cue_sheet),
    row(0xa0, Gate::Always, identity::report_luns),
    row(0xa1, Gate::Medium, blank::blank),
    row(0xa3, Gate::Drive, keys::send_key),
    row(0xa4, Gate::Drive, keys::report_key),
    row(0xa5, Gate::Medium, audio::play_audio12),
    row(0xa6, Gate::Drive, power::load_unload),
    row(0xa7, Gate::Medium, performance::set_read_ahead),
    row(0xa8, Gate::Medium, read::read12),
    row(0xaa, Gate::Medium, write::write12),
    row(0xac, Gate::Medium, performance::get_performance),
    row(0xad, Gate::Medium, structure::read_disc_structure),
    row(0xb6, Gate::Medium, performance::set_streaming),
    row(0xb9, Gate::Medium, read_cd::read_cd_msf),
    row(0xba, Gate::Medium, audio::scan),
    row(0xbb, Gate::Idle, performance::set_cd_speed),
    row(0xbd, Gate::Drive, power::mechanism_status),
    row(0xbe, Gate::Medium, read_cd::read_cd),
    row(0xbf, Gate::Medium, structure::send_disc_structure),
];

/// Rows by operation code.
static TABLE: [Option<Row>; 256] = {
    let mut table = [None; 256];
    let mut i = 0;
    while i < ROWS.len() {
        table[ROWS[i].opcode as usize] = Some(ROWS[i]);
        i += 1;
    }
    table
};

/// Carries out one command, or says why not.
pub(super) fn run(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let known = TABLE[usize::from(cdb.opcode())];
    let Some(row) = known.filter(|row| cx.fw.model.has(row.opcode)) else {
        return Err(codes::INVALID_OPCODE.into());
    };
    // A CDB that ends before its fields do cannot be meant.
    if table::row(row.opcode).is_some_and(|known| cdb.bytes().len() < known.length) {
        return Err(codes::INVALID_CDB_FIELD.into());
    }
    ready::check(cx, row.gate)?;
    protected(cx, row.opcode)?;
    (row.handler)(cx, cdb, data)
}

/// Refuses what would change a write-protected disc (MMC-6, 5.3.5). What is in the buffer already
/// may still go, and protection itself can be taken away.
fn protected(cx: &Cx<'_>, opcode: u8) -> Result<(), Refusal> {
    let writes = table::row(opcode).is_some_and(|row| row.class == Class::WritesMedium);
    if !writes || matches!(opcode, 0x35 | 0xbf) {
        return Ok(());
    }
    match (cx.fw.pages.software_protected(), cx.state()) {
        (true, Ok(_)) => Err(codes::SOFTWARE_WRITE_PROTECTED.into()),
        (_, Ok(state)) if state.protected => Err(codes::PERSISTENT_WRITE_PROTECT.into()),
        _ => Ok(()),
    }
}

/// The operation codes of all commands that this firmware has.
pub(crate) fn opcodes() -> impl Iterator<Item = u8> {
    ROWS.iter().map(|row| row.opcode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_order_and_in_the_command_table() {
        assert!(ROWS.is_sorted_by(|a, b| a.opcode < b.opcode));
        for row in ROWS {
            assert!(table::row(row.opcode).is_some(), "{:02x}h", row.opcode);
        }
    }
}
