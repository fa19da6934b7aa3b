//! Statistics from the daily counters: guests by day and application, the funnel, and the time to promotion.

use vestibule_domain::time::Timestamp;
use vestibule_store::{
    counts::{self, DailyCount},
    merges,
};

use super::AdminError;
use crate::{
    ctx::Ctx,
    jobs::statistics::{
        CREATED_BY, EXTERNAL, GUESTS_CREATED, LOGINS, MEMBERS_CREATED, MERGES_REFUSED, MERGES_REFUSED_OF_DAY,
        MERGES_REQUESTED, MERGES_SETTLED, MERGES_SETTLED_OF_DAY, MERGES_TIMED_OUT, MERGES_UNDONE, MERGES_UNDONE_OF_DAY,
        NOT_STORED, PROMOTED, PROMOTED_BY, PROMOTED_OF_DAY, RETURNED, RETURNED_OF_DAY, SIGNED_IN, SIGNED_IN_OF_DAY,
        WITHIN, WITHOUT_SESSION, day_of, first_of,
    },
};

/// Maximum number of days of a report.
pub(crate) const MAX_DAYS: i64 = 400;

/// The counters of one application on one day.
#[derive(Clone, Debug)]
pub struct DayNumbers {
    /// Days since the epoch.
    pub day: i64,
    /// Empty without an application: guests with a cookie session, imported guests, and promotions by an operator or key.
    pub client_id: String,
    pub guests_created: i64,
    /// Those of them who had no session when they were counted.
    pub guests_without_session: i64,
    /// Guests who signed up and are not stored. They are not among those created.
    pub guests_not_stored: i64,
    /// Guests of earlier days who returned on this day.
    pub guests_returned: i64,
    pub guests_promoted: i64,
    /// Guests who signed in to an existing account instead.
    pub guests_signed_in: i64,
    pub members_created: i64,
    pub logins: i64,
    pub merges: MergeNumbers,
}

/// What became of merges on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeNumbers {
    /// An application was asked about them.
    pub requested: i64,
    /// The guest became an alias, also without a question.
    pub settled: i64,
    /// Also those without an answer in time.
    pub refused: i64,
    /// Those of the refused ones without an answer.
    pub timed_out: i64,
    /// They were settled before.
    pub undone: i64,
}

impl MergeNumbers {
    fn add(&mut self, count: &DailyCount) {
        match count.name.as_str() {
            MERGES_REQUESTED => self.requested += count.count,
            MERGES_SETTLED => self.settled += count.count,
            MERGES_REFUSED => self.refused += count.count,
            MERGES_TIMED_OUT => self.timed_out += count.count,
            MERGES_UNDONE => self.undone += count.count,
            _ => {}
        }
    }

    /// Those of several days together.
    pub fn sum<'a>(days: impl Iterator<Item = &'a Self>) -> Self {
        days.fold(Self::default(), |sum, one| Self {
            requested: sum.requested + one.requested,
            settled: sum.settled + one.settled,
            refused: sum.refused + one.refused,
            timed_out: sum.timed_out + one.timed_out,
            undone: sum.undone + one.undone,
        })
    }
}

impl DayNumbers {
    fn new(day: i64, client_id: &str) -> Self {
        Self {
            day,
            client_id: client_id.to_string(),
            guests_created: 0,
            guests_without_session: 0,
            guests_not_stored: 0,
            guests_returned: 0,
            guests_promoted: 0,
            guests_signed_in: 0,
            members_created: 0,
            logins: 0,
            merges: MergeNumbers::default(),
        }
    }

    fn add(&mut self, count: &DailyCount) {
        match count.name.as_str() {
            GUESTS_CREATED => self.guests_created += count.count,
            WITHOUT_SESSION => self.guests_without_session += count.count,
            // Sign-ups whose count a crash lost may be stored later, and are then taken away from the others.
            NOT_STORED => self.guests_not_stored += count.count.max(0),
            RETURNED => self.guests_returned += count.count,
            PROMOTED => self.guests_promoted += count.count,
            // They are among the promoted ones in the store.
            SIGNED_IN => {
                self.guests_promoted -= count.count;
                self.guests_signed_in += count.count;
            }
            MEMBERS_CREATED => self.members_created += count.count,
            LOGINS => self.logins += count.count,
            _ => self.merges.add(count),
        }
    }
}

/// What happened to the guests created in the report's days.
#[derive(Clone, Debug, Default)]
pub struct Funnel {
    pub guests_created: i64,
    pub guests_returned: i64,
    pub guests_promoted: i64,
    /// Those who signed in to an existing account instead.
    pub guests_signed_in: i64,
    /// Those whose merge waits for an application's answer now.
    pub merges_waiting: i64,
    pub merges_settled: i64,
    /// Also those without an answer in time.
    pub merges_refused: i64,
    pub merges_undone: i64,
}

impl Funnel {
    /// Adds a counter by the day the guest came; `false` for other counters.
    fn add(&mut self, count: &DailyCount) -> bool {
        match count.name.as_str() {
            RETURNED_OF_DAY => self.guests_returned += count.count,
            PROMOTED_OF_DAY => self.guests_promoted += count.count,
            // They are among the promoted ones in the store.
            SIGNED_IN_OF_DAY => {
                self.guests_promoted -= count.count;
                self.guests_signed_in += count.count;
            }
            MERGES_SETTLED_OF_DAY => self.merges_settled += count.count,
            MERGES_REFUSED_OF_DAY => self.merges_refused += count.count,
            MERGES_UNDONE_OF_DAY => self.merges_undone += count.count,
            _ => return false,
        }
        true
    }
}

/// How many guests were promoted within a time after their creation.
#[derive(Clone, Debug)]
pub struct Within {
    pub name: &'static str,
    /// `None` for all later ones.
    pub seconds: Option<i64>,
    pub count: i64,
}

/// How many users became members with a login method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodNumbers {
    /// `email`, `phone`, `username`, `passkey`, or `oauth` for an account at a provider; `other` if it is not known.
    pub method: String,
    /// The alias of the provider, or its type if it had none.
    pub provider: Option<String>,
    pub guests_promoted: i64,
    pub members_created: i64,
}

/// Adds a counter by login method; `false` for other counters.
fn add_method(methods: &mut Vec<MethodNumbers>, count: &DailyCount) -> bool {
    let promoted = count.name.strip_prefix(PROMOTED_BY);
    let Some(name) = promoted.or_else(|| count.name.strip_prefix(CREATED_BY)) else { return false };
    let (method, provider) = match name.strip_prefix(EXTERNAL) {
        Some(provider) => ("oauth", Some(provider)),
        None => (name, None),
    };
    let is_same = |one: &MethodNumbers| one.method == method && one.provider.as_deref() == provider;
    let at = methods.iter().position(is_same).unwrap_or_else(|| {
        let (method, provider) = (method.to_string(), provider.map(str::to_string));
        methods.push(MethodNumbers { method, provider, guests_promoted: 0, members_created: 0 });
        methods.len() - 1
    });
    let sum = if promoted.is_some() { &mut methods[at].guests_promoted } else { &mut methods[at].members_created };
    *sum += count.count;
    true
}

/// The report for a range of days.
#[derive(Clone, Debug)]
pub struct Report {
    /// Days since the epoch, both included.
    pub from: i64,
    pub to: i64,
    pub days: Vec<DayNumbers>,
    pub funnel: Funnel,
    pub time_to_promotion: Vec<Within>,
    /// The most used one first.
    pub login_methods: Vec<MethodNumbers>,
    /// Merges that wait for an application's answer now, whenever they were asked for.
    pub merges_waiting: i64,
}

/// Adds a counter of promotions by time; `false` for other counters. Those who signed in to an existing account are among
/// the promoted ones in the store.
fn add_within(within: &mut [Within], count: &DailyCount) -> bool {
    for (bucket, (promoted, signed_in, _)) in within.iter_mut().zip(WITHIN) {
        if count.name == promoted {
            bucket.count += count.count;
            return true;
        }
        if count.name == signed_in {
            bucket.count -= count.count;
            return true;
        }
    }
    false
}

/// The report for a range of days, both included (days since the epoch), of one application or of all.
pub async fn report(ctx: &Ctx<'_>, from: i64, to: i64, client_id: Option<&str>) -> Result<Report, AdminError> {
    if to < from || to - from >= MAX_DAYS {
        return Err(AdminError::fault("to", format!("write a day from \"from\" on, at most {MAX_DAYS} days in all")));
    }
    let mut conn = ctx.app.store.read().await?;
    let all = counts::list(&mut conn, ctx.project.no, from, to).await?;
    let open = merges::count_open(&mut conn, ctx.project.no, (first_of(from), first_of(to.saturating_add(1)))).await?;
    drop(conn);
    let mut days: Vec<DayNumbers> = Vec::new();
    let mut funnel = Funnel::default();
    let mut merges_waiting = 0;
    // A merge by an operator has no application.
    for one in open.iter().filter(|one| client_id.is_none_or(|id| id == one.client_id.as_deref().unwrap_or_default())) {
        merges_waiting += one.count;
        funnel.merges_waiting += one.in_range;
    }
    let mut login_methods = Vec::new();
    let mut within: Vec<Within> = WITHIN
        .iter()
        .map(|(name, _, bound)| Within { name, seconds: Some(*bound).filter(|bound| *bound != i64::MAX), count: 0 })
        .collect();
    for count in all.into_iter().filter(|count| client_id.is_none_or(|wanted| wanted == count.client_id)) {
        if funnel.add(&count) || add_within(&mut within, &count) || add_method(&mut login_methods, &count) {
            continue;
        }
        // Counters are sorted by day and application: each change of either begins a new entry.
        let is_new = days.last().is_none_or(|last| last.day != count.day || last.client_id != count.client_id);
        if is_new {
            days.push(DayNumbers::new(count.day, &count.client_id));
        }
        let Some(day) = days.last_mut() else { continue };
        day.add(&count);
        if count.name == GUESTS_CREATED {
            funnel.guests_created += count.count;
        }
    }
    // A recount may have taken away all of one.
    login_methods.retain(|one| (one.guests_promoted, one.members_created) != (0, 0));
    login_methods.sort_by(|a, b| {
        let key = |one: &MethodNumbers| std::cmp::Reverse(one.guests_promoted + one.members_created);
        (key(a), &a.method, &a.provider).cmp(&(key(b), &b.method, &b.provider))
    });
    Ok(Report { from, to, days, funnel, time_to_promotion: within, login_methods, merges_waiting })
}

/// The day of a time in UTC, as `YYYY-MM-DD`.
pub fn print_day_of(at: Timestamp) -> String {
    print_day(day_of(at))
}

/// A day as `YYYY-MM-DD`.
pub fn print_day(day: i64) -> String {
    let at = Timestamp::from_seconds(day.saturating_mul(86_400));
    at.to_rfc3339().chars().take(10).collect()
}
