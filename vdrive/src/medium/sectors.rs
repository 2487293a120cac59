//! Sectors of a CD with all that the laser left of them: main channel and sub-channels.
//!
//! A sector of Mode 1 is kept as its user data; everything else of it follows from that and from
//! its address. Of other sectors the whole main channel is kept. Sub-channels are kept where the
//! host gave them; the others say what the tables say, and that is the firmware's to know.

use engine::cdda::sector::{self, Frame, Kind};
use engine::cdda::subchannel::Subcode;
use engine::cdda::{FRAME, SUBCODE};
use engine::units::{BLOCK, Blocks, Lba};

use super::{Disc, slot};
use crate::mechanism::{Form, Main};
use crate::store::{SLOT, StoreError, WIDE};

impl Disc {
    /// Whether this is a sector of audio.
    pub fn is_audio(&self, at: Lba) -> bool {
        self.state.audio.contains(at)
    }

    /// The first of these sectors that is audio.
    pub fn first_audio(&self, at: Lba, blocks: Blocks) -> Option<Lba> {
        self.state.audio.first_in(at, blocks)
    }

    /// What a data sector of a CD is; nothing of audio.
    pub fn kind(&self, at: Lba) -> Result<Option<Kind>, StoreError> {
        if self.is_audio(at) {
            return Ok(None);
        }
        if !self.state.whole.contains(at) {
            return Ok(Some(Kind::Mode1));
        }
        // Bytes without a synchronization field are read as what the track says: Mode 2.
        Ok(Some(sector::kind(&self.frame(at)?).unwrap_or(Kind::Mode2)))
    }

    /// The main channel of a sector of a CD, not scrambled. Where nothing is recorded it is that of
    /// a sector of zeros.
    pub fn frame(&self, at: Lba) -> Result<Frame, StoreError> {
        let audio = self.is_audio(at);
        if !audio && !self.state.whole.contains(at) {
            let mut user = [0; BLOCK];
            self.read(at, &mut user)?;
            return Ok(sector::mode1(at, &user));
        }
        if self.state.zeros.contains(at) || !self.state.recorded.contains(at) {
            return Ok([0; FRAME]);
        }
        let mut wide = [0; WIDE];
        self.store.read_wide(slot(at), &mut wide)?;
        let mut frame = [0; FRAME];
        frame.copy_from_slice(&wide[..FRAME]);
        Ok(frame)
    }

    /// The sub-channels of a sector of a CD, where the host gave them.
    pub fn subcode(&self, at: Lba) -> Result<Option<Subcode>, StoreError> {
        if !self.state.sub.contains(at) {
            return Ok(None);
        }
        let mut wide = [0; WIDE];
        self.store.read_wide(slot(at), &mut wide)?;
        let mut subcode = [0; SUBCODE];
        subcode.copy_from_slice(&wide[FRAME..]);
        Ok(Some(subcode))
    }

    /// The user data of a data sector that is kept whole, as far as it goes; of audio there is none
    /// and it reads as zeros.
    pub(super) fn user_of_whole(&self, at: Lba, room: &mut [u8]) -> Result<(), StoreError> {
        room.fill(0);
        if self.state.whole.contains(at) {
            let frame = self.frame(at)?;
            let kind = sector::kind(&frame).unwrap_or(Kind::Mode2);
            let user = &frame[sector::user(kind)];
            let len = user.len().min(room.len());
            room[..len].copy_from_slice(&user[..len]);
        }
        Ok(())
    }

    /// Puts sectors of this form into their places in the store.
    pub(super) fn keep(&mut self, at: Lba, form: Form, sectors: &[u8]) -> Result<(), StoreError> {
        if form == Form::USER {
            return self.store.write(slot(at), sectors);
        }
        for (i, bytes) in sectors.chunks_exact(form.bytes() as usize).enumerate() {
            let place = slot(at) + i as u64;
            let main = bytes.len() - if form.sub { SUBCODE } else { 0 };
            let mut wide = [0; WIDE];
            wide[FRAME..FRAME + bytes.len() - main].copy_from_slice(&bytes[main..]);
            match form.main {
                Main::User => self.store.write(place, &bytes[..SLOT])?,
                _ => wide[..main].copy_from_slice(&bytes[..main]),
            }
            self.store.write_wide(place, &wide)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::Surface;
    use crate::models::{MediumKind, MediumModel};

    #[test]
    fn every_form_comes_back() {
        let model = MediumModel::of_kind(MediumKind::CdR);
        let mut disc = Disc::memory(&model).unwrap();
        let user: [u8; BLOCK] = std::array::from_fn(|i| i as u8);
        disc.burn(Lba(0), Form::USER, &user).unwrap();
        disc.burn(Lba(1), Form::AUDIO, &[7; FRAME]).unwrap();
        let whole = sector::form1(Lba(2), [0, 0, 8, 0], &user);
        disc.burn(Lba(2), Form::DATA, &whole).unwrap();
        let sub = [user.as_slice(), &[0x40; SUBCODE]].concat();
        disc.burn(Lba(3), Form { main: Main::User, sub: true }, &sub).unwrap();
        disc.burn(Lba(-200), Form { main: Main::None, sub: true }, &[0x3f; SUBCODE]).unwrap();
        for disc in [disc.fork().unwrap().unwrap(), disc] {
            assert_eq!(disc.frame(Lba(0)).unwrap(), sector::mode1(Lba(0), &user));
            assert_eq!(disc.frame(Lba(1)).unwrap(), [7; FRAME]);
            assert_eq!(disc.frame(Lba(2)).unwrap(), whole);
            assert_eq!(disc.kind(Lba(2)).unwrap(), Some(Kind::Form1));
            assert_eq!(disc.kind(Lba(1)).unwrap(), None);
            assert_eq!(disc.subcode(Lba(3)).unwrap(), Some([0x40; SUBCODE]));
            assert_eq!(disc.subcode(Lba(1)).unwrap(), None);
            assert_eq!(disc.subcode(Lba(-200)).unwrap(), Some([0x3f; SUBCODE]));
            let mut room = [0; 4 * BLOCK];
            disc.read(Lba(0), &mut room).unwrap();
            let expected = [&user[..], &[0; BLOCK], &user, &user].concat();
            assert_eq!(room[..], expected[..]);
        }
    }

    #[test]
    fn an_erased_disc_forgets_its_forms() {
        let mut disc = Disc::memory(&MediumModel::of_kind(MediumKind::CdRw)).unwrap();
        disc.burn(Lba(0), Form::AUDIO, &[7; FRAME]).unwrap();
        disc.apply(super::super::Change::Erased(Lba(0), Blocks(10))).unwrap();
        disc.burn(Lba(0), Form::USER, &[1; BLOCK]).unwrap();
        assert_eq!(disc.frame(Lba(0)).unwrap(), sector::mode1(Lba(0), &[1; BLOCK]));
    }
}
