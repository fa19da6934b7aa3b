//! `vestibule completions` and `vestibule man`: what packages install beside the program.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, CommandError};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(
    after_help = "For example:\n  vestibule completions bash > /etc/bash_completion.d/vestibule\n  vestibule completions zsh > /usr/local/share/zsh/site-functions/_vestibule\n  vestibule completions fish > ~/.config/fish/completions/vestibule.fish"
)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual, or write one page for each command
#[derive(Debug, Args)]
#[command(
    after_help = "For example:\n  vestibule man | man -l -\n  vestibule man --dir /usr/local/share/man/man1 && man vestibule-serve"
)]
pub(super) struct Man {
    /// Write a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "vestibule", &mut script);
        Ok(std::io::stdout().write_all(&script)?)
    }
}

impl Man {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match &self.dir {
            Some(dir) => write_pages(dir),
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(Cli::command()).render(&mut page)?;
                Ok(std::io::stdout().write_all(&page)?)
            }
        }
    }
}

fn write_pages(dir: &Path) -> Result<(), CommandError> {
    let fail = |error: std::io::Error| CommandError(format!("can't write to {}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(fail)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(fail)
}
