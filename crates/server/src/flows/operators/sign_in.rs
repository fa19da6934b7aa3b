//! Signing in to the portal and out of it, and proving again who one is.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    operator::{Act, Operator, PROOF, SESSION},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, operator_events, operator_passkeys,
    operator_sessions::{self, OperatorSession},
    operators,
};

use super::{Removal, SignedIn, normalize, prepare_password, trace};
use crate::{
    app::App,
    crypto::sha256,
    flows::{Error, candidates::Candidates, tries::Buckets},
    passwords::Verdict,
};

/// Uses closer together than this are written down once.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Who holds these cookies, and the one it is known by: that of the newest live session. None when all have ended.
pub(crate) async fn resolve<'c>(
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

/// Signs in with a password; the answer is the cookie. An unknown address costs the same and is told the same.
pub(crate) async fn sign_in(
    app: &App,
    email: &str,
    typed: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let email = normalize(email).unwrap_or_else(|| email.trim().to_lowercase());
    let operator = operators::find_by_email(&mut *app.store.read().await?, &email).await?;
    if !try_password(app, (&email, operator.as_ref()), typed, (Act::SignInFailed, ip), now).await? {
        return Ok(None);
    }
    let Some(operator) = operator else { return Ok(None) };
    let event = trace::own(app, &operator, Act::SignedIn, trace::PASSWORD, ip, now);
    let (id, (token, hash)) = (operator.id, make_token(app));
    app.store
        .write("begin_operator_session", (hash, event), move |tx, (hash, event)| {
            Box::pin(async move {
                operator_sessions::insert(tx, *hash, id, now).await?;
                operator_events::insert(tx, event).await
            })
        })
        .await?;
    Ok(Some(token))
}

/// Compares a password, within the limits of wrong tries. One that is wrong is written down as that act; one for an
/// address nobody has is not, for people type passwords there.
async fn try_password(
    app: &App,
    (email, operator): (&str, Option<&Operator>),
    typed: &str,
    (failure, ip): (Act, IpAddr),
    now: Timestamp,
) -> Result<bool, Error> {
    let buckets = Buckets::of_operator(email, ip);
    buckets.check(app, now).await?;
    let hash = operator.and_then(|operator| operator.password_hash.clone());
    let verdict = app.hasher.verify(prepare_password(typed), hash).await?;
    let stale = match verdict {
        Verdict::Wrong => {
            let event = operator.map(|operator| trace::own(app, operator, failure, trace::PASSWORD, ip, now));
            buckets.record_failure_as(app, event, now).await?;
            return Ok(false);
        }
        Verdict::Right { stale } => stale,
    };
    // Others may have filled the bucket while this one was hashed.
    buckets.check(app, now).await?;
    if let Some(operator) = operator.filter(|_| stale) {
        let fresh = super::hash_password(app, typed).await?;
        let id = operator.id;
        app.store
            .write("rehash_operator_password", fresh, move |tx, hash| {
                Box::pin(async move { operators::set_password(tx, id, Some(hash)).await })
            })
            .await?;
    }
    Ok(true)
}

/// A new secret and what is stored of it.
pub(super) fn make_token(app: &App) -> (String, TokenHash) {
    let token = app.entropy.alphanumeric();
    let hash = sha256(token.as_bytes());
    (token, hash)
}

/// Proves again who one is, with the password.
pub(crate) async fn prove(app: &App, who: &SignedIn, typed: &str, ip: IpAddr, now: Timestamp) -> Result<bool, Error> {
    let whose = (who.operator.email.as_str(), Some(&who.operator));
    if !try_password(app, whose, typed, (Act::ProofFailed, ip), now).await? {
        return Ok(false);
    }
    let token = who.session.token;
    app.store
        .write("prove_operator", token, move |tx, token| Box::pin(operator_sessions::prove(tx, *token, now)))
        .await?;
    Ok(true)
}

/// Whether the last proof is fresh enough for something dangerous.
pub(crate) fn is_proved(who: &SignedIn, now: Timestamp) -> bool {
    now <= who.session.proved_at.plus(PROOF)
}

/// Ends the session.
pub(crate) async fn sign_out(app: &App, who: &SignedIn) -> Result<(), Error> {
    let token = who.session.token;
    app.store
        .write("end_operator_session", token, |tx, token| {
            Box::pin(async move { operator_sessions::remove(tx, *token).await.map(drop) })
        })
        .await
        .map_err(|error: StoreError| Error::from(error))
}

/// Changes one's own password; every other session ends. The answer says what is wrong with the new one.
pub(crate) async fn change_password(
    app: &App,
    who: &SignedIn,
    new: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Vec<vestibule_domain::credential::password::Weakness>, Error> {
    let operator = &who.operator;
    let weaknesses = super::check_password(app, new, &[&operator.email, &operator.name]).await?;
    if !weaknesses.is_empty() {
        return Ok(weaknesses);
    }
    let hash = super::hash_password(app, new).await?;
    let event = trace::own(app, operator, Act::PasswordChanged, "", ip, now);
    let (id, kept) = (operator.id, who.session.token);
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

/// Takes one's own password away, unless it is the last way in; every other session ends.
pub(crate) async fn remove_password(app: &App, who: &SignedIn, ip: IpAddr, now: Timestamp) -> Result<Removal, Error> {
    let event = trace::own(app, &who.operator, Act::PasswordRemoved, "", ip, now);
    let (id, kept) = (who.operator.id, who.session.token);
    app.store
        .write("remove_operator_password", event, move |tx, event| {
            Box::pin(async move {
                // A passkey that is being removed at this moment is none.
                operators::hold(tx, id).await?;
                let operator = operators::find(tx, id).await?;
                if operator.is_none_or(|operator| operator.password_hash.is_none()) {
                    return Ok(Removal::Missing);
                }
                if operator_passkeys::list(tx, id).await?.is_empty() {
                    return Ok(Removal::LastWayIn);
                }
                operators::set_password(tx, id, None).await?;
                operator_sessions::remove_others(tx, id, kept).await?;
                operator_events::insert(tx, event).await?;
                Ok::<_, StoreError>(Removal::Done)
            })
        })
        .await
        .map_err(Error::from)
}
