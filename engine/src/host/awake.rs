//! Keeps the machine from going to sleep or shutting down while a disc is burned.

use std::process::{Child, Command, Stdio};

/// While this value lives the system is asked not to sleep, suspend or shut down.
///
/// The wish goes to the session manager by way of `systemd-inhibit`, which holds it as long as a
/// program of ours runs; that program ends with its input, so that the wish cannot outlive the
/// process even if it is killed. Where there is no `systemd-inhibit`, nothing happens.
#[derive(Debug)]
pub struct Awake {
    holder: Option<Child>,
}

impl Awake {
    /// Asks, giving `why` ("burning a disc") as the reason that the system shows.
    pub fn keep(why: &str) -> Awake {
        Awake::with("systemd-inhibit", why)
    }

    fn with(program: &str, why: &str) -> Awake {
        let mut command = Command::new(program);
        command
            .args(["--what=sleep:shutdown:idle:handle-lid-switch", "--who=kiln", "--mode=block"])
            .arg(format!("--why={why}"))
            .arg("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // In a process group of its own: Ctrl-C goes to the whole group of the terminal, and the
        // wish has to last until the disc is in a safe state.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Awake { holder: command.spawn().ok() }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let Some(mut holder) = self.holder.take() {
            drop(holder.stdin.take());
            // The wish is held by this process alone; the end of input has ended its child. Both
            // calls fail only where it has ended by itself already.
            let _ = holder.kill();
            let _ = holder.wait();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_missing_helper_is_no_failure() {
        drop(Awake::with("/nonexistent/inhibit", "a test"));
    }

    #[test]
    fn the_helper_is_gone_after_drop() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let helper = dir.path().join("inhibit");
        fs::write(&helper, "#!/bin/sh\nexec cat\n").expect("write helper");
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("chmod");
        let mut awake = Awake::with(helper.to_str().expect("a name in ASCII"), "a test");
        let holder = awake.holder.as_mut().expect("helper runs");
        assert_eq!(holder.try_wait().expect("its state"), None, "it waits for the end of input");
        let pid = holder.id();
        drop(awake);
        assert!(!std::path::Path::new(&format!("/proc/{pid}/stat")).exists());
    }
}
