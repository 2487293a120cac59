//! What a command's function gets to work with, and the forms its answer can take.
//!
//! May not know: any particular command.

use engine::device::Data;
use engine::mmc::sense::{FieldPointer, Sense, SenseCode, codes};
use engine::units::Instant;

use super::job::{Job, Step};
use super::tracks::{self, Row};
use super::{Firmware, Live};
use crate::medium::{Change, Disc, State};

/// The drive, the disc in it and the time, for the length of one command.
pub(super) struct Cx<'a> {
    /// The drive's own state.
    pub(super) fw: &'a mut Firmware,
    /// The disc in the drive.
    pub(super) disc: &'a mut Option<Disc>,
    /// The time.
    pub(super) now: Instant,
    /// How often this command has been put off already.
    pub(super) turn: u32,
}

/// How a command goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// GOOD, so many bytes of data moved, at this time.
    Good { moved: usize, at: Instant },
    /// The same command is asked again at this time; nothing has happened yet.
    Again(Instant),
    /// The command ends with the job that it began.
    WithJob,
}

/// CHECK CONDITION.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// Why.
    pub(super) sense: Sense,
    /// Bytes of data that moved all the same.
    pub(super) moved: usize,
    /// When; now if nothing is said.
    pub(super) at: Option<Instant>,
}

impl From<Sense> for Refusal {
    fn from(sense: Sense) -> Refusal {
        Refusal { sense, moved: 0, at: None }
    }
}

impl From<SenseCode> for Refusal {
    fn from(code: SenseCode) -> Refusal {
        Sense::new(code).into()
    }
}

/// The result of a command's function.
pub(super) type Reply = Result<Answer, Refusal>;

/// A field of the CDB is wrong: 5/24/00 with a pointer at it (SPC-3, 4.5.2.4.2).
pub(super) fn bad_cdb(byte: u16, bit: Option<u8>) -> Refusal {
    let field = FieldPointer { in_cdb: true, bit, byte };
    Sense::new(codes::INVALID_CDB_FIELD).with_field(field).into()
}

/// A field of the parameter list is wrong: 5/26/00 with a pointer at it.
pub(super) fn bad_parameter(byte: u16) -> Refusal {
    let field = FieldPointer { in_cdb: false, bit: None, byte };
    Sense::new(codes::INVALID_PARAMETER_FIELD).with_field(field).into()
}

impl Cx<'_> {
    /// GOOD without data.
    pub(super) fn good(&self) -> Reply {
        Ok(Answer::Good { moved: 0, at: self.now + self.fw.overhead() })
    }

    /// GOOD with these bytes, cut to the allocation length and to the room the host offers. The
    /// length fields inside are those of the whole (SPC-3, 4.3.4.6).
    pub(super) fn send(&self, bytes: &[u8], allocation: usize, data: &mut Data<'_>) -> Reply {
        let moved = match data {
            Data::In(room) => {
                let moved = bytes.len().min(allocation).min(room.len());
                room[..moved].copy_from_slice(&bytes[..moved]);
                moved
            }
            _ => 0,
        };
        Ok(Answer::Good { moved, at: self.now + self.fw.transfer(moved) })
    }

    /// The parameter list: as many bytes as the CDB says; all of them must have come.
    pub(super) fn list<'d>(length: usize, data: &'d Data<'_>) -> Result<&'d [u8], Refusal> {
        match data {
            Data::Out(bytes) if bytes.len() >= length => Ok(&bytes[..length]),
            _ if length == 0 => Ok(&[]),
            _ => Err(codes::PARAMETER_LIST_LENGTH.into()),
        }
    }

    /// Begins a long operation. With IMMED the command is done at once, else with the operation.
    pub(super) fn begin(&mut self, busy: SenseCode, immed: bool, steps: Vec<Step>) -> Reply {
        let job = Job::new(busy, self.now, steps);
        self.begin_job(job, immed)
    }

    /// The same for a job already made.
    pub(super) fn begin_job(&mut self, job: Job, immed: bool) -> Reply {
        self.fw.job = Some(job);
        self.began(immed)
    }

    /// The answer of a command that has begun a job.
    pub(super) fn began(&self, immed: bool) -> Reply {
        if !immed {
            return Ok(Answer::WithJob);
        }
        let moved = self.fw.job_moves;
        Ok(Answer::Good { moved, at: self.now + self.fw.transfer(moved) })
    }

    /// What is true of the disc.
    pub(super) fn state(&self) -> Result<&State, Refusal> {
        self.disc.as_ref().map(Disc::state).ok_or_else(|| codes::NO_MEDIUM.into())
    }

    /// What the drive knows of the disc that the disc does not.
    pub(super) fn live(&mut self) -> Result<&mut Live, Refusal> {
        self.fw.live.as_mut().ok_or_else(|| codes::NOT_READY.into())
    }

    /// All tracks as the host may see them.
    pub(super) fn rows(&self) -> Result<Vec<Row>, Refusal> {
        let state = self.state()?;
        let writing = self.fw.live.as_ref().and_then(|live| live.writing.as_ref());
        Ok(tracks::rows(state, writing, self.fw.way(state)))
    }

    /// Makes something true of the disc now.
    pub(super) fn change(&mut self, change: Change) -> Result<(), Refusal> {
        let disc = self.disc.as_mut().ok_or(codes::NO_MEDIUM)?;
        // A disc file that cannot be written is a drive that cannot write.
        disc.apply(change).map_err(|_| codes::WRITE_FAULT.into())
    }
}
