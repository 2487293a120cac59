//! Names of additional sense codes: one table of constants and words (MMC-5, Annex F; SPC-3,
//! Annex D).

macro_rules! sense_codes {
    ($($name:ident = $key:ident / $asc:literal / $ascq:literal, $words:literal;)*) => {
        /// Sense key, additional sense code and qualifier by name.
        pub mod codes {
            use crate::mmc::sense::{SenseCode, SenseKey};

            $(
                #[doc = concat!("`", stringify!($key), "`: ", $words, ".")]
                pub const $name: SenseCode = SenseCode::new(SenseKey::$key, $asc, $ascq);
            )*

            /// All of them, with their words.
            pub const ALL: &[(SenseCode, &str)] = &[$(($name, $words),)*];
        }
    };
}

/// What an additional sense code with its qualifier means, whatever the key it comes with.
pub(super) fn names(asc: u8, ascq: u8) -> Option<&'static str> {
    // Where keys differ in words (write protected, blank check) the later ones say no more.
    codes::ALL
        .iter()
        .find(|(code, _)| (code.asc, code.ascq) == (asc, ascq) && (asc, ascq) != (0, 0))
        .map(|&(_, words)| words)
}

sense_codes! {
    NO_SENSE = NoSense / 0x00 / 0x00, "no additional sense";
    AUDIO_PLAYING = NoSense / 0x00 / 0x11, "audio play in progress";
    AUDIO_PAUSED = NoSense / 0x00 / 0x12, "audio play paused";
    AUDIO_DONE = NoSense / 0x00 / 0x13, "audio play completed";
    AUDIO_ERROR = NoSense / 0x00 / 0x14, "audio play stopped by an error";
    AUDIO_NONE = NoSense / 0x00 / 0x15, "no audio status";
    OPERATION_IN_PROGRESS = NoSense / 0x00 / 0x16, "operation in progress";
    RECOVERED_BY_REALLOCATION = RecoveredError / 0x0c / 0x01,
        "write error recovered by reallocation";
    RECOVERED_DATA = RecoveredError / 0x17 / 0x00, "data recovered without error correction";
    RECOVERED_DATA_RETRIES = RecoveredError / 0x17 / 0x01, "data recovered with retries";
    RECOVERED_DATA_ECC = RecoveredError / 0x18 / 0x00, "data recovered with error correction";
    FAILURE_PREDICTED = RecoveredError / 0x5d / 0x00, "failure prediction threshold exceeded";
    SPARE_NEARLY_EXHAUSTED = RecoveredError / 0x5d / 0x03, "spare area nearly exhausted";
    PCA_ALMOST_FULL = RecoveredError / 0x73 / 0x01, "power calibration area almost full";
    RMA_ALMOST_FULL = RecoveredError / 0x73 / 0x06, "recording management area almost full";
    CURRENT_PCA_ALMOST_FULL = RecoveredError / 0x73 / 0x10,
        "current power calibration area almost full";
    NOT_READY = NotReady / 0x04 / 0x00, "not ready, cause not reportable";
    BECOMING_READY = NotReady / 0x04 / 0x01, "becoming ready";
    NEEDS_START = NotReady / 0x04 / 0x02, "not ready, start command needed";
    NEEDS_HAND = NotReady / 0x04 / 0x03, "not ready, manual intervention needed";
    FORMAT_IN_PROGRESS = NotReady / 0x04 / 0x04, "not ready, format in progress";
    LONG_OPERATION_IN_PROGRESS = NotReady / 0x04 / 0x07, "not ready, operation in progress";
    LONG_WRITE_IN_PROGRESS = NotReady / 0x04 / 0x08, "not ready, long write in progress";
    SELF_TEST_IN_PROGRESS = NotReady / 0x04 / 0x09, "not ready, self-test in progress";
    NO_REFERENCE = NotReady / 0x06 / 0x00, "no reference position found";
    TRACKING_FAILURE = NotReady / 0x09 / 0x00, "track following error";
    NOT_READY_INCOMPATIBLE_MEDIUM = NotReady / 0x30 / 0x00, "incompatible medium installed";
    NOT_READY_UNKNOWN_FORMAT = NotReady / 0x30 / 0x01, "medium cannot be read, unknown format";
    NOT_READY_INCOMPATIBLE_FORMAT = NotReady / 0x30 / 0x02,
        "medium cannot be read, incompatible format";
    CLEANING_MEDIUM = NotReady / 0x30 / 0x03, "cleaning medium installed";
    NO_MEDIUM = NotReady / 0x3a / 0x00, "no medium";
    NO_MEDIUM_TRAY_CLOSED = NotReady / 0x3a / 0x01, "no medium, tray closed";
    NO_MEDIUM_TRAY_OPEN = NotReady / 0x3a / 0x02, "no medium, tray open";
    NOT_SELF_CONFIGURED = NotReady / 0x3e / 0x00, "not self-configured yet";
    LOAD_OR_EJECT_FAILED = NotReady / 0x53 / 0x00, "load or eject failed";
    NO_SEEK_COMPLETE = MediumError / 0x02 / 0x00, "seek not completed";
    WRITE_FAULT = MediumError / 0x03 / 0x00, "peripheral device write fault";
    WRITE_ERROR = MediumError / 0x0c / 0x00, "write error";
    WRITE_RECOVERY_NEEDED = MediumError / 0x0c / 0x07, "write error, recovery needed";
    WRITE_RECOVERY_FAILED = MediumError / 0x0c / 0x08, "write error, recovery failed";
    LOSS_OF_STREAMING = MediumError / 0x0c / 0x09, "write error, loss of streaming";
    PADDING_ADDED = MediumError / 0x0c / 0x0a, "write error, padding blocks added";
    READ_ERROR = MediumError / 0x11 / 0x00, "unrecovered read error";
    READ_RETRIES_EXHAUSTED = MediumError / 0x11 / 0x01, "read retries exhausted";
    READ_ERROR_TOO_LONG = MediumError / 0x11 / 0x02, "error too long to correct";
    READ_ERROR_L_EC = MediumError / 0x11 / 0x05, "L-EC uncorrectable error";
    READ_ERROR_CIRC = MediumError / 0x11 / 0x06, "CIRC unrecovered error";
    READ_ERROR_MCN = MediumError / 0x11 / 0x0f, "error reading the media catalogue number";
    READ_ERROR_ISRC = MediumError / 0x11 / 0x10, "error reading the ISRC";
    READ_LOSS_OF_STREAMING = MediumError / 0x11 / 0x11, "read error, loss of streaming";
    RANDOM_POSITIONING_ERROR = MediumError / 0x15 / 0x00, "random positioning error";
    MECHANICAL_POSITIONING_ERROR = MediumError / 0x15 / 0x01, "mechanical positioning error";
    POSITIONING_ERROR_BY_READ = MediumError / 0x15 / 0x02, "positioning error detected by reading";
    FORMAT_CORRUPTED = MediumError / 0x31 / 0x00, "medium format corrupted";
    FORMAT_FAILED = MediumError / 0x31 / 0x01, "format command failed";
    NO_SPARE_LEFT = MediumError / 0x32 / 0x00, "no defect spare location available";
    ERASE_FAILURE = MediumError / 0x51 / 0x00, "erase failure";
    ERASE_INCOMPLETE = MediumError / 0x51 / 0x01, "erase failure, incomplete erase detected";
    TOC_UNREADABLE = MediumError / 0x57 / 0x00, "table of contents cannot be recovered";
    FIXATION_ERROR = MediumError / 0x72 / 0x00, "session fixation error";
    FIXATION_ERROR_LEAD_IN = MediumError / 0x72 / 0x01,
        "session fixation error writing the lead-in";
    FIXATION_ERROR_LEAD_OUT = MediumError / 0x72 / 0x02,
        "session fixation error writing the lead-out";
    CD_CONTROL_ERROR = MediumError / 0x73 / 0x00, "CD control error";
    PCA_FULL = MediumError / 0x73 / 0x02, "power calibration area is full";
    CALIBRATION_ERROR = MediumError / 0x73 / 0x03, "power calibration area error";
    RMA_UPDATE_FAILURE = MediumError / 0x73 / 0x04, "recording management area update failure";
    RMA_FULL = MediumError / 0x73 / 0x05, "recording management area is full";
    CURRENT_PCA_FULL = MediumError / 0x73 / 0x11, "current power calibration area is full";
    RDZ_FULL = MediumError / 0x73 / 0x17, "recording data zone is full";
    COMMUNICATION_FAILURE = HardwareError / 0x08 / 0x00, "logical unit communication failure";
    COMMUNICATION_TIMEOUT = HardwareError / 0x08 / 0x01, "logical unit communication time-out";
    SERVO_FAILURE = HardwareError / 0x09 / 0x01, "tracking servo failure";
    FOCUS_FAILURE = HardwareError / 0x09 / 0x02, "focus servo failure";
    SPINDLE_FAILURE = HardwareError / 0x09 / 0x03, "spindle servo failure";
    SYNC_TRANSFER_ERROR = HardwareError / 0x1b / 0x00, "synchronous data transfer error";
    UNIT_FAILURE = HardwareError / 0x3e / 0x01, "logical unit failure";
    INTERNAL_FAILURE = HardwareError / 0x44 / 0x00, "internal target failure";
    VOLTAGE_FAULT = HardwareError / 0x65 / 0x00, "voltage fault";
    PARAMETER_LIST_LENGTH = IllegalRequest / 0x1a / 0x00, "parameter list length error";
    INVALID_OPCODE = IllegalRequest / 0x20 / 0x00, "invalid command operation code";
    LBA_OUT_OF_RANGE = IllegalRequest / 0x21 / 0x00, "logical block address out of range";
    INVALID_WRITE_ADDRESS = IllegalRequest / 0x21 / 0x02, "invalid address for write";
    CROSSES_LAYER_JUMP = IllegalRequest / 0x21 / 0x03, "write crosses a layer jump";
    INVALID_CDB_FIELD = IllegalRequest / 0x24 / 0x00, "invalid field in CDB";
    UNIT_NOT_SUPPORTED = IllegalRequest / 0x25 / 0x00, "logical unit not supported";
    INVALID_PARAMETER_FIELD = IllegalRequest / 0x26 / 0x00, "invalid field in parameter list";
    PARAMETER_NOT_SUPPORTED = IllegalRequest / 0x26 / 0x01, "parameter not supported";
    PARAMETER_VALUE_INVALID = IllegalRequest / 0x26 / 0x02, "parameter value invalid";
    WRITE_PROTECTED_REQUEST = IllegalRequest / 0x27 / 0x00, "write protected";
    SEQUENCE_ERROR = IllegalRequest / 0x2c / 0x00, "command sequence error";
    PROGRAM_AREA_NOT_EMPTY = IllegalRequest / 0x2c / 0x03, "current program area is not empty";
    PROGRAM_AREA_EMPTY = IllegalRequest / 0x2c / 0x04, "current program area is empty";
    INCOMPATIBLE_MEDIUM = IllegalRequest / 0x30 / 0x00, "incompatible medium installed";
    UNKNOWN_FORMAT = IllegalRequest / 0x30 / 0x01, "medium cannot be read, unknown format";
    INCOMPATIBLE_FORMAT = IllegalRequest / 0x30 / 0x02,
        "medium cannot be read, incompatible format";
    CANNOT_WRITE_MEDIUM = IllegalRequest / 0x30 / 0x05,
        "medium cannot be written, incompatible format";
    CANNOT_FORMAT_MEDIUM = IllegalRequest / 0x30 / 0x06,
        "medium cannot be formatted, incompatible medium";
    APPLICATION_CODE_MISMATCH = IllegalRequest / 0x30 / 0x08,
        "medium cannot be written, application code mismatch";
    SESSION_NOT_FIXATED = IllegalRequest / 0x30 / 0x09, "current session not fixated for append";
    NOT_FORMATTED = IllegalRequest / 0x30 / 0x10, "medium not formatted";
    MEDIUM_VERSION = IllegalRequest / 0x30 / 0x11, "medium version not supported";
    SAVING_NOT_SUPPORTED = IllegalRequest / 0x39 / 0x00, "saving parameters not supported";
    REMOVAL_PREVENTED = IllegalRequest / 0x53 / 0x02, "medium removal prevented";
    OUT_OF_RESOURCE = IllegalRequest / 0x55 / 0x00, "system resource failure";
    END_OF_USER_AREA = IllegalRequest / 0x63 / 0x00, "end of user area encountered on this track";
    PACKET_DOES_NOT_FIT = IllegalRequest / 0x63 / 0x01,
        "packet does not fit in the available space";
    ILLEGAL_MODE_FOR_TRACK = IllegalRequest / 0x64 / 0x00, "illegal mode for this track";
    INVALID_PACKET_SIZE = IllegalRequest / 0x64 / 0x01, "invalid packet size";
    COPY_PROTECTION_FAILURE = IllegalRequest / 0x6f / 0x00, "copy protection key exchange failure";
    KEY_NOT_PRESENT = IllegalRequest / 0x6f / 0x01, "copy protection key not present";
    KEY_NOT_ESTABLISHED = IllegalRequest / 0x6f / 0x02, "copy protection key not established";
    SCRAMBLED_WITHOUT_AUTHENTICATION = IllegalRequest / 0x6f / 0x03,
        "scrambled sector read without authentication";
    REGION_MISMATCH = IllegalRequest / 0x6f / 0x04, "region code mismatch";
    INCOMPLETE_TRACK = IllegalRequest / 0x72 / 0x03,
        "session fixation error, incomplete track in session";
    PARTIAL_RESERVED_TRACK = IllegalRequest / 0x72 / 0x04,
        "empty or partially written reserved track";
    NO_MORE_RESERVATIONS = IllegalRequest / 0x72 / 0x05, "no more track reservations allowed";
    RMZ_EXTENSION = IllegalRequest / 0x72 / 0x06,
        "recording management zone extension not allowed";
    NO_MORE_TEST_ZONE = IllegalRequest / 0x72 / 0x07, "no more test zone extensions allowed";
    PCA_FULL_REQUEST = IllegalRequest / 0x73 / 0x02, "power calibration area is full";
    MEDIUM_CHANGED = UnitAttention / 0x28 / 0x00, "medium may have changed";
    FORMAT_LAYER_CHANGED = UnitAttention / 0x28 / 0x02, "format-layer may have changed";
    POWER_ON_OR_RESET = UnitAttention / 0x29 / 0x00, "power on, reset or bus reset occurred";
    POWER_ON = UnitAttention / 0x29 / 0x01, "power on occurred";
    BUS_RESET = UnitAttention / 0x29 / 0x02, "bus reset occurred";
    TARGET_RESET = UnitAttention / 0x29 / 0x03, "target reset occurred";
    INTERNAL_RESET = UnitAttention / 0x29 / 0x04, "internal reset occurred";
    NEXUS_LOSS = UnitAttention / 0x29 / 0x07, "I_T nexus loss occurred";
    PARAMETERS_CHANGED = UnitAttention / 0x2a / 0x00, "parameters changed";
    MODE_PARAMETERS_CHANGED = UnitAttention / 0x2a / 0x01, "mode parameters changed";
    INSUFFICIENT_TIME = UnitAttention / 0x2e / 0x00, "insufficient time for operation";
    OPERATING_CONDITIONS_CHANGED = UnitAttention / 0x3f / 0x00,
        "target operating conditions have changed";
    MICROCODE_CHANGED = UnitAttention / 0x3f / 0x01, "microcode has been changed";
    INQUIRY_CHANGED = UnitAttention / 0x3f / 0x03, "inquiry data has changed";
    OPERATOR_REQUEST = UnitAttention / 0x5a / 0x00, "operator request or state change";
    EJECT_REQUESTED = UnitAttention / 0x5a / 0x01, "operator medium removal request";
    OPERATOR_WRITE_PROTECT = UnitAttention / 0x5a / 0x02, "operator selected write protect";
    OPERATOR_WRITE_PERMIT = UnitAttention / 0x5a / 0x03, "operator selected write permit";
    LOW_POWER = UnitAttention / 0x5e / 0x00, "low power condition on";
    IDLE_BY_TIMER = UnitAttention / 0x5e / 0x01, "idle condition by timer";
    STANDBY_BY_TIMER = UnitAttention / 0x5e / 0x02, "standby condition by timer";
    IDLE_BY_COMMAND = UnitAttention / 0x5e / 0x03, "idle condition by command";
    STANDBY_BY_COMMAND = UnitAttention / 0x5e / 0x04, "standby condition by command";
    WRITE_PROTECTED = DataProtect / 0x27 / 0x00, "write protected";
    HARDWARE_WRITE_PROTECTED = DataProtect / 0x27 / 0x01, "hardware write protected";
    SOFTWARE_WRITE_PROTECTED = DataProtect / 0x27 / 0x02, "logical unit software write protected";
    ASSOCIATED_WRITE_PROTECT = DataProtect / 0x27 / 0x03, "associated write protect";
    PERSISTENT_WRITE_PROTECT = DataProtect / 0x27 / 0x04, "persistent write protect";
    PERMANENT_WRITE_PROTECT = DataProtect / 0x27 / 0x05, "permanent write protect";
    CONDITIONAL_WRITE_PROTECT = DataProtect / 0x27 / 0x06, "conditional write protect";
    BLANK_BLOCK = BlankCheck / 0x00 / 0x00, "blank check";
    TERMINATED = AbortedCommand / 0x00 / 0x06, "I/O process terminated";
    ABORTED = AbortedCommand / 0x0b / 0x00, "aborted command";
    OVERLAPPED_COMMANDS = AbortedCommand / 0x4e / 0x00, "overlapped commands attempted";
    VERIFY_MISCOMPARE = Miscompare / 0x1d / 0x00, "miscompare during verify operation";
}
