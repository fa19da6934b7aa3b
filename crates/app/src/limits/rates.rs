//! Charges requests to rate limits.

use std::time::Duration;

use vestibule_domain::{
    client::Client,
    id::UserId,
    limit::{Quota, ip_key},
    project::LimitName,
};

use crate::{
    crypto::sha256,
    ctx::Ctx,
    error::{Error, RateLimit},
    limits::{Counter, CounterSubject},
};

const MINUTE: Duration = Duration::from_secs(60);
const TOKEN_PER_IP: Quota = Quota { period: MINUTE, burst: 120 };
const REVOCATION_PER_IP: Quota = Quota { period: MINUTE, burst: 120 };
const TOKEN_PER_USER: Quota = Quota { period: MINUTE, burst: 60 };
const TOKEN_PER_APPLICATION: Quota = Quota { period: MINUTE, burst: 600 };
const CODE_PER_USER: Quota = Quota { period: MINUTE, burst: 60 };
const SETTINGS_ACTION_PER_USER: Quota = Quota { period: MINUTE, burst: 10 };

/// Charges one request to a configurable limit, per address.
pub(crate) fn charge_ip(ctx: &Ctx<'_>, name: LimitName) -> Result<(), Error> {
    ctx.project.settings.limit(name).map_or(Ok(()), |quota| take_for_ip(ctx, Counter::Setting(name), quota))
}

/// Charges a token request to its address.
pub fn charge_token_request(ctx: &Ctx<'_>) -> Result<(), Error> {
    take_for_ip(ctx, Counter::TokenPerIp, TOKEN_PER_IP)
}

/// Charges a revocation to its address. It has a limit of its own, so that token requests do not keep users from signing out.
pub fn charge_revocation(ctx: &Ctx<'_>) -> Result<(), Error> {
    take_for_ip(ctx, Counter::RevocationPerIp, REVOCATION_PER_IP)
}

/// Charges a token request to its user, once the user is known.
pub(crate) fn charge_user(ctx: &Ctx<'_>, user: UserId) -> Result<(), Error> {
    take(ctx, Counter::TokenPerUser, CounterSubject::User(user), TOKEN_PER_USER)
}

/// Charges a token that an application gets for itself, once it has authenticated: one address limits strangers, but an application
/// may have many.
pub(crate) fn charge_application(ctx: &Ctx<'_>, client: &Client) -> Result<(), Error> {
    let subject = CounterSubject::Application(sha256(client.client_id.as_bytes()));
    take(ctx, Counter::TokenPerApplication, subject, TOKEN_PER_APPLICATION)
}

/// Charges an authorization code that is issued to a user who is signed in already.
pub(crate) fn charge_code(ctx: &Ctx<'_>, user: UserId) -> Result<(), Error> {
    take(ctx, Counter::CodePerUser, CounterSubject::User(user), CODE_PER_USER)
}

/// Charges the start of a settings action.
pub(crate) fn charge_settings_action(ctx: &Ctx<'_>, user: UserId) -> Result<(), Error> {
    take(ctx, Counter::SettingsActionPerUser, CounterSubject::User(user), SETTINGS_ACTION_PER_USER)
}

fn take_for_ip(ctx: &Ctx<'_>, counter: Counter, quota: Quota) -> Result<(), Error> {
    ctx.ip.map_or(Ok(()), |ip| take(ctx, counter, CounterSubject::Ip(ip_key(ip)), quota))
}

fn take(ctx: &Ctx<'_>, counter: Counter, subject: CounterSubject, quota: Quota) -> Result<(), Error> {
    ctx.app
        .limits
        .take(ctx.project.no, counter, subject, quota, ctx.now)
        .map_err(|exceeded| Error::RateLimited(RateLimit { counter, retry_after: exceeded.retry_after }))
}
