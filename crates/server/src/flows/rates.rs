//! Charges requests to rate limits.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    id::UserId,
    limit::{Quota, ip_key},
    project::LimitName,
    time::Timestamp,
};

use super::error::{Error, RateLimit};
use crate::{
    app::App,
    limits::{Counter, CounterSubject},
    projects::Project,
};

const MINUTE: Duration = Duration::from_secs(60);
const TOKEN_PER_IP: Quota = Quota { period: MINUTE, burst: 120 };
const TOKEN_PER_USER: Quota = Quota { period: MINUTE, burst: 60 };
const CODE_PER_USER: Quota = Quota { period: MINUTE, burst: 60 };
const SETTINGS_ACTION_PER_USER: Quota = Quota { period: MINUTE, burst: 10 };

/// Charges one request to a configurable limit, per address.
pub(crate) fn charge_ip(
    app: &App,
    project: &Project,
    name: LimitName,
    ip: IpAddr,
    now: Timestamp,
) -> Result<(), Error> {
    let subject = CounterSubject::Ip(ip_key(ip));
    project.settings.limit(name).map_or(Ok(()), |quota| take(app, project, Counter::Setting(name), subject, quota, now))
}

/// Charges a token request to its address.
pub(crate) fn charge_token_request(app: &App, project: &Project, ip: IpAddr, now: Timestamp) -> Result<(), Error> {
    take(app, project, Counter::TokenPerIp, CounterSubject::Ip(ip_key(ip)), TOKEN_PER_IP, now)
}

/// Charges a token request to its user, once the user is known.
pub(crate) fn charge_user(app: &App, project: &Project, user: UserId, now: Timestamp) -> Result<(), Error> {
    take(app, project, Counter::TokenPerUser, CounterSubject::User(user), TOKEN_PER_USER, now)
}

/// Charges an authorization code that is issued to a user who is signed in already.
pub(crate) fn charge_code(app: &App, project: &Project, user: UserId, now: Timestamp) -> Result<(), Error> {
    take(app, project, Counter::CodePerUser, CounterSubject::User(user), CODE_PER_USER, now)
}

/// Charges the start of a settings action.
pub(crate) fn charge_settings_action(app: &App, project: &Project, user: UserId, now: Timestamp) -> Result<(), Error> {
    take(app, project, Counter::SettingsActionPerUser, CounterSubject::User(user), SETTINGS_ACTION_PER_USER, now)
}

fn take(
    app: &App,
    project: &Project,
    counter: Counter,
    subject: CounterSubject,
    quota: Quota,
    now: Timestamp,
) -> Result<(), Error> {
    app.limits
        .take(project.no, counter, subject, quota, now)
        .map_err(|exceeded| Error::RateLimited(RateLimit { counter, retry_after: exceeded.retry_after }))
}
