//! One definition per wire structure: the [`layout!`](crate::mmc::wire::layout) macro makes a
//! struct, its parser and its emitter from one list of fields and the places where they lie.
//!
//! A place is `byte.bit` (one bit), `byte.hi-lo` (bits of one byte), `first..end` (big-endian
//! bytes), `high & low` (a number of two bytes that do not lie together) or `bytes first..end` (an
//! array as it is: text, identifiers). What a structure always
//! holds at a place (its own length, a page code) stands behind it as `fixed { place = value, }`:
//! emitted, not parsed. Parsing judges only the length: bytes past the end read as zero when the
//! sender was allowed to cut the structure short (`parse_cut`), else [`WireError::Short`]. Fields
//! keep unknown values. Emitting fills exactly `LEN` bytes; a value too wide for its field is cut
//! to the field's width, as the sender's range check comes before (debug builds assert).

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
    debug_assert!(
        end - first >= 8 || bits >> (8 * (end - first)) == 0,
        "value {bits} does not fit bytes {first}..{end}"
    );
    for (i, byte) in bytes[first..end].iter_mut().rev().enumerate() {
        *byte = (bits >> (8 * i)) as u8;
    }
}

/// Reads an array as it is; bytes that are not there are zero.
pub fn get_array<const N: usize>(bytes: &[u8], first: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes.get(first + i).copied().unwrap_or(0))
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
    ($(#[$meta:meta])* $vis:vis struct $name:ident[$len:expr] {
        $($(#[$fmeta:meta])* $field:ident: $type:ty = $place:tt,)*
    } $(fixed { $($at:tt = $value:expr,)* })?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$fmeta])* $vis $field: $type,)*
        }

        impl $name {
            /// Length on the wire in bytes.
            $vis const LEN: usize = $len;

            /// Parses the whole structure; bytes behind it are ignored.
            #[allow(dead_code, reason = "private layouts may use one parser only")]
            $vis fn parse(bytes: &[u8]) -> Result<Self, $crate::mmc::wire::WireError> {
                if bytes.len() < Self::LEN {
                    return Err($crate::mmc::wire::WireError::Short {
                        what: stringify!($name), need: Self::LEN, have: bytes.len(),
                    });
                }
                Ok(Self::parse_cut(bytes))
            }

            /// Parses what is there of a structure that may have been cut short; the rest is zero.
            $vis fn parse_cut(bytes: &[u8]) -> Self {
                #[allow(unused_variables)]
                let bytes = &bytes[..bytes.len().min(Self::LEN)];
                Self { $($field: $crate::wire_layout!(@get bytes, $place),)* }
            }

            /// The wire form, exactly `LEN` bytes.
            $vis fn emit(&self) -> [u8; $len] {
                #[allow(unused_mut)]
                let mut bytes = [0; $len];
                $($($crate::wire_layout!(@fix bytes, $at, $value);)*)?
                $($crate::wire_layout!(@put bytes, $place, &self.$field);)*
                bytes
            }
        }
    };
    (@get $bytes:ident, ($high:literal & $low:literal)) => {
        $crate::mmc::wire::Field::from_bits(
            $crate::mmc::wire::get_bits($bytes, $high, 7, 0) << 8
                | $crate::mmc::wire::get_bits($bytes, $low, 7, 0))
    };
    (@put $bytes:ident, ($high:literal & $low:literal), $value:expr) => {{
        let bits = $crate::mmc::wire::Field::to_bits($value);
        $crate::mmc::wire::put_bits(&mut $bytes, $high, 7, 0, bits >> 8);
        $crate::mmc::wire::put_bits(&mut $bytes, $low, 7, 0, bits & 0xff);
    }};
    (@get $bytes:ident, (bytes $first:literal .. $end:literal)) => {
        $crate::mmc::wire::get_array::<{ $end - $first }>($bytes, $first)
    };
    (@put $bytes:ident, (bytes $first:literal .. $end:literal), $value:expr) => {
        $bytes[$first..$end].copy_from_slice($value)
    };
    (@fix $bytes:ident, ($first:literal .. $end:literal), $value:expr) => {
        $crate::mmc::wire::put_bytes(&mut $bytes, $first, $end, $value)
    };
    (@fix $bytes:ident, ($byte:literal . $hi:literal - $lo:literal), $value:expr) => {
        $crate::mmc::wire::put_bits(&mut $bytes, $byte, $hi, $lo, $value)
    };
    (@fix $bytes:ident, ($byte:literal . $bit:literal), $value:expr) => {
        $crate::mmc::wire::put_bits(&mut $bytes, $byte, $bit, $bit, $value)
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
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$vmeta:meta])* $variant:ident = $value:literal,)*
    }) => {
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
            } fixed { (0 .. 1) = $opcode, }
        }

        impl $crate::mmc::cdb::Command for $name {
            const OPCODE: u8 = $opcode;
            const LENGTH: usize = $len;

            fn cdb(&self) -> $crate::device::Cdb {
                $crate::device::Cdb::new(&self.emit())
            }

            fn from_cdb(cdb: &$crate::device::Cdb) -> Self {
                Self::parse_cut(cdb.bytes())
            }
        }
    };
}
pub use crate::wire_cdb as cdb;

/// Gathers structures of a fixed length that follow each other up to the end of `bytes`, at most
/// `max` of them; an incomplete last one is left out.
pub(crate) fn list<T>(bytes: &[u8], len: usize, max: usize, parse: fn(&[u8]) -> T) -> Vec<T> {
    bytes.chunks_exact(len).take(max).map(parse).collect()
}

/// The bytes from `start` up to where a length field says that a reply ends, or as far as there are
/// any: a reply may be cut short by the allocation length.
pub(crate) fn body(bytes: &[u8], start: usize, announced_end: u64) -> &[u8] {
    let end = usize::try_from(announced_end).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(start..end).unwrap_or(&[])
}

/// Whether `bytes` hold at least the `need` bytes of `what`.
pub(crate) fn need(bytes: &[u8], what: &'static str, need: usize) -> Result<(), WireError> {
    if bytes.len() < need {
        return Err(WireError::Short { what, need, have: bytes.len() });
    }
    Ok(())
}

/// Total length of a reply that starts with a two-byte length of what follows; `None` where even
/// that is cut. For asking again with room for all.
pub fn announced2(bytes: &[u8]) -> Option<usize> {
    (bytes.len() >= 2).then(|| get_bytes(bytes, 0, 2) as usize + 2)
}

/// Total length of a reply that starts with a four-byte length of what follows.
pub fn announced4(bytes: &[u8]) -> Option<usize> {
    (bytes.len() >= 4).then(|| get_bytes(bytes, 0, 4) as usize + 4)
}
