//! How far a job is, for a person: one line that moves on a terminal, lines now and then elsewhere.
//! All of it on standard error.
//!
//! The numbers come from the job, whose clock may be a simulated one; nothing here asks the time.

use std::time::Duration;

use engine::burn::{Event, Note, Progress, Stage};
use engine::units::{Blocks, Kbps};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::out;

/// A bar for one run of blocks.
pub(super) struct Bar {
    bar: Option<ProgressBar>,
    what: String,
    total: Blocks,
    told: u64,
}

impl Bar {
    /// A bar that starts at nothing.
    pub(super) fn new(what: &str, total: Blocks) -> Bar {
        let bar = terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(u64::from(total.0)),
                ProgressDrawTarget::stderr_with_hz(10),
            );
            let style =
                ProgressStyle::with_template("{prefix} [{bar:24}] {percent:>3}% {wide_msg}");
            bar.set_style(style.expect("the template is a constant").progress_chars("=> "));
            bar.set_prefix(what.to_owned());
            bar
        });
        Bar { bar, what: what.to_owned(), total, told: 0 }
    }

    /// So many blocks are done; `more` is said behind the percentage.
    pub(super) fn at(&mut self, done: Blocks, more: Option<&str>) {
        if let Some(bar) = &self.bar {
            if let Some(more) = more {
                bar.set_message(more.to_owned());
            }
            bar.set_position(u64::from(done.0));
            return;
        }
        let percent = u64::from(done.0) * 100 / u64::from(self.total.0.max(1));
        if percent / 10 > self.told / 10 {
            self.told = percent;
            let more = more.map(|m| format!(", {m}")).unwrap_or_default();
            out::note(&format!("{} {percent}%{more}", self.what));
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Says a line without tearing the bar.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| out::note(line)),
            None => out::note(line),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether standard error is a terminal that can redraw a line.
fn terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Shows a burn's events to a person.
#[derive(Default)]
pub(super) struct Watcher {
    bar: Option<Bar>,
    waited: u64,
}

impl Watcher {
    /// Shows one event.
    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Stage(stage) => {
                self.bar = None;
                self.waited = 0;
                if !matches!(stage, Stage::Write | Stage::Verify) {
                    out::note(&stage.to_string());
                }
            }
            Event::Wait { reason, waited, permille } => {
                // Every ten seconds is enough for a file; a terminal has the bar.
                let tens = waited.as_secs() / 10;
                if tens > self.waited {
                    self.waited = tens;
                    let far = permille.map(|p| format!(", {}%", p / 10)).unwrap_or_default();
                    self.say(&format!("{reason} ({} s{far})", waited.as_secs()));
                }
            }
            Event::Progress(progress) => self.progress(progress),
            Event::Retry { block, words, .. } => {
                let at = block.map(|b| format!(" at block {b}")).unwrap_or_default();
                self.say(&format!("trying again{at}: {words}"));
            }
            Event::Note(note @ Note::ReadBack { .. }) => {
                self.bar = None;
                out::note(&note.to_string());
            }
            Event::Note(note) => self.say(&note.to_string()),
            _ => {}
        }
    }

    fn progress(&mut self, progress: &Progress) {
        let bar =
            self.bar.get_or_insert_with(|| Bar::new(&progress.stage.to_string(), progress.total));
        bar.at(progress.done, Some(&describe(progress)));
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.say(line),
            None => out::note(line),
        }
    }
}

/// Speed, buffer, time left, file.
fn describe(progress: &Progress) -> String {
    let Kbps(rate) = progress.rate;
    let mut text = format!("{}.{} MB/s", rate / 1000, rate % 1000 / 100);
    text += &format!(" ({}.{}x)", progress.tenths / 10, progress.tenths % 10);
    if let Some(buffer) = progress.buffer {
        text += &format!(", buffer {buffer}%");
    }
    if let Some(left) = progress.left {
        text += &format!(", {} left", clock(left));
    }
    if let Some(file) = &progress.file {
        text += &format!(", {file}");
    }
    text
}

/// A duration as minutes and seconds, with hours where there are any.
pub(super) fn clock(span: Duration) -> String {
    let secs = span.as_secs();
    match secs / 3600 {
        0 => format!("{}:{:02}", secs / 60, secs % 60),
        hours => format!("{hours}:{:02}:{:02}", secs / 60 % 60, secs % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_speed_buffer_time_and_file() {
        let progress = Progress {
            stage: Stage::Write,
            done: Blocks(1),
            total: Blocks(2),
            block: Blocks(0),
            file: Some("/a".to_owned()),
            rate: Kbps(11_080),
            tenths: 80,
            buffer: Some(97),
            left: Some(Duration::from_secs(3725)),
        };
        let want = "11.0 MB/s (8.0x), buffer 97%, 1:02:05 left, /a";
        assert_eq!(describe(&progress), want);
        let little = Progress { buffer: None, left: None, file: None, ..progress };
        assert_eq!(describe(&little), "11.0 MB/s (8.0x)");
    }
}
