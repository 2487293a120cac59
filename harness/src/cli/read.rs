//! `kiln read`.

use engine::host::Access;

use super::args::Read;
use super::out::{self, Output};
use super::progress::Bar;
use super::stop::Stop;
use crate::exit::{Exit, Failure};
use crate::job;
use crate::place::{Address, Place, Tray};

pub(super) fn read(args: &Read) -> Result<(), Failure> {
    let want = args.at.want();
    let address = want.address()?;
    let tray = match (&address, &want.disc) {
        (Address::Host(_), _) => Tray::Real,
        (_, Some(disc)) if disc.exists() => Tray::File(disc.clone()),
        (_, Some(disc)) => {
            let what = format!("there is no disc file {}", disc.display());
            return Err(Failure::new(Exit::DiscFile, what)
                .advise("A new disc would be blank: there is nothing to read."));
        }
        (_, None) => Tray::Empty,
    };
    let mut place = Place::open(&want, &address, tray, Access::Shared)?;
    let mut output = Output::open(&args.out)?;
    let stop = Stop::listen();
    let mut bar = None;
    let mut tell = |done, total| {
        bar.get_or_insert_with(|| Bar::new("reading", total)).at(done, None);
        stop.asked();
    };
    let mut put = |bytes: &[u8]| output.put(bytes);
    let bytes =
        job::read_out(&mut place.recorder(), args.whole, &mut put, &mut tell, &stop.cancel())?;
    drop(bar);
    output.finish()?;
    out::note(&format!("{}: {bytes} read", args.out.output.display()));
    Ok(())
}
