//! The drive's write buffer: the replies of READ BUFFER CAPACITY and READ BUFFER.

use crate::mmc::wire::layout;

layout! {
    /// Size and free room of the buffer (MMC-5, 6.18.3).
    pub struct BufferCapacity[12] {
        /// The numbers are blocks, else bytes.
        block: bool = (3 . 0),
        /// Size; reserved (zero) where the numbers are blocks.
        size: u32 = (4 .. 8),
        /// Free room.
        free: u32 = (8 .. 12),
    } fixed { (0 .. 2) = 10, }
}

impl BufferCapacity {
    /// Bytes in the buffer that still wait to be written; `None` where the drive counts blocks or
    /// says more is free than there is.
    pub fn filled(&self) -> Option<u32> {
        if self.block { None } else { self.size.checked_sub(self.free) }
    }
}

layout! {
    /// What READ BUFFER can read: the descriptor of mode 3, and without the boundary the header in
    /// front of the data of mode 0 (SPC-3, 6.15.2 and 6.15.5).
    pub struct BufferDescriptor[4] {
        /// Offsets are multiples of two to the power of this.
        boundary: u8 = (0 .. 1),
        /// Bytes in the buffer.
        capacity: u32 = (1 .. 4),
    }
}
