//! iSCSI protocol data units: every one is a structure of 48 bytes with one definition that is both
//! parsed and emitted (RFC 7143, 11). Additional header segments and digests are here too.
//!
//! May not know: sessions, what any field means for the connection.

mod ahs;
mod digest;
mod requests;
mod responses;

pub use ahs::{Additional, AhsError, additional};
pub use digest::{Crc32c, crc32c};
pub use requests::{
    DataOut, LoginRequest, LogoutRequest, NopOut, ScsiCommand, SnackRequest, TaskRequest,
    TextRequest,
};
pub use responses::{
    AsyncMessage, DataIn, LoginResponse, LogoutResponse, NopIn, ReadyToTransfer, Reject,
    ScsiResponse, TaskResponse, TextResponse,
};

use engine::mmc::wire::layout;

/// Bytes of a basic header segment.
pub const BHS: usize = 48;

/// The tag that stands for no task and no transfer (RFC 7143, 11.2.1.8 and 11.7.4).
pub const NO_TAG: u32 = 0xffff_ffff;

/// Operation codes (RFC 7143, 11.2.1.2).
pub mod opcode {
    /// NOP-Out.
    pub const NOP_OUT: u8 = 0x00;
    /// SCSI Command.
    pub const SCSI_COMMAND: u8 = 0x01;
    /// SCSI Task Management Function Request.
    pub const TASK_REQUEST: u8 = 0x02;
    /// Login Request.
    pub const LOGIN_REQUEST: u8 = 0x03;
    /// Text Request.
    pub const TEXT_REQUEST: u8 = 0x04;
    /// SCSI Data-Out.
    pub const DATA_OUT: u8 = 0x05;
    /// Logout Request.
    pub const LOGOUT_REQUEST: u8 = 0x06;
    /// SNACK Request.
    pub const SNACK_REQUEST: u8 = 0x10;
    /// NOP-In.
    pub const NOP_IN: u8 = 0x20;
    /// SCSI Response.
    pub const SCSI_RESPONSE: u8 = 0x21;
    /// SCSI Task Management Function Response.
    pub const TASK_RESPONSE: u8 = 0x22;
    /// Login Response.
    pub const LOGIN_RESPONSE: u8 = 0x23;
    /// Text Response.
    pub const TEXT_RESPONSE: u8 = 0x24;
    /// SCSI Data-In.
    pub const DATA_IN: u8 = 0x25;
    /// Logout Response.
    pub const LOGOUT_RESPONSE: u8 = 0x26;
    /// Ready To Transfer.
    pub const READY_TO_TRANSFER: u8 = 0x31;
    /// Asynchronous Message.
    pub const ASYNC_MESSAGE: u8 = 0x32;
    /// Reject.
    pub const REJECT: u8 = 0x3f;
}

layout! {
    /// What all units have in common (RFC 7143, 11.2.1).
    pub struct Header[48] {
        /// Outside the order of commands.
        immediate: bool = (0 . 6),
        /// Operation code.
        opcode: u8 = (0 . 5-0),
        /// The last of a sequence.
        last: bool = (1 . 7),
        /// Additional header segments in words of four bytes.
        ahs_words: u8 = (4 .. 5),
        /// Bytes of the data segment without padding.
        data_length: u32 = (5 .. 8),
        /// Logical unit number.
        lun: [u8; 8] = (bytes 8 .. 16),
        /// Initiator task tag.
        itt: u32 = (16 .. 20),
    }
}

impl Header {
    /// Bytes of the additional header segments.
    pub fn ahs_length(&self) -> usize {
        usize::from(self.ahs_words) * 4
    }

    /// Bytes of the data segment with its padding.
    pub fn padded_length(&self) -> usize {
        padded(self.data_length as usize)
    }
}

/// A length rounded up to whole words of four bytes.
pub fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// Why a unit was rejected (RFC 7143, 11.17.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RejectReason {
    /// The data segment does not match its digest.
    DataDigest = 0x02,
    /// SNACK is not for this session.
    Snack = 0x03,
    /// Against the rules of the protocol.
    ProtocolError = 0x04,
    /// No such operation.
    NotSupported = 0x05,
    /// Too many immediate commands.
    ImmediateCommand = 0x06,
    /// The task tag is in use.
    TaskInProgress = 0x07,
    /// A field holds what it must not.
    InvalidField = 0x09,
    /// After the logout nothing else may come.
    WaitingForLogout = 0x0c,
}

/// Why a login failed, as class and detail (RFC 7143, 11.13.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum LoginStatus {
    /// It did not.
    Success = 0x0000,
    /// The initiator broke the rules.
    InitiatorError = 0x0200,
    /// Not who it says, or not known.
    AuthenticationFailure = 0x0201,
    /// There is no such target here.
    NotFound = 0x0203,
    /// No version in common.
    UnsupportedVersion = 0x0205,
    /// The session has all the connections it may have.
    TooManyConnections = 0x0206,
    /// A key is missing: its name, the target's name.
    MissingParameter = 0x0207,
    /// The connection cannot join the session.
    CannotInclude = 0x0208,
    /// Neither a normal session nor a discovery session.
    SessionType = 0x0209,
    /// There is no session of this TSIH.
    NoSession = 0x020a,
    /// Only login requests belong into a login.
    InvalidDuringLogin = 0x020b,
    /// The target is about to end.
    ServiceUnavailable = 0x0301,
    /// Too many sessions.
    OutOfResources = 0x0302,
}

/// Task management functions (RFC 7143, 11.5.1).
pub mod function {
    /// ABORT TASK.
    pub const ABORT_TASK: u8 = 1;
    /// ABORT TASK SET.
    pub const ABORT_TASK_SET: u8 = 2;
    /// CLEAR ACA.
    pub const CLEAR_ACA: u8 = 3;
    /// CLEAR TASK SET.
    pub const CLEAR_TASK_SET: u8 = 4;
    /// LOGICAL UNIT RESET.
    pub const LOGICAL_UNIT_RESET: u8 = 5;
    /// TARGET WARM RESET.
    pub const TARGET_WARM_RESET: u8 = 6;
    /// TARGET COLD RESET.
    pub const TARGET_COLD_RESET: u8 = 7;
    /// TASK REASSIGN.
    pub const TASK_REASSIGN: u8 = 8;
}

#[cfg(test)]
mod tests;
