//! What a target sends. All of them end their header with the numbers that keep both sides in
//! step: `stat_sn`, `exp_cmd_sn`, `max_cmd_sn` (RFC 7143, 4.2.2).

use engine::mmc::wire::layout;

layout! {
    /// SCSI Response (RFC 7143, 11.4).
    pub struct ScsiResponse[48] {
        /// More was there to read than the initiator has room for, in a bidirectional command.
        bidi_overflow: bool = (1 . 4),
        /// Less was read than expected, in a bidirectional command.
        bidi_underflow: bool = (1 . 3),
        /// `residual` bytes more were there than expected.
        overflow: bool = (1 . 2),
        /// `residual` bytes fewer were moved than expected.
        underflow: bool = (1 . 1),
        /// 00h: completed at the target; 01h: target failure.
        response: u8 = (2 .. 3),
        /// SCSI status.
        status: u8 = (3 .. 4),
        /// Bytes of sense length and sense data.
        data_length: u32 = (5 .. 8),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// For SNACK.
        snack_tag: u32 = (20 .. 24),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
        /// How many Data-In and R2T were sent.
        exp_data_sn: u32 = (36 .. 40),
        /// Residual of the read half of a bidirectional command.
        bidi_residual: u32 = (40 .. 44),
        /// Bytes that were not moved, or could not be.
        residual: u32 = (44 .. 48),
    } fixed { (0 .. 1) = 0x21, (1 . 7) = 1, }
}

layout! {
    /// SCSI Data-In (RFC 7143, 11.7).
    pub struct DataIn[48] {
        /// The last of its sequence.
        last: bool = (1 . 7),
        /// An acknowledgement is wanted.
        acknowledge: bool = (1 . 6),
        /// `residual` bytes more were there than expected.
        overflow: bool = (1 . 2),
        /// `residual` bytes fewer were moved than expected.
        underflow: bool = (1 . 1),
        /// The status is in this unit, and no response follows.
        has_status: bool = (1 . 0),
        /// SCSI status.
        status: u8 = (3 .. 4),
        /// Bytes of data.
        data_length: u32 = (5 .. 8),
        /// Logical unit number, where `ttt` is one.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Tag for an acknowledgement.
        ttt: u32 = (20 .. 24),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
        /// Number among the Data-In and R2T of its command.
        data_sn: u32 = (36 .. 40),
        /// Where in the command's data it lies.
        buffer_offset: u32 = (40 .. 44),
        /// Bytes that were not moved, or could not be.
        residual: u32 = (44 .. 48),
    } fixed { (0 .. 1) = 0x25, }
}

layout! {
    /// Ready To Transfer (RFC 7143, 11.8).
    pub struct ReadyToTransfer[48] {
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Tag that the data must bear.
        ttt: u32 = (20 .. 24),
        /// Number of the next status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
        /// Number among the R2T of its command.
        r2t_sn: u32 = (36 .. 40),
        /// Where in the command's data to begin.
        buffer_offset: u32 = (40 .. 44),
        /// Bytes wanted.
        desired_length: u32 = (44 .. 48),
    } fixed { (0 .. 1) = 0x31, (1 . 7) = 1, }
}

layout! {
    /// Task Management Function Response (RFC 7143, 11.6).
    pub struct TaskResponse[48] {
        /// 0 done, 1 no such task, 2 no such unit, 4 no reassignment, 5 not supported, 255
        /// rejected.
        response: u8 = (2 .. 3),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
    } fixed { (0 .. 1) = 0x22, (1 . 7) = 1, }
}

layout! {
    /// Login Response (RFC 7143, 11.13).
    pub struct LoginResponse[48] {
        /// On to the next stage.
        transit: bool = (1 . 7),
        /// The text goes on in the next response.
        more: bool = (1 . 6),
        /// Current stage.
        current: u8 = (1 . 3-2),
        /// Next stage.
        next: u8 = (1 . 1-0),
        /// Newest version it knows.
        version_max: u8 = (2 .. 3),
        /// Version in use.
        version_active: u8 = (3 .. 4),
        /// Bytes of text.
        data_length: u32 = (5 .. 8),
        /// The initiator's part of the session's name.
        isid: [u8; 6] = (bytes 8 .. 14),
        /// The target's part.
        tsih: u16 = (14 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
        /// Class and detail.
        status: u16 = (36 .. 38),
    } fixed { (0 .. 1) = 0x23, }
}

layout! {
    /// Text Response (RFC 7143, 11.11).
    pub struct TextResponse[48] {
        /// The target has nothing to add.
        last: bool = (1 . 7),
        /// The text goes on in the next response.
        more: bool = (1 . 6),
        /// Bytes of text.
        data_length: u32 = (5 .. 8),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Tag by which the initiator goes on.
        ttt: u32 = (20 .. 24),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
    } fixed { (0 .. 1) = 0x24, }
}

layout! {
    /// Logout Response (RFC 7143, 11.15).
    pub struct LogoutResponse[48] {
        /// 0 done, 1 no such connection, 2 no recovery.
        response: u8 = (2 .. 3),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
        /// Seconds to wait before coming again.
        time2wait: u16 = (40 .. 42),
        /// Seconds after that for which tasks are kept.
        time2retain: u16 = (42 .. 44),
    } fixed { (0 .. 1) = 0x26, (1 . 7) = 1, }
}

layout! {
    /// NOP-In (RFC 7143, 11.19).
    pub struct NopIn[48] {
        /// Bytes of data.
        data_length: u32 = (5 .. 8),
        /// Logical unit number, where `ttt` is one.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag; none: the target asks by itself.
        itt: u32 = (16 .. 20),
        /// Tag that the answer must bear; none: no answer is wanted.
        ttt: u32 = (20 .. 24),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
    } fixed { (0 .. 1) = 0x20, (1 . 7) = 1, }
}

layout! {
    /// Asynchronous Message (RFC 7143, 11.9).
    pub struct AsyncMessage[48] {
        /// Bytes of sense data.
        data_length: u32 = (5 .. 8),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
        /// 1 logout is wanted, 2 the connection will be dropped, 3 all of the session's will.
        event: u8 = (36 .. 37),
        /// Vendor code.
        vendor_code: u8 = (37 .. 38),
        /// First parameter.
        parameter1: u16 = (38 .. 40),
        /// Second parameter.
        parameter2: u16 = (40 .. 42),
        /// Third parameter.
        parameter3: u16 = (42 .. 44),
    } fixed { (0 .. 1) = 0x32, (1 . 7) = 1, (16 .. 20) = 0xffff_ffff, }
}

layout! {
    /// Reject; the header of the rejected unit is its data (RFC 7143, 11.17).
    pub struct Reject[48] {
        /// Why.
        reason: u8 = (2 .. 3),
        /// Bytes of the rejected header.
        data_length: u32 = (5 .. 8),
        /// Number of this status.
        stat_sn: u32 = (24 .. 28),
        /// The next command that the target waits for.
        exp_cmd_sn: u32 = (28 .. 32),
        /// The last command that it takes.
        max_cmd_sn: u32 = (32 .. 36),
        /// Of a data or R2T sequence.
        data_sn: u32 = (36 .. 40),
    } fixed { (0 .. 1) = 0x3f, (1 . 7) = 1, (16 .. 20) = 0xffff_ffff, }
}
