//! Statistics of guests.

use std::collections::BTreeMap;

use vestibule_domain::operator::Role;

use super::{PageResult, PortalRoute, ProjectRequest, Verb};
use crate::{
    flows::admin::statistics::{self, Report},
    jobs::statistics::day_of,
    ui::portal::{AppNumbers, Daily, OverviewPage, PERIODS},
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
    let clients = client_names(&request, &all);
    request.show(&OverviewPage {
        period,
        client_id: chosen,
        applications: by_application(&all, &clients),
        clients,
        daily: by_day(&report, from, today),
        funnel: [report.funnel.guests_created, report.funnel.guests_returned, report.funnel.guests_promoted],
        signed_in: report.days.iter().map(|day| day.guests_signed_in).sum(),
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
