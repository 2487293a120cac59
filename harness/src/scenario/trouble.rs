//! Trouble on the host's side: a source that fails, changes, vanishes or stalls, and a user who
//! stops the burn, all when a certain block of the image is asked for.

use std::time::Duration;

use engine::burn::Cancel;
use engine::device::Clock;
use engine::image::{Sectors, SourceError, SourceErrorKind};
use engine::units::{BLOCK, Blocks};

use super::file::Fault;
use super::folder::Folder;

/// An image that gets into trouble.
pub(super) struct Troubled<'a> {
    inner: &'a mut dyn Sectors,
    waiting: Vec<&'a Fault>,
    folder: &'a Folder,
    clock: &'a dyn Clock,
    cancel: Cancel,
}

impl<'a> Troubled<'a> {
    /// `inner` with those of the faults that are the host's.
    pub(super) fn new(
        inner: &'a mut dyn Sectors,
        faults: &'a [Fault],
        folder: &'a Folder,
        clock: &'a dyn Clock,
        cancel: Cancel,
    ) -> Troubled<'a> {
        Troubled { inner, waiting: faults.iter().collect(), folder, clock, cancel }
    }

    fn strike(&mut self, fault: &Fault, block: Blocks) -> Result<(), SourceError> {
        let failed = |source: &str, detail: String| SourceError {
            block,
            source: source.to_owned(),
            kind: SourceErrorKind::Unreadable,
            detail,
        };
        let host = |file: &str, done: std::io::Result<()>| {
            done.map_err(|e| failed(file, format!("the scenario cannot touch it: {e}")))
        };
        match fault {
            Fault::PowerCut(_) => Ok(()),
            Fault::Cancel(_) => {
                self.cancel.cancel();
                Ok(())
            }
            Fault::Change(touch) => host(&touch.file, self.folder.change(&touch.file)),
            Fault::Vanish(touch) => host(&touch.file, self.folder.remove(&touch.file)),
            Fault::SourceError(_) => {
                let name = self.inner.name_at(block);
                let source = name.unwrap_or_else(|| "the source".to_owned());
                Err(failed(&source, "the scenario makes it unreadable".to_owned()))
            }
            Fault::Stall(stall) => {
                let until = self.clock.now() + Duration::from_millis(stall.ms);
                self.clock.wait_until(until);
                Ok(())
            }
        }
    }
}

/// The block at which a fault of the host strikes.
fn place(fault: &Fault) -> Option<u32> {
    match fault {
        Fault::PowerCut(_) => None,
        Fault::Cancel(at) | Fault::SourceError(at) => Some(at.block),
        Fault::Change(touch) | Fault::Vanish(touch) => Some(touch.block),
        Fault::Stall(stall) => Some(stall.block),
    }
}

impl Sectors for Troubled<'_> {
    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let count = (room.len() / BLOCK) as u32;
        let here = |fault: &&Fault| place(fault).is_some_and(|at| at < first.0 + count);
        let (now, later) = std::mem::take(&mut self.waiting).into_iter().partition(|f| here(f));
        self.waiting = later;
        let now: Vec<&Fault> = now;
        for fault in now {
            let block = place(fault).map_or(first, |at| Blocks(at.max(first.0)));
            self.strike(fault, block)?;
        }
        self.inner.read(first, room)
    }

    fn name_at(&self, block: Blocks) -> Option<String> {
        self.inner.name_at(block)
    }
}
