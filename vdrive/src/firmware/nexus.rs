//! The I_T nexuses: what the drive keeps apart for each initiator that speaks to it. Everything
//! else, mode pages included, is shared by all (SPC-4, 5.9 and 7.5.5).
//!
//! May not know: commands, media.

use engine::mmc::sense::{Sense, SenseCode, codes};

use super::attention::{Attentions, Event, Events};

/// Names an I_T nexus of a drive. The drive's own cable is the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NexusId(pub(crate) u64);

/// What the drive keeps for one initiator.
#[derive(Clone, Debug, Default)]
pub(super) struct Nexus {
    id: NexusId,
    /// What it has to be told.
    pub(super) attentions: Attentions,
    /// What it may ask for.
    pub(super) events: Events,
    /// An error of a command of its own that has already been answered.
    pub(super) deferred: Option<Sense>,
    /// Its PREVENT ALLOW MEDIUM REMOVAL.
    pub(super) prevented: bool,
    /// The persistent form.
    pub(super) prevented_persistently: bool,
}

/// All nexuses; one of them speaks.
#[derive(Clone, Debug)]
pub(super) struct Nexuses {
    /// By rising name.
    all: Vec<Nexus>,
    /// Which one gave the command at hand.
    speaker: usize,
    /// Which one gave the command whose work goes on in the background.
    author: NexusId,
}

impl Nexuses {
    /// These nexuses of a drive that has just got power. All are told so.
    pub(super) fn new(names: &[NexusId]) -> Nexuses {
        let all = names.iter().map(|&id| Nexus { id, ..Nexus::default() }).collect();
        let mut nexuses = Nexuses { all, speaker: 0, author: NexusId::default() };
        nexuses.raise(codes::POWER_ON_OR_RESET);
        nexuses
    }

    /// A nexus has come. The first that it hears is this. Names only rise.
    pub(super) fn attach(&mut self, id: NexusId, greeting: SenseCode) {
        let mut nexus = Nexus { id, ..Nexus::default() };
        nexus.attentions.raise(greeting);
        self.all.push(nexus);
    }

    /// A nexus is lost, and what it prevented is allowed again (SPC-4, 6.18).
    pub(super) fn detach(&mut self, id: NexusId) {
        self.all.retain(|nexus| nexus.id != id);
        self.speaker = 0;
    }

    /// The next command comes from this nexus.
    pub(super) fn speaks(&mut self, id: NexusId) {
        self.speaker = self.all.binary_search_by_key(&id, |nexus| nexus.id).unwrap_or(0);
    }

    /// The nexus that speaks.
    pub(super) fn mine(&mut self) -> Option<&mut Nexus> {
        self.all.get_mut(self.speaker)
    }

    /// Its command has left work for later.
    pub(super) fn left_work(&mut self) {
        self.author = self.all.get(self.speaker).map_or(self.author, |nexus| nexus.id);
    }

    /// A unit attention condition for this one.
    pub(super) fn raise_for(&mut self, id: NexusId, code: SenseCode) {
        if let Some(nexus) = self.all.iter_mut().find(|nexus| nexus.id == id) {
            nexus.attentions.raise(code);
        }
    }

    /// A unit attention condition for all.
    pub(super) fn raise(&mut self, code: SenseCode) {
        self.all.iter_mut().for_each(|nexus| nexus.attentions.raise(code));
    }

    /// A unit attention condition for all but the one that speaks.
    pub(super) fn raise_for_others(&mut self, code: SenseCode) {
        let speaker = self.speaker;
        let others = self.all.iter_mut().enumerate().filter(|(at, _)| *at != speaker);
        others.for_each(|(_, nexus)| nexus.attentions.raise(code));
    }

    /// The medium left: that a new one came is no longer news to anyone.
    pub(super) fn medium_left(&mut self) {
        self.all.iter_mut().for_each(|nexus| nexus.attentions.medium_left());
    }

    /// An event that all may ask for.
    pub(super) fn event(&mut self, event: Event) {
        self.all.iter_mut().for_each(|nexus| nexus.events.raise(event));
    }

    /// The work in the background failed: its author is told with a later command, if it is still
    /// there (SPC-4, 4.5.7).
    pub(super) fn defer(&mut self, sense: Sense) {
        let author = self.author;
        if let Some(nexus) = self.all.iter_mut().find(|nexus| nexus.id == author) {
            nexus.deferred.get_or_insert(Sense { deferred: true, ..sense });
        }
    }

    /// Whether any of them has locked the door (SPC-4, 6.18).
    pub(super) fn prevent(&self) -> bool {
        self.all.iter().any(|nexus| nexus.prevented || nexus.prevented_persistently)
    }

    /// A reset: everything is as for a new nexus, but for events, and this is what happened.
    pub(super) fn reset(&mut self, code: SenseCode) {
        for nexus in &mut self.all {
            nexus.deferred = None;
            nexus.prevented = false;
            nexus.prevented_persistently = false;
            nexus.attentions.raise(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hears_of_what_concerns_it_once() {
        let (first, second) = (NexusId(0), NexusId(4));
        let mut all = Nexuses::new(&[first]);
        all.attach(second, codes::NEXUS_LOSS);
        let next = |all: &mut Nexuses, id| {
            all.speaks(id);
            all.mine().and_then(|nexus| nexus.attentions.take())
        };
        assert_eq!(next(&mut all, second), Some(codes::NEXUS_LOSS));
        assert_eq!(next(&mut all, second), None);
        assert_eq!(next(&mut all, first), Some(codes::POWER_ON_OR_RESET));
        all.raise_for_others(codes::MODE_PARAMETERS_CHANGED);
        assert_eq!(next(&mut all, first), None);
        assert_eq!(next(&mut all, second), Some(codes::MODE_PARAMETERS_CHANGED));
    }

    #[test]
    fn the_door_is_locked_while_anyone_prevents() {
        let (first, second) = (NexusId(0), NexusId(4));
        let mut all = Nexuses::new(&[first]);
        all.attach(second, codes::POWER_ON_OR_RESET);
        for id in [first, second] {
            all.speaks(id);
            all.mine().unwrap().prevented = true;
        }
        all.speaks(first);
        all.mine().unwrap().prevented = false;
        assert!(all.prevent());
        all.detach(second);
        assert!(!all.prevent());
    }

    #[test]
    fn a_deferred_error_goes_to_its_author_alone() {
        let (first, second) = (NexusId(0), NexusId(4));
        let mut all = Nexuses::new(&[first]);
        all.attach(second, codes::POWER_ON_OR_RESET);
        all.speaks(second);
        all.left_work();
        all.speaks(first);
        all.defer(Sense::new(codes::WRITE_ERROR));
        assert!(all.mine().unwrap().deferred.is_none());
        all.speaks(second);
        assert!(all.mine().unwrap().deferred.as_ref().is_some_and(|sense| sense.deferred));
    }
}
