//! Speeds: the replies of GET PERFORMANCE and the parameter list of SET STREAMING.

use crate::mmc::wire::{WireError, body, get_bytes, layout, list, need};
use crate::units::{Kbps, Lba};

/// More descriptors than any drive has; bounds what one reply can make a parser allocate.
const MAX: usize = 4096;

layout! {
    /// Header of every reply (MMC-5, 6.8.3.1).
    pub struct PerformanceHeader[8] {
        /// Bytes behind the first four.
        length: u32 = (0 .. 4),
        /// About writing, else about reading.
        write: bool = (4 . 1),
        /// Descriptors are exceptions, else nominal performance.
        except: bool = (4 . 0),
    }
}

layout! {
    /// Nominal performance between two blocks (MMC-5, 6.8.3.2).
    pub struct NominalPerformance[16] {
        /// From here.
        start: Lba = (0 .. 4),
        /// Speed here.
        start_speed: Kbps = (4 .. 8),
        /// To here, at most.
        end: Lba = (8 .. 12),
        /// Speed there.
        end_speed: Kbps = (12 .. 16),
    }
}

layout! {
    /// A place that takes longer than nominal (MMC-5, 6.8.3.3).
    pub struct ExceptionDescriptor[6] {
        /// Where.
        lba: Lba = (0 .. 4),
        /// How much longer, in tenths of a second.
        time: u16 = (4 .. 6),
    }
}

layout! {
    /// A speed that can be set for the medium in the drive (MMC-5, 6.8.3.6).
    pub struct WriteSpeed[16] {
        /// Rotation: 0 the medium's default, 1 CAV.
        rotation: u8 = (0 . 4-3),
        /// Default of the drive.
        rdd: bool = (0 . 2),
        /// Exact: holds for the whole medium.
        exact: bool = (0 . 1),
        /// Suits mixed reading and writing.
        mrw: bool = (0 . 0),
        /// Last block of the medium.
        end: Lba = (4 .. 8),
        /// Reading.
        read: Kbps = (8 .. 12),
        /// Writing.
        write: Kbps = (12 .. 16),
    }
}

layout! {
    /// Performance descriptor of SET STREAMING (MMC-5, 6.39.3).
    pub struct StreamingDescriptor[28] {
        /// Rotation: 0 the medium's default, 1 CAV.
        rotation: u8 = (0 . 4-3),
        /// Back to the drive's default; the rest counts for nothing.
        rdd: bool = (0 . 2),
        /// Exactly so, or not at all.
        exact: bool = (0 . 1),
        /// Random access.
        ra: bool = (0 . 0),
        /// From here.
        start: Lba = (4 .. 8),
        /// To here.
        end: Lba = (8 .. 12),
        /// Reading: so many kB
        read_size: u32 = (12 .. 16),
        /// in so many ms.
        read_time: u32 = (16 .. 20),
        /// Writing: so many kB
        write_size: u32 = (20 .. 24),
        /// in so many ms.
        write_time: u32 = (24 .. 28),
    }
}

impl StreamingDescriptor {
    /// The write speed that is asked for, rounded down; `None` where the time is zero.
    pub fn write_speed(&self) -> Option<Kbps> {
        speed(self.write_size, self.write_time)
    }

    /// The read speed that is asked for, rounded down; `None` where the time is zero.
    pub fn read_speed(&self) -> Option<Kbps> {
        speed(self.read_size, self.read_time)
    }
}

fn speed(size: u32, time: u32) -> Option<Kbps> {
    let kbps = (u64::from(size) * 1000).checked_div(u64::from(time))?;
    Some(Kbps(u32::try_from(kbps).unwrap_or(u32::MAX)))
}

layout! {
    /// Blocks that defect management has replaced (MMC-5, 6.8.3.4).
    pub struct UnusableArea[8] {
        /// The first one.
        start: Lba = (0 .. 4),
        /// How many.
        blocks: u32 = (4 .. 8),
    }
}

/// Descriptors of one reply; which kind is the asker's to know (and `except` in the header's).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Performance {
    /// Type 0, nominal.
    Nominal(Vec<NominalPerformance>),
    /// Type 0, exceptions.
    Exceptions(Vec<ExceptionDescriptor>),
    /// Type 1.
    Unusable(Vec<UnusableArea>),
    /// Type 3.
    WriteSpeeds(Vec<WriteSpeed>),
}

impl Performance {
    /// Parses a reply to GET PERFORMANCE of type `kind`, 0, 1 or 3, however far it goes.
    pub fn parse(kind: u8, bytes: &[u8]) -> Result<(PerformanceHeader, Performance), WireError> {
        need(bytes, "performance data", PerformanceHeader::LEN)?;
        let header = PerformanceHeader::parse_cut(bytes);
        let body = body(bytes, PerformanceHeader::LEN, get_bytes(bytes, 0, 4) + 4);
        let data = match (kind, header.except) {
            (0, false) => Performance::Nominal(list(body, 16, MAX, NominalPerformance::parse_cut)),
            (0, true) => {
                Performance::Exceptions(list(body, 6, MAX, ExceptionDescriptor::parse_cut))
            }
            (1, _) => Performance::Unusable(list(body, 8, MAX, UnusableArea::parse_cut)),
            (3, _) => Performance::WriteSpeeds(list(body, 16, MAX, WriteSpeed::parse_cut)),
            _ => {
                return Err(WireError::Field {
                    what: "performance data",
                    at: 0,
                    why: "only types 0, 1 and 3 are known here",
                });
            }
        };
        Ok((header, data))
    }

    /// The whole reply, whose header is about writing or reading.
    pub fn emit(&self, write: bool) -> Vec<u8> {
        let body: Vec<u8> = match self {
            Performance::Nominal(all) => all.iter().flat_map(NominalPerformance::emit).collect(),
            Performance::Exceptions(all) => {
                all.iter().flat_map(ExceptionDescriptor::emit).collect()
            }
            Performance::Unusable(all) => all.iter().flat_map(UnusableArea::emit).collect(),
            Performance::WriteSpeeds(all) => all.iter().flat_map(WriteSpeed::emit).collect(),
        };
        let header = PerformanceHeader {
            length: body.len() as u32 + 4,
            write,
            except: matches!(self, Performance::Exceptions(_)),
        };
        let mut bytes = header.emit().to_vec();
        bytes.extend(body);
        bytes
    }
}
