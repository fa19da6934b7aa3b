//! Attempt limits shared by all nodes, per account and per address: wrong passwords and codes, codes sent. A successful
//! attempt costs two reads and no write; a failed one is stored before the response.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    id::ProjectNo,
    limit::{Decision, Quota, decide, ip_key},
    operator::{EVERY_PROJECT, OperatorEvent},
    project::LimitName,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, operator_events, tries};

use crate::error::{Error, RateLimit};
use crate::{crypto::sha256, ctx::Ctx, limits::Counter, state::App};

/// Limit of password attempts per operator, from all addresses.
const OPERATOR_PER_ACCOUNT: Quota = Quota { period: Duration::from_secs(600), burst: 10 };
/// Limit of operators' password attempts per address.
const OPERATOR_PER_IP: Quota = Quota { period: Duration::from_secs(600), burst: 60 };

/// Equal failures of an operator within this time are one entry of its activity, with their number.
const REPEATED_WITHIN: Duration = Duration::from_secs(3_600);

/// The buckets one try counts for.
pub(crate) struct Buckets {
    /// The project; operators' buckets belong to all projects.
    no: ProjectNo,
    all: Vec<Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    counter: Counter,
    id: [u8; 32],
    quota: Quota,
}

/// Whom a bucket counts.
enum Counted<'a> {
    /// The address of the request.
    Address,
    Account(&'a str),
}

impl Buckets {
    /// Buckets of a password attempt for a login ID.
    pub(crate) fn of_password(ctx: &Ctx<'_>, account: &str) -> Self {
        Self::of(
            ctx,
            [(LimitName::PasswordPerUser, Counted::Account(account)), (LimitName::PasswordPerIp, Counted::Address)],
        )
    }

    /// Buckets of a code attempt for an email address or phone number.
    pub(crate) fn of_code(ctx: &Ctx<'_>, account: &str) -> Self {
        Self::of(
            ctx,
            [(LimitName::CodeTryPerUser, Counted::Account(account)), (LimitName::CodeTryPerIp, Counted::Address)],
        )
    }

    /// Buckets of a code sent to an email address or phone number.
    pub(crate) fn of_code_sent(ctx: &Ctx<'_>, account: &str) -> Self {
        Self::of(
            ctx,
            [(LimitName::CodeSendPerUser, Counted::Account(account)), (LimitName::CodeSendPerIp, Counted::Address)],
        )
    }

    /// Buckets of a passkey attempt, per network address only: the passkey itself names the account.
    pub(crate) fn of_passkey(ctx: &Ctx<'_>) -> Self {
        Self::of(ctx, [(LimitName::PasskeyPerIp, Counted::Address)])
    }

    /// Buckets of a request signed with the wrong key for a device key's ID.
    pub(crate) fn of_device_key(ctx: &Ctx<'_>, kid: &str) -> Self {
        Self::of(
            ctx,
            [(LimitName::DeviceKeyPerIp, Counted::Address), (LimitName::DeviceKeyPerKey, Counted::Account(kid))],
        )
    }

    /// Buckets of a password attempt for an operator.
    pub(crate) fn of_operator(email: &str, ip: IpAddr) -> Self {
        let all =
            vec![Bucket::of_operator(email, OPERATOR_PER_ACCOUNT), Bucket::of_operator(&by_ip(ip), OPERATOR_PER_IP)];
        Self { no: EVERY_PROJECT, all }
    }

    /// Buckets of an operator's passkey attempt, per network address only: the passkey itself names the account.
    pub(crate) fn of_operator_passkey(ip: IpAddr) -> Self {
        Self { no: EVERY_PROJECT, all: vec![Bucket::of_operator(&by_ip(ip), OPERATOR_PER_IP)] }
    }

    /// The buckets that have a quota, in this order; without an address none for it.
    fn of<const N: usize>(ctx: &Ctx<'_>, counted: [(LimitName, Counted<'_>); N]) -> Self {
        let by_ip = ctx.ip.map(by_ip);
        let bucket = |(name, counted): (LimitName, Counted<'_>)| {
            let of = match counted {
                Counted::Address => by_ip.as_deref()?,
                Counted::Account(account) => account,
            };
            let quota = ctx.project.settings.limit(name)?;
            let counter = Counter::Setting(name);
            Some(Bucket { counter, id: sha256(format!("{}|{of}", name.error_name()).as_bytes()).0, quota })
        };
        Self { no: ctx.project.no, all: counted.into_iter().filter_map(bucket).collect() }
    }

    /// Checks that no bucket is full.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one is.
    pub(crate) async fn check(&self, app: &App, now: Timestamp) -> Result<(), Error> {
        let mut conn = app.store.read().await?;
        for bucket in &self.all {
            let state = tries::find(&mut conn, self.no, &bucket.id).await?;
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
        let (no, input) = (self.no, self.all.clone());
        let taken = app
            .store
            .write("count_sent", input, move |tx, buckets| {
                Box::pin(async move {
                    for bucket in buckets.iter() {
                        if !bucket.add(tx, no, now).await? {
                            return Err(Full::Bucket(*bucket));
                        }
                    }
                    Ok(())
                })
            })
            .await;
        match taken {
            Ok(()) => Ok(()),
            Err(Full::Bucket(bucket)) => Err(bucket.exceeded(bucket.quota.interval())),
            Err(Full::Store(error)) => Err(error.into()),
        }
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
        let (no, input) = (self.no, (self.all.clone(), event));
        let full = app
            .store
            .write("count_try", input, move |tx, (buckets, event)| {
                Box::pin(async move {
                    let mut full = None;
                    for bucket in buckets.iter() {
                        if !bucket.add(tx, no, now).await? {
                            full = Some(*bucket);
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
enum Full {
    Bucket(Bucket),
    Store(StoreError),
}

impl From<StoreError> for Full {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Bucket {
    fn of_operator(of: &str, quota: Quota) -> Self {
        let id = sha256(format!("operator.sign_in|{of}").as_bytes()).0;
        Self { counter: Counter::OperatorSignIn, id, quota }
    }

    async fn add(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<bool, StoreError> {
        tries::add(tx, no, &self.id, self.quota, now).await
    }

    fn exceeded(&self, retry_after: Duration) -> Error {
        Error::RateLimited(RateLimit { counter: self.counter, retry_after })
    }
}

fn by_ip(ip: IpAddr) -> String {
    ip_key(ip).to_string()
}
