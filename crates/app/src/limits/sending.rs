//! What messages with codes are counted for: limits, waits between text messages, and the project's budget of text messages with
//! its reserves. Two sign-ins in unknown browsers look alike, whether there is an account or not: neither the result nor
//! the statements depend on it.

use vestibule_domain::{
    id::ProjectNo,
    identifier::{LoginId, LoginIdKind},
    limit::{Decision, decide},
    project::LimitName,
    time::Timestamp,
};
use vestibule_store::{Conn, StoreError, Tx, tries};

use super::{
    bucket::{Bucket, Counted},
    tries::Full,
};
use crate::{
    ctx::Ctx,
    error::{Error, RateLimit},
    known_devices::KnownDevice,
    send_waits::{Wait, Waiting},
    state::App,
};

/// A reserve is this part of the budget.
const RESERVED_PART: u32 = 4;

/// Who asks for a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Requester {
    /// Anyone, for an address that no account has proved: joining, adding an address, verifying one.
    NewAddress,
    /// A sign-in or recovery in a browser that is not known for the account, if there is one.
    SignIn(Recipient),
    /// A known browser or a session of the account that has proved the address. Without `is_sent` the account gets no code
    /// there, which its own browser may learn.
    Known { device: KnownDevice, is_sent: bool },
}

/// Who gets the code of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// No account has the address, or none that gets a code there.
    Missing,
    /// An account that has not proved the address.
    Unproved,
    /// An account that has proved the address.
    Proved,
}

/// What a message is counted for.
pub(crate) struct Sending {
    no: ProjectNo,
    buckets: Vec<Bucket>,
    waits: Vec<Wait>,
    budget: Option<Budget>,
}

/// The project's text messages: a part that is open to all, and one that is kept back for the requester, if it has one.
#[derive(Clone, Copy)]
struct Budget {
    open: Bucket,
    reserve: Option<Bucket>,
    /// Whether the reserve covers the message. Without such a message, another reserve is counted in its place.
    has_claim: bool,
    /// Whether the requester may learn that no message can be sent.
    may_learn: bool,
}

/// What became of a message that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charged {
    /// Whether the budget has room for it. If not, the requester must not learn it.
    pub is_covered: bool,
    /// Whether the part of the budget that is open to all is used up.
    pub is_open_part_full: bool,
}

impl Sending {
    /// What a code to an email address or phone number is counted for. One network address cannot use up what all unknown
    /// browsers may ask for, and they cannot use up what the account's known browsers may.
    pub(crate) fn of_code(ctx: &Ctx<'_>, login_id: &LoginId, requester: Requester) -> Self {
        let per_user = LimitName::CodeSendPerUser;
        let per_ip = (LimitName::CodeSendPerIp, Counted::Address);
        let counted = match requester {
            Requester::Known { device, .. } => vec![(per_user, Counted::AccountFromKnown(device)), per_ip],
            Requester::NewAddress | Requester::SignIn(_) => vec![
                (per_user, Counted::LoginIdFromAddress(login_id)),
                (per_user, Counted::LoginIdFromAnywhere(login_id)),
                per_ip,
            ],
        };
        let buckets = counted.into_iter().filter_map(|one| Bucket::of(ctx, one)).collect();
        let is_sms = login_id.kind == LoginIdKind::Phone;
        Self {
            no: ctx.project.no,
            buckets,
            waits: if is_sms { waits_of(ctx, &login_id.value, device_of(requester)) } else { Vec::new() },
            budget: if is_sms { Budget::of(ctx, requester) } else { None },
        }
    }

    /// The project's budget alone, for a text message that an operator sends.
    pub(crate) fn of_test(ctx: &Ctx<'_>) -> Self {
        let budget = Budget::of(ctx, Requester::NewAddress);
        Self { no: ctx.project.no, buckets: Vec::new(), waits: Vec::new(), budget }
    }

    /// Checks that nothing of which the requester may learn is full.
    async fn check(&self, conn: &mut Conn, now: Timestamp) -> Result<(), Error> {
        for wait in &self.waits {
            if let Some(limit) = wait.rest(conn, self.no, now).await? {
                return Err(Error::RateLimited(limit));
            }
        }
        for bucket in &self.buckets {
            if let Some(limit) = find_refusal(conn, self.no, bucket, now).await? {
                return Err(Error::RateLimited(limit));
            }
        }
        let Some(budget) = self.budget.filter(|budget| budget.may_learn) else { return Ok(()) };
        let Some(limit) = find_refusal(conn, self.no, &budget.open, now).await? else { return Ok(()) };
        match &budget.reserve {
            None => Err(Error::RateLimited(limit)),
            Some(reserve) => match find_refusal(conn, self.no, reserve, now).await? {
                Some(limit) => Err(Error::RateLimited(limit)),
                None => Ok(()),
            },
        }
    }

    /// Counts a message everywhere, or nowhere when something of which the requester may learn is full.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when something is.
    pub(crate) async fn take(&self, app: &App, now: Timestamp) -> Result<Charged, Error> {
        // Check before the transaction, so that a refused request costs no write and gets its `Retry-After`.
        self.check(&mut *app.store.read().await?, now).await?;
        let (no, input) = (self.no, (self.buckets.clone(), self.waits.clone(), self.budget));
        let taken = app.store.write("count_sent", input, move |tx, (buckets, waits, budget)| {
            Box::pin(async move {
                for bucket in buckets.iter() {
                    if !bucket.add(tx, no, now).await? {
                        return Err(Full::Limit(bucket.limit(bucket.quota.interval())));
                    }
                }
                let charged = match budget {
                    Some(budget) => budget.take(tx, no, now).await?,
                    None => Charged { is_covered: true, is_open_part_full: false },
                };
                for wait in waits.iter() {
                    wait.add(tx, no, now).await?.ok_or_else(|| Full::Limit(wait.refusal()))?;
                }
                Ok(charged)
            })
        });
        Ok(taken.await?)
    }
}

impl Budget {
    /// The budget, if the project has that limit turned on.
    fn of(ctx: &Ctx<'_>, requester: Requester) -> Option<Self> {
        let name = LimitName::SmsPerProject;
        let whole = Bucket::of(ctx, (name, Counted::Project))?;
        let reserved = whole.quota.burst / RESERVED_PART;
        let reserve = |of: &'static str| {
            let bucket = Bucket::of(ctx, (name, Counted::Reserve(of))).filter(|_| reserved > 0);
            bucket.map(|bucket| bucket.with_burst(reserved))
        };
        let (reserve, has_claim, may_learn) = match requester {
            Requester::NewAddress => (None, false, true),
            Requester::SignIn(Recipient::Proved) => (reserve("sign-ins to proved numbers"), true, false),
            Requester::SignIn(Recipient::Missing | Recipient::Unproved) => {
                (reserve("sign-ins to other numbers"), false, false)
            }
            Requester::Known { is_sent: true, .. } => (reserve("known browsers"), true, true),
            Requester::Known { is_sent: false, .. } => return None,
        };
        Some(Self { open: whole.with_burst(whole.quota.burst - 2 * reserved), reserve, has_claim, may_learn })
    }

    /// Counts a message in the open part, or else in the reserve.
    async fn take(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<Charged, Full> {
        if self.open.add(tx, no, now).await? {
            return Ok(Charged { is_covered: true, is_open_part_full: false });
        }
        let is_covered = match &self.reserve {
            Some(reserve) => reserve.add(tx, no, now).await? && self.has_claim,
            None => false,
        };
        if !is_covered && self.may_learn {
            return Err(Full::Limit(self.open.limit(self.open.quota.interval())));
        }
        Ok(Charged { is_covered, is_open_part_full: true })
    }
}

async fn find_refusal(
    conn: &mut Conn,
    no: ProjectNo,
    bucket: &Bucket,
    now: Timestamp,
) -> Result<Option<RateLimit>, StoreError> {
    let state = tries::find(conn, no, bucket.id()).await?;
    Ok(match decide(state, bucket.quota, now) {
        Decision::Denied { retry_after } => Some(bucket.limit(retry_after)),
        Decision::Allowed { .. } => None,
    })
}

fn device_of(requester: Requester) -> Option<KnownDevice> {
    match requester {
        Requester::Known { device, .. } => Some(device),
        Requester::NewAddress | Requester::SignIn(_) => None,
    }
}

/// The waits of text messages to a number, for a known browser or at the request of this address.
fn waits_of(ctx: &Ctx<'_>, number: &str, known: Option<KnownDevice>) -> Vec<Wait> {
    let waiting = match known {
        Some(device) => [Some(Waiting::OwnNumber(device, number)), None],
        None => [Some(Waiting::Number(number)), ctx.ip.map(Waiting::Address)],
    };
    waiting.into_iter().flatten().filter_map(|waiting| Wait::of(ctx, waiting)).collect()
}

/// Records that the code of a text message was entered, in a known browser or elsewhere.
pub(crate) async fn record_answer(ctx: &Ctx<'_>, login_id: &LoginId, known: Option<KnownDevice>) -> Result<(), Error> {
    if login_id.kind != LoginIdKind::Phone {
        return Ok(());
    }
    let waits = waits_of(ctx, &login_id.value, known);
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
