//! How far a load is: a bar on a terminal, a line for each tenth elsewhere.

use std::{io::IsTerminal as _, time::Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

pub struct Loading {
    bar: ProgressBar,
    is_terminal: bool,
    began: Instant,
    total: u64,
    /// Tenths that have their line.
    told: u64,
}

impl Loading {
    pub fn of(total: u64) -> Self {
        let template = "  loading [{bar:30}] {human_pos} of {human_len} users, {per_sec:.0}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("the template is valid").progress_chars("=> ");
        let bar = ProgressBar::new(total).with_style(style);
        Self { bar, is_terminal: std::io::stderr().is_terminal(), began: Instant::now(), total, told: 0 }
    }

    pub fn advance_to(&mut self, done: u64) {
        self.bar.set_position(done);
        let tenth = done * 10 / self.total.max(1);
        if self.is_terminal || tenth == self.told {
            return;
        }
        self.told = tenth;
        let rate = (done as f64 / self.began.elapsed().as_secs_f64().max(0.001)) as u64;
        let left = std::time::Duration::from_secs((self.total - done.min(self.total)) / rate.max(1));
        eprintln!(
            "  loaded {} of {} users, {} per second, {} left",
            HumanCount(done),
            HumanCount(self.total),
            HumanCount(rate),
            HumanDuration(left)
        );
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
