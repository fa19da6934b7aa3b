//! Attempt limits shared by all nodes, per account and per address: wrong passwords and codes, codes sent. A successful
//! attempt costs two reads and no write; a failed one is stored before the response.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use vestibule_domain::{
    id::ProjectNo,
    identifier::{LoginId, LoginIdKind},
    limit::{Decision, Quota, decide, ip_key},
    operator::{EVERY_PROJECT, OperatorEvent},
    project::LimitName,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, operator_events, tries};

use crate::{
    crypto::{hex, sha256},
    ctx::Ctx,
    error::{Error, RateLimit},
    known_devices::KnownDevice,
    limits::Counter,
    send_waits::{Wait, Waiting},
    state::App,
};

/// Limit of password attempts per operator: from all unknown browsers together, and from each known one.
const OPERATOR_PER_ACCOUNT: Quota = Quota { period: Duration::from_secs(600), burst: 10 };
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
    /// The waits between text messages.
    waits: Vec<Wait>,
    /// The project's budget of text messages.
    budget: Option<Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    counter: Counter,
    id: [u8; 32],
    quota: Quota,
}

/// Whom a bucket counts.
#[derive(Clone, Copy)]
enum Counted<'a> {
    /// The address of the request.
    Address,
    Account(&'a str),
    /// The account, as far as it is asked for from the address of the request.
    AccountFromAddress(&'a str),
    /// The account, from all addresses together: twice what one address may ask for.
    AccountFromAnywhere(&'a str),
    /// The account, from the browsers that are known for it. Unlike [`Self::Own`], a sign-in does not renew it.
    AccountFromKnown(&'a str),
    /// One browser or session of the account.
    Own(KnownDevice),
    Project,
}

impl Buckets {
    /// Buckets of a password attempt for a login ID. A browser that is known for the account has a bucket of its own, which
    /// failures elsewhere do not fill.
    pub(crate) fn of_password(ctx: &Ctx<'_>, account: &str, known: Option<KnownDevice>) -> Self {
        match known {
            Some(device) => Self::of(ctx, [(LimitName::PasswordPerUser, Counted::Own(device))]),
            None => Self::of(
                ctx,
                [(LimitName::PasswordPerUser, Counted::Account(account)), (LimitName::PasswordPerIp, Counted::Address)],
            ),
        }
    }

    /// Buckets of a code attempt for an email address or phone number.
    pub(crate) fn of_code(ctx: &Ctx<'_>, account: &str, known: Option<KnownDevice>) -> Self {
        match known {
            Some(device) => Self::of(ctx, [(LimitName::CodeTryPerUser, Counted::Own(device))]),
            None => Self::of(
                ctx,
                [(LimitName::CodeTryPerUser, Counted::Account(account)), (LimitName::CodeTryPerIp, Counted::Address)],
            ),
        }
    }

    /// Buckets of a code sent to an email address or phone number. One network address cannot use up what all unknown
    /// browsers may ask for, and they cannot use up what the account's known browsers may.
    pub(crate) fn of_code_sent(ctx: &Ctx<'_>, login_id: &LoginId, known: Option<KnownDevice>) -> Self {
        let account = login_id.value.as_str();
        let per_ip = (LimitName::CodeSendPerIp, Counted::Address);
        let mut buckets = match known {
            Some(_) => Self::of(ctx, [(LimitName::CodeSendPerUser, Counted::AccountFromKnown(account)), per_ip]),
            None => Self::of(
                ctx,
                [
                    (LimitName::CodeSendPerUser, Counted::AccountFromAddress(account)),
                    (LimitName::CodeSendPerUser, Counted::AccountFromAnywhere(account)),
                    per_ip,
                ],
            ),
        };
        if login_id.kind == LoginIdKind::Phone {
            buckets.waits = if known.is_none() { waits_of(ctx, account) } else { Vec::new() };
            buckets.budget = budget_of(ctx);
        }
        buckets
    }

    /// The project's budget alone, for a text message that an operator sends.
    pub(crate) fn of_text_message(ctx: &Ctx<'_>) -> Self {
        Self { budget: budget_of(ctx), ..Self::of(ctx, []) }
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

    /// Buckets of a password attempt for an operator, like those of [`Self::of_password`].
    pub(crate) fn of_operator(email: &str, ip: IpAddr, known: Option<KnownDevice>) -> Self {
        let all = match known {
            Some(device) => vec![Bucket::of_operator(&own(device), OPERATOR_PER_ACCOUNT)],
            None => {
                vec![Bucket::of_operator(email, OPERATOR_PER_ACCOUNT), Bucket::of_operator(&by_ip(ip), OPERATOR_PER_IP)]
            }
        };
        Self::of_operators(all)
    }

    /// Buckets of an operator's passkey attempt, per network address only: the passkey itself names the account. Wrong
    /// passwords do not fill it.
    pub(crate) fn of_operator_passkey(ip: IpAddr) -> Self {
        let bucket = Bucket::of_operator(&format!("passkey|{}", by_ip(ip)), OPERATOR_PER_IP);
        Self::of_operators(vec![bucket])
    }

    /// Buckets of a code mailed to an operator.
    pub(crate) fn of_operator_mail(email: &str) -> Self {
        let bucket = Bucket::of_operator(&format!("mail|{email}"), OPERATOR_MAILS);
        Self::of_operators(vec![bucket])
    }

    /// Buckets of an operator's attempt at such a code.
    pub(crate) fn of_operator_code(email: &str) -> Self {
        let bucket = Bucket::of_operator(&format!("code|{email}"), OPERATOR_CODES);
        Self::of_operators(vec![bucket])
    }

    fn of_operators(all: Vec<Bucket>) -> Self {
        Self { no: EVERY_PROJECT, all, waits: Vec::new(), budget: None }
    }

    /// The buckets that have a quota, in this order; without an address none for it.
    fn of<const N: usize>(ctx: &Ctx<'_>, counted: [(LimitName, Counted<'_>); N]) -> Self {
        let by_ip = ctx.ip.map(by_ip);
        let bucket = |counted| Bucket::of(ctx, by_ip.as_deref(), counted);
        let all = counted.into_iter().filter_map(bucket).collect();
        Self { no: ctx.project.no, all, waits: Vec::new(), budget: None }
    }

    /// Checks that no bucket is full.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one is.
    pub(crate) async fn check(&self, app: &App, now: Timestamp) -> Result<(), Error> {
        let mut conn = app.store.read().await?;
        for wait in &self.waits {
            if let Some(limit) = wait.rest(&mut conn, self.no, now).await? {
                return Err(Error::RateLimited(limit));
            }
        }
        for bucket in self.all.iter().chain(&self.budget) {
            let state = tries::find(&mut conn, self.no, &bucket.id).await?;
            if let Decision::Denied { retry_after } = decide(state, bucket.quota, now) {
                return Err(bucket.exceeded(retry_after));
            }
        }
        Ok(())
    }

    /// Counts one attempt in every bucket, or in none when one is full. A message that is not sent, because no user has the
    /// address, costs nothing of the budget.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one is.
    pub(crate) async fn take(&self, app: &App, is_sent: bool, now: Timestamp) -> Result<(), Error> {
        // Check before the transaction, so that a refused request costs no write and gets its `Retry-After`.
        self.check(app, now).await?;
        let budget = self.budget.filter(|_| is_sent);
        let (no, input) = (self.no, (self.all.clone(), self.waits.clone(), budget));
        let taken = app
            .store
            .write("count_sent", input, move |tx, (buckets, waits, budget)| {
                Box::pin(async move {
                    for bucket in buckets.iter().chain(budget.iter()) {
                        if !bucket.add(tx, no, now).await? {
                            return Err(Full::Limit(bucket.limit(bucket.quota.interval())));
                        }
                    }
                    for wait in waits.iter() {
                        wait.add(tx, no, now).await?.ok_or_else(|| Full::Limit(wait.refusal()))?;
                    }
                    Ok(())
                })
            })
            .await;
        match taken {
            Ok(()) => Ok(()),
            Err(Full::Limit(limit)) => Err(Error::RateLimited(limit)),
            Err(Full::Store(error)) => Err(error.into()),
        }
    }

    /// Records that the code of a text message was entered.
    pub(crate) async fn record_answer(ctx: &Ctx<'_>, login_id: &LoginId) -> Result<(), Error> {
        let waits = if login_id.kind == LoginIdKind::Phone { waits_of(ctx, &login_id.value) } else { Vec::new() };
        if waits.is_empty() {
            return Ok(());
        }
        let (no, now) = (ctx.project.no, ctx.now);
        let recorded = ctx.app.store.write("record_answer", waits, move |tx, waits| {
            Box::pin(async move {
                for wait in waits.iter() {
                    wait.answered(tx, no, now).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        Ok(recorded.await?)
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
    Limit(RateLimit),
    Store(StoreError),
}

impl From<StoreError> for Full {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Bucket {
    /// The bucket of a limit, if the project has it turned on; `by_ip` is the network address, if there is one.
    fn of(ctx: &Ctx<'_>, by_ip: Option<&str>, (name, counted): (LimitName, Counted<'_>)) -> Option<Self> {
        let mut quota = ctx.project.settings.limit(name)?;
        let of = match counted {
            Counted::Address => Cow::Borrowed(by_ip?),
            Counted::Account(account) => Cow::Borrowed(account),
            Counted::AccountFromAddress(account) => Cow::Owned(format!("{account} from {}", by_ip?)),
            Counted::AccountFromAnywhere(account) => {
                quota.burst = quota.burst.saturating_mul(if by_ip.is_some() { 2 } else { 1 });
                Cow::Borrowed(account)
            }
            Counted::AccountFromKnown(account) => Cow::Owned(format!("{account} from known browsers")),
            Counted::Own(device) => Cow::Owned(own(device)),
            Counted::Project => Cow::Borrowed("project"),
        };
        let counter = Counter::Setting(name);
        Some(Self { counter, id: sha256(format!("{}|{of}", name.error_name()).as_bytes()).0, quota })
    }

    fn of_operator(of: &str, quota: Quota) -> Self {
        let id = sha256(format!("operator.sign_in|{of}").as_bytes()).0;
        Self { counter: Counter::OperatorSignIn, id, quota }
    }

    async fn add(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<bool, StoreError> {
        tries::add(tx, no, &self.id, self.quota, now).await
    }

    fn limit(&self, retry_after: Duration) -> RateLimit {
        RateLimit { counter: self.counter, retry_after }
    }

    fn exceeded(&self, retry_after: Duration) -> Error {
        Error::RateLimited(self.limit(retry_after))
    }
}

/// The waits of text messages to a number at the request of this address.
fn waits_of(ctx: &Ctx<'_>, number: &str) -> Vec<Wait> {
    let by_ip = ctx.ip.map(by_ip);
    let waiting = [Some(Waiting::Number(number)), by_ip.as_deref().map(Waiting::Address)];
    waiting.into_iter().flatten().filter_map(|waiting| Wait::of(ctx, waiting)).collect()
}

fn budget_of(ctx: &Ctx<'_>) -> Option<Bucket> {
    Bucket::of(ctx, None, (LimitName::SmsPerProject, Counted::Project))
}

fn by_ip(ip: IpAddr) -> String {
    ip_key(ip).to_string()
}

/// Unlike any login ID: those have no spaces.
fn own(device: KnownDevice) -> String {
    format!("known browser {}", hex(&device.0))
}
