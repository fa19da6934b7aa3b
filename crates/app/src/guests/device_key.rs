//! Authentication of a guest by its device key: a signed request, its challenge and the key. The challenge of a valid
//! request is redeemed together with the request's effect, that of an invalid signature here.

use vestibule_domain::{event::Event, user::User};
use vestibule_protocol::{
    api::ChallengePurpose,
    jose::{AnonymousAction, AnonymousRequest, Jwk},
};
use vestibule_store::{
    StoreError,
    device_keys::{self, DeviceKeyRow},
    spent,
};

use super::challenge;
use crate::{
    crypto::{tokens::Challenge, verify},
    ctx::Ctx,
    error::Error,
    events,
    limits::tries::Buckets,
    repeats,
};

/// A request with a verified signature.
pub struct Proven {
    /// To be redeemed together with the request's effect.
    pub challenge: Challenge,
    pub signer: Signer,
}

/// The signing key.
pub enum Signer {
    /// A stored key, and the user who is or was its guest.
    Known { key: Box<DeviceKeyRow>, user: Box<User> },
    /// A key that is not registered yet.
    New { kid: String, key: Box<Jwk> },
}

/// Verifies a request for this action.
///
/// # Errors
/// [`Error::InvalidAnonymousCredentials`] for every kind of invalid request.
pub async fn prove(
    ctx: &Ctx<'_>,
    jwt: &str,
    action: AnonymousAction,
    origin: &events::EventOrigin<'_>,
) -> Result<Proven, Error> {
    let refused = || Error::InvalidAnonymousCredentials;
    let request = AnonymousRequest::parse(jwt, ctx.now.as_seconds()).map_err(|_| refused())?;
    // A request signed for sign-in must not promote, and vice versa.
    if request.claims.action != action {
        return Err(refused());
    }
    let challenge =
        challenge::read(ctx.project, ChallengePurpose::AnonymousRequest, &request.claims.challenge, ctx.now)
            .ok_or_else(refused)?;
    let kid = request.key_id.as_str();
    let header = request.jws.header();
    let found = device_keys::find_with_user(&mut *ctx.app.store.read().await?, ctx.project.no, kid).await?;
    let signer = match found {
        Some((key, user)) => {
            // The stored key is used to verify, not the one in the request.
            let stored = Jwk::parse(&key.jwk).ok();
            let good = header.kid.as_deref() == Some(kid)
                && stored.is_some_and(|stored| verify::verifies_jws(&stored, &request.jws));
            if !good {
                report_failure(ctx, &key, challenge, origin).await?;
                return Err(refused());
            }
            Signer::Known { key: Box::new(key), user: Box::new(user) }
        }
        None => {
            let key = header.jwk.as_ref().ok_or_else(refused)?;
            // A new key must have signed too, or a third party's public key could be registered.
            let same_kid = header.kid.as_deref().is_none_or(|named| named == kid);
            if !same_kid || !verify::verifies_jws(key, &request.jws) {
                return Err(refused());
            }
            Signer::New { kid: kid.to_string(), key: Box::new(key.clone()) }
        }
    };
    Ok(Proven { challenge, signer })
}

/// Checks that the user is still a guest and may use this key.
///
/// # Errors
/// The reason, for the app.
pub(crate) fn check_guest(key: &DeviceKeyRow, user: &User) -> Result<(), Error> {
    if user.disabled_at.is_some() {
        Err(Error::UserDisabled)
    } else if key.promoted_at.is_some() || user.yielded_to.is_some() || !user.is_anonymous() {
        Err(Error::KeyWasPromoted)
    } else {
        Ok(())
    }
}

/// Records that a request was signed with the wrong key for a known key ID: redeems its challenge, so that the request
/// cannot be repeated, and counts it for its address and the key ID. Above the limits nothing is written.
///
/// # Errors
/// [`Error::RateLimited`] above the limits. Valid signatures are never limited.
async fn report_failure(
    ctx: &Ctx<'_>,
    key: &DeviceKeyRow,
    challenge: Challenge,
    origin: &events::EventOrigin<'_>,
) -> Result<(), Error> {
    let (no, now) = (ctx.project.no, ctx.now);
    if spent::find(&mut *ctx.app.store.read().await?, no, &challenge.fingerprint).await?.is_some() {
        return Ok(());
    }
    let buckets = Buckets::of_device_key(ctx, &key.kid);
    buckets.check(ctx.app, now).await?;
    let event = Event::AnonymousLoginFailed { key_id: key.kid.clone(), count: 1 };
    let event = events::prepare(ctx, &event, key.user_id, origin);
    let what = format!("{}|{}", Event::ANONYMOUS_LOGIN_FAILED, key.kid);
    let input = (buckets, challenge, event, what, key.user_id);
    ctx.app
        .store
        .write("report_failed_key", input, move |tx, (buckets, challenge, event, what, user)| {
            Box::pin(async move {
                // Within one transaction, so that concurrent requests and copies of one request cannot exceed the
                // limit.
                if buckets.add(tx, now).await? && challenge::spend(tx, no, challenge).await? {
                    repeats::queue(tx, no, *user, what, event, now).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}
