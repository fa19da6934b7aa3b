//! Questions at a terminal. They are printed to standard error, so that standard output is only the command's result.
#![expect(clippy::print_stderr, reason = "a command line talks to its terminal")]

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::CommandError;

/// Maximum length of an answer in bytes.
const LONGEST: u64 = 4_096;

/// Whether there is a terminal to ask at.
pub(super) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for one line; an empty answer is the default.
pub(super) fn ask(question: &str, default: &str) -> Result<String, CommandError> {
    let hint = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    eprint!("{question}{hint}: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    if std::io::Read::take(std::io::stdin().lock(), LONGEST).read_line(&mut line)? == 0 {
        return Err(CommandError("the input ended before the last question; nothing was changed".into()));
    }
    let answer = line.trim();
    Ok(if answer.is_empty() { default.to_string() } else { answer.to_string() })
}

/// Says what is wrong with an answer.
pub(super) fn say(message: &str) {
    eprintln!("  {message}");
}

/// Asks for a secret, which is not shown; may be empty.
pub(super) fn ask_secret(question: &str) -> Result<String, CommandError> {
    Ok(rpassword::prompt_password(format!("{question}: "))?)
}

/// Asks a question whose answer is no unless it is yes.
pub(super) fn confirm(question: &str) -> Result<bool, CommandError> {
    let answer = ask(&format!("{question} [y/N]"), "")?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}
