//! The disc file: a container that is consistent at any instant, and knows nothing of media.
//!
//! A store holds an opaque header, slots of 2048 bytes that read zero until written (and, for a
//! store of few slots, wide ones for what does not fit), and a journal of opaque records with now
//! and then a snapshot that replaces those before it. **If the process
//! is killed at any instant, every record appended before is there when the store is opened again,
//! and nothing after it; so is the data of every slot written before.** A power failure of the host
//! is another matter: only [`Store::sync`] guards against that.
//!
//! The file: a header block (`header`), two journal areas of which one is live (`journal`),
//! and the slots. What is zero and has never been anything else stays a hole.

mod backing;
mod error;
mod header;
mod journal;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use backing::{Backing, Sparse};
pub use error::{StoreError, StoreErrorKind};
use header::DATA_AT;
pub(crate) use header::MAGIC;
use journal::Journal;

/// Bytes in a slot.
pub const SLOT: usize = 2048;

/// Slots that a store can address: 4 TiB, more than any block address of a disc.
pub const SLOTS: u64 = 1 << 31;

/// Bytes in a wide slot: a CD sector with its sub-channels.
pub const WIDE: usize = 2448;

/// Wide slots that a store can address. They lie behind as many of the others; a store that uses
/// them must not use slots from here on.
pub const WIDE_SLOTS: u64 = 1 << 19;

/// An open disc file, or memory that behaves like one. The file is locked until this is dropped.
#[derive(Debug)]
pub struct Store {
    path: String,
    backing: Backing,
    journal: Journal,
    holes: Holes,
    /// Scratch for the frame being appended.
    frame: Vec<u8>,
}

/// What a store held when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The header given at creation.
    pub header: Vec<u8>,
    /// The last snapshot, if one was ever taken.
    pub snapshot: Option<Vec<u8>>,
    /// The records appended since, in order.
    pub records: Vec<Vec<u8>>,
}

impl Store {
    /// Makes a new disc file. It appears under its name whole or not at all.
    pub fn create(path: &Path, header: &[u8]) -> Result<Store, StoreError> {
        let at = named(path);
        if path.symlink_metadata().is_ok() {
            return Err(at(StoreErrorKind::Exists));
        }
        // A leftover of a killed creation is overwritten; a creation under way holds its lock.
        let mut part: PathBuf = path.to_path_buf();
        part.as_mut_os_string().push(".part");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&part)
            .map_err(|e| at(io_kind("creating it", &e)))?;
        lock(&file).map_err(&at)?;
        file.set_len(0).map_err(|e| at(io_kind("creating it", &e)))?;
        let mut backing = Backing::File(file);
        let filled = fill(&mut backing, header).map_err(&at)?;
        place_file(&part, path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => at(StoreErrorKind::Exists),
            _ => at(io_kind("giving it its name", &e)),
        })?;
        Ok(Store {
            path: path.display().to_string(),
            backing,
            journal: filled,
            holes: Holes::default(),
            frame: Vec::new(),
        })
    }

    /// Opens a disc file and says what it holds. A file that is not sound stays as it is.
    pub fn open(path: &Path) -> Result<(Store, Replay), StoreError> {
        let at = named(path);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| {
            at(match e.kind() {
                io::ErrorKind::NotFound => StoreErrorKind::Missing,
                _ => io_kind("opening it", &e),
            })
        })?;
        if !file.metadata().is_ok_and(|meta| meta.is_file()) {
            return Err(at(StoreErrorKind::Damaged { offset: 0, what: "not a plain file".into() }));
        }
        lock(&file).map_err(&at)?;
        Store::recover(path.display().to_string(), Backing::File(file))
    }

    /// A store without a file.
    pub fn memory(header: &[u8]) -> Result<Store, StoreError> {
        let mut backing = Backing::Memory(Sparse::default());
        let path = String::from("memory");
        let journal =
            fill(&mut backing, header).map_err(|kind| StoreError { path: path.clone(), kind })?;
        Ok(Store { path, backing, journal, holes: Holes::default(), frame: Vec::new() })
    }

    /// What would be left if the power failed now, opened again: for a store in memory. The two go
    /// their own ways from here. `None` for a file.
    pub fn fork(&self) -> Option<Result<(Store, Replay), StoreError>> {
        match &self.backing {
            Backing::File(_) => None,
            Backing::Memory(memory) => {
                Some(Store::recover(self.path.clone(), Backing::Memory(memory.clone())))
            }
        }
    }

    fn recover(path: String, backing: Backing) -> Result<(Store, Replay), StoreError> {
        let found = (|| {
            let header = header::read(&backing)?;
            let (journal, found) = journal::recover(&backing)?;
            Ok((header, journal, found))
        })();
        let (header, journal, found) =
            found.map_err(|kind| StoreError { path: path.clone(), kind })?;
        let holes = Holes::up_to(journal.data_end());
        let replay = Replay { header, snapshot: found.snapshot, records: found.records };
        Ok((Store { path, backing, journal, holes, frame: Vec::new() }, replay))
    }

    /// The file's name, or `memory`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Writes whole slots from `slot` on. Zeros where nothing was ever written take no room.
    pub fn write(&mut self, slot: u64, sectors: &[u8]) -> Result<(), StoreError> {
        let start = self.place(slot, sectors.len())?;
        self.write_from(start, sectors)
    }

    /// Writes whole wide slots from `slot` on.
    pub fn write_wide(&mut self, slot: u64, sectors: &[u8]) -> Result<(), StoreError> {
        let start = self.place_wide(slot, sectors.len())?;
        self.write_from(start, sectors)
    }

    fn write_from(&mut self, start: u64, sectors: &[u8]) -> Result<(), StoreError> {
        let mut from = 0;
        let mut to = 0;
        for (chunk, _, range) in backing::parts(start, sectors.len()) {
            if self.holes.contains(chunk) && is_zero(&sectors[range.clone()]) {
                self.put(start, &sectors[from..to], from)?;
                from = range.end;
            } else {
                self.holes.fill(chunk);
            }
            to = range.end;
        }
        self.put(start, &sectors[from..to], from)
    }

    fn put(&mut self, start: u64, bytes: &[u8], skip: usize) -> Result<(), StoreError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let offset = DATA_AT + start + skip as u64;
        self.backing
            .write_at(offset, bytes)
            .map_err(|e| self.error(io_kind("writing data", &e)))?;
        self.journal.data_written(start + (skip + bytes.len()) as u64);
        Ok(())
    }

    /// Fills `room`, a whole number of slots, from `slot` on. Slots never written read zero.
    pub fn read(&self, slot: u64, room: &mut [u8]) -> Result<(), StoreError> {
        let start = self.place(slot, room.len())?;
        self.read_from(start, room)
    }

    /// Fills `room`, a whole number of wide slots, from `slot` on.
    pub fn read_wide(&self, slot: u64, room: &mut [u8]) -> Result<(), StoreError> {
        let start = self.place_wide(slot, room.len())?;
        self.read_from(start, room)
    }

    fn read_from(&self, start: u64, room: &mut [u8]) -> Result<(), StoreError> {
        self.backing
            .read_at(DATA_AT + start, room)
            .map_err(|e| self.error(io_kind("reading data", &e)))
    }

    /// Byte position in the slot area; refuses slots past the end of any disc.
    fn place(&self, slot: u64, bytes: usize) -> Result<u64, StoreError> {
        assert!(bytes.is_multiple_of(SLOT), "whole slots, not {bytes} bytes");
        let slots = (bytes / SLOT) as u64;
        if slot > SLOTS || slots > SLOTS - slot {
            return Err(self.error(StoreErrorKind::TooLarge { what: "a block address" }));
        }
        Ok(slot * SLOT as u64)
    }

    /// The same of a wide slot.
    fn place_wide(&self, slot: u64, bytes: usize) -> Result<u64, StoreError> {
        assert!(bytes.is_multiple_of(WIDE), "whole wide slots, not {bytes} bytes");
        let slots = (bytes / WIDE) as u64;
        if slot > WIDE_SLOTS || slots > WIDE_SLOTS - slot {
            return Err(self.error(StoreErrorKind::TooLarge { what: "a block address" }));
        }
        Ok(WIDE_SLOTS * SLOT as u64 + slot * WIDE as u64)
    }

    /// Appends a record. Once this returns, the record and all data written before it survive the
    /// process.
    pub fn append(&mut self, record: &[u8]) -> Result<(), StoreError> {
        self.journal
            .append(&mut self.backing, &mut self.frame, record)
            .map_err(|kind| StoreError { path: self.path.clone(), kind })
    }

    /// Whether the journal is half full, so that a snapshot should replace it.
    pub fn wants_snapshot(&self) -> bool {
        self.journal.half_full()
    }

    /// Replaces all records by `state`: opened again, the store shows this and the records appended
    /// after it. Killed in between, it shows the old snapshot and all old records.
    pub fn snapshot(&mut self, state: &[u8]) -> Result<(), StoreError> {
        self.journal
            .snapshot(&mut self.backing, &mut self.frame, state)
            .map_err(|kind| StoreError { path: self.path.clone(), kind })
    }

    /// Hands everything to the medium that the file lies on. Needed against a power failure of the
    /// host only.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        match &self.backing {
            Backing::File(file) => file.sync_data().map_err(|e| self.error(io_kind("syncing", &e))),
            Backing::Memory(_) => Ok(()),
        }
    }

    fn error(&self, kind: StoreErrorKind) -> StoreError {
        StoreError { path: self.path.clone(), kind }
    }
}

/// Gives the file its name, unless that is taken.
fn place_file(part: &Path, path: &Path) -> io::Result<()> {
    match std::fs::hard_link(part, path) {
        Ok(()) => std::fs::remove_file(part),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
        // A file system without hard links. Here a file that appears just now is lost.
        Err(_) if path.symlink_metadata().is_err() => std::fs::rename(part, path),
        Err(e) => Err(e),
    }
}

fn named(path: &Path) -> impl Fn(StoreErrorKind) -> StoreError {
    let path = path.display().to_string();
    move |kind| StoreError { path: path.clone(), kind }
}

fn io_kind(doing: &'static str, error: &io::Error) -> StoreErrorKind {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    StoreErrorKind::Io { doing, full, why: error.to_string() }
}

fn lock(file: &File) -> Result<(), StoreErrorKind> {
    file.try_lock().map_err(|e| match e {
        TryLockError::WouldBlock => StoreErrorKind::InUse,
        TryLockError::Error(e) => io_kind("locking it", &e),
    })
}

/// Writes header and first journal frame into an empty backing.
fn fill(backing: &mut Backing, blob: &[u8]) -> Result<Journal, StoreErrorKind> {
    header::write(backing, blob)?;
    Journal::create(backing)
}

fn is_zero(bytes: &[u8]) -> bool {
    // Comparing slices is the fastest there is at any optimisation level.
    static ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|part| part == &ZEROS[..part.len()])
}

/// Which 64 KiB pieces of the slot area are known never to have been written.
#[derive(Debug, Default)]
struct Holes {
    filled: Vec<u64>,
}

impl Holes {
    /// Anything below `end` may have been written, nothing above.
    fn up_to(end: u64) -> Holes {
        let chunks = end.div_ceil(backing::CHUNK as u64);
        let words = usize::try_from(chunks.div_ceil(64)).unwrap_or(0);
        Holes { filled: vec![u64::MAX; words] }
    }

    fn contains(&self, chunk: u64) -> bool {
        let word = usize::try_from(chunk / 64).ok().and_then(|i| self.filled.get(i));
        word.is_none_or(|word| word >> (chunk % 64) & 1 == 0)
    }

    fn fill(&mut self, chunk: u64) {
        let Ok(word) = usize::try_from(chunk / 64) else { return };
        if word >= self.filled.len() {
            self.filled.resize(word + 1, 0);
        }
        self.filled[word] |= 1 << (chunk % 64);
    }
}
