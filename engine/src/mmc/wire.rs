//! One definition per wire structure: the [`layout!`](crate::mmc::wire::layout) macro makes a struct, its parser and its emitter
//! from one list of fields and the places where they lie.
//!
//! A place is `byte.bit` (one bit), `byte.hi-lo` (bits of one byte) or `first..end` (big-endian
//! bytes). Parsing judges only the length: bytes past the end read as zero when the sender was allowed to
//! cut the structure short (`parse_cut`), else [`WireError::Short`]. Fields keep unknown values.
//! Emitting fills exactly `LEN` bytes; a value too wide for its field is cut to the field's width, as
//! the sender's range check comes before (debug builds assert).

use std::fmt;

use crate::units::{Blocks, Kbps, Lba};

/// Bytes that do not hold the structure they should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// Fewer bytes than the structure needs.
    Short {
        /// Which structure.
        what: &'static str,
        /// Bytes needed.
        need: usize,
        /// Bytes there.
        have: usize,
    },
    /// A field holds what the structure does not allow.
    Field {
        /// Which structure.
        what: &'static str,
        /// Byte offset of the field.
        at: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Short { what, need, have } => {
                write!(f, "{what}: {have} bytes where {need} are needed")
            }
            WireError::Field { what, at, why } => write!(f, "{what}, byte {at}: {why}"),
        }
    }
}

impl std::error::Error for WireError {}

/// A value that fits into a field of up to 64 bits.
pub trait Field: Sized {
    /// The value of these bits. Never fails: unknown codes survive.
    fn from_bits(bits: u64) -> Self;
    /// The bits of this value.
    fn to_bits(&self) -> u64;
}

macro_rules! int_field {
    ($($t:ty),*) => {$(
        impl Field for $t {
            fn from_bits(bits: u64) -> Self { bits as $t }
            fn to_bits(&self) -> u64 { *self as u64 }
        }
    )*};
}
int_field!(u8, u16, u32, u64);

impl Field for bool {
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
    fn to_bits(&self) -> u64 {
        u64::from(*self)
    }
}

impl Field for Lba {
    /// Two's complement in four bytes: CD lead-in addresses are negative (MMC-6, 4.2.3.5).
    fn from_bits(bits: u64) -> Self {
        Lba(bits as u32 as i32)
    }
    fn to_bits(&self) -> u64 {
        u64::from(self.0 as u32)
    }
}

impl Field for Blocks {
    fn from_bits(bits: u64) -> Self {
        Blocks(bits as u32)
    }
    fn to_bits(&self) -> u64 {
        u64::from(self.0)
    }
}

impl Field for Kbps {
    fn from_bits(bits: u64) -> Self {
        Kbps(bits as u32)
    }
    fn to_bits(&self) -> u64 {
        u64::from(self.0)
    }
}

/// Reads big-endian bytes `first..end`; bytes that are not there are zero.
pub fn get_bytes(bytes: &[u8], first: usize, end: usize) -> u64 {
    (first..end).fold(0, |bits, i| bits << 8 | u64::from(bytes.get(i).copied().unwrap_or(0)))
}

/// Writes big-endian bytes `first..end`.
pub fn put_bytes(bytes: &mut [u8], first: usize, end: usize, bits: u64) {
    for (i, byte) in bytes[first..end].iter_mut().rev().enumerate() {
        *byte = (bits >> (8 * i)) as u8;
    }
}

/// Reads bits `hi..=lo` of one byte; a byte that is not there is zero.
pub fn get_bits(bytes: &[u8], byte: usize, hi: u32, lo: u32) -> u64 {
    u64::from(bytes.get(byte).copied().unwrap_or(0)) >> lo & ((1 << (hi - lo + 1)) - 1)
}

/// Writes bits `hi..=lo` of one byte, leaving the others.
pub fn put_bits(bytes: &mut [u8], byte: usize, hi: u32, lo: u32, bits: u64) {
    let mask = ((1u64 << (hi - lo + 1)) - 1) as u8;
    debug_assert!(bits <= u64::from(mask), "value {bits} does not fit bits {hi}-{lo}");
    bytes[byte] = bytes[byte] & !(mask << lo) | (bits as u8 & mask) << lo;
}

/// Defines a wire structure. See the module.
///
/// ```
/// use engine::mmc::wire::layout;
/// layout! {
///     /// An example (clause).
///     pub struct Example[8] {
///         /// Last block.
///         last: engine::units::Lba = (0..4),
///         /// A flag.
///         flag: bool = (4 . 7),
///         /// Two bits.
///         kind: u8 = (4 . 1-0),
///     }
/// }
/// let bytes = [0, 0, 4, 0x2f, 0x82, 0, 0, 0];
/// let example = Example::parse(&bytes).unwrap();
/// assert_eq!((example.last.0, example.flag, example.kind), (0x42f, true, 2));
/// assert_eq!(example.emit(), bytes);
/// ```
#[macro_export]
macro_rules! wire_layout {
    ($(#[$meta:meta])* pub struct $name:ident[$len:expr] {
        $($(#[$fmeta:meta])* $field:ident: $type:ty = $place:tt,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$fmeta])* pub $field: $type,)*
        }

        impl $name {
            /// Length on the wire in bytes.
            pub const LEN: usize = $len;

            /// Parses the whole structure; bytes behind it are ignored.
            pub fn parse(bytes: &[u8]) -> Result<Self, $crate::mmc::wire::WireError> {
                if bytes.len() < Self::LEN {
                    return Err($crate::mmc::wire::WireError::Short {
                        what: stringify!($name), need: Self::LEN, have: bytes.len(),
                    });
                }
                Ok(Self::parse_cut(bytes))
            }

            /// Parses what is there of a structure that may have been cut short; the rest is zero.
            pub fn parse_cut(bytes: &[u8]) -> Self {
                #[allow(unused_variables)]
                let bytes = &bytes[..bytes.len().min(Self::LEN)];
                Self { $($field: $crate::wire_layout!(@get bytes, $place),)* }
            }

            /// The wire form, exactly `LEN` bytes.
            pub fn emit(&self) -> [u8; $len] {
                #[allow(unused_mut)]
                let mut bytes = [0; $len];
                $($crate::wire_layout!(@put bytes, $place, &self.$field);)*
                bytes
            }
        }
    };
    (@get $bytes:ident, ($first:literal .. $end:literal)) => {
        $crate::mmc::wire::Field::from_bits($crate::mmc::wire::get_bytes($bytes, $first, $end))
    };
    (@get $bytes:ident, ($byte:literal . $hi:literal - $lo:literal)) => {
        $crate::mmc::wire::Field::from_bits($crate::mmc::wire::get_bits($bytes, $byte, $hi, $lo))
    };
    (@get $bytes:ident, ($byte:literal . $bit:literal)) => {
        $crate::mmc::wire::Field::from_bits($crate::mmc::wire::get_bits($bytes, $byte, $bit, $bit))
    };
    (@put $bytes:ident, ($first:literal .. $end:literal), $value:expr) => {
        $crate::mmc::wire::put_bytes(
            &mut $bytes, $first, $end, $crate::mmc::wire::Field::to_bits($value))
    };
    (@put $bytes:ident, ($byte:literal . $hi:literal - $lo:literal), $value:expr) => {
        $crate::mmc::wire::put_bits(
            &mut $bytes, $byte, $hi, $lo, $crate::mmc::wire::Field::to_bits($value))
    };
    (@put $bytes:ident, ($byte:literal . $bit:literal), $value:expr) => {
        $crate::mmc::wire::put_bits(
            &mut $bytes, $byte, $bit, $bit, $crate::mmc::wire::Field::to_bits($value))
    };
}
pub use crate::wire_layout as layout;

/// Defines a code with names for the known values; unknown ones survive as `Other`.
#[macro_export]
macro_rules! wire_code {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)*
            /// A code without a name here.
            Other(u16),
        }

        impl $crate::mmc::wire::Field for $name {
            fn from_bits(bits: u64) -> Self {
                match bits {
                    $($value => $name::$variant,)*
                    other => $name::Other(other as u16),
                }
            }
            fn to_bits(&self) -> u64 {
                match self {
                    $($name::$variant => $value,)*
                    $name::Other(other) => u64::from(*other),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $crate::mmc::wire::Field::from_bits(0)
            }
        }
    };
}
pub use crate::wire_code as code;

/// Defines a CDB: like [`layout!`], plus the operation code in byte 0.
#[macro_export]
macro_rules! wire_cdb {
    ($(#[$meta:meta])* pub struct $name:ident[$len:expr] = $opcode:literal {
        $($(#[$fmeta:meta])* $field:ident: $type:ty = $place:tt,)*
    }) => {
        $crate::wire_layout! {
            $(#[$meta])*
            pub struct $name[$len] {
                $($(#[$fmeta])* $field: $type = $place,)*
            }
        }

        impl $crate::mmc::cdb::Command for $name {
            const OPCODE: u8 = $opcode;

            fn cdb(&self) -> $crate::device::Cdb {
                let mut bytes = self.emit();
                bytes[0] = $opcode;
                $crate::device::Cdb::new(&bytes)
            }
        }
    };
}
pub use crate::wire_cdb as cdb;
