//! How far a long command is: a bar on a terminal, a line now and then elsewhere, always on standard error.
#![expect(clippy::print_stderr, reason = "a command line talks to its terminal")]

use std::{
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use vestibule_app::adapters::clock::Stopwatch;

/// Pause between two lines where there is no terminal. Commands that take less time print none.
const PAUSE: Duration = Duration::from_secs(10);
/// How often the bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    /// Things with this name in the plural.
    Things(&'static str),
}

impl Unit {
    fn print(self, count: u64) -> String {
        match self {
            Self::Bytes => HumanBytes(count).to_string(),
            Self::Things(_) => HumanCount(count).to_string(),
        }
    }

    /// The template of the bar; without a total there is nothing to fill.
    fn style(self, has_total: bool) -> ProgressStyle {
        let template = match (self, has_total) {
            (Self::Bytes, true) => "{msg} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left".to_string(),
            (Self::Bytes, false) => "{spinner} {msg} {bytes}, {bytes_per_sec}, {elapsed}".to_string(),
            (Self::Things(name), true) => {
                format!("{{msg}} [{{bar:30}}] {{human_pos}} of {{human_len}} {name}, {{per_sec:.0}}, {{eta}} left")
            }
            (Self::Things(name), false) => {
                format!("{{spinner}} {{msg}} {{human_pos}} {name}, {{per_sec:.0}}, {{elapsed}}")
            }
        };
        ProgressStyle::with_template(&template).expect("the templates are constant and valid").progress_chars("=> ")
    }
}

/// The progress of one command.
pub(super) enum Progress {
    Terminal(ProgressBar),
    Lines(Mutex<Lines>),
}

impl Progress {
    /// Begins a step; nothing is known of it but its name.
    pub(super) fn start(step: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(Mutex::new(Lines::new(step)));
        }
        let bar = ProgressBar::new_spinner().with_message(step.to_string());
        bar.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}").expect("the template is valid"));
        bar.enable_steady_tick(TICK);
        Self::Terminal(bar)
    }

    /// Reports a step: how much is done, of how much if that is known. The rate begins anew with each step.
    pub(super) fn set(&self, step: &str, unit: Unit, done: u64, total: Option<u64>) {
        match self {
            Self::Terminal(bar) => {
                if bar.message() != step {
                    bar.set_message(step.to_string());
                    bar.reset();
                }
                if bar.position() == 0 || bar.length() != total {
                    bar.set_style(unit.style(total.is_some()));
                    total.map_or_else(|| bar.unset_length(), |total| bar.set_length(total));
                }
                bar.set_position(done);
            }
            Self::Lines(lines) => {
                let line = lines.lock().unwrap_or_else(PoisonError::into_inner).set(step, unit, done, total);
                if let Some(line) = line {
                    eprintln!("{line}");
                }
            }
        }
    }

    /// Begins a step of unknown length.
    pub(super) fn wait_for(&self, step: &str) {
        match self {
            Self::Terminal(bar) => {
                bar.set_message(step.to_string());
                bar.reset();
                bar.unset_length();
                bar.set_style(
                    ProgressStyle::with_template("{spinner} {msg}, {elapsed}").expect("the template is valid"),
                );
            }
            Self::Lines(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).begin(step),
        }
    }

    /// Prints a line of the command's own output without damaging the bar.
    pub(super) fn print(&self, line: &str) {
        self.beside(|| super::print_line(line));
    }

    /// The same for a line of standard error.
    pub(super) fn print_error(&self, line: &str) {
        self.beside(|| eprintln!("{line}"));
    }

    fn beside(&self, print: impl FnOnce()) {
        match self {
            Self::Terminal(bar) => bar.suspend(print),
            Self::Lines(_) => print(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Decides when a line is due.
pub(super) struct Lines {
    step: String,
    since: Stopwatch,
    last: Stopwatch,
}

impl Lines {
    fn new(step: &str) -> Self {
        Self { step: step.to_string(), since: Stopwatch::start(), last: Stopwatch::start() }
    }

    fn begin(&mut self, step: &str) {
        if self.step != step {
            (self.step, self.since) = (step.to_string(), Stopwatch::start());
        }
    }

    fn set(&mut self, step: &str, unit: Unit, done: u64, total: Option<u64>) -> Option<String> {
        self.begin(step);
        if self.last.elapsed() < PAUSE {
            return None;
        }
        self.last = Stopwatch::start();
        Some(describe(step, unit, (done, total), self.since.elapsed()))
    }
}

/// One line: what, how much, how fast, and how long it still takes if it goes on like this.
fn describe(step: &str, unit: Unit, (done, total): (u64, Option<u64>), elapsed: Duration) -> String {
    let name = match unit {
        Unit::Bytes => String::new(),
        Unit::Things(name) => format!(" {name}"),
    };
    let millis = elapsed.as_millis().max(1);
    let rate = u64::try_from(u128::from(done) * 1000 / millis).unwrap_or(u64::MAX);
    let mut line = match total {
        Some(total) => format!("{step}: {} of {}{name}", unit.print(done), unit.print(total)),
        None => format!("{step}: {}{name}", unit.print(done)),
    };
    line.push_str(&format!(", {} per second", unit.print(rate)));
    if let Some(left) = total.map(|total| total.saturating_sub(done)).filter(|_| rate > 0) {
        line.push_str(&format!(", {} left", HumanDuration(Duration::from_secs(left / rate))));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_amount_rate_and_time_left() {
        let minute = Duration::from_secs(60);
        let bytes = describe("copying", Unit::Bytes, (60 << 20, Some(180 << 20)), minute);
        assert_eq!(bytes, "copying: 60.00 MiB of 180.00 MiB, 1.00 MiB per second, 2 minutes left");
        let users = describe("export", Unit::Things("users"), (120_000, None), minute);
        assert_eq!(users, "export: 120,000 users, 2,000 per second");
        let none = describe("import", Unit::Things("lines"), (0, Some(9)), Duration::ZERO);
        assert_eq!(none, "import: 0 of 9 lines, 0 per second");
    }

    #[test]
    fn a_short_command_prints_no_line() {
        let mut lines = Lines::new("copying");
        assert_eq!(lines.set("copying", Unit::Bytes, 1, Some(2)), None);
    }

    #[test]
    fn every_template_is_valid() {
        for (unit, has_total) in
            [(Unit::Bytes, true), (Unit::Bytes, false), (Unit::Things("users"), true), (Unit::Things("users"), false)]
        {
            unit.style(has_total);
        }
    }
}
