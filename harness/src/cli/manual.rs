//! Completions and manual pages, made from the same types as the parser and the help.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Cli;
use super::out;
use crate::exit::{self, Exit, Failure};

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kiln", &mut text);
    out::text(&String::from_utf8_lossy(&text)).map(drop)
}

/// Writes `kiln.1`, `kiln-burn.1` and so on.
pub(super) fn pages(dir: &Path) -> Result<(), Failure> {
    let failed = |path: &Path, e: std::io::Error| {
        Failure::new(Exit::Output, format!("cannot write {}: {e}", path.display()))
    };
    fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
    let top = Cli::command().disable_help_subcommand(true).after_long_help(exit::table());
    let mut todo = vec![("kiln".to_owned(), top)];
    while let Some((name, command)) = todo.pop() {
        let inner = command.get_subcommands().map(|c| (format!("{name}-{}", c.get_name()), c));
        todo.extend(inner.map(|(name, c)| (name, c.clone())).collect::<Vec<_>>());
        let path = dir.join(format!("{name}.1"));
        let mut page = Vec::new();
        Man::new(named(command, &name)).render(&mut page).map_err(|e| failed(&path, e))?;
        fs::write(&path, page).map_err(|e| failed(&path, e))?;
    }
    Ok(())
}

/// The command under its full name, as its page calls it.
fn named(command: Command, name: &str) -> Command {
    let spoken: &'static str = String::leak(name.replace('-', " "));
    let title: &'static str = String::leak(name.to_owned());
    command.name(title).bin_name(spoken).disable_help_subcommand(true)
}
