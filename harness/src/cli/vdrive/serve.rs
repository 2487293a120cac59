//! `kiln vdrive serve`.

use std::path::Path;

use engine::host;
use vdrive::serve::control::About;
use vdrive::serve::iscsi::{Chap, Config, ConfigError, ListenError, Listener};

use super::args::Serve;
use super::{lend, sockets};
use crate::cli::out;
use crate::exit::{Exit, Failure};

pub(super) fn serve(args: &Serve) -> Result<(), Failure> {
    let config = config(args)?;
    let target = config.iqn.clone();
    // Before a disc is made for a server that never comes to be.
    let listener = Listener::bind(args.listen, config).map_err(|error| refused(&error))?;
    host::on_interrupt();
    let lending = lend::lend(&args.lend, sockets::own(), |server| About {
        target: Some(target),
        urls: server.luns().iter().map(|lun| (lun.number(), listener.url(lun.number()))).collect(),
        ..About::default()
    })?;
    let server = lending.server.clone();
    let urls: Vec<String> = server.luns().iter().map(|lun| listener.url(lun.number())).collect();
    let serving = server.clone();
    let thread = std::thread::spawn(move || listener.run(&serving));
    server.at_stop(move || {
        // What went wrong in it was one connection's affair.
        let _ = thread.join();
    });
    // Whoever started it may not be interested.
    out::text(&urls.iter().map(|url| format!("{url}\n")).collect::<String>())?;
    let drives = if urls.len() == 1 {
        "1 drive is".to_owned()
    } else {
        format!("{} drives are", urls.len())
    };
    out::note(&format!("{drives} lent; the local socket is {}", lending.local.path().display()));
    out::note("look at it, and change discs, with `kiln vdrive ctl`; Ctrl-C ends it");
    let waited = host::wait_for_interrupt();
    drop(server);
    lending.end()?;
    out::note("ended; the discs hold what was written to them");
    waited.map_err(|error| Failure::new(Exit::Internal, format!("cannot wait: {error}")))
}

/// What the target is told, from the arguments.
fn config(args: &Serve) -> Result<Config, Failure> {
    let wrong = |error: ConfigError| Failure::new(Exit::Usage, error.to_string());
    let config = match &args.iqn {
        Some(iqn) => Config::named(iqn).map_err(wrong)?,
        None => Config::default(),
    };
    let chap = match (&args.chap_user, &args.chap_secret_file) {
        (Some(user), Some(file)) => {
            let chap = Chap::new(user, &secret(file)?).map_err(wrong)?;
            Some(match (&args.chap_target_user, &args.chap_target_secret_file) {
                (Some(user), Some(file)) => chap.mutual(user, &secret(file)?).map_err(wrong)?,
                _ => chap,
            })
        }
        _ => None,
    };
    Ok(Config { allow_remote: args.allow_remote, chap, ..config })
}

/// The first line of a file.
fn secret(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = std::fs::read(file).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("the secret in {} cannot be read: {error}", file.display()),
        )
    })?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

fn refused(error: &ListenError) -> Failure {
    match error {
        ListenError::Remote(addr) => {
            let what = format!("{addr} can be reached from other machines");
            Failure::new(Exit::Usage, what)
                .advise("--allow-remote lets them in; --chap-user demands a secret of them.")
        }
        ListenError::Bind(addr, why) => {
            Failure::new(Exit::Drive, format!("cannot listen at {addr}: {why}"))
                .advise("Choose another port with --listen; port 0 takes a free one.")
        }
        other => Failure::new(Exit::Drive, other.to_string()),
    }
}
