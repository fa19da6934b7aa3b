//! Statistics from the daily counters: guests by day and application, the funnel, and the time to promotion.

use vestibule_store::counts;

use super::AdminError;
use crate::{
    flows::ctx::Ctx,
    jobs::statistics::{
        GUESTS_CREATED, LOGINS, MEMBERS_CREATED, PROMOTED, PROMOTED_OF_DAY, RETURNED, RETURNED_OF_DAY, WITHIN,
    },
};

/// Maximum number of days of a report.
pub(crate) const MAX_DAYS: i64 = 400;

/// The counters of one application on one day.
#[derive(Clone, Debug)]
pub(crate) struct DayNumbers {
    /// Days since the epoch.
    pub(crate) day: i64,
    /// Empty for guests of cookie-based applications.
    pub(crate) client_id: String,
    pub(crate) guests_created: i64,
    /// Guests of earlier days who returned on this day.
    pub(crate) guests_returned: i64,
    pub(crate) guests_promoted: i64,
    pub(crate) members_created: i64,
    pub(crate) logins: i64,
}

impl DayNumbers {
    fn new(day: i64, client_id: &str) -> Self {
        Self {
            day,
            client_id: client_id.to_string(),
            guests_created: 0,
            guests_returned: 0,
            guests_promoted: 0,
            members_created: 0,
            logins: 0,
        }
    }
}

/// What happened to the guests created in the report's days.
#[derive(Clone, Debug, Default)]
pub(crate) struct Funnel {
    pub(crate) guests_created: i64,
    pub(crate) guests_returned: i64,
    pub(crate) guests_promoted: i64,
}

/// How many guests were promoted within a time after their creation.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    pub(crate) name: &'static str,
    /// `None` for all later ones.
    pub(crate) seconds: Option<i64>,
    pub(crate) count: i64,
}

/// The report for a range of days.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Days since the epoch, both included.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) days: Vec<DayNumbers>,
    pub(crate) funnel: Funnel,
    pub(crate) time_to_promotion: Vec<Within>,
}

/// The report for a range of days, both included (days since the epoch), of one application or of all.
pub(crate) async fn report(ctx: &Ctx<'_>, from: i64, to: i64, client_id: Option<&str>) -> Result<Report, AdminError> {
    if to < from || to - from >= MAX_DAYS {
        return Err(AdminError::fault("to", format!("write a day from \"from\" on, at most {MAX_DAYS} days in all")));
    }
    let all = counts::list(&mut *ctx.app.store.read().await?, ctx.project.no, from, to).await?;
    let mut days: Vec<DayNumbers> = Vec::new();
    let mut funnel = Funnel::default();
    let mut within: Vec<Within> = WITHIN
        .iter()
        .map(|(name, bound)| Within { name, seconds: Some(*bound).filter(|bound| *bound != i64::MAX), count: 0 })
        .collect();
    for count in all.into_iter().filter(|count| client_id.is_none_or(|wanted| wanted == count.client_id)) {
        if let Some(bucket) = within.iter_mut().find(|bucket| bucket.name == count.name) {
            bucket.count += count.count;
            continue;
        }
        if count.name == PROMOTED_OF_DAY {
            funnel.guests_promoted += count.count;
            continue;
        }
        if count.name == RETURNED_OF_DAY {
            funnel.guests_returned += count.count;
            continue;
        }
        // Counters are sorted by day and application: each change of either begins a new entry.
        let is_new = days.last().is_none_or(|last| last.day != count.day || last.client_id != count.client_id);
        if is_new {
            days.push(DayNumbers::new(count.day, &count.client_id));
        }
        let Some(day) = days.last_mut() else { continue };
        match count.name.as_str() {
            GUESTS_CREATED => {
                day.guests_created += count.count;
                funnel.guests_created += count.count;
            }
            RETURNED => day.guests_returned += count.count,
            PROMOTED => day.guests_promoted += count.count,
            MEMBERS_CREATED => day.members_created += count.count,
            LOGINS => day.logins += count.count,
            _ => {}
        }
    }
    Ok(Report { from, to, days, funnel, time_to_promotion: within })
}

/// A day as `YYYY-MM-DD`.
pub(crate) fn print_day(day: i64) -> String {
    let at = vestibule_domain::time::Timestamp::from_seconds(day.saturating_mul(86_400));
    at.to_rfc3339().chars().take(10).collect()
}
