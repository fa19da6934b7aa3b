//! `vestibule statistics …`: correcting the numbers.

use clap::{Args, Subcommand};
use vestibule_app::admin::{
    recount::{Recount, RecountError, recount},
    recount_methods::{RecountedKind, recount_methods},
    statistics::print_day,
};

use super::{CommandError, ConfigFile, Opened, print_line};

#[derive(Debug, Subcommand)]
pub(super) enum StatisticsCommand {
    /// Count the new guests, the login methods of new members and the merges of past days again, and correct the days whose numbers are wrong
    Recount(RecountDays),
}

/// Count the new guests, the login methods of new members and the merges of past days again, and correct the days whose numbers are wrong
///
/// Login methods and merges are counted from the event log, for days of which it has every event. Counts the guests that are in the store and, as far as the event log goes back, those that were deleted. The server may run
/// meanwhile. Guests whose sessions have ended are divided among the applications as before.
#[derive(Debug, Args)]
pub(super) struct RecountDays {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
    /// The first day (UTC); otherwise the first one of the project
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = read_day)]
    from: Option<i64>,
    /// The last day (UTC); otherwise the last one that is counted
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = read_day)]
    to: Option<i64>,
    /// Print the differences and correct nothing
    #[arg(long)]
    dry_run: bool,
}

/// Days since the epoch.
fn read_day(text: &str) -> Result<i64, String> {
    let date: Option<jiff::civil::Date> = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    zoned
        .map(|zoned| zoned.timestamp().as_second().div_euclid(86_400))
        .ok_or_else(|| "write a day as YYYY-MM-DD".to_owned())
}

impl StatisticsCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let Self::Recount(RecountDays { config, project, from, to, dry_run }) = self;
        let opened = Opened::open(&config, &project).await?;
        let wanted = Recount { from: from.unwrap_or(i64::MIN), to: to.unwrap_or(i64::MAX), is_dry: dry_run };
        let mut days = 0;
        let corrected = recount(&opened.ctx(), wanted, |done| {
            days += 1;
            let outcome = match (done.counted == done.found, dry_run) {
                (true, _) => "right",
                (false, true) => "wrong",
                (false, false) => "corrected",
            };
            print_line(&format!("{}: {} counted, {} found: {outcome}", print_day(done.day), done.counted, done.found));
        })
        .await;
        let what = if dry_run { "wrong" } else { "corrected" };
        let methods = recount_methods(&opened.ctx(), wanted, |day, kind| {
            let name = match kind {
                RecountedKind::LoginMethods => "login methods",
                RecountedKind::Merges => "merges",
            };
            print_line(&format!("{}: {name}: {what}", print_day(day)));
        })
        .await;
        opened.close().await;
        print_line(&format!("Days: {days}, {what}: {}.", corrected?));
        methods.map_err(RecountError::from)?;
        Ok(())
    }
}
