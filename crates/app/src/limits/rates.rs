//! Charges requests to rate limits.

use std::time::Duration;

use vestibule_domain::{
    client::Client,
    id::UserId,
    limit::{Quota, ip_key},
    project::LimitName,
    secret::TokenHash,
};

use crate::{
    crypto::sha256,
    ctx::Ctx,
    error::{Error, RateLimit},
    limits::{Counter, CounterSubject},
};

const MINUTE: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);
const PROVIDER_PER_IP: Quota = Quota { period: MINUTE, burst: 30 };
/// A second less than the interval that devices get, because requests take time.
const DEVICE_POLL: Quota = Quota { period: Duration::from_secs(4), burst: 1 };
/// Each change is kept for a week, so that it can be undone.
const LOGIN_METHOD_CHANGE_PER_USER: Quota = Quota { period: Duration::from_secs(3_600), burst: 30 };

/// Charges one request to a configurable limit, per address.
pub(crate) fn charge_ip(ctx: &Ctx<'_>, name: LimitName) -> Result<(), Error> {
    ctx.project.settings.limit(name).map_or(Ok(()), |quota| take_for_ip(ctx, Counter::Setting(name), quota))
}

/// Charges a token request to its address: of everyone who is not known yet.
pub fn charge_token_request(ctx: &Ctx<'_>) -> Result<(), Error> {
    take_for_ip(ctx, Counter::TokenPerIp, per_minute(ctx.app.config.rate_limits.token_requests_per_address))
}

/// Charges a token request that failed before its user or key was known to its address; returns the error to answer with.
pub(crate) fn charge_failure(ctx: &Ctx<'_>, error: Error) -> Error {
    // Not the caller's fault, or counted already.
    if matches!(error, Error::RateLimited(_) | Error::Store(_) | Error::PasswordsOverloaded | Error::ShareUsedUp) {
        return error;
    }
    charge_token_request(ctx).err().unwrap_or(error)
}

/// Charges a token request to the device key that signed it; the signature is verified.
pub(crate) fn charge_device_key(ctx: &Ctx<'_>, kid: &str) -> Result<(), Error> {
    let quota = per_minute(ctx.app.config.rate_limits.token_requests_per_device_key);
    take(ctx, Counter::TokenPerKey, CounterSubject::LoginId(sha256(kid.as_bytes())), quota)
}

/// Charges a revocation to its address. It has a limit of its own, so that token requests do not keep users from signing out.
pub fn charge_revocation(ctx: &Ctx<'_>) -> Result<(), Error> {
    take_for_ip(ctx, Counter::RevocationPerIp, per_minute(ctx.app.config.rate_limits.revocations_per_address))
}

/// Charges a token request to its user, once the user is known.
pub(crate) fn charge_user(ctx: &Ctx<'_>, user: UserId) -> Result<(), Error> {
    take(
        ctx,
        Counter::TokenPerUser,
        CounterSubject::User(user),
        per_minute(ctx.app.config.rate_limits.token_requests_per_user),
    )
}

/// Charges a token that an application gets for itself, once it has authenticated: one address limits strangers, but an application
/// may have many.
pub(crate) fn charge_application(ctx: &Ctx<'_>, client: &Client) -> Result<(), Error> {
    let subject = CounterSubject::Application(sha256(client.client_id.as_bytes()));
    take(ctx, Counter::TokenPerApplication, subject, per_minute(ctx.app.config.rate_limits.tokens_per_application))
}

/// Charges an authorization code that is issued to a user who is signed in already.
pub(crate) fn charge_code(ctx: &Ctx<'_>, user: UserId) -> Result<(), Error> {
    take(ctx, Counter::CodePerUser, CounterSubject::User(user), per_minute(ctx.app.config.rate_limits.codes_per_user))
}

/// Charges the start of a settings action.
pub(crate) fn charge_settings_action(ctx: &Ctx<'_>, user: UserId) -> Result<(), Error> {
    take(
        ctx,
        Counter::SettingsActionPerUser,
        CounterSubject::User(user),
        per_minute(ctx.app.config.rate_limits.settings_actions_per_user),
    )
}

fn per_minute(burst: u32) -> Quota {
    Quota { period: MINUTE, burst }
}

fn per_ten_minutes(burst: u32) -> Quota {
    Quota { period: TEN_MINUTES, burst }
}

/// Charges a pushed authorization request to its address.
pub(crate) fn charge_pushed_request(ctx: &Ctx<'_>) -> Result<(), Error> {
    take_for_ip(ctx, Counter::PushedPerIp, per_minute(ctx.app.config.rate_limits.pushed_requests_per_address))
}

/// Charges a device that begins an authorization to its address, and then to the project.
pub(crate) fn charge_device_authorization(ctx: &Ctx<'_>) -> Result<(), Error> {
    let limits = &ctx.app.config.rate_limits;
    take_for_ip(ctx, Counter::DevicePerIp, per_minute(limits.device_codes_per_address))?;
    let of_project = per_ten_minutes(limits.device_codes_per_project);
    take(ctx, Counter::DevicePerProject, CounterSubject::Project, of_project)
}

/// Charges a device's request for its tokens to its address. Those of many devices behind one address keep no user there from
/// other tokens.
pub fn charge_device_request(ctx: &Ctx<'_>) -> Result<(), Error> {
    let quota = per_minute(ctx.app.config.rate_limits.device_token_requests_per_address);
    take_for_ip(ctx, Counter::DevicePollPerIp, quota)
}

/// Charges a device's request for its tokens to its code, as one application asks for it.
pub(crate) fn charge_device_poll(ctx: &Ctx<'_>, client_id: &str, code: TokenHash) -> Result<(), Error> {
    let asked = sha256(&[code.0.as_slice(), client_id.as_bytes()].concat());
    take(ctx, Counter::DevicePoll, CounterSubject::Device(asked), DEVICE_POLL).map_err(|_| Error::DeviceTooFast)
}

/// Charges a user code of a device to the address from which it comes.
pub(crate) fn charge_user_code(ctx: &Ctx<'_>) -> Result<(), Error> {
    take_for_ip(ctx, Counter::UserCodePerIp, per_ten_minutes(ctx.app.config.rate_limits.user_codes_per_address))
}

/// Charges a change of a login method on the account page.
pub(crate) fn charge_login_method_change(ctx: &Ctx<'_>, user: UserId) -> Result<(), Error> {
    take(ctx, Counter::LoginMethodChangePerUser, CounterSubject::User(user), LOGIN_METHOD_CHANGE_PER_USER)
}

/// Charges the start of a sign-in with a provider to its address: each stores a flow.
pub(crate) fn charge_provider(ctx: &Ctx<'_>) -> Result<(), Error> {
    take_for_ip(ctx, Counter::ProviderPerIp, PROVIDER_PER_IP)
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
