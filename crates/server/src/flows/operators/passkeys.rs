//! Operators' passkeys: signing in with one, proving with one who one is, adding and removing them (ADR 53).

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    id::{IdentityId, OperatorId},
    operator::EVERY_PROJECT,
    project::Origin,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, operator_passkeys, operator_passkeys::OperatorPasskey, operator_sessions, operators, spent,
};

use super::{SignedIn, sign_in::make_token};
use crate::{
    app::App,
    crypto::tokens::{Challenge, MacKey},
    flows::{Error, tries::Buckets},
    passkeys::{Assertion, NewPasskey, Person, Problem, Site, read_challenge},
};

/// What browsers and authenticators call the portal.
const SITE_NAME: &str = "Vestibule";
/// How long a page may wait for its passkey. A page that waited longer is answered with a fresh one.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// The longest name of a passkey, in characters.
const LONGEST_NAME: usize = 100;
/// What a passkey is called that was given no name.
const NAMELESS: &str = "Passkey";

/// Where a ceremony takes place: the portal, in one browser.
#[derive(Clone, Copy)]
pub(crate) struct Seat<'a> {
    pub(crate) origin: &'a Origin,
    /// What only this browser's forms know.
    pub(crate) browser: &'a str,
}

impl<'a> Seat<'a> {
    fn site(&self) -> Site<'a> {
        Site::new(self.origin, SITE_NAME)
    }

    fn purpose(&self, ceremony: &str) -> String {
        format!("operator_passkey_{ceremony}|{}", self.browser)
    }

    fn issue(&self, app: &App, ceremony: &str, now: Timestamp) -> String {
        mac(app).issue_challenge(&self.purpose(ceremony), now.plus(LIFETIME), &app.entropy)
    }

    /// The challenge an answer names, if it was issued here for this and still holds.
    fn read(&self, app: &App, ceremony: &str, answer: &str, now: Timestamp) -> Option<(Vec<u8>, Challenge)> {
        let presented = read_challenge(answer)?;
        let text = std::str::from_utf8(&presented).ok()?;
        let challenge = mac(app).read_challenge(&self.purpose(ceremony), text)?;
        (now <= challenge.expires_at).then_some((presented, challenge))
    }
}

fn mac(app: &App) -> MacKey {
    app.master.derive_mac_key("operators")
}

/// The options with which a page asks the browser for a passkey; with none named it offers all it has for the portal.
pub(crate) fn request_options(app: &App, seat: Seat<'_>, known: &[OperatorPasskey], now: Timestamp) -> String {
    let ids: Vec<Vec<u8>> = known.iter().map(|row| row.credential_id.clone()).collect();
    seat.site().request_options(seat.issue(app, "use", now).as_bytes(), &ids)
}

/// The options with which a page asks the browser for a new passkey of an operator.
pub(crate) fn creation_options(
    app: &App,
    seat: Seat<'_>,
    (id, email): (OperatorId, &str),
    known: &[OperatorPasskey],
    now: Timestamp,
) -> String {
    let ids: Vec<Vec<u8>> = known.iter().map(|row| row.credential_id.clone()).collect();
    let person = Person { handle: *id.as_bytes(), name: email, passkeys: &ids };
    seat.site().creation_options(seat.issue(app, "create", now).as_bytes(), &person)
}

/// Judges the browser's answer to creation options, and makes the row it becomes.
pub(super) fn read_new(
    app: &App,
    seat: Seat<'_>,
    owner: OperatorId,
    (answer, name): (&str, &str),
    now: Timestamp,
) -> Option<OperatorPasskey> {
    let (challenge, _) = seat.read(app, "create", answer, now)?;
    let NewPasskey { credential_id, public_key, sign_count } = match seat.site().register(answer, &challenge) {
        Ok(made) => made,
        Err(problem) => {
            tracing::info!(operator.id = %owner, error = %problem, "a new passkey was refused");
            return None;
        }
    };
    Some(OperatorPasskey {
        credential_id,
        id: app.entropy.id(now),
        operator_id: owner,
        public_key,
        sign_count: i64::from(sign_count),
        name: read_name(name),
        created_at: now,
        last_used_at: None,
    })
}

/// A name as it is kept. It comes with a passkey that exists already, so it is mended and never refused.
fn read_name(typed: &str) -> String {
    let clean: String = typed.trim().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    if clean.is_empty() { NAMELESS.to_string() } else { clean }
}

/// A passkey that was used, and its challenge: both count once.
struct Used {
    row: OperatorPasskey,
    count: i64,
    challenge: Challenge,
}

/// Why the transaction undid itself.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error("the answer was used before, or the passkey's count did not grow")]
    Refused,
    #[error("it is the last way in")]
    LastWayIn,
    #[error("there is no such passkey")]
    Missing,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Judges the browser's answer to request options, within the limits of wrong tries.
async fn judge(
    app: &App,
    seat: Seat<'_>,
    only: Option<OperatorId>,
    answer: &str,
    now: Timestamp,
) -> Result<Option<Used>, Error> {
    let Some((presented, challenge)) = seat.read(app, "use", answer, now) else { return Ok(None) };
    let Ok(assertion) = Assertion::read(answer) else { return Ok(None) };
    let found = operator_passkeys::find(&mut *app.store.read().await?, &assertion.credential_id).await?;
    let Some(row) = found.filter(|row| only.is_none_or(|only| only == row.operator_id)) else { return Ok(None) };
    let verdict: Result<u32, Problem> =
        seat.site().verify(&assertion, &presented, row.operator_id.as_bytes(), &row.public_key);
    match verdict {
        Ok(count) => Ok(Some(Used { row, count: i64::from(count), challenge })),
        Err(problem) => {
            tracing::info!(operator.id = %row.operator_id, error = %problem, "a passkey was refused");
            Ok(None)
        }
    }
}

async fn note_use(tx: &mut vestibule_store::Tx, used: &Used, now: Timestamp) -> Result<(), Undone> {
    let Used { row, count, challenge } = used;
    let is_first = spent::spend(tx, EVERY_PROJECT, &challenge.fingerprint, None, challenge.expires_at).await?;
    if is_first && operator_passkeys::record_use(tx, &row.credential_id, *count, now).await? {
        Ok(())
    } else {
        Err(Undone::Refused)
    }
}

/// What a transaction with a used passkey came to; a refusal is counted before it is told.
async fn settle(app: &App, buckets: &Buckets, written: Result<(), Undone>, now: Timestamp) -> Result<bool, Error> {
    match written {
        Ok(()) => Ok(true),
        Err(Undone::Store(error)) => Err(error.into()),
        Err(error @ (Undone::Refused | Undone::LastWayIn | Undone::Missing)) => {
            tracing::warn!(error = %error, "a passkey of an operator was refused");
            buckets.record_failure(app, now).await?;
            Ok(false)
        }
    }
}

/// Signs in with whatever passkey the browser offered; the answer is the cookie.
pub(crate) async fn sign_in(
    app: &App,
    seat: Seat<'_>,
    answer: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let buckets = Buckets::of_operator_passkey(ip);
    buckets.check(app, now).await?;
    let Some(used) = judge(app, seat, None, answer, now).await? else {
        buckets.record_failure(app, now).await?;
        return Ok(None);
    };
    let (cookie, session) = make_token(app);
    let written = app
        .store
        .write("sign_in_by_operator_passkey", used, move |tx, used| {
            Box::pin(async move {
                note_use(tx, used, now).await?;
                operator_sessions::insert(tx, session, used.row.operator_id, now).await?;
                Ok(())
            })
        })
        .await;
    Ok(settle(app, &buckets, written, now).await?.then_some(cookie))
}

/// Proves again who one is, with one of one's passkeys.
pub(crate) async fn prove(
    app: &App,
    who: &SignedIn,
    seat: Seat<'_>,
    answer: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<bool, Error> {
    let buckets = Buckets::of_operator_passkey(ip);
    buckets.check(app, now).await?;
    let Some(used) = judge(app, seat, Some(who.operator.id), answer, now).await? else {
        buckets.record_failure(app, now).await?;
        return Ok(false);
    };
    let session = who.session.token;
    let written = app
        .store
        .write("prove_by_operator_passkey", used, move |tx, used| {
            Box::pin(async move {
                note_use(tx, used, now).await?;
                operator_sessions::prove(tx, session, now).await?;
                Ok(())
            })
        })
        .await;
    settle(app, &buckets, written, now).await
}

/// The passkeys of whoever is signed in, oldest first.
pub(crate) async fn list(app: &App, who: &SignedIn) -> Result<Vec<OperatorPasskey>, Error> {
    Ok(operator_passkeys::list(&mut *app.store.read().await?, who.operator.id).await?)
}

/// Keeps the passkey the browser made; `false` when its answer is not good.
pub(crate) async fn add(
    app: &App,
    who: &SignedIn,
    seat: Seat<'_>,
    answer_and_name: (&str, &str),
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(row) = read_new(app, seat, who.operator.id, answer_and_name, now) else { return Ok(false) };
    Ok(app.store.write("add_operator_passkey", row, |tx, row| Box::pin(operator_passkeys::insert(tx, row))).await?)
}

/// What became of a passkey that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone, and every other session of the operator has ended.
    Done,
    /// It is not there.
    Missing,
    /// There is no password and no other passkey: the operator would be locked out.
    LastWayIn,
}

/// Takes one of one's own passkeys away, unless it is the last way in.
pub(crate) async fn remove(app: &App, who: &SignedIn, id: IdentityId) -> Result<Removal, Error> {
    let (owner, kept) = (who.operator.id, who.session.token);
    let written = app
        .store
        .write("remove_operator_passkey", id, move |tx, id| {
            Box::pin(async move {
                if !operator_passkeys::remove(tx, owner, *id).await? {
                    return Err(Undone::Missing);
                }
                let has_password = operators::find(tx, owner).await?.is_some_and(|one| one.password_hash.is_some());
                if !has_password && operator_passkeys::list(tx, owner).await?.is_empty() {
                    return Err(Undone::LastWayIn);
                }
                operator_sessions::remove_others(tx, owner, kept).await?;
                Ok(())
            })
        })
        .await;
    match written {
        Ok(()) => Ok(Removal::Done),
        Err(Undone::LastWayIn) => Ok(Removal::LastWayIn),
        Err(Undone::Missing | Undone::Refused) => Ok(Removal::Missing),
        Err(Undone::Store(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_mended_and_never_refused() {
        for (typed, kept) in [("", NAMELESS), ("\u{7}", NAMELESS), (" Blue\u{0} key ", "Blue key")] {
            assert_eq!(read_name(typed), kept);
        }
        assert_eq!(read_name(&"é".repeat(200)).chars().count(), LONGEST_NAME);
    }
}
