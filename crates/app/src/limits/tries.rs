//! Attempt limits shared by all nodes, per account and per address: wrong passwords and codes, codes sent. A successful
//! attempt costs two reads and no write; a failed one is stored before the response.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    id::ProjectNo,
    identifier::LoginId,
    limit::{Decision, Quota, decide},
    operator::{EVERY_PROJECT, OperatorEvent},
    project::LimitName,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, operator_events, tries};

use super::bucket::{Bucket, Counted, address_bytes, all_kind, own_kind};
use crate::{
    ctx::Ctx,
    error::{Error, RateLimit},
    known_devices::KnownDevice,
    state::App,
};

/// Limit of password attempts per operator: from all unknown browsers together, and from each known one; from all known ones
/// together twice that.
const OPERATOR_PER_ACCOUNT: Quota = Quota { period: Duration::from_secs(600), burst: 10 };
const OPERATOR_KNOWN_TOGETHER: Quota = Quota { burst: 2 * OPERATOR_PER_ACCOUNT.burst, ..OPERATOR_PER_ACCOUNT };
/// Limit of operators' password attempts per address.
const OPERATOR_PER_IP: Quota = Quota { period: Duration::from_secs(600), burst: 60 };

/// Limit of codes mailed to an operator to prove its address.
const OPERATOR_MAILS: Quota = Quota { period: Duration::from_secs(3_600), burst: 5 };
/// Limit of wrong codes of an operator: ten guesses a day find one code in three hundred years.
const OPERATOR_CODES: Quota = Quota { period: Duration::from_secs(24 * 3_600), burst: 10 };

/// Equal failures of an operator within this time are one entry of its activity, with their number.
const REPEATED_WITHIN: Duration = Duration::from_secs(3_600);

/// The buckets one try counts for.
pub(crate) struct Buckets {
    /// The project; operators' buckets belong to all projects.
    no: ProjectNo,
    all: Vec<Bucket>,
    /// Whether a full bucket spares those after it: concurrent failures of one known browser do not use up what all of them
    /// have in common.
    is_nested: bool,
}

/// Who tries a password or code.
#[derive(Clone, Copy)]
pub(crate) enum Trier<'a> {
    /// A browser that is not known for the login ID's account, if there is one.
    Unknown(&'a LoginId),
    /// A browser where the account signed in before, or a session of it: failures elsewhere do not count for it.
    Known(KnownDevice),
}

impl<'a> Trier<'a> {
    pub(crate) fn new(login_id: &'a LoginId, known: Option<KnownDevice>) -> Self {
        known.map_or(Self::Unknown(login_id), Self::Known)
    }
}

impl Buckets {
    /// Buckets of a password attempt.
    pub(crate) fn of_password(ctx: &Ctx<'_>, trier: Trier<'_>) -> Self {
        Self::of_trier(ctx, (LimitName::PasswordPerUser, LimitName::PasswordPerIp), trier)
    }

    /// Buckets of a code attempt for an email address or phone number.
    pub(crate) fn of_code(ctx: &Ctx<'_>, trier: Trier<'_>) -> Self {
        Self::of_trier(ctx, (LimitName::CodeTryPerUser, LimitName::CodeTryPerIp), trier)
    }

    fn of_trier(ctx: &Ctx<'_>, (per_user, per_ip): (LimitName, LimitName), trier: Trier<'_>) -> Self {
        match trier {
            Trier::Unknown(login_id) => {
                Self::of(ctx, [(per_user, Counted::LoginId(login_id)), (per_ip, Counted::Address)])
            }
            // A user collects cookies of several sign-ins, so all of them have a limit, too.
            Trier::Known(device) => {
                let own = Self::of(ctx, [(per_user, Counted::Own(device)), (per_user, Counted::AllOwn(device))]);
                Self { is_nested: true, ..own }
            }
        }
    }

    /// Buckets of a passkey attempt, per network address only: the passkey itself names the account.
    pub(crate) fn of_passkey(ctx: &Ctx<'_>) -> Self {
        Self::of(ctx, [(LimitName::PasskeyPerIp, Counted::Address)])
    }

    /// Buckets of a request signed with the wrong key for a device key's ID.
    pub(crate) fn of_device_key(ctx: &Ctx<'_>, kid: &str) -> Self {
        Self::of(
            ctx,
            [(LimitName::DeviceKeyPerIp, Counted::Address), (LimitName::DeviceKeyPerKey, Counted::DeviceKey(kid))],
        )
    }

    /// Buckets of a password attempt for an operator, like those of [`Self::of_password`]. The address is as typed.
    pub(crate) fn of_operator(email: &str, ip: IpAddr, known: Option<KnownDevice>) -> Self {
        let all = match known {
            Some(device) => vec![
                Bucket::of_operators(own_kind(device), &[&device.account, &device.id], OPERATOR_PER_ACCOUNT),
                Bucket::of_operators(all_kind(device), &[&device.account], OPERATOR_KNOWN_TOGETHER),
            ],
            None => vec![
                Bucket::of_operators("operator's password", &[email.as_bytes()], OPERATOR_PER_ACCOUNT),
                Bucket::of_operators("operators' passwords from", &[&address_bytes(ip)], OPERATOR_PER_IP),
            ],
        };
        Self { is_nested: known.is_some(), ..Self::of_operators(all) }
    }

    /// Buckets of an operator's passkey attempt, per network address only: the passkey itself names the account. Wrong
    /// passwords do not fill it.
    pub(crate) fn of_operator_passkey(ip: IpAddr) -> Self {
        let from = address_bytes(ip);
        Self::of_operators(vec![Bucket::of_operators("operators' passkeys from", &[&from], OPERATOR_PER_IP)])
    }

    /// Buckets of a code mailed to an operator.
    pub(crate) fn of_operator_mail(email: &str) -> Self {
        Self::of_operators(vec![Bucket::of_operators("operator's mails", &[email.as_bytes()], OPERATOR_MAILS)])
    }

    /// Buckets of an operator's attempt at such a code.
    pub(crate) fn of_operator_code(email: &str) -> Self {
        Self::of_operators(vec![Bucket::of_operators("operator's codes", &[email.as_bytes()], OPERATOR_CODES)])
    }

    fn of_operators(all: Vec<Bucket>) -> Self {
        Self { no: EVERY_PROJECT, all, is_nested: false }
    }

    /// The buckets that have a quota, in this order.
    fn of<const N: usize>(ctx: &Ctx<'_>, counted: [(LimitName, Counted<'_>); N]) -> Self {
        let all = counted.into_iter().filter_map(|one| Bucket::of(ctx, one)).collect();
        Self { no: ctx.project.no, all, is_nested: false }
    }

    /// Checks that no bucket is full.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one is.
    pub(crate) async fn check(&self, app: &App, now: Timestamp) -> Result<(), Error> {
        let mut conn = app.store.read().await?;
        for bucket in &self.all {
            let state = tries::find(&mut conn, self.no, bucket.id()).await?;
            if let Decision::Denied { retry_after } = decide(state, bucket.quota, now) {
                return Err(bucket.exceeded(retry_after));
            }
        }
        Ok(())
    }

    /// Counts one attempt in every bucket, or in none when one is full.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one is.
    pub(crate) async fn take(&self, app: &App, now: Timestamp) -> Result<(), Error> {
        // Check before the transaction, so that a refused request costs no write and gets its `Retry-After`.
        self.check(app, now).await?;
        let no = self.no;
        let taken = app
            .store
            .write("count_sent", self.all.clone(), move |tx, buckets| {
                Box::pin(async move {
                    for bucket in buckets.iter() {
                        if !bucket.add(tx, no, now).await? {
                            return Err(Full::Limit(bucket.limit(bucket.quota.interval())));
                        }
                    }
                    Ok(())
                })
            })
            .await;
        Ok(taken?)
    }

    /// Counts one attempt in every bucket, in the caller's transaction; `false` when one is full.
    pub(crate) async fn add(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        for bucket in &self.all {
            if !bucket.add(tx, self.no, now).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Counts a failed attempt. When concurrent attempts have filled a bucket meanwhile, the result must not be
    /// revealed, so that they cannot learn more than the limit allows.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when a bucket was full.
    pub(crate) async fn record_failure(&self, app: &App, now: Timestamp) -> Result<(), Error> {
        self.record_failure_as(app, None, now).await
    }

    /// Counts a failed attempt of an operator and adds it to the audit log. Above the limit nothing is written, so that
    /// an attacker cannot fill the log.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when a bucket was full.
    pub(crate) async fn record_failure_as(
        &self,
        app: &App,
        event: Option<OperatorEvent>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (no, is_nested, input) = (self.no, self.is_nested, (self.all.clone(), event));
        let full = app
            .store
            .write("count_try", input, move |tx, (buckets, event)| {
                Box::pin(async move {
                    let mut full = None;
                    for bucket in buckets.iter() {
                        if !bucket.add(tx, no, now).await? {
                            full = Some(*bucket);
                            if is_nested {
                                break;
                            }
                        }
                    }
                    if let Some(event) = event.as_ref().filter(|_| full.is_none()) {
                        operator_events::insert_or_count(tx, event, now.minus(REPEATED_WITHIN)).await?;
                    }
                    Ok::<_, StoreError>(full)
                })
            })
            .await?;
        full.map_or(Ok(()), |bucket| Err(bucket.exceeded(bucket.quota.interval())))
    }
}

/// Why nothing was counted.
pub(super) enum Full {
    Limit(RateLimit),
    Store(StoreError),
}

impl From<StoreError> for Full {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        match full {
            Full::Limit(limit) => Self::RateLimited(limit),
            Full::Store(error) => error.into(),
        }
    }
}
