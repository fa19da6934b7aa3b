//! Operators' passkeys: sign-in, reauthentication, adding, renaming and removing (ADR 53).

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    id::{IdentityId, OperatorId},
    operator::{EVERY_PROJECT, Operator, OperatorAct, OperatorEvent},
    project::Origin,
    time::Timestamp,
};
use vestibule_protocol::text;
use vestibule_store::{
    StoreError, operator_events,
    operator_passkeys::{OperatorPasskey, Operators},
    operator_sessions, operators,
    passkeys::{self, PasskeyUse},
    spent,
};

use super::{RemovalOutcome, SignedIn, StartedSession, audit, sign_in::make_token};
use crate::{
    crypto::tokens::{Challenge, MacKey},
    error::Error,
    known_devices,
    limits::tries::Buckets,
    passkeys::{Assertion, Expected, NewPasskey, PasskeyUser, Site, read_challenge},
    state::App,
};

/// The portal's name in browsers and authenticators.
const SITE_NAME: &str = "Vestibule";
/// How long a page's passkey options are valid. A later response gets a new page.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// Maximum length of a passkey's name, in characters.
#[cfg(test)]
const LONGEST_NAME: usize = text::MAX_NAME_CHARS;
/// The name of a passkey without one.
const NAMELESS: &str = "Passkey";

/// The context of a ceremony: the portal, in one browser.
#[derive(Clone, Copy)]
pub struct CeremonyContext<'a> {
    pub origin: &'a Origin,
    /// A secret that only this browser's forms know.
    pub browser: &'a str,
}

impl<'a> CeremonyContext<'a> {
    fn site(&self) -> Site<'a> {
        Site::new(self.origin, SITE_NAME)
    }

    fn purpose(&self, ceremony: &str) -> String {
        format!("operator_passkey_{ceremony}|{}", self.browser)
    }

    fn issue(&self, app: &App, ceremony: &str, now: Timestamp) -> String {
        let [mac, _] = macs(app);
        mac.issue_challenge(&self.purpose(ceremony), now.plus(LIFETIME), &app.entropy)
    }

    /// The challenge in a response, if this server issued it for this ceremony and it is valid.
    fn read(&self, app: &App, ceremony: &str, answer: &str, now: Timestamp) -> Option<(Vec<u8>, Challenge)> {
        let presented = read_challenge(answer)?;
        let text = std::str::from_utf8(&presented).ok()?;
        let purpose = self.purpose(ceremony);
        let challenge = macs(app).iter().find_map(|mac| mac.read_challenge(&purpose, text))?;
        (now <= challenge.expires_at).then_some((presented, challenge))
    }
}

/// The key for new challenges, and another one that is accepted too.
pub(super) fn macs(app: &App) -> [MacKey; 2] {
    app.master.derive_mac_keys("operators")
}

/// The options for signing in with a passkey; without known passkeys the browser offers all it has for the portal.
pub fn request_options(app: &App, ceremony: CeremonyContext<'_>, known: &[OperatorPasskey], now: Timestamp) -> String {
    let ids: Vec<Vec<u8>> = known.iter().map(|row| row.credential_id.clone()).collect();
    ceremony.site().request_options(ceremony.issue(app, "use", now).as_bytes(), &ids)
}

/// The options for creating a passkey of an operator.
pub fn creation_options(
    app: &App,
    ceremony: CeremonyContext<'_>,
    (id, email): (OperatorId, &str),
    known: &[OperatorPasskey],
    now: Timestamp,
) -> String {
    let ids: Vec<Vec<u8>> = known.iter().map(|row| row.credential_id.clone()).collect();
    let person = PasskeyUser { handle: *id.as_bytes(), name: email, passkeys: &ids };
    ceremony.site().creation_options(ceremony.issue(app, "create", now).as_bytes(), &person)
}

/// Verifies the browser's response to creation options and builds the row.
pub(super) fn read_new(
    app: &App,
    ceremony: CeremonyContext<'_>,
    owner: OperatorId,
    (answer, name): (&str, &str),
    now: Timestamp,
) -> Option<OperatorPasskey> {
    let (challenge, _) = ceremony.read(app, "create", answer, now)?;
    let NewPasskey { credential_id, public_key, sign_count, backup_eligible } =
        match ceremony.site().register(answer, &challenge) {
            Ok(made) => made,
            Err(problem) => {
                tracing::info!(operator.id = %owner, error = %problem, "a new passkey was refused");
                return None;
            }
        };
    Some(OperatorPasskey {
        credential_id,
        id: app.entropy.id(now),
        owner,
        public_key,
        sign_count: i64::from(sign_count),
        name: read_name(name),
        created_at: now,
        last_used_at: None,
        backup_eligible: Some(backup_eligible),
    })
}

/// A name in its stored form. The passkey exists already, so an invalid name is corrected instead of rejected.
fn read_name(typed: &str) -> String {
    normalize_name(typed).unwrap_or_else(|| NAMELESS.to_string())
}

fn normalize_name(typed: &str) -> Option<String> {
    text::read_name(typed)
}

/// The verification result of a response to request options.
enum AssertionResult {
    Right(Box<Used>, Operator),
    /// A passkey of this operator, but the signature is invalid.
    Wrong(Operator),
    /// An unknown passkey, or a response for another page.
    Foreign,
}

/// A verified passkey use and its challenge, both to be redeemed once.
struct Used {
    passkey: PasskeyUse,
    challenge: Challenge,
}

/// Why the transaction was rolled back.
#[derive(Debug, thiserror::Error)]
enum PasskeyError {
    #[error("the answer was used before, or the passkey's counter did not increase")]
    Refused,
    #[error("the last sign-in method can't be removed")]
    LastLoginMethod,
    #[error("there is no such passkey")]
    Missing,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Verifies the browser's response to request options, within the attempt limits.
async fn judge(
    app: &App,
    ceremony: CeremonyContext<'_>,
    only: Option<OperatorId>,
    answer: &str,
    now: Timestamp,
) -> Result<AssertionResult, Error> {
    let Some((presented, challenge)) = ceremony.read(app, "use", answer, now) else {
        return Ok(AssertionResult::Foreign);
    };
    let Ok(assertion) = Assertion::read(answer) else { return Ok(AssertionResult::Foreign) };
    let mut conn = app.store.read().await?;
    let found = passkeys::find(&mut conn, Operators, &assertion.credential_id).await?;
    let Some(row) = found.filter(|row| only.is_none_or(|only| only == row.owner)) else {
        return Ok(AssertionResult::Foreign);
    };
    let Some(operator) = operators::find(&mut conn, row.owner).await? else {
        return Ok(AssertionResult::Foreign);
    };
    drop(conn);
    let expected = Expected {
        challenge: &presented,
        owner: row.owner.as_bytes(),
        public_key: &row.public_key,
        backup_eligible: row.backup_eligible,
        // Sign-in options name no passkey; those for reauthentication name the operator's.
        requires_user_handle_match: only.is_some(),
    };
    match ceremony.site().verify(assertion, &expected) {
        Ok(passkey) => Ok(AssertionResult::Right(Box::new(Used { passkey, challenge }), operator)),
        Err(problem) => {
            tracing::info!(operator.id = %row.owner, error = %problem, "a passkey was refused");
            Ok(AssertionResult::Wrong(operator))
        }
    }
}

async fn note_use(tx: &mut vestibule_store::Tx, used: &Used, now: Timestamp) -> Result<(), PasskeyError> {
    let Used { passkey, challenge } = used;
    let is_first = spent::spend(tx, EVERY_PROJECT, &challenge.fingerprint, None, challenge.expires_at).await?;
    if is_first && passkeys::record_use(tx, Operators, passkey, now).await? {
        Ok(())
    } else {
        Err(PasskeyError::Refused)
    }
}

/// The result of a transaction with a passkey use; a refusal is counted and logged before the response.
async fn settle(
    app: &App,
    buckets: &Buckets,
    written: Result<(), PasskeyError>,
    failure: OperatorEvent,
    now: Timestamp,
) -> Result<bool, Error> {
    match written {
        Ok(()) => Ok(true),
        Err(PasskeyError::Store(error)) => Err(error.into()),
        Err(error @ (PasskeyError::Refused | PasskeyError::LastLoginMethod | PasskeyError::Missing)) => {
            tracing::warn!(error = %error, "a passkey of an operator was refused");
            buckets.record_failure_as(app, Some(failure), now).await?;
            Ok(false)
        }
    }
}

/// Signs in with the passkey that the browser offers.
pub async fn sign_in(
    app: &App,
    ceremony: CeremonyContext<'_>,
    answer: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Option<StartedSession>, Error> {
    let buckets = Buckets::of_operator_passkey(ip);
    buckets.check(app, now).await?;
    let note = |operator: &Operator, act| audit::own(app, operator, act, audit::PASSKEY, ip, now);
    let (used, operator) = match judge(app, ceremony, None, answer, now).await? {
        AssertionResult::Right(used, operator) => (used, operator),
        AssertionResult::Wrong(operator) => {
            buckets.record_failure_as(app, Some(note(&operator, OperatorAct::SignInFailed)), now).await?;
            return Ok(None);
        }
        AssertionResult::Foreign => {
            buckets.record_failure(app, now).await?;
            return Ok(None);
        }
    };
    let (cookie, session) = make_token(app);
    let owner = operator.id;
    let written = app
        .store
        .write(
            "sign_in_by_operator_passkey",
            (used, note(&operator, OperatorAct::SignedIn)),
            move |tx, (used, event)| {
                Box::pin(async move {
                    note_use(tx, used, now).await?;
                    operator_sessions::insert(tx, session, owner, now).await?;
                    operator_events::insert(tx, event).await?;
                    Ok(())
                })
            },
        )
        .await;
    let is_done = settle(app, &buckets, written, note(&operator, OperatorAct::SignInFailed), now).await?;
    let account = known_devices::operators::account_of(&operator);
    Ok(is_done.then_some(StartedSession { cookie, account }))
}

/// Reauthenticates with one of the operator's passkeys.
pub async fn prove(
    app: &App,
    signed_in: &SignedIn,
    ceremony: CeremonyContext<'_>,
    answer: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<bool, Error> {
    let buckets = Buckets::of_operator_passkey(ip);
    buckets.check(app, now).await?;
    let failure = audit::own(app, &signed_in.operator, OperatorAct::ProofFailed, audit::PASSKEY, ip, now);
    let used = match judge(app, ceremony, Some(signed_in.operator.id), answer, now).await? {
        AssertionResult::Right(used, _) => used,
        AssertionResult::Wrong(_) | AssertionResult::Foreign => {
            buckets.record_failure_as(app, Some(failure), now).await?;
            return Ok(false);
        }
    };
    let session = signed_in.session.token;
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
    settle(app, &buckets, written, failure, now).await
}

/// The passkeys of the signed-in operator, oldest first.
pub async fn list(app: &App, signed_in: &SignedIn) -> Result<Vec<OperatorPasskey>, Error> {
    Ok(passkeys::list(&mut *app.store.read().await?, Operators, signed_in.operator.id).await?)
}

/// Stores the passkey that the browser created; `false` when its response is invalid.
pub async fn add(
    app: &App,
    signed_in: &SignedIn,
    ceremony: CeremonyContext<'_>,
    answer_and_name: (&str, &str),
    ip: IpAddr,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(row) = read_new(app, ceremony, signed_in.operator.id, answer_and_name, now) else { return Ok(false) };
    let event = audit::own(app, &signed_in.operator, OperatorAct::PasskeyAdded, &row.name, ip, now);
    let added = app.store.write("add_operator_passkey", (row, event), |tx, (row, event)| {
        Box::pin(async move {
            let is_new = passkeys::insert(tx, Operators, row).await?;
            if is_new {
                operator_events::insert(tx, event).await?;
            }
            Ok::<_, StoreError>(is_new)
        })
    });
    Ok(added.await?)
}

/// The result of renaming a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renaming {
    /// It has the name now, or had it already.
    Done,
    /// The name is empty.
    Nameless,
    /// It does not exist.
    Missing,
}

/// Renames one of the operator's passkeys.
pub async fn rename(
    app: &App,
    signed_in: &SignedIn,
    id: IdentityId,
    typed: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Renaming, Error> {
    let known = list(app, signed_in).await?;
    let Some(old) = known.into_iter().find(|row| row.id == id) else { return Ok(Renaming::Missing) };
    let Some(name) = normalize_name(typed) else { return Ok(Renaming::Nameless) };
    if old.name == name {
        return Ok(Renaming::Done);
    }
    let event =
        audit::own(app, &signed_in.operator, OperatorAct::PasskeyRenamed, &format!("{} → {name}", old.name), ip, now);
    let owner = signed_in.operator.id;
    let renamed = app.store.write("rename_operator_passkey", (name, event), move |tx, (name, event)| {
        Box::pin(async move {
            let is_there = passkeys::rename(tx, Operators, owner, id, name).await?;
            if is_there {
                operator_events::insert(tx, event).await?;
            }
            Ok::<_, StoreError>(is_there)
        })
    });
    Ok(if renamed.await? { Renaming::Done } else { Renaming::Missing })
}

/// Removes one of the operator's passkeys, unless it is the last credential.
pub async fn remove(
    app: &App,
    signed_in: &SignedIn,
    id: IdentityId,
    ip: IpAddr,
    now: Timestamp,
) -> Result<RemovalOutcome, Error> {
    let known = list(app, signed_in).await?;
    let Some(row) = known.into_iter().find(|row| row.id == id) else { return Ok(RemovalOutcome::Missing) };
    let event = audit::own(app, &signed_in.operator, OperatorAct::PasskeyRemoved, &row.name, ip, now);
    let (owner, kept) = (signed_in.operator.id, signed_in.session.token);
    let written = app
        .store
        .write("remove_operator_passkey", (id, event), move |tx, (id, event)| {
            Box::pin(async move {
                // Lock the operator: a concurrent removal of the password must not leave it without credentials.
                operators::hold(tx, owner).await?;
                if !passkeys::remove(tx, Operators, owner, *id).await? {
                    return Err(PasskeyError::Missing);
                }
                let has_password = operators::find(tx, owner).await?.is_some_and(|one| one.password_hash.is_some());
                if !has_password && passkeys::list(tx, Operators, owner).await?.is_empty() {
                    return Err(PasskeyError::LastLoginMethod);
                }
                operator_sessions::remove_others(tx, owner, kept).await?;
                operator_events::insert(tx, event).await?;
                Ok(())
            })
        })
        .await;
    match written {
        Ok(()) => Ok(RemovalOutcome::Done),
        Err(PasskeyError::LastLoginMethod) => Ok(RemovalOutcome::LastLoginMethod),
        Err(PasskeyError::Missing | PasskeyError::Refused) => Ok(RemovalOutcome::Missing),
        Err(PasskeyError::Store(error)) => Err(error.into()),
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
