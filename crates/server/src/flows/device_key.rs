//! Proving to be the guest of a device key: a signed request, its challenge and the key it was signed with
//! (protocol facts §3.3, rows d to h). Nothing is spent here.

use vestibule_domain::{event::Event, time::Timestamp, user::User};
use vestibule_protocol::{
    api::ChallengePurpose,
    jose::{AnonymousAction, AnonymousRequest, Jwk},
};
use vestibule_store::device_keys::{self, DeviceKeyRow};

use super::{Error, challenge};
use crate::{
    app::App,
    crypto::{tokens::Challenge, verify},
    events,
    projects::Project,
};

/// A request whose signature was verified.
pub(crate) struct Proven {
    /// To be spent with what the request is used for.
    pub(crate) challenge: Challenge,
    pub(crate) signer: Signer,
}

/// Whose key it is.
pub(crate) enum Signer {
    /// That of a guest, or of somebody who was one.
    Known { key: Box<DeviceKeyRow>, user: Box<User> },
    /// Nobody's yet.
    New { kid: String, key: Box<Jwk> },
}

/// Proves a request that must be for this action.
///
/// # Errors
/// [`Error::InvalidAnonymousCredentials`] for whatever is wrong with it.
pub(crate) async fn prove(
    app: &App,
    project: &Project,
    jwt: &str,
    action: AnonymousAction,
    origin: &events::Origin<'_>,
    now: Timestamp,
) -> Result<Proven, Error> {
    let refused = || Error::InvalidAnonymousCredentials;
    let request = AnonymousRequest::parse(jwt, now.as_seconds()).map_err(|_| refused())?;
    // A request made to log in must not promote, nor the other way round.
    if request.claims.action != action {
        return Err(refused());
    }
    let challenge = challenge::read(project, ChallengePurpose::AnonymousRequest, &request.claims.challenge, now)
        .ok_or_else(refused)?;
    let kid = request.key_id.as_str();
    let header = request.jws.header();
    let found = device_keys::find_with_user(&mut *app.store.read().await?, project.no, kid).await?;
    let signer = match found {
        Some((key, user)) => {
            // The stored key decides, whatever key the request carries.
            let stored = Jwk::parse(&key.jwk).ok();
            let good = header.kid.as_deref() == Some(kid)
                && stored.is_some_and(|stored| verify::verifies_jws(&stored, &request.jws));
            if !good {
                report_failure(app, project, &key, origin, now).await?;
                return Err(refused());
            }
            Signer::Known { key: Box::new(key), user: Box::new(user) }
        }
        None => {
            let key = header.jwk.as_ref().ok_or_else(refused)?;
            // A new key signs too, or anybody could register anybody's public key.
            let same_kid = header.kid.as_deref().is_none_or(|named| named == kid);
            if !same_kid || !verify::verifies_jws(key, &request.jws) {
                return Err(refused());
            }
            Signer::New { kid: kid.to_string(), key: Box::new(key.clone()) }
        }
    };
    Ok(Proven { challenge, signer })
}

/// Whether this user may still be a guest by its key.
///
/// # Errors
/// Why not, in words for the person's app.
pub(crate) fn check_guest(key: &DeviceKeyRow, user: &User) -> Result<(), Error> {
    if user.disabled_at.is_some() {
        Err(Error::UserDisabled)
    } else if key.promoted_at.is_some() || user.yielded_to.is_some() || !user.is_anonymous() {
        Err(Error::KeyWasPromoted)
    } else {
        Ok(())
    }
}

/// Somebody signed with the wrong key for a known key id: an event for the audit log.
async fn report_failure(
    app: &App,
    project: &Project,
    key: &DeviceKeyRow,
    origin: &events::Origin<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let event = Event::AnonymousLoginFailed { key_id: key.kid.clone() };
    let event = events::prepare(app, project, &event, key.user_id, origin, now);
    let (no, user) = (project.no, key.user_id);
    app.store
        .write("report_failed_key", event, move |tx, event| Box::pin(events::queue(tx, no, user, event, now)))
        .await?;
    app.outbox_bell.notify_one();
    Ok(())
}
