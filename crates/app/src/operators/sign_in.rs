//! Signing operators in and out, and reauthentication.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    operator::{EVERY_PROJECT, Operator, OperatorAct, PROOF, SESSION},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, operator_events,
    operator_passkeys::Operators,
    operator_sessions::{self, OperatorSession},
    operators, passkeys,
};

use super::{RemovalOutcome, SignInSource, SignedIn, StartedSession, audit, normalize, prepare_password};
use crate::{
    candidates::Candidates,
    crypto::sha256,
    error::Error,
    known_devices::{self, KnownDevice},
    limits::tries::Buckets,
    passwords::PasswordVerdict,
    state::App,
};

/// Minimum interval between recorded uses.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Finds the operator of these cookies, and the cookie of the newest valid session. `None` when all have ended.
pub async fn resolve<'c>(
    app: &App,
    cookies: &'c Candidates,
    now: Timestamp,
) -> Result<Option<(SignedIn, &'c str)>, Error> {
    if cookies.is_empty() {
        return Ok(None);
    }
    let mut conn = app.store.read().await?;
    let mut newest: Option<(OperatorSession, &str)> = None;
    for cookie in cookies.iter() {
        let found = operator_sessions::find(&mut conn, sha256(cookie.as_bytes())).await?;
        let live = found.filter(|session| SESSION.is_alive(session.created_at, session.last_access_at, now));
        if let Some(session) = live
            && newest.as_ref().is_none_or(|(known, _)| known.created_at < session.created_at)
        {
            newest = Some((session, cookie));
        }
    }
    let Some((session, cookie)) = newest else { return Ok(None) };
    let Some(operator) = operators::find(&mut conn, session.operator_id).await? else { return Ok(None) };
    let assignments = operators::roles_of(&mut conn, operator.id).await?;
    drop(conn);
    if now.since(session.last_access_at) >= TOUCH_EVERY {
        let hash = sha256(cookie.as_bytes());
        app.store
            .write("touch_operator_session", hash, move |tx, hash| Box::pin(operator_sessions::touch(tx, *hash, now)))
            .await?;
    }
    Ok(Some((SignedIn { operator, session, assignments }, cookie)))
}

/// Signs in with a password. An unknown address takes the same time and gets the same response.
pub async fn sign_in(
    app: &App,
    (email, typed): (&str, &str),
    source: SignInSource<'_>,
    now: Timestamp,
) -> Result<Option<StartedSession>, Error> {
    let ip = source.ip;
    let email = normalize(email).unwrap_or_else(|| email.trim().to_lowercase());
    let operator = operators::find_by_email(&mut *app.store.read().await?, &email).await?;
    let known = operator
        .as_ref()
        .and_then(|operator| known_devices::operators::find_for(app, source.known_devices, operator, now));
    let buckets = Buckets::of_operator(&email, ip, known);
    if !try_password(app, (&buckets, operator.as_ref()), typed, (OperatorAct::SignInFailed, ip), now).await? {
        return Ok(None);
    }
    let Some(operator) = operator else { return Ok(None) };
    let event = audit::own(app, &operator, OperatorAct::SignedIn, audit::PASSWORD, ip, now);
    let (id, (token, hash)) = (operator.id, make_token(app));
    let account = known_devices::operators::account_of(&operator);
    app.store
        .write("begin_operator_session", (hash, event), move |tx, (hash, event)| {
            Box::pin(async move {
                operator_sessions::insert(tx, *hash, id, now).await?;
                operator_events::insert(tx, event).await
            })
        })
        .await?;
    Ok(Some(StartedSession { cookie: token, account }))
}

/// Verifies a password, within the attempt limits. A wrong one is logged as the given act; a failure for an unknown
/// address is not logged, because users type passwords into that field by mistake.
async fn try_password(
    app: &App,
    (buckets, operator): (&Buckets, Option<&Operator>),
    typed: &str,
    (failure, ip): (OperatorAct, IpAddr),
    now: Timestamp,
) -> Result<bool, Error> {
    buckets.check(app, now).await?;
    let hash = operator.and_then(|operator| operator.password_hash.clone());
    let verdict = app.hasher.verify(EVERY_PROJECT, prepare_password(typed), hash).await?;
    let stale = match verdict {
        PasswordVerdict::Wrong => {
            let event = operator.map(|operator| audit::own(app, operator, failure, audit::PASSWORD, ip, now));
            buckets.record_failure_as(app, event, now).await?;
            return Ok(false);
        }
        PasswordVerdict::Right { stale } => stale,
    };
    // Check the limit again after hashing: concurrent guesses must not pass between check and verify.
    buckets.check(app, now).await?;
    if let Some(operator) = operator.filter(|_| stale) {
        let fresh = crate::operators::hash_password(app, typed).await?;
        let id = operator.id;
        app.store
            .write("rehash_operator_password", fresh, move |tx, hash| {
                Box::pin(async move { operators::set_password(tx, id, Some(hash)).await })
            })
            .await?;
    }
    Ok(true)
}

/// A new secret and its stored hash.
pub(super) fn make_token(app: &App) -> (String, TokenHash) {
    let token = app.entropy.alphanumeric();
    let hash = sha256(token.as_bytes());
    (token, hash)
}

/// Reauthenticates with the password.
pub async fn prove(app: &App, signed_in: &SignedIn, typed: &str, ip: IpAddr, now: Timestamp) -> Result<bool, Error> {
    // The operator is signed in: failures elsewhere do not count here.
    let own = KnownDevice::of_operator_session(signed_in.operator.id, &signed_in.session.token);
    let buckets = Buckets::of_operator(&signed_in.operator.email, ip, Some(own));
    if !try_password(app, (&buckets, Some(&signed_in.operator)), typed, (OperatorAct::ProofFailed, ip), now).await? {
        return Ok(false);
    }
    let token = signed_in.session.token;
    app.store
        .write("prove_operator", token, move |tx, token| Box::pin(operator_sessions::prove(tx, *token, now)))
        .await?;
    Ok(true)
}

/// Whether the last authentication is recent enough for a dangerous action.
pub fn is_proved(signed_in: &SignedIn, now: Timestamp) -> bool {
    now <= signed_in.session.proved_at.plus(PROOF)
}

pub async fn sign_out(app: &App, signed_in: &SignedIn, ip: IpAddr, now: Timestamp) -> Result<(), Error> {
    let event = audit::own(app, &signed_in.operator, OperatorAct::SignedOut, "", ip, now);
    let token = signed_in.session.token;
    app.store
        .write("end_operator_session", (token, event), |tx, (token, event)| {
            Box::pin(async move {
                // A second request of the same browser ends nothing.
                if operator_sessions::remove(tx, *token).await? {
                    operator_events::insert(tx, event).await?;
                }
                Ok(())
            })
        })
        .await
        .map_err(|error: StoreError| Error::from(error))
}

/// Changes the operator's own password; every other session ends. Returns the problems of the new password.
pub async fn change_password(
    app: &App,
    signed_in: &SignedIn,
    new: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Vec<vestibule_domain::credential::password::Weakness>, Error> {
    let operator = &signed_in.operator;
    let weaknesses = crate::operators::check_password(app, new, &[&operator.email, &operator.name]).await?;
    if !weaknesses.is_empty() {
        return Ok(weaknesses);
    }
    let hash = crate::operators::hash_password(app, new).await?;
    let event = audit::own(app, operator, OperatorAct::PasswordChanged, "", ip, now);
    let (id, kept) = (operator.id, signed_in.session.token);
    app.store
        .write("change_operator_password", (hash, event), move |tx, (hash, event)| {
            Box::pin(async move {
                operators::set_password(tx, id, Some(hash)).await?;
                operator_sessions::remove_others(tx, id, kept).await?;
                operator_events::insert(tx, event).await
            })
        })
        .await?;
    Ok(Vec::new())
}

/// Removes the operator's own password, unless it is the last credential; every other session ends.
pub async fn remove_password(
    app: &App,
    signed_in: &SignedIn,
    ip: IpAddr,
    now: Timestamp,
) -> Result<RemovalOutcome, Error> {
    let event = audit::own(app, &signed_in.operator, OperatorAct::PasswordRemoved, "", ip, now);
    let (id, kept) = (signed_in.operator.id, signed_in.session.token);
    app.store
        .write("remove_operator_password", event, move |tx, event| {
            Box::pin(async move {
                // Lock the operator: a concurrent removal of the passkey must not leave it without credentials.
                operators::hold(tx, id).await?;
                let operator = operators::find(tx, id).await?;
                if operator.is_none_or(|operator| operator.password_hash.is_none()) {
                    return Ok(RemovalOutcome::Missing);
                }
                if passkeys::list(tx, Operators, id).await?.is_empty() {
                    return Ok(RemovalOutcome::LastLoginMethod);
                }
                operators::set_password(tx, id, None).await?;
                operator_sessions::remove_others(tx, id, kept).await?;
                operator_events::insert(tx, event).await?;
                Ok::<_, StoreError>(RemovalOutcome::Done)
            })
        })
        .await
        .map_err(Error::from)
}
