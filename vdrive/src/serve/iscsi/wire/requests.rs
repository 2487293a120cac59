//! What an initiator sends.

use engine::mmc::wire::layout;

layout! {
    /// SCSI Command (RFC 7143, 11.3).
    pub struct ScsiCommand[48] {
        /// Outside the order of commands.
        immediate: bool = (0 . 6),
        /// No unsolicited data follows.
        last: bool = (1 . 7),
        /// Data comes from the target.
        read: bool = (1 . 6),
        /// Data goes to the target.
        write: bool = (1 . 5),
        /// Task attribute: 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA.
        attribute: u8 = (1 . 2-0),
        /// Additional header segments in words.
        ahs_words: u8 = (4 .. 5),
        /// Bytes of immediate data.
        data_length: u32 = (5 .. 8),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Bytes that the initiator sends or has room for.
        expected_length: u32 = (20 .. 24),
        /// Number in the order of commands.
        cmd_sn: u32 = (24 .. 28),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
        /// The CDB, or its first 16 bytes.
        cdb: [u8; 16] = (bytes 32 .. 48),
    } fixed { (0 .. 1) = 0x01, }
}

layout! {
    /// SCSI Data-Out (RFC 7143, 11.7).
    pub struct DataOut[48] {
        /// The last of its sequence.
        last: bool = (1 . 7),
        /// Bytes of data.
        data_length: u32 = (5 .. 8),
        /// Logical unit number, where `ttt` is one.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Tag of the R2T that is answered; none for unsolicited data.
        ttt: u32 = (20 .. 24),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
        /// Number in its sequence.
        data_sn: u32 = (36 .. 40),
        /// Where in the command's data it lies.
        buffer_offset: u32 = (40 .. 44),
    } fixed { (0 .. 1) = 0x05, }
}

layout! {
    /// Task Management Function Request (RFC 7143, 11.5).
    pub struct TaskRequest[48] {
        /// Outside the order of commands.
        immediate: bool = (0 . 6),
        /// What to do.
        function: u8 = (1 . 6-0),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Tag of the task that it is about.
        referenced_tag: u32 = (20 .. 24),
        /// Number in the order of commands.
        cmd_sn: u32 = (24 .. 28),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
        /// Number of the command to be aborted.
        ref_cmd_sn: u32 = (32 .. 36),
        /// For TASK REASSIGN.
        exp_data_sn: u32 = (36 .. 40),
    } fixed { (0 .. 1) = 0x02, (1 . 7) = 1, }
}

layout! {
    /// Login Request (RFC 7143, 11.12).
    pub struct LoginRequest[48] {
        /// The initiator is ready for the next stage.
        transit: bool = (1 . 7),
        /// The text goes on in the next request.
        more: bool = (1 . 6),
        /// Current stage: 0 security, 1 operational, 3 full feature phase.
        current: u8 = (1 . 3-2),
        /// Next stage.
        next: u8 = (1 . 1-0),
        /// Newest version it knows.
        version_max: u8 = (2 .. 3),
        /// Oldest version it knows.
        version_min: u8 = (3 .. 4),
        /// Bytes of text.
        data_length: u32 = (5 .. 8),
        /// The initiator's part of the session's name.
        isid: [u8; 6] = (bytes 8 .. 14),
        /// The target's part, 0 for a new session.
        tsih: u16 = (14 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Name of the connection in its session.
        cid: u16 = (20 .. 22),
        /// Number in the order of commands.
        cmd_sn: u32 = (24 .. 28),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
    } fixed { (0 .. 1) = 0x43, }
}

layout! {
    /// Text Request (RFC 7143, 11.10).
    pub struct TextRequest[48] {
        /// Outside the order of commands.
        immediate: bool = (0 . 6),
        /// The initiator has nothing to add.
        last: bool = (1 . 7),
        /// The text goes on in the next request.
        more: bool = (1 . 6),
        /// Bytes of text.
        data_length: u32 = (5 .. 8),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Tag of the exchange that it goes on with.
        ttt: u32 = (20 .. 24),
        /// Number in the order of commands.
        cmd_sn: u32 = (24 .. 28),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
    } fixed { (0 .. 1) = 0x04, }
}

layout! {
    /// Logout Request (RFC 7143, 11.14).
    pub struct LogoutRequest[48] {
        /// Outside the order of commands.
        immediate: bool = (0 . 6),
        /// 0 close the session, 1 the connection, 2 the connection for recovery.
        reason: u8 = (1 . 6-0),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Name of the connection.
        cid: u16 = (20 .. 22),
        /// Number in the order of commands.
        cmd_sn: u32 = (24 .. 28),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
    } fixed { (0 .. 1) = 0x06, (1 . 7) = 1, }
}

layout! {
    /// SNACK Request (RFC 7143, 11.16).
    pub struct SnackRequest[48] {
        /// 0 data or R2T, 1 status, 2 data acknowledgement, 3 data again.
        kind: u8 = (1 . 3-0),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
        /// Target transfer tag or SNACK tag.
        ttt: u32 = (20 .. 24),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
        /// First that is missing.
        begin: u32 = (40 .. 44),
        /// How many are missing; 0: all from there.
        run: u32 = (44 .. 48),
    } fixed { (0 .. 1) = 0x10, (1 . 7) = 1, }
}

layout! {
    /// NOP-Out (RFC 7143, 11.18).
    pub struct NopOut[48] {
        /// Outside the order of commands.
        immediate: bool = (0 . 6),
        /// Bytes of data to be sent back.
        data_length: u32 = (5 .. 8),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag; none: no answer is wanted.
        itt: u32 = (16 .. 20),
        /// Tag of the NOP-In that it answers.
        ttt: u32 = (20 .. 24),
        /// Number in the order of commands.
        cmd_sn: u32 = (24 .. 28),
        /// The next status that the initiator waits for.
        exp_stat_sn: u32 = (28 .. 32),
    } fixed { (0 .. 1) = 0x00, (1 . 7) = 1, }
}
