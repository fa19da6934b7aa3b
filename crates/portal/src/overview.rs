//! Statistics of guests.

use std::collections::BTreeMap;

use askama::Template;
use vestibule_app::{
    admin::{
        first_steps,
        statistics::{self, MergeNumbers, MethodNumbers, Report},
    },
    jobs::statistics::day_of,
    sms_budget,
};
use vestibule_domain::operator::Role;
use vestibule_web::{
    chart::{ChartLabels, DaysChart, Mark, Series, StepsChart, print_number},
    count::count_of,
    template::finish,
};

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    first_steps::FirstStep,
    frame::{PortalContext, PortalPage},
    moment::Moment,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![PortalRoute::project(Verb::Get, "/portal/p/{project}/overview", Role::Viewer, show)]
}

async fn show(request: ProjectRequest) -> PageResult {
    let period = request.field("days").parse().ok().filter(|days| PERIODS.contains(days)).unwrap_or(30);
    let chosen = request.form.get("app").ok().flatten().filter(|app| *app != "*").map(str::to_string);
    let today = day_of(request.now);
    let from = today - period + 1;
    let all = statistics::report(&request.ctx(), from, today, None).await?;
    let report = match &chosen {
        Some(client) => statistics::report(&request.ctx(), from, today, Some(client)).await?,
        None => all.clone(),
    };
    let before = statistics::report(&request.ctx(), from - period, from - 1, chosen.as_deref()).await?;
    let clients = client_names(&request, &all);
    let steps = first_steps::look(&request.ctx()).await?;
    let first = request.project.settings.clients().first().map(|client| client.client_id.as_str());
    let used_up = sms_budget::used_up_at(&request.ctx()).await?;
    request.show(&OverviewPage {
        first_steps: crate::first_steps::list(steps, first),
        sms_used_up: used_up.map(|at| Moment::new(at.to_rfc3339())),
        period,
        client_id: chosen,
        applications: by_application(&all, &clients),
        clients,
        daily: by_day(&report, from, today),
        funnel: [report.funnel.guests_created, report.funnel.guests_returned, report.funnel.guests_promoted],
        before: Before {
            created: before.days.iter().map(|day| day.guests_created).sum(),
            returned: before.days.iter().map(|day| day.guests_returned).sum(),
            promoted: before.days.iter().map(|day| day.guests_promoted).sum(),
            funnel: [before.funnel.guests_created, before.funnel.guests_promoted],
        },
        not_stored: report.days.iter().map(|day| day.guests_not_stored).sum(),
        signed_in: report.days.iter().map(|day| day.guests_signed_in).sum(),
        merges: list_merges(&report),
        methods: report.login_methods.iter().map(|one| by_method(&request, one)).collect(),
        within: report.time_to_promotion.iter().map(|one| (describe_within(one.seconds), one.count)).collect(),
    })
}

/// The current applications, and those that appear in the statistics.
fn client_names(request: &ProjectRequest, report: &Report) -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = request
        .project
        .settings
        .clients()
        .iter()
        .map(|client| (client.client_id.clone(), client.name.clone().unwrap_or_else(|| client.client_id.clone())))
        .collect();
    for day in &report.days {
        if !names.iter().any(|(id, _)| *id == day.client_id) {
            let name = if day.client_id.is_empty() { COOKIES_OR_NONE } else { &day.client_id };
            names.push((day.client_id.clone(), name.to_string()));
        }
    }
    names
}

/// What has no client ID, in the filter.
const COOKIES_OR_NONE: &str = "Cookie-based or no application";
/// Guests with a cookie session.
const COOKIES: &str = "Cookie-based applications";
/// Guests who were imported or signed out within a minute, and promotions by the Admin API or an operator.
const NO_APPLICATION: &str = "No application";

fn by_application(report: &Report, names: &[(String, String)]) -> Vec<AppNumbers> {
    let mut sums: BTreeMap<&str, AppNumbers> = BTreeMap::new();
    let mut without = AppNumbers { name: NO_APPLICATION.to_string(), ..AppNumbers::default() };
    for day in &report.days {
        let sum = sums.entry(&day.client_id).or_default();
        sum.created += day.guests_created - day.guests_without_session;
        sum.returned += day.guests_returned;
        without.created += day.guests_without_session;
        // Without a client ID, no flow of an application promoted or signed in the guest.
        let ended = if day.client_id.is_empty() { &mut without } else { sum };
        ended.promoted += day.guests_promoted;
        ended.signed_in += day.guests_signed_in;
    }
    let mut all: Vec<AppNumbers> = sums
        .into_iter()
        .map(|(id, sum)| {
            let name = names.iter().find(|(other, _)| other == id).map_or(id, |(_, name)| name);
            let name = if id.is_empty() { COOKIES } else { name };
            AppNumbers { client_id: id.to_string(), name: name.to_string(), ..sum }
        })
        .chain([without])
        .filter(|app| [app.created, app.returned, app.promoted, app.signed_in] != [0; 4])
        .collect();
    all.sort_by_key(|app| std::cmp::Reverse(app.created));
    all
}

fn by_method(request: &ProjectRequest, numbers: &MethodNumbers) -> MethodLine {
    let settings = &request.project.settings;
    let name = match (numbers.method.as_str(), numbers.provider.as_deref()) {
        (_, Some(provider)) => {
            settings.provider(provider).map_or(provider, |provider| provider.display_name()).to_string()
        }
        ("email", None) => "Email address".into(),
        ("phone", None) => "Phone number".into(),
        ("username", None) => "Username".into(),
        ("passkey", None) => "Passkey".into(),
        (_, None) => "Not known".into(),
    };
    let (promoted, created) = (print_number(numbers.guests_promoted), print_number(numbers.members_created));
    MethodLine { name, is_external: numbers.provider.is_some(), promoted, created }
}

/// What became of merges: in the period, and of the guests created in it. Empty where there was none.
fn list_merges(report: &Report) -> Vec<MergeLine> {
    let of_days = MergeNumbers::sum(report.days.iter().map(|day| &day.merges));
    let funnel = &report.funnel;
    let lines = [
        ("Waiting for your backend now", None, Some(report.merges_waiting), Some(funnel.merges_waiting)),
        ("Requested of your backend", None, Some(of_days.requested), None),
        ("Merged", None, Some(of_days.settled), Some(funnel.merges_settled)),
        (
            "Refused",
            Some(format!("{} without an answer in time", print_number(of_days.timed_out))),
            Some(of_days.refused),
            Some(funnel.merges_refused),
        ),
        ("Undone", None, Some(of_days.undone), Some(funnel.merges_undone)),
    ];
    if lines.iter().all(|(_, _, all, new)| all.unwrap_or(0) == 0 && new.unwrap_or(0) == 0) {
        return Vec::new();
    }
    let print = |number: Option<i64>| number.map_or_else(|| "–".to_string(), print_number);
    let lines = lines.into_iter().map(|(name, detail, all, new)| MergeLine {
        name,
        detail: detail.filter(|_| of_days.timed_out > 0),
        all: print(all),
        of_new_guests: print(new),
    });
    lines.collect()
}

fn by_day(report: &Report, from: i64, to: i64) -> Daily {
    let days: Vec<String> = (from..=to).map(statistics::print_day).collect();
    let mut daily =
        Daily { created: vec![0; days.len()], returned: vec![0; days.len()], promoted: vec![0; days.len()], days };
    for day in &report.days {
        if let Some(index) = usize::try_from(day.day - from).ok().filter(|index| *index < daily.days.len()) {
            daily.created[index] += day.guests_created;
            daily.returned[index] += day.guests_returned;
            daily.promoted[index] += day.guests_promoted;
        }
    }
    daily
}

fn describe_within(seconds: Option<i64>) -> String {
    match seconds {
        None => "later".to_string(),
        Some(seconds) if seconds < 3_600 => format!("{} min", seconds / 60),
        Some(3_600) => "1 hour".to_string(),
        Some(86_400) => "1 day".to_string(),
        Some(seconds) => format!("{} days", seconds / 86_400),
    }
}

/// The numbers of one application, or of the whole project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AppNumbers {
    /// Its ID; empty for none.
    pub client_id: String,
    pub name: String,
    pub created: i64,
    /// Returning guests, each counted once a day.
    pub returned: i64,
    pub promoted: i64,
    /// Guests who signed in to an existing account instead.
    pub signed_in: i64,
}

impl AppNumbers {
    #[expect(
        clippy::unused_self,
        clippy::trivially_copy_pass_by_ref,
        reason = "templates call methods with references"
    )]
    fn print(&self, number: &i64) -> String {
        print_number(*number)
    }
}

/// How many users became members with a login method, in words.
#[derive(Clone, Debug)]
pub(crate) struct MethodLine {
    pub name: String,
    /// Whether it is an account at a provider.
    pub is_external: bool,
    pub promoted: String,
    pub created: String,
}

/// How many merges came to a state, in words.
#[derive(Clone, Debug)]
pub(crate) struct MergeLine {
    pub name: &'static str,
    pub detail: Option<String>,
    /// In the period.
    pub all: String,
    /// Of guests created in the period.
    pub of_new_guests: String,
}

/// One entry per day.
#[derive(Clone, Debug, Default)]
pub struct Daily {
    /// `YYYY-MM-DD`, oldest first.
    pub days: Vec<String>,
    pub created: Vec<i64>,
    pub returned: Vec<i64>,
    pub promoted: Vec<i64>,
}

/// The same numbers for the period before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    pub created: i64,
    pub returned: i64,
    pub promoted: i64,
    /// Of the guests created then: how many there are, and were promoted.
    pub funnel: [i64; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct OverviewPage {
    /// Until all are done.
    pub first_steps: Option<Vec<FirstStep>>,
    /// When the project's budget of text messages was used up, within the last hour.
    pub sms_used_up: Option<Moment>,
    pub period: i64,
    pub client_id: Option<String>,
    pub clients: Vec<(String, String)>,
    pub daily: Daily,
    /// Of the guests created in the period: how many there are, returned, were promoted.
    pub funnel: [i64; 3],
    pub before: Before,
    /// Guests who signed up in the period and are not stored.
    pub not_stored: i64,
    /// Guests who signed in to an existing account instead, in the period.
    pub signed_in: i64,
    /// Promotions by the time since creation.
    pub within: Vec<(String, i64)>,
    /// Empty in a project without merges.
    pub merges: Vec<MergeLine>,
    pub methods: Vec<MethodLine>,
    pub applications: Vec<AppNumbers>,
}

pub(crate) const PERIODS: [i64; 3] = [7, 30, 90];

impl OverviewPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_app::admin::first_steps::FirstSteps;

        let days: Vec<String> = (1..=30).map(|day| format!("2030-05-{day:02}")).collect();
        let wave = |scale: i64| (0..30).map(|day| scale * (10 + (day * 7) % 13) / 10).collect::<Vec<i64>>();
        let lively = Self {
            first_steps: None,
            sms_used_up: Some(Moment::new("2030-05-01T08:00:00.000Z")),
            period: 30,
            client_id: None,
            clients: vec![("shop-web".into(), "Shop".into()), (String::new(), "Cookie-based applications".into())],
            daily: Daily { created: wave(80), returned: wave(35), promoted: wave(4), days: days.clone() },
            funnel: [3_200, 900, 140],
            before: Before { created: 3_000, returned: 1_500, promoted: 140, funnel: [3_000, 150] },
            not_stored: 41_000,
            signed_in: 12,
            merges: vec![MergeLine {
                name: "Refused",
                detail: Some("2 without an answer in time".into()),
                all: "5".into(),
                of_new_guests: "4".into(),
            }],
            methods: vec![
                MethodLine {
                    name: "Email address".into(),
                    is_external: false,
                    promoted: "90".into(),
                    created: "7".into(),
                },
                MethodLine { name: "Google".into(), is_external: true, promoted: "50".into(), created: "0".into() },
            ],
            within: vec![("10 min".into(), 20), ("1 hour".into(), 60), ("1 day".into(), 30), ("later".into(), 30)],
            applications: vec![AppNumbers {
                client_id: "shop-web".into(),
                name: "Shop <Web>".into(),
                created: 3_200,
                returned: 1_400,
                promoted: 140,
                signed_in: 12,
            }],
        };
        let steps = FirstSteps { application: true, origin: true, mail: Some(false), guest: false, promotion: false };
        let no_users = Self {
            first_steps: crate::first_steps::list(steps, None),
            sms_used_up: None,
            clients: Vec::new(),
            daily: Daily { created: vec![0; 30], returned: vec![0; 30], promoted: vec![0; 30], days },
            funnel: [0; 3],
            before: Before::default(),
            not_stored: 0,
            signed_in: 0,
            within: Vec::new(),
            merges: Vec::new(),
            methods: Vec::new(),
            applications: Vec::new(),
            ..lively.clone()
        };
        vec![("lively", lively), ("nobody", no_users)]
    }

    fn periods(&self) -> [(i64, bool); 3] {
        PERIODS.map(|days| (days, days == self.period))
    }

    fn is_chosen(&self, client_id: &str) -> bool {
        self.client_id.as_deref() == Some(client_id)
    }

    fn sum(values: &[i64]) -> String {
        print_number(values.iter().sum())
    }

    /// The figures at the top, each with its explanation.
    fn figures(&self) -> Vec<(&'static str, String, String)> {
        let active = |day: usize| self.daily.created[day] + self.daily.returned[day];
        let count = self.daily.days.len();
        let all: i64 = (0..count).map(active).sum();
        let average = match print_tenths(all, i64::try_from(count).unwrap_or(1)) {
            tenths if all > 0 && tenths == "0.0" => "less than 0.1".to_string(),
            tenths => tenths,
        };
        let today = count.checked_sub(1).map_or(0, active);
        let change = |now: &[i64], before: i64| compare(now.iter().sum(), before, self.period);
        let [created, _, promoted] = self.funnel;
        let [created_before, promoted_before] = self.before.funnel;
        let rate_before = match created_before {
            0 => "of new guests".to_string(),
            _ => format!("of new guests; {} before", rate(promoted_before, created_before)),
        };
        let mut figures = vec![
            ("New guests", Self::sum(&self.daily.created), change(&self.daily.created, self.before.created)),
            (
                "Active guests today",
                print_number(today),
                format!(
                    "{average} a day on average, {}",
                    compare(all, self.before.created + self.before.returned, self.period)
                ),
            ),
            ("Promoted", Self::sum(&self.daily.promoted), change(&self.daily.promoted, self.before.promoted)),
            ("Conversion", rate(promoted, created), rate_before),
        ];
        if self.not_stored > 0 {
            let why = "signed up at lazy applications and left nothing to keep; not among the new guests";
            figures.insert(1, ("Guests not stored", print_number(self.not_stored), why.to_string()));
        }
        figures
    }

    fn guests_chart(&self) -> String {
        let created: i64 = self.daily.created.iter().sum();
        let returned: i64 = self.daily.returned.iter().sum();
        let chart = DaysChart {
            id: "guests",
            words: words(
                "Active guests by day",
                format!(
                    "One bar for each of {} days: {} in total and {} of returning guests.",
                    self.period,
                    count_of(created, "new guest", "new guests"),
                    count_of(returned, "daily visit", "daily visits")
                ),
                "No new guests in this period.",
                "Day",
            ),
            mark: Mark::Bars,
            days: self.daily.days.clone(),
            series: vec![
                Series { name: "New".into(), values: self.daily.created.clone() },
                Series { name: "Returning".into(), values: self.daily.returned.clone() },
            ],
        };
        chart.render()
    }

    fn promotions_chart(&self) -> String {
        let chart = DaysChart {
            id: "promotions",
            words: words(
                "Promotions by day",
                format!(
                    "{} promoted in {} days. {} an existing account instead.",
                    count_of(self.daily.promoted.iter().sum(), "guest was", "guests were"),
                    self.period,
                    count_of(self.signed_in, "guest signed in to", "guests signed in to"),
                ),
                "No promotions in this period.",
                "Day",
            ),
            mark: Mark::Lines,
            days: self.daily.days.clone(),
            series: vec![Series { name: "Promoted".into(), values: self.daily.promoted.clone() }],
        };
        chart.render()
    }

    fn funnel_chart(&self) -> String {
        let [created, returned, promoted] = self.funnel;
        let chart = StepsChart {
            id: "funnel",
            words: words(
                "From guest to member",
                format!(
                    "Of {}, {} returned on a later day and {} promoted.",
                    count_of(created, "new guest", "new guests"),
                    print_number(returned),
                    count_of(promoted, "was", "were")
                ),
                "No new guests in this period.",
                "Step",
            ),
            column: "Guests".into(),
            steps: vec![("New guests".into(), created), ("Returning".into(), returned), ("Promoted".into(), promoted)],
            part: Some("Share".into()),
        };
        chart.render()
    }

    fn time_chart(&self) -> String {
        let chart = StepsChart {
            id: "time",
            words: words(
                "Time to promotion",
                "How long users promoted in this period had been guests.".to_string(),
                "No promotions in this period.",
                "Within",
            ),
            column: "Guests".into(),
            steps: self.within.clone(),
            part: None,
        };
        chart.render()
    }
}

/// A share in percent.
fn rate(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "–".to_string();
    }
    format!("{} %", print_tenths(part.saturating_mul(100), whole))
}

/// How a number stands to that of the period before.
fn compare(now: i64, before: i64, days: i64) -> String {
    match (now - before, before) {
        (_, 0) => format!("none in the {days} days before"),
        (0, _) => format!("as in the {days} days before"),
        (change, _) => {
            let percent = change.abs().saturating_mul(100).saturating_add(before / 2) / before;
            let size = if percent == 0 { "less than 1".to_string() } else { print_number(percent) };
            let direction = if change > 0 { "more" } else { "less" };
            format!("{size} % {direction} than in the {days} days before")
        }
    }
}

/// A quotient with one decimal, rounded down.
fn print_tenths(dividend: i64, divisor: i64) -> String {
    let tenths = dividend.saturating_mul(10) / divisor.max(1);
    format!("{}.{}", print_number(tenths / 10), tenths % 10)
}

fn words(title: &str, description: String, empty: &str, first_column: &str) -> ChartLabels {
    ChartLabels {
        title: title.into(),
        description,
        empty: empty.into(),
        table: "Show as table".into(),
        first_column: first_column.into(),
    }
}

impl PortalPage for OverviewPage {
    fn title(&self) -> String {
        "Overview".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("overview")
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(OverviewBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/overview.html")]
struct OverviewBody<'a> {
    ctx: &'a PortalContext,
    page: &'a OverviewPage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_compared_with_the_period_before() {
        for (now, before, expected) in [
            (0, 0, "none in the 7 days before"),
            (5, 0, "none in the 7 days before"),
            (5, 5, "as in the 7 days before"),
            (9, 6, "50 % more than in the 7 days before"),
            (0, 6, "100 % less than in the 7 days before"),
            (1_001, 1_000, "less than 1 % more than in the 7 days before"),
        ] {
            assert_eq!(compare(now, before, 7), expected, "{now} after {before}");
        }
    }
}
